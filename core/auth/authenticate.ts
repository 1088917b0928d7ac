// authenticate: from the Authorization header to a Principal, or to the reason why not.

import { ok, refuse, type Result } from "../result.ts";
import { readToken } from "./credentials.ts";
import type { Issuer } from "./issuer.ts";
import type { KeySets } from "./key_sets.ts";
import type { Authenticated } from "./principal.ts";
import { isRevoked, type Revocations } from "./revocation.ts";
import { inspectToken, type TokenRefusal } from "./token.ts";
import { verifyToken } from "./verify_token.ts";
import type { VerifiedTokens } from "./verified_tokens.ts";

export interface Authentication {
  readonly issuers: readonly Issuer[];
  readonly keySets: KeySets;
  readonly verified: VerifiedTokens;
}

/** Null if the token has to be verified anew. */
export function authenticateFromCache(
  header: string,
  { keySets, verified }: Authentication,
  revocations: Revocations,
  now: number,
): Result<Authenticated, { reason: TokenRefusal }> | null {
  const known = verified.get(header, now);
  if (known === null) return null;
  if (!keySets.stillHas(known.authenticated.principal.issuer, known.key)) {
    verified.delete(header);
    return null;
  }
  return isRevoked(known.authenticated, revocations) ? refuse({ reason: "revoked" }) : ok(known.authenticated);
}

export async function authenticate(
  header: string | null,
  by: Authentication,
  revocations: Revocations,
  now: number,
): Promise<Result<Authenticated, { reason: TokenRefusal }>> {
  const token = readToken(header);
  if (!token.ok) return token;
  const inspected = inspectToken(token.value, by.issuers);
  if (!inspected.ok) return inspected;
  const { issuer, keyId, algorithm } = inspected.value;
  const found = await by.keySets.find(issuer, keyId, algorithm, now);
  if (found.kind === "unavailable") return refuse({ reason: "issuer_unavailable" });
  if (found.kind === "unknown") return refuse({ reason: "key_unknown" });
  const checked = await verifyToken(inspected.value, found.key, now);
  if (!checked.ok) return checked;
  if (isRevoked(checked.value, revocations)) return refuse({ reason: "revoked" });
  const until = (checked.value.token.expires + issuer.clock_skew_seconds) * 1000;
  if (header !== null) by.verified.put(header, { authenticated: checked.value, key: found.key, until });
  return checked;
}
