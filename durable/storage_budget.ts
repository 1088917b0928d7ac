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
  readonly #size: () => number;
  readonly #limits: StorageLimits;

  /** `size` is asked at each look: the database knows it, and telling costs nothing. */
  constructor(size: () => number, limits: StorageLimits) {
    this.#size = size;
    this.#limits = limits;
  }

  get takesSessions(): boolean {
    return this.#size() < this.#limits.soft;
  }

  get takesPayloads(): boolean {
    return this.#size() < this.#limits.hard;
  }
}
