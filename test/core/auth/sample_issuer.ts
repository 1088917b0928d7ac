// Tokens and issuers for tests of core/auth: real keys, real signatures over any bytes a test wants,
// and an issuer whose documents are served by a function in place of fetch.

import { type CryptoKey, exportJWK, generateKeyPair, type JWK } from "jose";
import { type Authentication, authenticate } from "../../../core/auth/authenticate.ts";
import type { Fetch } from "../../../core/auth/discovery.ts";
import { ALGORITHMS, type Issuer } from "../../../core/auth/issuer.ts";
import { KeySets } from "../../../core/auth/key_sets.ts";
import { NO_REVOCATIONS, type Revocations } from "../../../core/auth/revocation.ts";
import { VerifiedTokens } from "../../../core/auth/verified_tokens.ts";
import { toBase64Url } from "../../../core/bytes.ts";

/** Milliseconds since 1970; tests say how it goes on. */
export const NOW = 1_800_000_000_000;
export const SECOND: number = NOW / 1000;
export const ISSUER = "https://issuer.example";
export const AUDIENCE = "https://gateway.example";

export interface SigningKey {
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  /** Public, with `kid`, `alg` and `use`. */
  readonly jwk: JWK;
}

export async function makeKey(alg: string, kid: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
}

const encoder = new TextEncoder();

export function encode(part: string | Uint8Array | Readonly<Record<string, unknown>>): string {
  if (part instanceof Uint8Array) return toBase64Url(part);
  return toBase64Url(encoder.encode(typeof part === "string" ? part : JSON.stringify(part)));
}

const SIGNATURES: Readonly<Record<string, { name: string; hash?: string; saltLength?: number }>> = {
  RS256: { name: "RSASSA-PKCS1-v1_5" },
  PS256: { name: "RSA-PSS", saltLength: 32 },
  ES256: { name: "ECDSA", hash: "SHA-256" },
  EdDSA: { name: "Ed25519" },
};

/** A compact JWS (RFC 7515 §7.1) over the header and payload exactly as given. */
export async function sign(
  header: Parameters<typeof encode>[0],
  payload: Parameters<typeof encode>[0],
  key: SigningKey,
): Promise<string> {
  const input = `${encode(header)}.${encode(payload)}`;
  const algorithm = SIGNATURES[key.alg];
  if (algorithm === undefined) throw new Error(`no ${key.alg} here`);
  return `${input}.${toBase64Url(new Uint8Array(await crypto.subtle.sign(algorithm, key.privateKey, encoder.encode(input))))}`;
}

export function header(
  key: SigningKey,
  more: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return { alg: key.alg, kid: key.jwk.kid, typ: "at+jwt", ...more };
}

export function claims(more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return { iss: ISSUER, aud: AUDIENCE, sub: "alice", iat: SECOND - 10, exp: SECOND + 600, jti: "token-1", ...more };
}

export function trusted(more: Partial<Issuer> = {}): Issuer {
  return {
    issuer: ISSUER,
    audiences: [AUDIENCE],
    token_types: ["at+jwt"],
    algorithms: ALGORITHMS,
    groups_claim: "groups",
    clock_skew_seconds: 0,
    ...more,
  };
}

/** An issuer's documents by URL, or functions that make the answer; `asked` has every URL that was fetched. */
export class FakeWeb {
  readonly documents = new Map<string, unknown>();
  readonly asked: string[] = [];
  isDown = false;
  /** Awaited before each answer. */
  delay: Promise<void> | null = null;

  publish(issuer: string, keys: readonly JWK[]): void {
    this.documents.set(`${issuer}/.well-known/openid-configuration`, { issuer, jwks_uri: `${issuer}/jwks` });
    this.documents.set(`${issuer}/jwks`, { keys });
  }

  readonly fetch: Fetch = async (url) => {
    this.asked.push(url);
    await this.delay;
    if (this.isDown) throw new TypeError("unreachable");
    const document = this.documents.get(url);
    if (typeof document === "function") return (document as () => Response)();
    return document === undefined ? new Response(null, { status: 404 }) : Response.json(document);
  };
}

export function authentication(web: FakeWeb, issuers: readonly Issuer[] = [trusted()]): Authentication {
  return { issuers, keySets: new KeySets(web.fetch, false), verified: new VerifiedTokens() };
}

/** "ok", or the reason why not. */
export async function outcome(
  token: string,
  by: Authentication,
  now: number = NOW,
  revocations: Revocations = NO_REVOCATIONS,
): Promise<string> {
  const result = await authenticate(`Bearer ${token}`, by, revocations, now);
  return result.ok ? "ok" : result.reason;
}
