// Group commit: calls wait in a queue until the event loop is free, then all of them are applied in
// one synchronous transaction, so that one fsync makes many records durable. The output gate holds
// every answer back until that fsync. A call that has nobody to wait for is applied at once.
//
// Invariant: a call resolves only after the transaction that holds its records committed, or with a
// refusal after it was rolled back. A failing write fails the batch, never half of it.

/** A call that waits for the next flush: runs inside the transaction, must not await. */
export interface Step<T> {
  /** `careful` is true when a first attempt at the batch failed: look before every insert. */
  apply(careful: boolean): T;
  /** The answer when the storage refuses the batch. */
  refused(): T;
  /** True if no other call is likely to come soon: waiting for company costs a turn of the timer, more than a millisecond. */
  readonly alone?: boolean;
}

interface Waiting {
  run(careful: boolean): void;
  refuse(): void;
  settle(): void;
}

export class GroupCommit {
  #queue: Waiting[] = [];
  #scheduled = false;
  /** Memory may hold what a failed transaction wrote. */
  #stale = false;
  readonly #transaction: (work: () => void) => void;
  readonly #reload: () => void;

  /** `transaction` runs its work atomically and throws if it was rolled back; `reload` re-reads what memory caches. */
  constructor(transaction: (work: () => void) => void, reload: () => void) {
    this.#transaction = transaction;
    this.#reload = reload;
  }

  get length(): number {
    return this.#queue.length;
  }

  add<T>(step: Step<T>): Promise<T> {
    return new Promise<T>((resolve) => {
      let answer: T = step.refused();
      this.#queue.push({
        run: (careful) => {
          answer = step.apply(careful);
        },
        refuse: () => {
          answer = step.refused();
        },
        settle: () => resolve(answer),
      });
      if (this.#scheduled) return;
      this.#scheduled = true;
      if (step.alone === true) queueMicrotask(() => this.flush());
      else setTimeout(() => this.flush(), 0);
    });
  }

  /**
   * Applies everything queued. The first attempt trusts the unique keys to catch a repeated record;
   * if anything throws, memory is read again and all is tried once more, looking first: an attempt
   * that failed may have been kept all the same. A crash during either leaves all of the batch or nothing of it.
   */
  flush(): void {
    this.#scheduled = false;
    const batch = this.#queue;
    this.#queue = [];
    if (!this.#attempt(batch, false) && !this.#attempt(batch, true)) for (const waiting of batch) waiting.refuse();
    for (const waiting of batch) waiting.settle();
  }

  #attempt(batch: readonly Waiting[], careful: boolean): boolean {
    if (this.#stale && !this.#refresh()) return false;
    try {
      this.#transaction(() => {
        for (const waiting of batch) waiting.run(careful);
      });
      return true;
    } catch {
      this.#refresh();
      return false;
    }
  }

  /** False if the storage cannot even be read: nothing is appended until it can. */
  #refresh(): boolean {
    this.#stale = true;
    try {
      this.#reload();
      this.#stale = false;
    } catch {
      // The answer to the batch is a refusal; the next batch tries again.
    }
    return !this.#stale;
  }
}
