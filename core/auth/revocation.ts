import type { Authenticated } from "./principal.ts";

/** Takes back trust in tokens before they expire. Written by an admin, kept by the control object. */
export interface Revocations {
  /** `jti` values. */
  readonly tokenIds: readonly string[];
  /** All tokens of a subject that were issued before a time (seconds since 1970). */
  readonly subjects: readonly { readonly issuer: string; readonly subject: string; readonly before: number }[];
}

export const NO_REVOCATIONS: Revocations = { tokenIds: [], subjects: [] };

/** A token without an issue time counts as issued before any revocation of its subject. Actors count as their principals do. */
export function isRevoked({ principal, token }: Authenticated, revocations: Revocations): boolean {
  if (token.id !== null && revocations.tokenIds.includes(token.id)) return true;
  if (revocations.subjects.length === 0) return false;
  const parties = [principal, ...principal.actors];
  return revocations.subjects.some(
    (revoked) =>
      (token.issuedAt ?? 0) < revoked.before &&
      parties.some((party) => party.issuer === revoked.issuer && party.subject === revoked.subject),
  );
}
