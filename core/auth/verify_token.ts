// Checks a token's signature and claims with one of its issuer's keys.

import { errors, jwtVerify } from "jose";
import { refuse, type Result } from "../result.ts";
import { authenticatedOf } from "./claims.ts";
import type { VerificationKey } from "./key_set.ts";
import type { Authenticated } from "./principal.ts";
import type { TokenRefusal, UnverifiedToken } from "./token.ts";

/** `now` in milliseconds since 1970. Never throws, and never repeats what jose said: its errors quote claims. */
export async function verifyToken(
  token: UnverifiedToken,
  key: VerificationKey,
  now: number,
): Promise<Result<Authenticated, { reason: TokenRefusal }>> {
  try {
    const { payload } = await jwtVerify(token.text, key.key, {
      issuer: token.issuer.issuer,
      audience: [...token.issuer.audiences],
      algorithms: [token.algorithm],
      clockTolerance: token.issuer.clock_skew_seconds,
      currentDate: new Date(now),
      requiredClaims: ["exp", "sub", "iss", "aud"],
    });
    // jose looks at `iat` only beside a maximum age. A token from the future would outlive every revocation by time.
    if (payload.iat !== undefined && payload.iat > now / 1000 + token.issuer.clock_skew_seconds)
      return refuse({ reason: "not_yet_valid" });
    return authenticatedOf(payload, token);
  } catch (error) {
    return refuse({ reason: reasonOf(error) });
  }
}

function reasonOf(error: unknown): TokenRefusal {
  if (error instanceof errors.JWTExpired) return "expired";
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === "aud") return "audience_wrong";
    return error.claim === "nbf" && error.reason === "check_failed" ? "not_yet_valid" : "claims_malformed";
  }
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof TypeError) return "algorithm_refused";
  return "signature_invalid";
}
