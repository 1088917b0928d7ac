// Tokens that were verified a moment ago, so that the next command of the same caller costs a look
// into a map. An entry never outlives the token's `exp`, its key or a revocation: all three are
// looked at on each use.

import type { VerificationKey } from "./key_set.ts";
import type { Authenticated } from "./principal.ts";

export interface VerifiedToken {
  readonly authenticated: Authenticated;
  readonly key: VerificationKey;
  /** Milliseconds since 1970 from which the token must not be used, skew included. */
  readonly until: number;
}

const COUNT_LIMIT = 2048;
const BYTES_LIMIT: number = 4 * 1024 * 1024;

export class VerifiedTokens {
  /** By the raw Authorization header; insertion order is age of last use. */
  readonly #entries = new Map<string, VerifiedToken>();
  #bytes = 0;

  get(header: string, now: number): VerifiedToken | null {
    const entry = this.#entries.get(header);
    if (entry === undefined) return null;
    this.#entries.delete(header);
    if (now < entry.until) {
      this.#entries.set(header, entry);
      return entry;
    }
    this.#bytes -= header.length;
    return null;
  }

  put(header: string, entry: VerifiedToken): void {
    this.delete(header);
    this.#entries.set(header, entry);
    this.#bytes += header.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= COUNT_LIMIT && this.#bytes <= BYTES_LIMIT) break;
      this.delete(oldest);
    }
  }

  delete(header: string): void {
    if (this.#entries.delete(header)) this.#bytes -= header.length;
  }
}
