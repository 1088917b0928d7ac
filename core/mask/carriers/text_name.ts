// Finds the name that stands before a `=`, a `:` or a quote in text, and how it stands there, by
// looking back over the bytes at hand.

import type { NameTable } from "../name_table.ts";
import { NAME_LIMIT, type Secret } from "../secret_names.ts";
import type { Window } from "../window.ts";
import { APOSTROPHE, BACKTICK, byteSet, CR, LF, QUOTE, SPACE, TAB } from "./carrier.ts";

/** `line`: the name begins a line, the value is the rest of it. `enclosed`: both stand in one pair of quotes. `query`: a parameter of a URL. `word`: within a sentence. */
export type Place = "line" | "enclosed" | "query" | "word";

export interface NamedHere {
  readonly secret: Secret;
  readonly place: Place;
  /** Of `enclosed`: the quote that ends it. */
  readonly quote: number;
  readonly nameQuoted: boolean;
  /** White space stands between name and sign. */
  readonly spaced: boolean;
}

export const NAME_BYTES: Uint8Array = nameBytes();
const LEADING: Uint8Array = byteSet(" \t-#;>*/+|");
const SPACES_LIMIT = 16;
const COMMANDS: ReadonlySet<string> = new Set(["export", "set", "env", "arg", "setenv"]);

function nameBytes(): Uint8Array {
  const set = byteSet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.[]$%");
  set.fill(1, 0x80);
  return set;
}

function isQuote(byte: number | undefined): boolean {
  return byte === QUOTE || byte === APOSTROPHE || byte === BACKTICK;
}

/** The secret named before offset `at`; nothing before `floor` is looked at. */
export function namedBefore(window: Window, names: NameTable, at: number, floor: number): NamedHere | null {
  const { buf, base } = window;
  const low = Math.max(floor, base) - base;
  let to = at - base;
  const lowest = Math.max(low, to - SPACES_LIMIT);
  while (to > lowest && (buf[to - 1] === SPACE || buf[to - 1] === TAB)) to--;
  const spaced = to !== at - base;
  const last = buf[to - 1];
  const nameQuoted = to > low && isQuote(last);
  if (nameQuoted) to--;
  const limit = Math.max(low, to - NAME_LIMIT - 1);
  let from = to;
  if (nameQuoted) while (from > limit && buf[from - 1] !== last && buf[from - 1] !== LF) from--;
  else while (from > limit && NAME_BYTES[buf[from - 1] as number] === 1) from--;
  if (to - from > NAME_LIMIT || from === to) return null;
  const judged = names.judge(buf, from, to, hasPercent(buf, from, to) ? percentDecoded : null);
  if (judged === null) return null;
  const delimiter = from > low ? (buf[from - 1] as number) : -1;
  const query = !nameQuoted && isQueryDelimiter(delimiter);
  if (judged.weak && !query) return null;
  return { secret: judged.secret, ...placeOf(buf, from, low, delimiter, query, nameQuoted), nameQuoted, spaced };
}

function placeOf(
  buf: Uint8Array,
  from: number,
  low: number,
  delimiter: number,
  query: boolean,
  nameQuoted: boolean,
): { readonly place: Place; readonly quote: number } {
  if (query) return { place: "query", quote: 0 };
  if (!nameQuoted && isQuote(delimiter)) return { place: "enclosed", quote: delimiter };
  return { place: !nameQuoted && beginsLine(buf, from, low) ? "line" : "word", quote: 0 };
}

/** `?`, `&`, `#`, and the `;` of an entity or of older forms. */
function isQueryDelimiter(byte: number): boolean {
  return byte === 0x3f || byte === 0x26 || byte === 0x23 || byte === 0x3b;
}

function beginsLine(buf: Uint8Array, from: number, low: number): boolean {
  const limit = Math.max(low, from - 64);
  let at = skipLeading(buf, from, limit);
  if (isLineStart(buf, at, low)) return true;
  const to = at;
  while (
    at > limit &&
    to - at < 8 &&
    ((buf[at - 1] as number) | 0x20) >= 0x61 &&
    ((buf[at - 1] as number) | 0x20) <= 0x7a
  )
    at--;
  if (!COMMANDS.has(asciiLower(buf, at, to))) return false;
  return isLineStart(buf, skipLeading(buf, at, limit), low);
}

function skipLeading(buf: Uint8Array, from: number, limit: number): number {
  let at = from;
  while (at > limit && LEADING[buf[at - 1] as number] === 1) at--;
  return at;
}

function isLineStart(buf: Uint8Array, at: number, low: number): boolean {
  return at <= low || buf[at - 1] === LF || buf[at - 1] === CR;
}

function asciiLower(buf: Uint8Array, from: number, to: number): string {
  let text = "";
  for (let i = from; i < to; i++) text += String.fromCharCode((buf[i] as number) | 0x20);
  return text;
}

export function hasPercent(buf: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (buf[i] === 0x25 || buf[i] === 0x2b) return true;
  return false;
}

/** Each encoding by itself, so that an invalid one hides nothing. ASCII is enough to know a name by. */
export function percentDecoded(raw: string): string {
  return raw
    .replaceAll("+", " ")
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
