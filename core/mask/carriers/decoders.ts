// Opens one level of encoding, a byte at a time as it comes, and says for each decoded byte which
// encoded ones it came from. What is no valid encoding is handed on as it stands: it hides nothing.

import { byteSet } from "./carrier.ts";

/** One decoded byte, and the place of its encoding. */
export type Put = (byte: number, start: number, stop: number) => void;

export interface Decoder {
  /** Bytes [from, to) of `buf`, whose first stands at offset `base`. */
  feed(buf: Uint8Array, from: number, to: number, base: number): void;
  end(): void;
  /** Where what is not yet decoded begins, if `at` is the end of what was fed. */
  waiting(at: number): number;
}

function hexOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Hands on `code` as UTF-8. A lone surrogate has none and comes as U+FFFD: it is part of no secret. */
function putUtf8(put: Put, code: number, start: number, stop: number): void {
  if (code < 0x80) put(code, start, stop);
  else if (code < 0x800) {
    put(0xc0 | (code >> 6), start, stop);
    put(0x80 | (code & 63), start, stop);
  } else if (code < 0x10000) {
    put(0xe0 | (code >> 12), start, stop);
    put(0x80 | ((code >> 6) & 63), start, stop);
    put(0x80 | (code & 63), start, stop);
  } else {
    put(0xf0 | (code >> 18), start, stop);
    put(0x80 | ((code >> 12) & 63), start, stop);
    put(0x80 | ((code >> 6) & 63), start, stop);
    put(0x80 | (code & 63), start, stop);
  }
}

const ESCAPED: ReadonlyMap<number, number> = new Map([
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
]);

/** `\n`, `\"`, `\u00e9` and the like (RFC 8259 §7). */
export class JsonEscapeDecoder implements Decoder {
  readonly #put: Put;
  /** -1 outside, 0 behind the backslash, 1 to 4 behind `\u` with so many digits still to come. */
  #state = -1;
  #start = 0;
  #code = 0;
  #high = 0;
  #highStart = 0;

  constructor(put: Put) {
    this.#put = put;
  }

  waiting(at: number): number {
    if (this.#high !== 0) return this.#highStart;
    return this.#state >= 0 ? this.#start : at;
  }

  feed(buf: Uint8Array, from: number, to: number, base: number): void {
    for (let i = from; i < to; i++) {
      const byte = buf[i] as number;
      if (this.#state < 0) this.#plain(byte, base + i);
      else if (this.#state === 0) this.#escape(byte, base + i);
      else this.#digit(byte, base + i);
    }
  }

  #plain(byte: number, at: number): void {
    if (byte === 0x5c) {
      this.#state = 0;
      this.#start = at;
      return;
    }
    this.#lone();
    this.#put(byte, at, at + 1);
  }

  #escape(byte: number, at: number): void {
    if (byte === 0x75) {
      this.#state = 4;
      this.#code = 0;
      return;
    }
    this.#lone();
    this.#put(ESCAPED.get(byte) ?? byte, this.#start, at + 1);
    this.#state = -1;
  }

  #digit(byte: number, at: number): void {
    const digit = hexOf(byte);
    if (digit < 0) {
      this.#lone();
      this.#put(0x3f, this.#start, at);
      this.#state = -1;
      this.#plain(byte, at);
      return;
    }
    this.#code = (this.#code << 4) | digit;
    if (--this.#state > 0) return;
    this.#state = -1;
    this.#unit(this.#code, this.#start, at + 1);
  }

  #unit(code: number, start: number, stop: number): void {
    if (code >= 0xd800 && code < 0xdc00) {
      this.#lone();
      this.#high = code;
      this.#highStart = start;
    } else if (code >= 0xdc00 && code < 0xe000 && this.#high !== 0) {
      putUtf8(this.#put, 0x10000 + ((this.#high & 0x3ff) << 10) + (code & 0x3ff), this.#highStart, stop);
      this.#high = 0;
    } else {
      this.#lone();
      putUtf8(this.#put, code >= 0xd800 && code < 0xe000 ? 0xfffd : code, start, stop);
    }
  }

  #lone(): void {
    if (this.#high === 0) return;
    putUtf8(this.#put, 0xfffd, this.#highStart, this.#highStart + 6);
    this.#high = 0;
  }

  end(): void {
    this.#lone();
    this.#state = -1;
  }
}

/** `%2F` and the like (WHATWG URL §1.3). A plus is a space in forms only. */
export class PercentDecoder implements Decoder {
  readonly #put: Put;
  readonly #plusIsSpace: boolean;
  #state = 0;
  #start = 0;
  #first = 0;

  constructor(put: Put, plusIsSpace = false) {
    this.#put = put;
    this.#plusIsSpace = plusIsSpace;
  }

  waiting(at: number): number {
    return this.#state === 0 ? at : this.#start;
  }

  feed(buf: Uint8Array, from: number, to: number, base: number): void {
    for (let i = from; i < to; i++) this.#byte(buf[i] as number, base + i);
  }

  #byte(byte: number, at: number): void {
    if (this.#state === 0) {
      if (byte === 0x25) {
        this.#state = 1;
        this.#start = at;
      } else this.#put(byte === 0x2b && this.#plusIsSpace ? 0x20 : byte, at, at + 1);
      return;
    }
    const digit = hexOf(byte);
    if (digit < 0) {
      this.#asItStands();
      this.#byte(byte, at);
    } else if (this.#state === 1) {
      this.#first = byte;
      this.#state = 2;
    } else {
      this.#state = 0;
      this.#put((hexOf(this.#first) << 4) | digit, this.#start, at + 1);
    }
  }

  #asItStands(): void {
    const digits = this.#state;
    this.#state = 0;
    this.#put(0x25, this.#start, this.#start + 1);
    if (digits === 2) this.#put(this.#first, this.#start + 1, this.#start + 2);
  }

  end(): void {
    if (this.#state !== 0) this.#asItStands();
  }
}

const SEXTETS: Int8Array = sextets();

function sextets(): Int8Array {
  const table = new Int8Array(256).fill(-1);
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (let i = 0; i < 64; i++) table[letters.charCodeAt(i)] = i;
  table[0x2d] = 62;
  table[0x5f] = 63;
  return table;
}

const WHITE: Uint8Array = byteSet(" \t\r\n");

/** base64 and base64url (RFC 4648), padded or not, with white space between; after anything else it begins anew. Each decoded byte comes from its whole group of four. */
export class Base64Decoder implements Decoder {
  readonly #put: Put;
  #bits = 0;
  #held = 0;
  #start = 0;
  #last = 0;

  constructor(put: Put) {
    this.#put = put;
  }

  waiting(at: number): number {
    return this.#held === 0 ? at : this.#start;
  }

  feed(buf: Uint8Array, from: number, to: number, base: number): void {
    for (let i = from; i < to; i++) {
      const sextet = SEXTETS[buf[i] as number] as number;
      if (sextet < 0) {
        if (!WHITE[buf[i] as number]) this.end();
        continue;
      }
      if (this.#held === 0) this.#start = base + i;
      this.#last = base + i + 1;
      this.#bits = (this.#bits << 6) | sextet;
      if (++this.#held === 4) this.#group(3);
    }
  }

  #group(bytes: number): void {
    const bits = this.#bits << (6 * (4 - this.#held));
    for (let i = 0; i < bytes; i++) this.#put((bits >> (16 - 8 * i)) & 0xff, this.#start, this.#last);
    this.#held = 0;
    this.#bits = 0;
  }

  end(): void {
    if (this.#held > 1) this.#group(this.#held - 1);
    this.#held = 0;
  }
}

/** How much of a value is looked at to see whether it is text in base64. */
export const BASE64_PROBE = 16;

/** Whether these bytes begin text in base64: nothing else looks like it by accident. */
export function beginsBase64Text(buf: Uint8Array, from: number): boolean {
  for (let i = from; i < from + BASE64_PROBE; i += 4) {
    let bits = 0;
    for (let k = i; k < i + 4; k++) {
      const sextet = SEXTETS[buf[k] as number] as number;
      if (sextet < 0) return false;
      bits = (bits << 6) | sextet;
    }
    if (!isTextByte(bits >> 16) || !isTextByte((bits >> 8) & 0xff) || !isTextByte(bits & 0xff)) return false;
  }
  return true;
}

function isTextByte(byte: number): boolean {
  return byte < 0x20 ? byte === 0x09 || byte === 0x0a || byte === 0x0d : byte < 0x7f;
}
