// The patterns of tokens' formats: a part of RE2's syntax that one walk without a step back can decide.
//
// A pattern is a row of items: a character, a `[class]`, either with `{n}`, `{m,n}`, `{m,}`, `?`, `*` or
// `+`, or `(?:one|of|these)` words. One `( )` around items says what is the secret; without it all is.
// `(?i)` at the start folds letters. What follows an item of varying length never begins with a byte of
// that item, which is checked: so the longest walk is the only one, and it means what RE2 means.

import {
  type ByteSet,
  byteSet,
  type Continuation,
  LOWER,
  MORE,
  NO,
  runEnd,
  UNDECIDED_LIMIT,
  type Window,
} from "./window.ts";

const ENDLESS = Number.POSITIVE_INFINITY;

interface Run {
  readonly kind: "run";
  readonly set: ByteSet;
  readonly min: number;
  readonly max: number;
}
interface Words {
  readonly kind: "words";
  readonly words: readonly Uint8Array[];
  /** The words are in lower case and stand for any. */
  readonly fold: boolean;
}
type Item = Run | Words;

export interface Pattern {
  readonly items: readonly Item[];
  /** The secret is from the item `first` to before the item `last`. */
  readonly first: number;
  readonly last: number;
}

export function parsePattern(text: string): Pattern {
  const fold = text.startsWith("(?i)");
  const items: Item[] = [];
  let first = 0;
  let last = -1;
  let at = fold ? 4 : 0;
  while (at < text.length) {
    if (text.startsWith("(?:", at)) {
      const close = text.indexOf(")", at);
      // The longest first: there is no step back to it once a shorter one was taken.
      const words = text
        .slice(at + 3, close)
        .split("|")
        .toSorted((a, b) => b.length - a.length);
      const plain = words.map((word) => new TextEncoder().encode(word.replaceAll("\\", "")));
      items.push({ kind: "words", words: plain, fold });
      at = close + 1;
    } else if (text[at] === "(") {
      first = items.length;
      at++;
    } else if (text[at] === ")") {
      last = items.length;
      at++;
    } else {
      const [set, afterSet] = readSet(text, at, fold);
      const [min, max, after] = readCount(text, afterSet);
      items.push({ kind: "run", set, min, max });
      at = after;
    }
  }
  if (last < 0) last = items.length;
  refuseDoubt(text, items);
  return { items, first, last };
}

function readSet(text: string, at: number, fold: boolean): [ByteSet, number] {
  if (text[at] === "\\") return [folded(byteSet(unescaped(text[at + 1] ?? "")), fold), at + 2];
  if (text[at] !== "[") return [folded(byteSet(text[at] ?? ""), fold), at + 1];
  const negated = text[at + 1] === "^";
  const set = new Uint8Array(256);
  let i = at + (negated ? 2 : 1);
  while (text[i] !== "]") {
    if (i >= text.length) throw new Error(`a class without an end in ${text}`);
    const [from, next] = readOne(text, i);
    const isRange = text[next] === "-" && text[next + 1] !== "]";
    const [to, after] = isRange ? readOne(text, next + 1) : [from, next];
    for (let byte = from; byte <= to; byte++) set[byte] = 1;
    i = after;
  }
  const filled = folded(set, fold);
  return [negated ? filled.map((has) => 1 - has) : filled, i + 1];
}

function readOne(text: string, at: number): [number, number] {
  return text[at] === "\\" ? [unescaped(text[at + 1] ?? "").charCodeAt(0), at + 2] : [text.charCodeAt(at), at + 1];
}

function unescaped(character: string): string {
  return { n: "\n", r: "\r", t: "\t" }[character] ?? character;
}

function folded(set: ByteSet, fold: boolean): ByteSet {
  if (!fold) return set;
  for (const letter of LOWER) {
    const lower = letter.charCodeAt(0);
    const has = (set[lower] ?? 0) | (set[lower - 32] ?? 0);
    set[lower] = has;
    set[lower - 32] = has;
  }
  return set;
}

function readCount(text: string, at: number): [number, number, number] {
  if (text[at] === "?") return [0, 1, at + 1];
  if (text[at] === "*") return [0, ENDLESS, at + 1];
  if (text[at] === "+") return [1, ENDLESS, at + 1];
  if (text[at] !== "{") return [1, 1, at];
  const close = text.indexOf("}", at);
  const [min, max] = text.slice(at + 1, close).split(",");
  return [Number(min), max === undefined ? Number(min) : max === "" ? ENDLESS : Number(max), close + 1];
}

/** Throws where a walk would have to choose, or could run on for ever before a pattern's end. */
function refuseDoubt(text: string, items: readonly Item[]): void {
  items.forEach((item, index) => {
    if (item.kind === "words" || item.min === item.max) return;
    if (item.max === ENDLESS && index < items.length - 1) throw new Error(`an endless item before the end of ${text}`);
    for (const next of items.slice(index + 1)) {
      const begins =
        next.kind === "run"
          ? next.set
          : byteSet(
              next.words
                .map((word) => word[0] ?? 0)
                .map(letter)
                .join(""),
            );
      if (begins.some((has, byte) => has === 1 && item.set[byte] === 1)) throw new Error(`two readings of ${text}`);
      if (next.kind === "words" || next.min > 0) break;
    }
  });
}

const letter = (byte: number): string => String.fromCharCode(byte);

/** Walks the pattern from `start`. `HIT` sets the secret's place, longer than `UNDECIDED_LIMIT` by its first piece and how it goes on. */
export function matchPattern({ items, first, last }: Pattern, window: Window, start: number): number {
  let at = start;
  let from = start;
  let end = -1;
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    if (item === undefined) return NO;
    if (index === first) from = at;
    if (index === last) end = at;
    if (item.kind === "words") {
      const word = matchWords(item, window, at);
      if (word < 0) return word === -1 ? NO : MORE;
      at += word;
      continue;
    }
    // An endless item is the last: the pattern's secret ends with it, or goes on in pieces.
    const limit = item.max === ENDLESS ? from + UNDECIDED_LIMIT : at + item.max;
    const stop = runEnd(window, item.set, at, limit);
    if (stop === window.to && stop < limit && !window.final) return MORE;
    if (stop - at < item.min) return NO;
    if (item.max === ENDLESS && stop === limit) return window.found(from, stop, new RunContinuation(item.set));
    at = stop;
  }
  return window.found(from, end < 0 ? at : end);
}

/** The matching word's length, −1 for none, −2 if more bytes would tell. */
function matchWords({ words, fold }: Words, window: Window, at: number): number {
  for (const word of words) {
    let i = 0;
    while (i < word.length && at + i < window.to) {
      const byte = window.bytes[at + i] ?? 0;
      if ((fold && byte >= 65 && byte <= 90 ? byte + 32 : byte) !== word[i]) break;
      i++;
    }
    window.steps += i + 1;
    if (i === word.length) return i;
    if (at + i === window.to && !window.final) return -2;
  }
  return -1;
}

export class RunContinuation implements Continuation {
  readonly #set: ByteSet;
  isOver = false;

  constructor(set: ByteSet) {
    this.#set = set;
  }

  next(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    while (at < to && this.#set[bytes[at] ?? 0] === 1) at++;
    this.isOver = at < to;
    return at;
  }
}
