// How much an object's storage may hold before it takes less. A database has 10 GB
// (developers.cloudflare.com/durable-objects/platform/limits); one that is full could not record
// how what it has begun has ended.

import { IN_FLIGHT_LIMIT } from "./group_commit.ts";

export interface StorageLimits {
  /** Bytes from which on no session is opened here: the caller's next shard takes it. */
  readonly soft: number;
  /** Bytes from which on no command begins here and no chunk is taken. The rest is for outcomes. */
  readonly hard: number;
}

const GIBIBYTE = 1024 ** 3;
export const STORAGE_LIMITS: StorageLimits = { soft: 8 * GIBIBYTE, hard: 9 * GIBIBYTE };

/** What one object takes at once, and altogether. */
export interface SessionLimits extends StorageLimits {
  /** Bytes of calls that are under way. */
  readonly inFlight: number;
}

export const SESSION_LIMITS: SessionLimits = { ...STORAGE_LIMITS, inFlight: IN_FLIGHT_LIMIT };

export class StorageBudget {
  readonly #measure: () => number;
  readonly #limits: StorageLimits;
  /** What was measured in this turn; null before. */
  #size: number | null = null;

  constructor(measure: () => number, limits: StorageLimits) {
    this.#measure = measure;
    this.#limits = limits;
  }

  get takesSessions(): boolean {
    return this.#now() < this.#limits.soft;
  }

  get takesPayloads(): boolean {
    return this.#now() < this.#limits.hard;
  }

  /** Once a turn: asking the database takes as long as a tenth of a record, and a turn can have hundreds. */
  #now(): number {
    if (this.#size !== null) return this.#size;
    queueMicrotask(() => {
      this.#size = null;
    });
    this.#size = this.#measure();
    return this.#size;
  }
}
