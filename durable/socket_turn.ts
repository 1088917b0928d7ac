// How much the sockets of an object take in before its event loop is free again. The runtime hands over
// whatever has come over a socket before it looks at timers and at what else has arrived: under a flood a
// kill would wait behind it, and so would every other caller of this isolate.
//
// Invariant: between two turns of the event loop at most TURN_MESSAGES messages are decided, or
// TURN_BYTES and one message.

import type { Method } from "./socket_judge.ts";

/** A decided message takes some tenths of a millisecond: a kill waits 10 ms or so behind a turn. */
export const TURN_MESSAGES = 64;
/** A MiB is masked and digested in some tens of milliseconds. */
export const TURN_BYTES: number = 1024 * 1024;
/** From the next one on, messages of one direction that come in one turn wait to be written together: one alone is durable sooner. */
const FEW = 4;

export interface TurnPorts {
  /** Lets no event in until `work` is done. */
  pause(work: () => Promise<void>): void;
  /** What was taken in is written. */
  flush(): void;
  /** Counts turns that are over, as far as others know of them. */
  turns(): number;
  /** What was held back goes on. */
  goOn(): void;
}

export class SocketTurn {
  readonly #ports: TurnPorts;
  #messages = 0;
  #bytes = 0;
  #last: Method | null = null;
  /** Messages of one direction. */
  #run = 0;
  #seen = 0;
  #isPausing = false;
  #isAwaited = false;

  constructor(ports: TurnPorts) {
    this.#ports = ports;
  }

  /** Nothing more is decided in this turn. */
  get isFull(): boolean {
    return this.#messages >= TURN_MESSAGES || this.#bytes >= TURN_BYTES;
  }

  /** Whether messages come faster than one by one can be made durable. A message and its answer in turns are no burst. */
  get isBurst(): boolean {
    return this.#run > FEW;
  }

  /** `isAlone`: nobody else's timer tells of the turn's end. */
  took(method: Method, size: number, isAlone: boolean): void {
    const turns = this.#ports.turns();
    if (turns !== this.#seen) this.#over(turns);
    this.#messages += 1;
    this.#bytes += size;
    this.#run = method === this.#last ? this.#run + 1 : 1;
    this.#last = method;
    if (isAlone) this.awaitNext();
    if (this.isFull) this.#pause();
  }

  /** What is held back goes on in the next turn. */
  awaitNext(): void {
    if (this.#isAwaited) return;
    this.#isAwaited = true;
    setTimeout(() => {
      this.#isAwaited = false;
      if (!this.#isPausing) this.#over(this.#ports.turns());
      this.#ports.goOn();
    }, 0);
  }

  #pause(): void {
    if (this.#isPausing) return;
    this.#isPausing = true;
    this.#ports.pause(async () => {
      this.#ports.flush();
      // The runtime looks at everything else when it looks at its timers.
      await new Promise((resolve) => setTimeout(resolve, 0));
      this.#isPausing = false;
      this.#over(this.#ports.turns());
    });
  }

  #over(turns: number): void {
    this.#seen = turns;
    this.#messages = 0;
    this.#bytes = 0;
    this.#run = 0;
  }
}
