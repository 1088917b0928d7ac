// Private keys as text: RFC 7468 and the older forms with headers (RFC 1421), OpenSSH's, PGP's armour.
// All from the first dash to the last is masked. A key that quotes, tags or braces break into pieces ends there.

import { matchPattern, parsePattern, type Pattern } from "./pattern.ts";
import {
  ALPHANUMERIC,
  byteSet,
  type ByteSet,
  type Continuation,
  HIT,
  MORE,
  NO,
  runEnd,
  type Shape,
  UNDECIDED_LIMIT,
  type Window,
} from "./window.ts";

const BEGIN: Pattern = parsePattern(
  "-----BEGIN (?:PRIVATE KEY|RSA PRIVATE KEY|EC PRIVATE KEY|DSA PRIVATE KEY|OPENSSH PRIVATE KEY|ENCRYPTED PRIVATE KEY|PGP PRIVATE KEY BLOCK|ANY PRIVATE KEY|ED25519 PRIVATE KEY|X25519 PRIVATE KEY)-----",
);
const BODY: ByteSet = byteSet(`${ALPHANUMERIC}+/=:,.;()@-_ \t\r\n`);
const SPACE: ByteSet = byteSet(" \t\r\n");
const WORD: ByteSet = byteSet(`${ALPHANUMERIC}+/=`);
const NAME: ByteSet = byteSet(`${ALPHANUMERIC}-`);
const COLON = 58;
const DASH = 45;
const BACKSLASH = 92;
/** What may follow a backslash in JSON, in a shell, in code: the two stay together. */
const ESCAPED: ByteSet = byteSet("nrt/\\");

export class KeyBlock implements Shape {
  readonly id = "private-key";
  readonly pseudonym = true;
  readonly behind = 0;
  readonly keywords: readonly string[] = ["-----begin "];

  match(window: Window, keyword: number): number {
    const begun = matchPattern(BEGIN, window, keyword);
    if (begun !== HIT) return begun;
    const body = window.end;
    const looks = looksLikeBody(window, body);
    if (looks !== HIT) return looks;
    const rest = new BlockContinuation();
    const limit = keyword + UNDECIDED_LIMIT;
    const end = rest.next(window.bytes, body, Math.min(window.to, limit));
    window.steps += end - body;
    if (rest.isOver || (window.final && window.to <= limit)) return window.found(keyword, end);
    return window.to < limit ? MORE : window.found(keyword, end, rest);
  }
}

/** Prose about keys quotes their first line: what follows must be a long word, or a header of the block. */
function looksLikeBody(window: Window, from: number): number {
  let at = from;
  while (at < window.to) {
    const byte = window.bytes[at] ?? 0;
    if (SPACE[byte] === 1) at++;
    else if (byte === BACKSLASH) at += 2;
    else break;
  }
  // White space without end is no key.
  if (at - from > 64) return NO;
  const word = runEnd(window, WORD, at, at + 24);
  if (word - at >= 20) return HIT;
  const name = runEnd(window, NAME, at, at + 24);
  if ((word >= window.to || name >= window.to) && !window.final) return MORE;
  return name > at && window.at(name) === COLON ? HIT : NO;
}

/** Goes on to the second row of five dashes after the first line, or to a byte that no key holds. */
class BlockContinuation implements Continuation {
  #dashes = 0;
  #rows = 0;
  isOver = false;

  next(bytes: Uint8Array, from: number, to: number): number {
    for (let at = from; at < to; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === BACKSLASH) {
        if (at + 1 >= to) return at;
        if (ESCAPED[bytes[at + 1] ?? 0] !== 1) return this.#over(at);
        at++;
        this.#dashes = 0;
        continue;
      }
      if (BODY[byte] !== 1) return this.#over(at);
      this.#dashes = byte === DASH ? this.#dashes + 1 : 0;
      if (this.#dashes === 5) this.#rows++;
      if (this.#rows === 2) return this.#over(at + 1);
    }
    return to;
  }

  #over(at: number): number {
    this.isOver = true;
    return at;
  }
}
