// Whether a signature is right, by WebCrypto, for the algorithms that passkeys have.

import type { PublicKey } from "./cose_key.ts";

const PARAMETERS = {
  ES256: [
    { name: "ECDSA", namedCurve: "P-256" },
    { name: "ECDSA", hash: "SHA-256" },
  ],
  EdDSA: [{ name: "Ed25519" }, { name: "Ed25519" }],
  RS256: [{ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, { name: "RSASSA-PKCS1-v1_5" }],
} as const;

/** False also for a key that WebCrypto does not take. */
export async function isSigned(
  { jwk, algorithm }: PublicKey,
  signed: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const [forKey, forSignature] = PARAMETERS[algorithm];
  const raw = algorithm === "ES256" ? fromDer(signature) : signature;
  if (raw === null) return false;
  try {
    const key = await crypto.subtle.importKey("jwk", jwk, forKey, false, ["verify"]);
    return await crypto.subtle.verify(forSignature, key, raw, signed);
  } catch {
    return false;
  }
}

/** ECDSA's two numbers, 32 bytes each, as WebCrypto has them; WebAuthn has them in DER (RFC 3279 §2.2.3). */
function fromDer(der: Uint8Array): Uint8Array<ArrayBuffer> | null {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return null;
  const raw = new Uint8Array(64);
  let at = 2;
  for (const end of [32, 64]) {
    const length = der[at + 1] ?? 0;
    let number = der.subarray(at + 2, at + 2 + length);
    if (der[at] !== 0x02 || length === 0 || number.length !== length) return null;
    if (number[0] === 0) number = number.subarray(1);
    if (number.length > 32) return null;
    raw.set(number, end - number.length);
    at += 2 + length;
  }
  return at === der.length ? raw : null;
}
