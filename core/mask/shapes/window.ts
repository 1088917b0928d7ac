// The bytes that a matcher may look at: some of what went before, and what has come so far. What a
// matcher finds may depend on nothing else, or a body's chunks would change what is found in it.

/** Undecided bytes never exceed this. A longer secret is handed out in pieces. */
export const UNDECIDED_LIMIT: number = 4096;

/** How far a matcher may look back from its keyword. */
export const CONTEXT: number = 128;

/** It is none. */
export const NO: number = 0;
/** The bytes that have come do not tell. Never if the window is final, nor once `UNDECIDED_LIMIT` bytes from the keyword on are there. */
export const MORE: number = 1;
/** `start` and `end` of the window say where it is. */
export const HIT: number = 2;

/** How the rest of a secret goes on whose first piece is handed out. It keeps its place between pieces. */
export interface Continuation {
  /** The index in [from, to) up to which bytes belong to it. If it is not over there, the bytes from there on cannot be told without more. */
  next(bytes: Uint8Array, from: number, to: number): number;
  readonly isOver: boolean;
}

export class Window {
  bytes: Uint8Array;
  /** First byte that may be read. */
  from: number = 0;
  to: number = 0;
  /** Nothing comes after `to`. */
  final: boolean = false;

  /** What the matcher found. */
  start: number = 0;
  end: number = 0;
  rest: Continuation | null = null;
  /** By shape: before this index no keyword begins a hit of it, which was found out at an earlier one. */
  readonly none: Map<Shape, number> = new Map();
  /** Bytes that matchers looked at, so that a test can see how work grows. */
  steps: number = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** The first `count` bytes go. */
  shift(count: number): void {
    for (const [shape, index] of this.none) this.none.set(shape, index - count);
  }

  /** −1 where there is nothing to read. */
  at(index: number): number {
    return index >= this.from && index < this.to ? (this.bytes[index] ?? -1) : -1;
  }

  found(start: number, end: number, rest: Continuation | null = null): number {
    this.start = start;
    this.end = end;
    this.rest = rest;
    return HIT;
  }
}

/** Looks for one rule's secret at a keyword that stands at [keyword, after). */
export interface Shape {
  /** The rule it stands for. */
  readonly id: string;
  readonly pseudonym: boolean;
  /** Lower-case ASCII, any digit written as `0`. Letters count whatever their case. */
  readonly keywords: readonly string[];
  /** How many bytes before its keyword a hit may start; 0 for all but an admin's own. */
  readonly behind: number;
  match(window: Window, keyword: number, after: number): number;
}

/** A set of bytes as a table: 1 for those that are in it. */
export type ByteSet = Uint8Array;

export function byteSet(characters: string): ByteSet {
  const set = new Uint8Array(256);
  for (let i = 0; i < characters.length; i++) set[characters.charCodeAt(i) & 255] = 1;
  return set;
}

export const DIGITS = "0123456789";
export const LOWER = "abcdefghijklmnopqrstuvwxyz";
export const UPPER: string = LOWER.toUpperCase();
export const ALPHANUMERIC: string = DIGITS + LOWER + UPPER;

/** Walks while bytes are in the set, to `limit` at most. */
export function runEnd(window: Window, set: ByteSet, from: number, limit: number): number {
  const { bytes } = window;
  const stop = Math.min(limit, window.to);
  let at = from;
  while (at < stop && set[bytes[at] ?? 0] === 1) at++;
  window.steps += at - from + 1;
  return at;
}
