// Cuts spans out of a body's bytes as they pass and puts what stands for them in their place. Holds
// what is undecided, and of a secret that goes on only what its pseudonym is made of.

import type { Form, SpanSink } from "./carriers/carrier.ts";
import { asUtf8, type Charset, inCharset } from "./charset.ts";
import { PSEUDONYM_LIMIT, secretBytes } from "./secret_bytes.ts";
import type { Secret } from "./secret_names.ts";
import type { MaskedPiece, Pseudonym, Span } from "./span.ts";

interface Opened {
  /** In bytes of the body. */
  readonly at: number;
  readonly secret: Secret;
  readonly form: Form;
  /** The secret's first bytes. */
  readonly head: Uint8Array[];
  length: number;
}

const NOTHING = new Uint8Array(0);

export class Cutter implements SpanSink {
  readonly #charset: Charset;
  readonly #pseudonym: Pseudonym;
  /** What is at hand: the undecided bytes that were held, and those that have just come. */
  #held: Uint8Array = NOTHING;
  #chunk: Uint8Array = NOTHING;
  /** Offset of the first byte that was neither given out nor dropped, of the first held one, and of the end. */
  #at = 0;
  #base = 0;
  #end = 0;
  #parts: Uint8Array[] = [];
  #spans: Span[] = [];
  #opened: Opened | null = null;

  constructor(charset: Charset, pseudonym: Pseudonym) {
    this.#charset = charset;
    this.#pseudonym = pseudonym;
  }

  add(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#end += chunk.length;
  }

  open(at: number, secret: Secret, form: Form): void {
    const from = at * this.#charset.width;
    this.#pass(from);
    this.#opened = { at: from, secret, form, head: [], length: 0 };
  }

  close(at: number): void {
    const opened = this.#opened;
    if (opened === null) return;
    this.#pass(at * this.#charset.width);
    this.#opened = null;
    const { secret, form } = opened;
    const { rule } = secret;
    const text = `[masked:${rule}]`;
    const put = inCharset(this.#charset, form.quoted ? `"${text}"` : text);
    this.#parts.push(put);
    const pseudonym = secret.pseudonym
      ? this.#pseudonym(rule, secretBytes(form, asUtf8(this.#charset, joined(opened.head))))
      : null;
    this.#spans.push({ at: opened.at, length: this.#at - opened.at, put: put.length, rule, pseudonym });
  }

  /** Everything before unit `decided` is decided. */
  settle(decided: number): void {
    this.#pass(Math.min(this.#end, decided * this.#charset.width));
    const from = Math.max(this.#at, this.#base);
    const rest: Uint8Array[] = [];
    this.#slice(from, this.#end, rest);
    // The chunk is the caller's again once this returns.
    this.#held = joinedCopy(rest);
    this.#base = from;
    this.#chunk = NOTHING;
  }

  /** The body is over, and with it every byte that makes no unit. */
  finish(): void {
    this.settle(Math.ceil(this.#end / this.#charset.width));
  }

  take(): MaskedPiece {
    const piece = { bytes: joined(this.#parts), upto: this.#at, spans: this.#spans };
    this.#parts = [];
    this.#spans = [];
    return piece;
  }

  /** Bytes up to `to` go out, or are a secret's. */
  #pass(to: number): void {
    if (to <= this.#at) return;
    const opened = this.#opened;
    if (opened === null) this.#slice(this.#at, to, this.#parts);
    else if (opened.length < PSEUDONYM_LIMIT && opened.secret.pseudonym) {
      const until = Math.min(to, this.#at + PSEUDONYM_LIMIT - opened.length);
      const head: Uint8Array[] = [];
      this.#slice(this.#at, until, head);
      opened.head.push(joinedCopy(head));
      opened.length += until - this.#at;
    }
    this.#at = to;
  }

  /** Adds views of bytes [from, to) to `out`; what stands side by side in memory stays one. */
  #slice(from: number, to: number, out: Uint8Array[]): void {
    const border = this.#end - this.#chunk.length;
    if (from < border) add(out, this.#held.subarray(from - this.#base, Math.min(to, border) - this.#base));
    if (to > border) add(out, this.#chunk.subarray(Math.max(from, border) - border, to - border));
  }
}

function add(out: Uint8Array[], part: Uint8Array): void {
  if (part.length === 0) return;
  const last = out.at(-1);
  if (last !== undefined && last.buffer === part.buffer && last.byteOffset + last.length === part.byteOffset)
    out[out.length - 1] = new Uint8Array(last.buffer, last.byteOffset, last.length + part.length);
  else out.push(part);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? (parts[0] ?? NOTHING) : joinedCopy(parts);
}

function joinedCopy(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  if (length === 0) return NOTHING;
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
