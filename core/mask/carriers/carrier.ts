// What reads one kind of document and says where its secrets stand. A carrier is fed stretches of a
// window in order, keeps a state of bounded size, and never throws whatever it reads.

import type { Secret } from "../secret_names.ts";

/** How the text of a value is written where it stands: what its pseudonym is made of is opened first. */
export type Coding = "none" | "json" | "percent" | "xml" | "base64";

/** How a value stands in its document, and so what can be put in its place. */
export interface Form {
  readonly coding: Coding;
  /** The replacement brings its own quotes: a number of JSON becomes a string. */
  readonly quoted: boolean;
  /** Of base64: decoded bytes at both ends that belong to the groups taken out, not to the secret. */
  readonly lead?: number;
  readonly trail?: number;
}

export const PLAIN: Form = { coding: "none", quoted: false };
export const JSON_STRING: Form = { coding: "json", quoted: false };
export const JSON_BARE: Form = { coding: "none", quoted: true };
export const PERCENT: Form = { coding: "percent", quoted: false };
export const XML_TEXT: Form = { coding: "xml", quoted: false };

/** Told of secrets in the order in which they stand: one is closed before the next is opened. */
export interface SpanSink {
  open(at: number, secret: Secret, form: Form): void;
  /** Where nothing stands between, it was none. */
  close(at: number): void;
}

/** `ends`: a message ends, and nothing in it waits for what follows. `off`, `on`: bytes between are no text. */
export type Mark = "ends" | "off" | "on";

export interface CarrierSink extends SpanSink {
  /** A number that stands without quotes: what is found in it takes all of it, and brings quotes. */
  bare(from: number, to: number): void;
  mark(at: number, mark: Mark): void;
}

export interface Carrier {
  /** The window's bytes [from, to). They follow what was fed before, except that framing between may be left out. */
  feed(from: number, to: number): void;
  /** What was fed ends here. The next bytes begin anew. */
  finish(at: number): void;
  /** The offset before which no secret can begin any more, if `at` is the end of what was fed. */
  undecided(at: number): number;
  /** The offset before which no mark will be set any more: all of it, where a carrier does not say. */
  scannable?(at: number): number;
}

/** What all carriers of a body share. */
export const QUOTE = 0x22;
export const APOSTROPHE = 0x27;
export const BACKTICK = 0x60;
export const BACKSLASH = 0x5c;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const TAB = 0x09;
export const EQUALS = 0x3d;
export const COLON = 0x3a;
export const PERCENT_SIGN = 0x25;
export const DASH = 0x2d;

/** 1 for each byte of `text`. */
export function byteSet(text: string): Uint8Array {
  const set = new Uint8Array(256);
  for (let i = 0; i < text.length; i++) set[text.charCodeAt(i)] = 1;
  return set;
}
