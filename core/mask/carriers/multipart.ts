// Reads multipart bodies (RFC 2046 §5.1, RFC 7578): a part under a secret's name is masked whole, any
// other is read as what it says it is, one level deep. Parts that are no text are left alone.

import { type Carrier, type CarrierSink, CR, DASH, LF, PLAIN } from "./carrier.ts";
import type { ReaderTools } from "./value_reader.ts";
import type { NameTable } from "../name_table.ts";
import type { Secret } from "../secret_names.ts";
import type { Window } from "../window.ts";

/** RFC 2046 allows 70 bytes; whoever sends more is read all the same, up to here. */
export const BOUNDARY_LIMIT = 256;
const HEAD_LIMIT = 8192;
const UTF8 = new TextDecoder("utf-8");

/** Makes the carrier of a part by its content type; `file` if it has a file's name. */
export type PartCarrier = (contentType: string | null, file: boolean) => Carrier;

export class MultipartCarrier implements Carrier {
  readonly #window: Window;
  readonly #sink: CarrierSink;
  readonly #names: NameTable;
  readonly #makePart: PartCarrier;
  /** LF - - and the boundary: only its first byte is a line's end. */
  readonly #delimiter: Uint8Array;
  /** Nothing says that anything is told of: what stands before the first delimiter and behind the last is read as a part without a head. */
  #state: "line" | "head" | "body" = "body";
  #isNew = true;
  /** Bytes of the delimiter that were just seen, and where its LF stands. The body begins as if behind a line's end. */
  #matched = 1;
  #lf = -1;
  #dashes = 0;
  #head = "";
  #headOver = false;
  #lineLength = 0;
  #part: Carrier | null = null;
  #secret: Secret | null = null;
  #open = false;
  /** How far the part was fed. */
  #fed = 0;

  constructor(tools: ReaderTools, boundary: string, makePart: PartCarrier) {
    this.#window = tools.window;
    this.#sink = tools.sink;
    this.#names = tools.names;
    this.#makePart = makePart;
    this.#delimiter = new TextEncoder().encode(`\n--${boundary}`);
  }

  undecided(at: number): number {
    if (this.#state !== "body") return at;
    const safe = this.#safe(at);
    return this.#part === null ? safe : Math.min(safe, this.#part.undecided(this.#fed));
  }

  /** What may be a delimiter's beginning is scanned once that is known. */
  scannable(at: number): number {
    return this.#state === "body" ? this.#safe(at) : at;
  }

  /** Up to here, bytes are the part's whatever follows. */
  #safe(at: number): number {
    const { buf, base } = this.#window;
    const to = this.#matched > 0 ? this.#lf : at;
    return Math.max(this.#fed, to > this.#fed && buf[to - 1 - base] === CR ? to - 1 : to);
  }

  feed(from: number, to: number): void {
    if (this.#isNew) this.#beginBare(from);
    const { base } = this.#window;
    const end = to - base;
    let i = from - base;
    while (i < end) {
      if (this.#state === "line") i = this.#delimiterLine(i);
      else if (this.#state === "head") i = this.#headByte(i);
      else i = this.#untilDelimiter(i, end);
    }
    if (this.#state === "body") this.#feedPart(this.#safe(to));
  }

  finish(at: number): void {
    if (this.#state === "body") {
      this.#feedPart(at);
      this.#endPart(at);
    }
    this.#state = "body";
    this.#matched = 1;
    this.#isNew = true;
  }

  #beginBare(at: number): void {
    this.#isNew = false;
    this.#state = "body";
    this.#lf = at;
    this.#fed = at;
    this.#part = this.#makePart(null, false);
  }

  #feedPart(to: number): void {
    if (to <= this.#fed) return;
    this.#part?.feed(this.#fed, to);
    this.#fed = to;
  }

  #untilDelimiter(from: number, end: number): number {
    const { buf, base } = this.#window;
    const delimiter = this.#delimiter;
    let i = from;
    while (i < end) {
      if (this.#matched === 0) {
        // Most of a body is nowhere near a delimiter.
        const found = buf.indexOf(LF, i);
        if (found < 0 || found >= end) return end;
        this.#matched = 1;
        this.#lf = base + found;
        i = found + 1;
      } else if (buf[i] === delimiter[this.#matched]) {
        i++;
        if (++this.#matched === delimiter.length) {
          this.#delimiterEnds(base + i);
          return i;
        }
      } else this.#matched = 0;
    }
    return i;
  }

  #delimiterEnds(at: number): void {
    if (this.#state === "body") {
      const ends = this.#safe(at);
      this.#feedPart(ends);
      this.#endPart(ends);
      this.#sink.mark(ends, "ends");
      this.#sink.mark(ends, "on");
    }
    this.#state = "line";
    this.#matched = 0;
    this.#dashes = 0;
  }

  #endPart(at: number): void {
    this.#part?.finish(at);
    if (this.#open) this.#sink.close(at);
    this.#open = false;
    this.#part = null;
    this.#secret = null;
  }

  /** The rest of the boundary's line: `--` ends the body, anything else is padding. */
  #delimiterLine(i: number): number {
    const byte = this.#window.buf[i] as number;
    if (byte === DASH && this.#dashes < 2) {
      this.#dashes++;
      if (this.#dashes === 2) this.#beginBare(this.#window.base + i + 1);
    } else if (byte === LF) {
      this.#state = "head";
      this.#head = "";
      this.#headOver = false;
      this.#lineLength = 0;
    }
    return i + 1;
  }

  #headByte(i: number): number {
    const byte = this.#window.buf[i] as number;
    if (byte === LF) {
      if (this.#lineLength === 0) this.#beginBody(this.#window.base + i + 1);
      this.#lineLength = 0;
    } else if (byte !== CR) this.#lineLength++;
    if (this.#head.length < HEAD_LIMIT) this.#head += String.fromCharCode(byte);
    else this.#headOver = true;
    return i + 1;
  }

  #beginBody(at: number): void {
    this.#state = "body";
    // The delimiter may follow at once: the line's end of the head is then its own.
    this.#matched = 1;
    this.#lf = at - 1;
    this.#fed = at;
    this.#sink.mark(at, "ends");
    const head = unfolded(this.#head);
    const disposition = header(head, "content-disposition");
    const name = parameter(disposition, "name") ?? extended(parameter(disposition, "name*"));
    const bytes = new TextEncoder().encode(name);
    const judged = this.#names.judge(bytes, 0, bytes.length);
    this.#secret = judged === null || judged.weak ? null : judged.secret;
    if (this.#headOver) this.#secret ??= { rule: "secret", pseudonym: false };
    if (this.#secret !== null) {
      this.#open = true;
      this.#sink.open(at, this.#secret, PLAIN);
      return;
    }
    const file = parameter(disposition, "filename") !== null || parameter(disposition, "filename*") !== null;
    this.#part = this.#makePart(header(head, "content-type"), file);
  }
}

/** Header lines, those that go on in the next one joined. */
function unfolded(head: string): readonly string[] {
  return UTF8.decode(Uint8Array.from(head, (c) => c.charCodeAt(0)))
    .replaceAll(/\r?\n[ \t]+/g, " ")
    .split(/\r?\n/);
}

function header(lines: readonly string[], name: string): string | null {
  for (const line of lines) if (line.toLowerCase().startsWith(`${name}:`)) return line.slice(name.length + 1).trim();
  return null;
}

/** A value with its charset before it, percent-encoded (RFC 8187 §3.2). ASCII is enough to know a name by. */
function extended(value: string | null): string {
  const text = (value ?? "").replace(/^[^']*'[^']*'/, "");
  return text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** A parameter of `Content-Disposition`; quotes may be left out. */
function parameter(value: string | null, name: string): string | null {
  if (value === null) return null;
  const quoted = new RegExp(
    `(?:^|[;\\s])${name.replace("*", "\\*")}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]*))`,
    "i",
  ).exec(value);
  if (quoted === null) return null;
  return (quoted[1] ?? quoted[2] ?? "").replaceAll(/\\(.)/g, "$1");
}
