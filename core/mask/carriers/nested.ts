// Reads what is encoded within a value: escapes of a JSON string, percent-encoding, base64. The decoded
// bytes are read like any other stream, and what is found there is told in offsets of the outer one.
// One level deep: what is encoded within it once more is not looked into.

import { PERCENT, type Form, JSON_STRING, type SpanSink } from "./carrier.ts";
import { Base64Decoder, type Decoder, JsonEscapeDecoder, PercentDecoder } from "./decoders.ts";
import type { Secret } from "../secret_names.ts";
import type { Window } from "../window.ts";

export type Encoding = "json" | "percent" | "form" | "base64";

/** A finder of decoded bytes. */
export interface Inner {
  push(bytes: Uint8Array): number;
  end(): number;
}

/** Decoded bytes are read in blocks that begin with the value, so that the pieces it came in do not matter. */
const BLOCK = 512;
/** Decoded bytes whose places are remembered: more than can be undecided. */
const PLACES = 8192;
/** Encoded bytes that may wait: 6 of JSON (`\u0041`) are one decoded. */
const WAITING_LIMIT = 12 * 1024;

const NO_BLOCK = new Uint8Array(0);
const NO_PLACES = new Float64Array(0);

export class Nested implements SpanSink {
  readonly #window: Window;
  readonly #out: SpanSink;
  readonly #makeInner: (sink: SpanSink) => Inner;
  #inner: Inner | null = null;
  #decoder: Decoder | null = null;
  #encoding: Encoding = "json";
  #block: Uint8Array = NO_BLOCK;
  #length = 0;
  /** Decoded bytes so far, over all values. */
  #count = 0;
  /** Where each decoded byte's encoding begins and ends. */
  #starts: Float64Array = NO_PLACES;
  #stops: Float64Array = NO_PLACES;
  #undecided = 0;
  #from = 0;
  #openedAt = 0;
  #fed = 0;

  constructor(window: Window, out: SpanSink, makeInner: (sink: SpanSink) => Inner) {
    this.#window = window;
    this.#out = out;
    this.#makeInner = makeInner;
  }

  get active(): boolean {
    return this.#decoder !== null;
  }

  begin(encoding: Encoding, at: number): void {
    if (this.#inner === null) {
      this.#inner = this.#makeInner(this);
      this.#block = new Uint8Array(BLOCK);
      this.#starts = new Float64Array(PLACES);
      this.#stops = new Float64Array(PLACES);
    }
    this.#encoding = encoding;
    const put = (byte: number, start: number, stop: number): void => this.#put(byte, start, stop);
    switch (encoding) {
      case "json":
        this.#decoder = new JsonEscapeDecoder(put);
        break;
      case "percent":
      case "form":
        this.#decoder = new PercentDecoder(put, encoding === "form");
        break;
      case "base64":
        this.#decoder = new Base64Decoder(put);
        break;
    }
    this.#from = at;
    this.#fed = at;
    this.#undecided = this.#count;
  }

  /** Encoded bytes up to `to`. */
  feed(to: number): void {
    const { buf, base } = this.#window;
    if (to > this.#fed) this.#decoder?.feed(buf, this.#fed - base, to - base, base);
    this.#fed = to;
  }

  finish(): void {
    if (this.#decoder === null) return;
    this.#decoder.end();
    this.#push();
    this.#inner?.end();
    this.#undecided = this.#count;
    this.#decoder = null;
  }

  /** In offsets of the outer stream. */
  undecided(at: number): number {
    if (this.#decoder === null) return at;
    if (this.#undecided < this.#count) return this.#starts[this.#undecided % PLACES] as number;
    return Math.max(this.#from, Math.min(at, this.#decoder.waiting(this.#fed)));
  }

  #put(byte: number, start: number, stop: number): void {
    this.#block[this.#length++] = byte;
    this.#starts[this.#count % PLACES] = start;
    this.#stops[this.#count % PLACES] = stop;
    this.#count++;
    if (this.#length === BLOCK) this.#push();
  }

  #push(): void {
    if (this.#inner === null || this.#length === 0) return;
    this.#undecided = this.#inner.push(this.#block.subarray(0, this.#length));
    this.#length = 0;
    if (this.#undecided >= this.#count) return;
    const waits =
      (this.#stops[(this.#count - 1) % PLACES] as number) - (this.#starts[this.#undecided % PLACES] as number);
    if (waits > WAITING_LIMIT) this.#undecided = this.#inner.end();
  }

  open(at: number, secret: Secret, _form: Form): void {
    this.#openedAt = at;
    this.#out.open(this.#starts[at % PLACES] as number, secret, this.#form());
  }

  close(at: number): void {
    if (at > this.#openedAt) this.#out.close(this.#stops[(at - 1) % PLACES] as number);
    else this.#out.close(this.#starts[at % PLACES] as number);
  }

  #form(): Form {
    switch (this.#encoding) {
      case "json":
        return JSON_STRING;
      case "percent":
      case "form":
        return PERCENT;
      case "base64":
        return { coding: "base64", quoted: false };
    }
  }
}
