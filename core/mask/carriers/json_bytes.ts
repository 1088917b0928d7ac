// The bytes and words that mean something in JSON.

import { byteSet } from "./carrier.ts";
import { TRIGGERS } from "./text_reader.ts";

/** Bytes at which something may happen within a string. */
export const STRING_STOPS: Uint8Array = stringStops(true);
/** The same once a reader of its text is at work. */
export const READ_STOPS: Uint8Array = stringStops(false);
export const MASKED_STOPS: Uint8Array = byteSet('"\\\n');
/** A record separator is white space, too (RFC 7464). */
export const WHITE: Uint8Array = byteSet(" \t\r\n\x1e");
export const ENDS_TOKEN: Uint8Array = byteSet(" \t\r\n,:[]{}\"'=;()<>");
export const TOKEN_STARTS: Uint8Array = byteSet("-0123456789tfn");

function stringStops(text: boolean): Uint8Array {
  const stops = byteSet('"\\\n%');
  if (text) for (let byte = 0; byte < 256; byte++) if (TRIGGERS[byte] === 1) stops[byte] = 1;
  return stops;
}

/** `name`, `key`: the other half of the pair is called `value`. */
export function isEntryName(buf: Uint8Array, from: number, to: number): boolean {
  if (to - from === 4) return matches(buf, from, "name");
  return to - from === 3 && matches(buf, from, "key");
}

export function isEntryValue(buf: Uint8Array, from: number, to: number): boolean {
  return to - from === 5 && matches(buf, from, "value");
}

function matches(buf: Uint8Array, from: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) if (((buf[from + i] as number) | 0x20) !== word.charCodeAt(i)) return false;
  return true;
}

/** What opens the name in bytes [from, to); null where it has no letter that is escaped, and so means what it says. */
export function unescapedIn(buf: Uint8Array, from: number, to: number): ((raw: string) => string) | null {
  for (let i = from + 1; i < to; i++) if (buf[i] === 0x75 && buf[i - 1] === 0x5c) return unescaped;
  return null;
}

/** A name as it means. Whatever is no escape stays. */
function unescaped(raw: string): string {
  return raw.replaceAll(/\\(?:u([0-9A-Fa-f]{4})|(.))/g, (_, hex: string | undefined, other: string | undefined) =>
    hex === undefined ? (other ?? "") : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
