// The issuers' keys as this isolate knows them: fetched by OIDC discovery, cached, renewed when old
// or when a token names a key that is not there. No promise is shared between requests: a Worker
// cancels what another request's end takes along.

import type { Issuer } from "./issuer.ts";
import { parseKeySet, selectKey, type VerificationKey } from "./key_set.ts";

/** A set older than this is fetched again before it verifies a new token. */
const FRESH_MS: number = 5 * 60_000;
/** An unknown key id makes a set be fetched again, but not more often than this: callers choose key ids. */
const COOLDOWN_MS = 10_000;
const BODY_LIMIT: number = 256 * 1024;
const TIMEOUT_MS = 5_000;

interface KnownSet {
  readonly keys: readonly VerificationKey[];
  readonly fetched: number;
}

export type KeyAnswer = { readonly kind: "key"; readonly key: VerificationKey } | { readonly kind: "unknown" } | { readonly kind: "unavailable" };

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export class KeySets {
  readonly #known = new Map<string, KnownSet>();
  readonly #tried = new Map<string, number>();
  /** Issuers of whose fetches none has ended since the last began. */
  readonly #underWay = new Set<string>();
  readonly #fetch: Fetch;
  readonly #allowInsecureHttp: boolean;

  constructor(fetch: Fetch, allowInsecureHttp: boolean) {
    this.#fetch = fetch;
    this.#allowInsecureHttp = allowInsecureHttp;
  }

  /** The key for a new token. */
  async find(issuer: Issuer, keyId: string | null, algorithm: string, now: number): Promise<KeyAnswer> {
    let known = this.#known.get(issuer.issuer);
    const isFresh = known !== undefined && now - known.fetched < FRESH_MS;
    const key = known === undefined ? null : selectKey(known.keys, keyId, algorithm);
    if (isFresh && key !== null) return { kind: "key", key };
    const isCooling = now - (this.#tried.get(issuer.issuer) ?? -COOLDOWN_MS) < COOLDOWN_MS;
    // Calls that arrive together in a fresh isolate cannot wait for each other's fetch, and must not fail because of it: each makes its own.
    const mayFetch = !isCooling || (!isFresh && this.#underWay.has(issuer.issuer));
    if (!mayFetch) return isFresh ? { kind: "unknown" } : { kind: "unavailable" };
    known = (await this.#renew(issuer, now)) ?? undefined;
    if (known === undefined) return isFresh ? { kind: "unknown" } : { kind: "unavailable" };
    const renewed = selectKey(known.keys, keyId, algorithm);
    return renewed === null ? { kind: "unknown" } : { kind: "key", key: renewed };
  }

  /** False once the set that is known does not have the key any more: a removed key ends the tokens it signed. */
  stillHas(issuer: string, key: VerificationKey): boolean {
    return this.#known.get(issuer)?.keys.some((one) => one.keyId === key.keyId && one.algorithm === key.algorithm) ?? false;
  }

  /** True if the set should be renewed beside a request that can do with what is known. */
  isOld(issuer: string, now: number): boolean {
    const known = this.#known.get(issuer);
    return known !== undefined && now - known.fetched >= FRESH_MS && now - (this.#tried.get(issuer) ?? 0) >= COOLDOWN_MS;
  }

  async renew(issuer: Issuer, now: number): Promise<void> {
    await this.#renew(issuer, now);
  }

  async #renew(issuer: Issuer, now: number): Promise<KnownSet | null> {
    const before = this.#tried.get(issuer.issuer);
    this.#tried.set(issuer.issuer, now);
    this.#underWay.add(issuer.issuer);
    const uri = await this.#discover(issuer);
    const keys = uri === null ? null : await parseKeySet(await this.#getJson(uri));
    this.#underWay.delete(issuer.issuer);
    if (keys === null) {
      // The next new token may try again at once if nothing is known: an issuer that was down a moment is not gone.
      if (before === undefined && !this.#known.has(issuer.issuer)) this.#tried.set(issuer.issuer, now - COOLDOWN_MS + 1_000);
      return null;
    }
    const known = { keys, fetched: now };
    this.#known.set(issuer.issuer, known);
    return known;
  }

  /** OpenID Connect Discovery §4; the document must speak for this very issuer (§4.3). */
  async #discover({ issuer }: Issuer): Promise<string | null> {
    const document = await this.#getJson(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
    if (typeof document !== "object" || document === null) return null;
    const { issuer: named, jwks_uri: uri } = document as { issuer?: unknown; jwks_uri?: unknown };
    return named === issuer && typeof uri === "string" && this.#isAllowed(uri) ? uri : null;
  }

  #isAllowed(url: string): boolean {
    return url.startsWith("https://") || (this.#allowInsecureHttp && url.startsWith("http://"));
  }

  /** Null for anything but a JSON answer of bounded size in bounded time. */
  async #getJson(url: string): Promise<unknown> {
    try {
      const response = await this.#fetch(url, { redirect: "manual", headers: { accept: "application/json" }, signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (response.status !== 200 || response.body === null) return null;
      return JSON.parse(await boundedText(response.body));
    } catch {
      return null;
    }
  }
}

async function boundedText(body: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
    if (text.length > BODY_LIMIT) {
      await reader.cancel();
      throw new RangeError("too long");
    }
  }
}
