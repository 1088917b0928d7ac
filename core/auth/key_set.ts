// An issuer's keys: which of them may verify what. Parsed from its JWKS (RFC 7517).

import { importJWK, type JWK } from "jose";

export interface VerificationKey {
  readonly keyId: string | null;
  readonly algorithm: string;
  /** The public numbers: an issuer may give another key the name of an old one. */
  readonly material: string;
  readonly key: CryptoKey;
}

const KEYS_LIMIT = 64;
/** RFC 7518 §3.3. */
const RSA_BITS = 2048;

/** Usable keys of a JWKS value; those this gateway does not understand are left out. Null if it is no JWKS. */
export async function parseKeySet(value: unknown): Promise<VerificationKey[] | null> {
  if (typeof value !== "object" || value === null || !("keys" in value) || !Array.isArray(value.keys)) return null;
  const keys: VerificationKey[] = [];
  for (const one of value.keys.slice(0, KEYS_LIMIT) as unknown[]) {
    if (typeof one === "object" && one !== null) keys.push(...(await importKey(one as JWK)));
  }
  return keys;
}

async function importKey(jwk: JWK): Promise<VerificationKey[]> {
  // A private or shared key in a public set is a leak, not a key to trust.
  if (jwk.d !== undefined || jwk.k !== undefined) return [];
  if (jwk.use !== undefined && jwk.use !== "sig") return [];
  if (jwk.key_ops !== undefined && !(Array.isArray(jwk.key_ops) && jwk.key_ops.includes("verify"))) return [];
  if (jwk.kid !== undefined && typeof jwk.kid !== "string") return [];
  const keys: VerificationKey[] = [];
  for (const algorithm of algorithmsOf(jwk)) {
    try {
      const { kty, n, e, crv, x, y } = jwk;
      const bare: JWK = {
        kty,
        ...(n === undefined ? {} : { n }),
        ...(e === undefined ? {} : { e }),
        ...(crv === undefined ? {} : { crv }),
        ...(x === undefined ? {} : { x }),
        ...(y === undefined ? {} : { y }),
      } as JWK;
      const key = await importJWK(bare, algorithm);
      if (key instanceof Uint8Array || isShort(key)) continue;
      keys.push({ keyId: jwk.kid ?? null, algorithm, material: JSON.stringify([kty, n, e, crv, x, y]), key });
    } catch {
      continue;
    }
  }
  return keys;
}

/** Counted by the engine, in bits: leading zeros in `n` make no key longer. */
function isShort({ algorithm }: CryptoKey): boolean {
  return (
    "modulusLength" in algorithm && typeof algorithm.modulusLength === "number" && algorithm.modulusLength < RSA_BITS
  );
}

/** By the key's own type, never by the token's wish: no key serves two kinds of algorithm (RFC 8725 §3.1). */
function algorithmsOf(jwk: JWK): string[] {
  const possible =
    jwk.kty === "RSA"
      ? ["RS256", "PS256"]
      : jwk.kty === "EC" && jwk.crv === "P-256"
        ? ["ES256"]
        : jwk.kty === "OKP" && jwk.crv === "Ed25519"
          ? ["EdDSA"]
          : [];
  return jwk.alg === undefined
    ? possible
    : possible.filter((name) => name === jwk.alg || (name === "EdDSA" && jwk.alg === "Ed25519"));
}

/** The key a token names. Without a `kid`, only an unambiguous one will do. */
export function selectKey(
  keys: readonly VerificationKey[],
  keyId: string | null,
  algorithm: string,
): VerificationKey | null {
  const fitting = keys.filter((key) => key.algorithm === algorithm && (keyId === null || key.keyId === keyId));
  return fitting.length === 1 ? (fitting[0] ?? null) : null;
}
