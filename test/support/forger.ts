// Tokens in the name of a real provider, honest and forged: any header and payload, signed with the
// provider's own key (which its state folder has), with another, or not at all.

import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CryptoKey, importJWK, type JWK } from "jose";
import { loadKeys } from "../../local/oidc_keys.ts";
import { PEOPLE } from "../../local/oidc_people.ts";
import { type RunningProvider, startProvider } from "../../local/oidc_provider.ts";
import { sign, type SigningKey } from "../core/auth/sample_issuer.ts";

/** What tokens of these providers are for. */
export const RESOURCE = "https://tools.example";

type Members = Readonly<Record<string, unknown>>;

/** A provider whose keys a test holds, and which a test stops, starts again and gives other keys. */
export class HeldProvider {
  readonly #state: string = mkdtempSync(join(tmpdir(), "sallyport provider "));
  #running: RunningProvider | null = null;
  readonly port: number;
  /** Paths that were asked for, over all starts. */
  readonly asked: string[] = [];

  constructor(port: number) {
    this.port = port;
  }

  get issuer(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** As the gateway's ISSUERS variable takes it. */
  get trusted(): Members {
    return { issuer: this.issuer, audiences: [RESOURCE], clock_skew_seconds: 0 };
  }

  async start(): Promise<void> {
    const { port } = this;
    this.#running = await startProvider({ port, people: PEOPLE, resources: [RESOURCE], state: this.#state });
    this.#running.server.prependListener("request", ({ url }: IncomingMessage, response: ServerResponse) => {
      this.asked.push(url ?? "");
      // A connection that somebody keeps would break off under the next request after a stop.
      response.setHeader("connection", "close");
    });
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
    this.#running = null;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#state, { recursive: true });
  }

  /** Private JWKs, the one that signs first. */
  get keys(): readonly JWK[] {
    return loadKeys(this.#state).keys;
  }

  /** What it has from its next start on. */
  set keys(keys: readonly JWK[]) {
    writeFileSync(join(this.#state, "provider_keys.json"), JSON.stringify({ ...loadKeys(this.#state), keys }));
  }

  /** The key that signs its access tokens. */
  async key(alg = "ES256"): Promise<SigningKey> {
    return signingKey(this.keys.find((one) => one.alg === alg));
  }

  claims(more: Members = {}): Members {
    const now = Math.floor(Date.now() / 1000);
    const jti = crypto.randomUUID();
    return {
      iss: this.issuer,
      aud: RESOURCE,
      sub: "alice",
      groups: ["engineers"],
      iat: now,
      exp: now + 600,
      jti,
      ...more,
    };
  }

  /** A token as this provider would give it, but for what is changed. */
  async token(claims: Members = {}, header: Members = {}): Promise<string> {
    const key = await this.key();
    return sign({ alg: key.alg, typ: "at+jwt", kid: key.jwk.kid, ...header }, this.claims(claims), key);
  }
}

/** A new key pair as a private JWK, for `HeldProvider.keys`. */
export function newPrivateKey(kid: string): JWK {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { ...(privateKey.export({ format: "jwk" }) as JWK), kid, alg: "ES256", use: "sig" };
}

async function signingKey(jwk: JWK | undefined): Promise<SigningKey> {
  if (jwk?.alg === undefined || jwk.kid === undefined) throw new Error("no such key");
  const { alg, kid } = jwk;
  const key = createPrivateKey({ key: { ...jwk }, format: "jwk" });
  const open = { ...(createPublicKey(key).export({ format: "jwk" }) as JWK), kid, alg, use: "sig" };
  return {
    alg,
    privateKey: (await importJWK(jwk, alg)) as CryptoKey,
    publicKey: (await importJWK(open, alg)) as CryptoKey,
    jwk: open,
  };
}
