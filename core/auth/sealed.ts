// Values that leave the gateway and come back: only it can read them or make one, each for one purpose,
// one audience and a time. JWE (RFC 7516) with a key of the gateway's alone, claims as in RFC 7519.

import { EncryptJWT, jwtDecrypt } from "jose";

export interface Sealing {
  /** What it is for, `typ` of the header: a value for one purpose is none for another (RFC 8725 §3.11). */
  readonly purpose: string;
  /** Who takes it: an origin. */
  readonly audience: string;
}

/** `until` in milliseconds since 1970, from which it is not opened any more; rounded to seconds. */
export async function seal(
  claims: Readonly<Record<string, string>>,
  { purpose, audience }: Sealing,
  until: number,
  key: Uint8Array,
): Promise<string> {
  return new EncryptJWT({ ...claims })
    .setProtectedHeader({ alg: "dir", enc: "A256GCM", typ: purpose })
    .setAudience(audience)
    .setExpirationTime(Math.floor(until / 1000))
    .encrypt(key);
}

/** Null for whatever was not sealed by this key, for this purpose and audience, or is over. Never throws. */
export async function unseal(
  text: string,
  { purpose, audience }: Sealing,
  now: number,
  key: Uint8Array,
): Promise<Readonly<Record<string, unknown>> | null> {
  try {
    const { payload } = await jwtDecrypt(text, key, {
      typ: purpose,
      audience,
      currentDate: new Date(now),
      requiredClaims: ["exp"],
      keyManagementAlgorithms: ["dir"],
      contentEncryptionAlgorithms: ["A256GCM"],
    });
    return payload;
  } catch {
    return null;
  }
}
