// Reads a value that its own name does not make a secret: a JSON string, a form value, a line of text.
// It may be text with names in it, or encoded, and what is encoded is opened once.

import { type CarrierSink, type Form, JSON_STRING, SPACE, type SpanSink, TAB } from "./carrier.ts";
import { BASE64_PROBE, beginsBase64Text } from "./decoders.ts";
import { type Encoding, type Inner, Nested } from "./nested.ts";
import { TextReader } from "./text_reader.ts";
import type { NameTable } from "../name_table.ts";
import type { Secret } from "../secret_names.ts";
import { LOOK_BACK, type Window } from "../window.ts";

/** What every carrier of a stream is made with. */
export interface ReaderTools {
  readonly window: Window;
  readonly sink: CarrierSink;
  readonly names: NameTable;
  /** User information in URLs is a secret. */
  readonly urls: boolean;
  /** A further teller of secrets, which may speak of the same bytes. */
  readonly channel: () => SpanSink;
  /** Null within what was decoded already. */
  readonly makeInner: ((sink: SpanSink) => Inner) | null;
}

export class ValueReader {
  readonly #window: Window;
  readonly #text: TextReader;
  readonly #nested: Nested | null;
  /** The value is a JSON string. */
  readonly #escapes: boolean;
  #start = 0;
  /** How far the text was read; -1 while nothing in it began. */
  #textFed = -1;
  #encoding: Encoding | null = null;
  /** Where base64 may begin that was not looked at yet; -1 if nowhere. */
  #probe = -1;

  constructor(tools: ReaderTools, form: Form) {
    this.#window = tools.window;
    this.#escapes = form === JSON_STRING;
    this.#text = new TextReader(tools.window, tools.channel(), tools.names, tools.urls);
    this.#text.form = form;
    this.#nested = tools.makeInner === null ? null : new Nested(tools.window, tools.channel(), tools.makeInner);
  }

  begin(at: number): void {
    this.#start = at;
    this.#textFed = -1;
    this.#encoding = null;
    this.#probe = this.#nested === null ? -1 : at;
  }

  /** A byte stands at `at` with which a secret in text may begin. Asked for once in a value. */
  text(at: number): void {
    if (this.#textFed >= 0 || this.#encoding === "json" || this.#encoding === "form") return;
    this.#text.begin(this.#start);
    this.#textFed = at;
  }

  /** The first backslash in a JSON string. The value as it is written is no text any more. */
  escape(at: number): void {
    if (this.#nested === null || this.#encoding === "json") return;
    this.#cancelText(at);
    this.#endNested(at);
    this.#open("json", Math.max(this.#start, at - LOOK_BACK));
  }

  /** The first percent sign; of a form, or a plus. */
  percent(at: number, encoding: "percent" | "form" = "percent"): void {
    if (this.#nested === null) return;
    this.#lookAtProbe(at);
    if (this.#encoding !== null && this.#encoding !== "base64") return;
    if (this.#encoding === "base64") this.#endNested(at);
    // A form's value means what it is decoded; what is in a URL is told apart before it is.
    if (encoding === "form") this.#cancelText(at);
    this.#open(encoding, this.#wordFrom(at));
  }

  /** Where what is encoded at `at` may begin: in a JSON string a good deal before it, elsewhere with its word, so that a line that stops between words waits for nothing. */
  #wordFrom(at: number): number {
    const from = Math.max(this.#start, at - LOOK_BACK);
    if (this.#escapes) return from;
    const { buf, base } = this.#window;
    let i = at - base;
    while (i > from - base && buf[i - 1] !== SPACE && buf[i - 1] !== TAB) i--;
    return base + i;
  }

  #endNested(at: number): void {
    this.#nested?.feed(at);
    this.#nested?.finish();
  }

  #cancelText(at: number): void {
    this.sync(at);
    if (this.#textFed >= 0) this.#text.cancel(at);
    this.#textFed = -1;
  }

  #open(encoding: Encoding, at: number): void {
    this.#encoding = encoding;
    this.#nested?.begin(encoding, at);
  }

  /** Reads up to `to`, which all of the value so far is before. */
  sync(to: number): void {
    this.#lookAtProbe(to);
    if (this.#textFed >= 0 && to > this.#textFed) {
      this.#text.feed(this.#textFed, to);
      this.#textFed = to;
    }
    if (this.#encoding !== null) this.#nested?.feed(to);
  }

  /** What stands behind a sign may be base64, be it within a line. */
  maybeBase64(at: number): void {
    this.#lookAtProbe(at);
    if (this.#nested !== null && this.#encoding === null) this.#probe = at;
  }

  #lookAtProbe(to: number): void {
    // A space may stand before it.
    if (this.#probe < 0 || to - this.#probe < BASE64_PROBE) return;
    const { buf, base } = this.#window;
    const at = buf[this.#probe - base] === SPACE ? this.#probe + 1 : this.#probe;
    if (to - at < BASE64_PROBE) return;
    this.#probe = -1;
    if (this.#encoding === null && beginsBase64Text(buf, at - base)) this.#open("base64", at);
  }

  finish(to: number): void {
    this.sync(to);
    if (this.#textFed >= 0) this.#text.finish(to);
    if (this.#encoding !== null) this.#nested?.finish();
    this.#textFed = -1;
    this.#encoding = null;
  }

  takeBlock(): Secret | null {
    return this.#text.takeBlock();
  }

  undecided(at: number): number {
    // What comes encoded later is read with what stands before it.
    let upto = this.#nested === null || this.#encoding === "json" ? at : this.#wordFrom(at);
    if (this.#textFed >= 0) upto = Math.min(upto, this.#text.undecided(at));
    if (this.#encoding !== null && this.#nested !== null) upto = Math.min(upto, this.#nested.undecided(at));
    return upto;
  }
}
