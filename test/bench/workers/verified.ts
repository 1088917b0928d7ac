// Verifies an access token as a careful pass-through would: the issuer's key fetched once, and a
// bounded cache of the tokens it has verified.

import { type CryptoKey, importJWK, type JWK, jwtVerify } from "jose";

export interface VerifyEnv {
  readonly UPSTREAM: string;
  readonly ISSUER: string;
  readonly AUDIENCE: string;
  /** "no" verifies the signature for each request. */
  readonly TOKEN_CACHE: string;
}

interface Verified {
  readonly subject: string;
  readonly until: number;
}

const LIMIT = 2048;
const tokens = new Map<string, Verified>();
let key: CryptoKey | Uint8Array | null = null;

/** The subject, or null if the token is no good. */
export async function verify(header: string | null, env: VerifyEnv): Promise<string | null> {
  if (header === null) return null;
  const known = tokens.get(header);
  if (known !== undefined && known.until > Date.now()) return known.subject;
  key ??= await fetchKey(env.ISSUER);
  const { payload } = await jwtVerify(header.slice("Bearer ".length), key, {
    issuer: env.ISSUER,
    audience: env.AUDIENCE,
    typ: "at+jwt",
    algorithms: ["ES256"],
  });
  const subject = payload.sub ?? null;
  if (subject !== null && env.TOKEN_CACHE !== "no") {
    if (tokens.size >= LIMIT) tokens.clear();
    tokens.set(header, { subject, until: (payload.exp ?? 0) * 1000 });
  }
  return subject;
}

async function fetchKey(issuer: string): Promise<CryptoKey | Uint8Array> {
  const discovered: { jwks_uri: string } = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
  const set: { keys: JWK[] } = await (await fetch(discovered.jwks_uri)).json();
  const [first] = set.keys;
  if (first === undefined) throw new Error("the issuer has no key");
  return importJWK(first, "ES256");
}
