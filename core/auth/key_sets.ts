// The issuers' keys as this isolate knows them: cached, fetched again when old or when a token names
// a key that is not there. No promise is shared between requests: a Worker cancels what another
// request's end takes along. Invariant: callers choose key ids, yet cause a bounded number of fetches.

import { type Fetch, fetchKeySet, TIMEOUT_MS } from "./discovery.ts";
import type { Issuer } from "./issuer.ts";
import { parseKeySet, selectKey, type VerificationKey } from "./key_set.ts";

/** A set older than this is fetched again before it verifies a new token. */
const FRESH_MS: number = 5 * 60_000;
/** A set older than this is fetched again before a token that was verified with it is used again. */
const OLD_MS: number = 2 * FRESH_MS;
/** An unknown key id makes a set be fetched again, but not more often than this. */
const COOLDOWN_MS = 10_000;
/** So many requests may fetch one issuer's keys at once, lest the caller who leaves takes along the only one. */
const FETCHES_AT_ONCE = 4;
/** Metadata at two places, then the set. A fetch that has not ended by then was cancelled with its request. */
const FETCH_ENDS_MS: number = 3 * TIMEOUT_MS;
const POLL_MS = 25;

interface KnownSet {
  readonly keys: readonly VerificationKey[];
  readonly fetched: number;
}

export type KeyAnswer =
  | { readonly kind: "key"; readonly key: VerificationKey }
  | { readonly kind: "unknown" }
  | { readonly kind: "unavailable" };

export type Pause = (milliseconds: number) => Promise<void>;

const sleep: Pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export class KeySets {
  readonly #known = new Map<string, KnownSet>();
  readonly #tried = new Map<string, number>();
  /** When the fetches that have not ended began. */
  readonly #underWay = new Map<string, number[]>();
  readonly #fetch: Fetch;
  readonly #allowInsecureHttp: boolean;
  readonly #pause: Pause;

  constructor(fetch: Fetch, allowInsecureHttp: boolean, pause: Pause = sleep) {
    this.#fetch = fetch;
    this.#allowInsecureHttp = allowInsecureHttp;
    this.#pause = pause;
  }

  /** The key for a new token. `now` in milliseconds since 1970. */
  async find(issuer: Issuer, keyId: string | null, algorithm: string, now: number): Promise<KeyAnswer> {
    const known = this.#known.get(issuer.issuer);
    const isFresh = known !== undefined && now - known.fetched < FRESH_MS;
    const key = known === undefined ? null : selectKey(known.keys, keyId, algorithm);
    if (isFresh && key !== null) return { kind: "key", key };
    const renewed = await this.#renewedFor(issuer, isFresh, now);
    if (renewed === null) return isFresh ? { kind: "unknown" } : { kind: "unavailable" };
    const found = selectKey(renewed.keys, keyId, algorithm);
    return found === null ? { kind: "unknown" } : { kind: "key", key: found };
  }

  /** Fetches the set if it is time, else waits for a request that does, else gives null. */
  async #renewedFor(issuer: Issuer, isFresh: boolean, now: number): Promise<KnownSet | null> {
    if (!this.#isCooling(issuer.issuer, now)) return this.#renew(issuer, now);
    const underWay = this.#fetchesUnderWay(issuer.issuer, now).length;
    if (underWay === 0) return null;
    // Calls that arrive together in a fresh isolate must not fail because of each other: some make
    // their own fetch. With a fresh set only the key id is strange, and waiting will do.
    return !isFresh && underWay < FETCHES_AT_ONCE ? this.#renew(issuer, now) : this.#awaitOther(issuer.issuer, now);
  }

  /** By looking again and again: to await another request's promise is to be cancelled with it. */
  async #awaitOther(issuer: string, now: number): Promise<KnownSet | null> {
    const before = this.#known.get(issuer);
    for (
      let waited = 0;
      waited < TIMEOUT_MS && this.#fetchesUnderWay(issuer, now + waited).length > 0;
      waited += POLL_MS
    ) {
      await this.#pause(POLL_MS);
      const known = this.#known.get(issuer);
      if (known !== undefined && known !== before) return known;
    }
    return null;
  }

  /** False once the set that is known does not have the key any more: a removed key ends the tokens it signed. */
  stillHas(issuer: string, key: VerificationKey): boolean {
    const keys = this.#known.get(issuer)?.keys ?? [];
    return keys.some(
      (one) =>
        one === key || (one.keyId === key.keyId && one.algorithm === key.algorithm && one.material === key.material),
    );
  }

  /** Whether the set should be renewed beside a request that can do with what is known, or before it is relied on. */
  renewalDue(issuer: string, now: number): "no" | "beside" | "before" {
    const known = this.#known.get(issuer);
    if (known === undefined || now - known.fetched < FRESH_MS || this.#isCooling(issuer, now)) return "no";
    return now - known.fetched < OLD_MS ? "beside" : "before";
  }

  /** While the issuer cannot be reached what is known stays: tokens that were verified run to their end. */
  async renew(issuer: Issuer, now: number): Promise<void> {
    await this.#renew(issuer, now);
  }

  #isCooling(issuer: string, now: number): boolean {
    const tried = this.#tried.get(issuer);
    return tried !== undefined && now - tried < COOLDOWN_MS;
  }

  #fetchesUnderWay(issuer: string, now: number): number[] {
    return (this.#underWay.get(issuer) ?? []).filter((began) => now - began < FETCH_ENDS_MS);
  }

  async #renew(issuer: Issuer, now: number): Promise<KnownSet | null> {
    const before = this.#tried.get(issuer.issuer);
    this.#tried.set(issuer.issuer, now);
    this.#underWay.set(issuer.issuer, [...this.#fetchesUnderWay(issuer.issuer, now), now]);
    const keys = await parseKeySet(await fetchKeySet(issuer.issuer, this.#fetch, this.#allowInsecureHttp));
    this.#underWay.set(issuer.issuer, withoutOne(this.#underWay.get(issuer.issuer) ?? [], now));
    const known = this.#known.get(issuer.issuer);
    if (keys === null) {
      // The next new token may try again soon if nothing is known: an issuer that was down a moment is not gone.
      if (before === undefined && known === undefined) this.#tried.set(issuer.issuer, now - COOLDOWN_MS + 1_000);
      return null;
    }
    // A fetch that began earlier and ended later must not bring back a key that was removed in between.
    if (known !== undefined && known.fetched > now) return known;
    const renewed = { keys, fetched: now };
    this.#known.set(issuer.issuer, renewed);
    return renewed;
  }
}

function withoutOne(times: readonly number[], time: number): number[] {
  const at = times.indexOf(time);
  return times.filter((_, index) => index !== at);
}
