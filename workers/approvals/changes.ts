// Waits until some approval of the region has changed: asked for, decided, over. Registry shards count
// their changes; which approval it was, and whether somebody may see it, a list tells.

import { REGISTRY_SHARDS, registryShard } from "../../durable/registry_client.ts";
import { LONG_POLL_MS } from "../../durable/session_rpc.ts";
import type { Env } from "../env.ts";

/** How long one call waits, so that a caller who has left is noticed by then. */
const WAIT_MS = Math.min(15_000, LONG_POLL_MS);
/** What comes together is told together, and a shard with too many who wait answers at once. */
const PAUSE_MS = 500;

export class Changes {
  readonly #env: Env;
  /** Of each shard, how many changes are known. */
  readonly #seen: number[] = REGISTRY_SHARDS.map(() => -1);

  constructor(env: Env) {
    this.#env = env;
  }

  /** From here on, what comes counts as new. */
  async begin(): Promise<void> {
    await Promise.all(REGISTRY_SHARDS.map((_, shard) => this.#ask(shard, 0)));
  }

  /** False if nothing changed for a while. Throws if a shard cannot be reached. */
  async next(): Promise<boolean> {
    const began = Date.now();
    const isChanged = await Promise.race(REGISTRY_SHARDS.map((_, shard) => this.#ask(shard, WAIT_MS)));
    const left = PAUSE_MS - (Date.now() - began);
    await new Promise((resolve) => setTimeout(resolve, Math.max(left, isChanged ? PAUSE_MS : 0)));
    return isChanged;
  }

  async #ask(shard: number, ms: number): Promise<boolean> {
    const before = this.#seen[shard] ?? -1;
    const change = await registryShard(this.#env, REGISTRY_SHARDS[shard] ?? "0").approvalChanges(before, ms);
    this.#seen[shard] = Math.max(change, this.#seen[shard] ?? -1);
    return change > before;
  }
}
