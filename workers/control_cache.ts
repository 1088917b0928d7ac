// The control object's snapshot as this isolate knows it. A revocation counts after a second at most.

import type { Revocations } from "../core/auth/revocation.ts";
import type { Config } from "./config.ts";
import { controlOf } from "./control_client.ts";
import type { Env } from "./env.ts";

/** After this a request fetches a new snapshot beside its work. */
const RENEW_MS = 500;
/** After this a request waits for the new one. */
const STALE_MS = 1_000;
/** After this, without an answer from the control object, nothing is served. */
const DEAD_MS = 5_000;

export class ControlCache {
  readonly #env: Env;
  readonly #config: Config;
  #revocations: Revocations | null = null;
  /** When the snapshot was asked for, not when it came: its age is counted from the older one. */
  #asked = 0;
  #renewing = 0;
  #announced = false;

  constructor(env: Env, config: Config) {
    this.#env = env;
    this.#config = config;
  }

  /** The revocations if they are fresh enough to use now; null if the caller must `renew` and wait. */
  current(now: number): Revocations | null {
    return now - this.#asked < STALE_MS ? this.#revocations : null;
  }

  /** True once per interval, for the one request that renews beside its work. */
  shouldRenew(now: number): boolean {
    if (now - this.#asked < RENEW_MS || now - this.#renewing < RENEW_MS) return false;
    this.#renewing = now;
    return true;
  }

  /** Asks the control object. Null if it cannot be reached and what is known is too old. */
  async renew(now: number): Promise<Revocations | null> {
    try {
      const control = controlOf(this.#env);
      if (!this.#announced) {
        await control.announcePolicy(this.#config.policy.hash, this.#config.policyText);
        this.#announced = true;
      }
      const { revocations } = await control.snapshot();
      this.#revocations = revocations;
      this.#asked = Math.max(this.#asked, now);
    } catch {
      if (now - this.#asked > DEAD_MS) return null;
    }
    return this.#revocations;
  }
}
