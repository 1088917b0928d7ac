// Parts of a multipart body that is read as text: within another, or under a content type that says
// something else or a boundary that is not its own. A part whose head names a secret is one up to the
// next line that begins as a delimiter does (RFC 2046 §5.1.1).

import { CR, DASH, LF, PLAIN, type SpanSink } from "./carrier.ts";
import type { NameTable } from "../name_table.ts";
import type { Secret } from "../secret_names.ts";
import type { Window } from "../window.ts";

const HEAD = "content-disposition:";
/** A line of a head that is longer than this names nothing. */
const LINE_LIMIT = 512;
const NAME = /[;\s]name\s*=\s*(?:"((?:[^"\\]|\\.){1,128})"|([^;\s"]{1,128}))/i;

export class TextParts {
  readonly #window: Window;
  readonly #sink: SpanSink;
  readonly #names: NameTable;
  /** Of the line that is read: how much of `HEAD` it has begun with (-1 if it has not), and what it says so far. */
  #matched = 0;
  #line = "";
  /** What the head names. Its value begins behind the head's empty line. */
  #secret: Secret | null = null;
  #inValue = false;
  /** Where a line's end stands that may be the delimiter's, and what of it was seen. */
  #lineEnd = -1;
  #seen: "nothing" | "cr" | "lf" | "dash" = "nothing";

  constructor(window: Window, sink: SpanSink, names: NameTable) {
    this.#window = window;
    this.#sink = sink;
    this.#names = names;
  }

  undecided(at: number): number {
    return this.#inValue && this.#seen !== "nothing" ? this.#lineEnd : at;
  }

  feed(from: number, to: number): void {
    const { buf, base } = this.#window;
    const end = to - base;
    let i = from - base;
    while (i < end) {
      if (this.#inValue) this.#value(base + i, buf[i] as number);
      else if (this.#matched < 0) {
        // Most lines are of no head.
        const found = buf.indexOf(LF, i);
        if (found < 0 || found >= end) return;
        i = found;
        this.#matched = 0;
      } else this.#head(base + i, buf[i] as number);
      i++;
    }
  }

  finish(at: number): void {
    if (this.#inValue) this.#sink.close(this.#seen === "nothing" ? at : this.#lineEnd);
    this.#over(0);
  }

  #over(matched: number): void {
    this.#inValue = false;
    this.#secret = null;
    this.#seen = "nothing";
    this.#line = "";
    this.#matched = matched;
  }

  #head(at: number, byte: number): void {
    if (byte === LF) {
      if (this.#matched === 0 && this.#secret !== null) return this.#begin(at + 1, this.#secret);
      if (this.#matched === HEAD.length) this.#secret = this.#named();
      this.#line = "";
      this.#matched = 0;
    } else if (this.#matched === HEAD.length) {
      if (this.#line.length < LINE_LIMIT) this.#line += String.fromCharCode(byte);
    } else if (lower(byte) === HEAD.charCodeAt(this.#matched)) this.#matched++;
    else if (byte !== CR) this.#matched = -1;
  }

  #named(): Secret | null {
    const found = NAME.exec(this.#line);
    const name = (found?.[1] ?? found?.[2] ?? "").replaceAll(/\\(.)/g, "$1");
    const bytes = Uint8Array.from(name, (letter) => letter.charCodeAt(0));
    const judged = this.#names.judge(bytes, 0, bytes.length);
    return judged === null || judged.weak ? null : judged.secret;
  }

  #begin(at: number, secret: Secret): void {
    this.#inValue = true;
    this.#sink.open(at, secret, PLAIN);
    // The delimiter may follow at once.
    this.#lineEnd = at;
    this.#seen = "lf";
  }

  #value(at: number, byte: number): void {
    if (byte === DASH && this.#seen === "dash") {
      this.#sink.close(this.#lineEnd);
      this.#over(-1);
    } else if (byte === DASH && this.#seen === "lf") this.#seen = "dash";
    else if (byte === LF) {
      if (this.#seen !== "cr") this.#lineEnd = at;
      this.#seen = "lf";
    } else if (byte === CR) {
      this.#lineEnd = at;
      this.#seen = "cr";
    } else this.#seen = "nothing";
  }
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
