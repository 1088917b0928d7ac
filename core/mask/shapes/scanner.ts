// Finds secrets by their shape in bytes as they come. Whatever the chunks, the hits are those of the
// whole: nothing before `decided` can become a hit later, and what is undecided is bounded.

import { walk } from "./keywords.ts";
import type { ShapeRules } from "./rules.ts";
import { CONTEXT, type Continuation, HIT, MORE, NO, type Shape, Window } from "./window.ts";

export { UNDECIDED_LIMIT } from "./window.ts";

/**
 * Offsets count bytes from the stream's start (or the slice's, for `findShapes`). Hits come in order and
 * never overlap. A hit never holds a quote nor half of a `\` escape, so that a document it is cut from
 * stays what it was.
 */
export interface ShapeHit {
  readonly start: number;
  readonly end: number;
  readonly rule: string;
  /** False for classes of low entropy. */
  readonly pseudonym: boolean;
  /** It may go on: then the next hit starts where this one ends and is `continued`. A pseudonym is made of the first piece, which is the same whatever the chunks. */
  readonly open: boolean;
  readonly continued: boolean;
}

export interface Scanned {
  readonly hits: readonly ShapeHit[];
  /** Offset before which no further hit starts. */
  readonly decided: number;
}

interface Open {
  readonly rule: string;
  readonly pseudonym: boolean;
  readonly rest: Continuation;
}

const NONE: readonly ShapeHit[] = [];

export class ShapeScanner {
  readonly #rules: ShapeRules;
  readonly #window = new Window(new Uint8Array(0));
  /** Offset in the stream of the window's first byte. */
  #base = 0;
  /** Index in the window up to which the keywords were walked. */
  #at = 0;
  /** First index that a hit or its context may reach back to: a message's start. */
  #begin = 0;
  /** End of the last hit. */
  #taken = 0;
  /** The state of the walk. */
  readonly #state = new Int32Array(1);
  /** A keyword ends at `#at` whose rules wait for more. */
  #waiting = false;
  #open: Open | null = null;
  #hits: ShapeHit[] = [];

  constructor(rules: ShapeRules) {
    this.#rules = rules;
  }

  /** How many bytes the rules looked at behind keywords: what hostile text can make grow. */
  get steps(): number {
    return this.#window.steps;
  }

  /** The next bytes of the stream; they may be reused by the caller afterwards. */
  push(bytes: Uint8Array): Scanned {
    this.#append(bytes);
    return this.#scan(false);
  }

  /** A message ends here (an SSE event, a line of NDJSON, the body): everything so far is decided, and what follows begins anew. Offsets go on. */
  flush(): Scanned {
    const scanned = this.#scan(true);
    const { to } = this.#window;
    this.#at = to;
    this.#begin = to;
    this.#taken = to;
    this.#state[0] = 0;
    this.#waiting = false;
    this.#open = null;
    return scanned;
  }

  /** For bytes that are whole and stay as they are: nothing is copied. */
  static whole(rules: ShapeRules, bytes: Uint8Array): { readonly hits: readonly ShapeHit[]; readonly steps: number } {
    const scanner = new ShapeScanner(rules);
    scanner.#window.bytes = bytes;
    scanner.#window.to = bytes.length;
    const { hits } = scanner.#scan(true);
    return { hits, steps: scanner.#window.steps };
  }

  /** Keeps what is undecided and the context before it, and puts `bytes` behind. */
  #append(bytes: Uint8Array): void {
    const window = this.#window;
    const keep = Math.max(this.#begin, this.#undecidedFrom() - CONTEXT - this.#rules.behind, 0);
    const kept = window.to - keep;
    const size = kept + bytes.length;
    if (keep > 0 || size > window.bytes.length) {
      const old = window.bytes;
      if (size > old.length) window.bytes = new Uint8Array(Math.max(size, 1024));
      window.bytes.set(old.subarray(keep, window.to));
      this.#base += keep;
      this.#at -= keep;
      this.#begin -= keep;
      this.#taken -= keep;
      window.shift(keep);
    }
    window.bytes.set(bytes, kept);
    window.to = size;
  }

  #undecidedFrom(): number {
    if (this.#open !== null) return this.#at;
    const { keywords, behind } = this.#rules;
    const depth = keywords.depth[(this.#state[0] ?? 0) / keywords.width] ?? 0;
    return Math.max(this.#taken, this.#at - depth - behind);
  }

  #scan(final: boolean): Scanned {
    const window = this.#window;
    window.final = final;
    this.#hits = [];
    this.#goOn();
    while (this.#open === null) {
      if (!this.#waiting) {
        if (this.#at >= window.to) break;
        this.#at = walk(this.#rules.keywords, window.bytes, this.#at, window.to, this.#state);
        if ((this.#state[0] ?? 0) < this.#rules.keywords.accepting) break;
      }
      const outcome = this.#tryAll();
      this.#waiting = outcome === MORE;
      if (outcome === MORE) break;
      if (outcome === HIT) this.#goOn();
    }
    const hits = this.#hits.length === 0 ? NONE : this.#hits;
    return { hits, decided: this.#base + (final ? window.to : this.#undecidedFrom()) };
  }

  /** Tries the rules of every keyword that ends at `#at`. */
  #tryAll(): number {
    const window = this.#window;
    const { keywords, shapes, lengths } = this.#rules;
    const at = this.#at;
    for (const keyword of keywords.ends[(this.#state[0] ?? 0) / keywords.width] ?? []) {
      const start = at - (lengths[keyword] ?? 0);
      for (const shape of shapes[keyword] ?? []) {
        window.from =
          shape.behind > 0 ? Math.max(this.#taken, start - shape.behind) : Math.max(this.#begin, start - CONTEXT);
        const outcome = shape.match(window, start, at);
        if (outcome === MORE) return MORE;
        if (outcome === HIT && window.start >= this.#taken) {
          this.#take(shape);
          return HIT;
        }
      }
    }
    return NO;
  }

  #take(shape: Shape): void {
    const { start, end, rest } = this.#window;
    const { id, pseudonym } = shape;
    this.#hits.push({
      start: this.#base + start,
      end: this.#base + end,
      rule: id,
      pseudonym,
      open: rest !== null,
      continued: false,
    });
    this.#open = rest === null ? null : { rule: id, pseudonym, rest };
    this.#at = end;
    this.#taken = end;
    this.#state[0] = 0;
  }

  /** Takes what continues the open secret. */
  #goOn(): void {
    const open = this.#open;
    const window = this.#window;
    if (open === null || this.#at >= window.to) return;
    const end = open.rest.next(window.bytes, this.#at, window.to);
    if (end > this.#at)
      this.#hits.push({
        start: this.#base + this.#at,
        end: this.#base + end,
        rule: open.rule,
        pseudonym: open.pseudonym,
        open: !open.rest.isOver,
        continued: true,
      });
    this.#at = end;
    this.#taken = end;
    if (open.rest.isOver || window.final) this.#open = null;
  }
}

/** All hits in a value that is whole, such as a decoded string. */
export function findShapes(rules: ShapeRules, bytes: Uint8Array): readonly ShapeHit[] {
  return ShapeScanner.whole(rules, bytes).hits;
}
