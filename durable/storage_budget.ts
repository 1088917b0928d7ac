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

/**
 * How long a measurement counts: asking the database takes as long as a tenth of a record. At 100 MB a
 * second, which no object writes, 10 MB come in this time; between the hard limit and 10 GB there are 336.
 */
export const MEASURED_MS = 100;

export class StorageBudget {
  readonly #measure: () => number;
  readonly #limits: StorageLimits;
  readonly #clock: () => number;
  #size = 0;
  /** Milliseconds since 1970 at which it was measured. */
  #measured: number = Number.NEGATIVE_INFINITY;

  /** `clock` gives milliseconds since 1970. */
  constructor(measure: () => number, limits: StorageLimits, clock: () => number) {
    this.#measure = measure;
    this.#limits = limits;
    this.#clock = clock;
  }

  get takesSessions(): boolean {
    return this.#now() < this.#limits.soft;
  }

  get takesPayloads(): boolean {
    return this.#now() < this.#limits.hard;
  }

  #now(): number {
    const now = this.#clock();
    // A clock that was set back counts, too.
    if (Math.abs(now - this.#measured) < MEASURED_MS) return this.#size;
    this.#measured = now;
    this.#size = this.#measure();
    return this.#size;
  }
}
