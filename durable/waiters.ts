// Calls that wait for something to come true (long polls). They live in memory: an object that goes
// away ends them, and whoever called asks again.
//
// Invariant: at most `limit` calls wait, none longer than LONG_POLL_MS, and one that is answered has no
// timer left.

import { LONG_POLL_MS } from "./session_rpc.ts";

export class Waiters<T> {
  readonly #limit: number;
  readonly #waiting = new Set<() => void>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** The first answer of `look` that is not null, now or at a later `notify`; after `ms`, or at once if too many wait, `atEnd`'s. */
  wait(look: () => T | null, ms: number, atEnd: () => T): Promise<T> {
    const seen = look();
    if (seen !== null) return Promise.resolve(seen);
    if (this.#waiting.size >= this.#limit || !(ms > 0)) return Promise.resolve(atEnd());
    return new Promise<T>((resolve) => {
      const end = (answer: T): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve(answer);
      };
      const check = (): void => {
        const answer = look();
        if (answer !== null) end(answer);
      };
      const timer = setTimeout(() => end(atEnd()), Math.min(ms, LONG_POLL_MS));
      this.#waiting.add(check);
    });
  }

  /** Something has changed. Never throws: what cannot be looked at now is looked at next time. */
  notify(): void {
    for (const check of this.#waiting) {
      try {
        check();
      } catch {
        // Storage that cannot be read; the call still ends after its time.
      }
    }
  }
}
