// What one socket, or one direction of it, has not decided yet: messages that wait for news from the control
// object, for the next turn, or for people to approve the one before them. They go on in the order in which
// they came.

/** Bytes of one socket that may wait until the control object has answered; from then on nothing is let in that would add to them. */
const HELD_ENOUGH = 1024 * 1024;
/** A message of the largest size may still come. */
const HELD_LIMIT: number = 36 * 1024 * 1024;
/** Behind a message that people have to approve: so many, and bytes, or as many as one message may have. */
const LATER_MESSAGES = 1_000;
const LATER_BYTES: number = 1024 * 1024;

interface Held {
  readonly size: number;
  readonly work: () => void;
}

export class SocketHeld {
  #held: Held[] = [];
  #bytes = 0;
  #isWorking = false;

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  get isEnough(): boolean {
    return this.#bytes > HELD_ENOUGH;
  }

  get isTooMuch(): boolean {
    return this.#bytes > HELD_LIMIT;
  }

  /** Whether a message of that size finds no room behind one that waits for people. */
  isFullFor(size: number, messageLimit: number): boolean {
    const { length } = this.#held;
    return length >= LATER_MESSAGES || this.#bytes + size > Math.max(LATER_BYTES, messageLimit);
  }

  add(size: number, work: () => void): void {
    this.#held.push({ size, work });
    this.#bytes += size;
  }

  /** For as long as `may` says so, which is asked before each. */
  goOn(may: () => boolean): void {
    if (this.#isWorking) return;
    this.#isWorking = true;
    while (this.#held.length > 0 && may()) {
      const next = this.#held.shift();
      this.#bytes -= next?.size ?? 0;
      next?.work();
    }
    this.#isWorking = false;
  }

  /** None of it is decided any more. */
  drop(): void {
    this.#held = [];
    this.#bytes = 0;
  }
}
