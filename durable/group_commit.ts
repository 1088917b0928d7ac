// Group commit: calls wait in a queue until the event loop is free, then all of them are applied in
// one synchronous transaction, so that one fsync makes many records durable. The output gate holds
// every answer back until that fsync. A call that has nobody to wait for is applied at once.
//
// Invariant: a call resolves only after the transaction that holds its records committed, or with a
// refusal after it was rolled back. A failing write fails the batch, never half of it.

/**
 * Bytes that may be under way at once: what calls that wait bring, and what is written and not durable
 * yet. An isolate has 128 MB (developers.cloudflare.com/workers/platform/limits) for all its objects.
 */
export const IN_FLIGHT_LIMIT: number = 16 * 1024 * 1024;
/** A call of at most so many bytes is still taken when larger ones have to wait: those are bodies, this is a command or how one ended. */
const SMALL: number = 64 * 1024;
const ROOM_FOR_SMALL: number = 4 * 1024 * 1024;

/** A call that waits for the next flush: runs inside the transaction, must not await. */
export interface Step<T> {
  /** `careful` is true when a first attempt at the batch failed: look before every insert. */
  apply(careful: boolean): T;
  /** The answer when the storage refuses the batch. */
  refused(): T;
  /** True if no other call is likely to come soon: waiting for company costs a turn of the timer, more than a millisecond. */
  readonly alone?: boolean;
  /** Bytes that it brings along. */
  readonly weight?: number;
}

interface Waiting {
  readonly weight: number;
  run(careful: boolean): void;
  refuse(): void;
  settle(): void;
}

export class GroupCommit {
  #queue: Waiting[] = [];
  #scheduled = false;
  #turns = 0;
  /** Memory may hold what a failed transaction wrote. */
  #stale = false;
  readonly #transaction: (work: () => void) => void;
  readonly #reload: () => void;
  readonly #durable: () => Promise<void>;
  readonly #limit: number;
  /** Bytes that are in the queue, or written and not durable yet. */
  #inFlight = 0;

  /**
   * `transaction` runs its work atomically and throws if it was rolled back; `reload` re-reads what memory
   * caches; `durable` resolves once everything written so far is.
   */
  constructor(
    transaction: (work: () => void) => void,
    reload: () => void,
    durable: () => Promise<void> = () => Promise.resolve(),
    limit: number = IN_FLIGHT_LIMIT,
  ) {
    this.#transaction = transaction;
    this.#reload = reload;
    this.#durable = durable;
    this.#limit = limit;
  }

  /** How often the event loop was free since the start, as far as this waited for it. */
  get turns(): number {
    return this.#turns;
  }

  get length(): number {
    return this.#queue.length;
  }

  /** Whether a call with so many bytes may be added now. If not, its caller holds them and asks again. */
  takes(weight: number): boolean {
    return this.#inFlight + weight <= this.#limit + (weight <= SMALL ? ROOM_FOR_SMALL : 0);
  }

  add<T>(step: Step<T>): Promise<T> {
    const { weight = 0 } = step;
    this.#inFlight += weight;
    return new Promise<T>((resolve) => {
      let answer: T = step.refused();
      this.#queue.push({
        weight,
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
      else setTimeout(() => this.#turned(), 0);
    });
  }

  #turned(): void {
    this.#turns += 1;
    this.flush();
  }

  /**
   * Applies everything queued. The first attempt trusts the unique keys to catch a repeated record;
   * if anything throws, memory is read again and all is tried once more, looking first: an attempt
   * that failed may have been kept all the same. A crash during either leaves all of the batch or nothing of it.
   */
  flush(): void {
    this.#scheduled = false;
    const batch = this.#queue;
    if (batch.length === 0) return;
    this.#queue = [];
    if (!this.#attempt(batch, false) && !this.#attempt(batch, true)) for (const waiting of batch) waiting.refuse();
    for (const waiting of batch) waiting.settle();
    this.#release(batch.reduce((sum, { weight }) => sum + weight, 0));
  }

  /** What is written still waits for the disk, or for the machines that keep copies: until then it takes room, if it is much. */
  #release(weight: number): void {
    const release = (): void => {
      this.#inFlight -= weight;
    };
    if (weight <= SMALL) release();
    else this.#durable().then(release, release);
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
