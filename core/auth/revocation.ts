// Taking back trust before a token expires: by its id, by its subject, or for one connection by a
// session that was ended. Pure: who keeps these and how old they may be is the control object's matter.

import { canonicalText } from "../record/canonical.ts";
import type { Actor, Authenticated } from "./principal.ts";

/** Takes back trust in tokens before they expire. Written by an admin, kept by the control object. */
export interface Revocations {
  /** `jti` values. */
  readonly tokenIds: readonly string[];
  /** All tokens of a subject that were issued before a time (seconds since 1970). */
  readonly subjects: readonly { readonly issuer: string; readonly subject: string; readonly before: number }[];
  /** Sessions that were ended: their callers' tokens from before a time no longer count on that connection. */
  readonly kills: readonly Kill[];
}

export interface Kill {
  readonly sid: string;
  readonly issuer: string;
  readonly subject: string;
  /** As `actorsText` writes it: the same person through another agent is another caller. */
  readonly actors: string;
  readonly connection: string;
  /** Seconds since 1970. */
  readonly before: number;
}

export const NO_REVOCATIONS: Revocations = { tokenIds: [], subjects: [], kills: [] };

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

/** RFC 8785 text of an actor chain, nearest first: `[["https://id.example","agent"]]`. */
export function actorsText(actors: readonly Actor[]): string {
  return canonicalText(actors.map(({ issuer, subject }) => [issuer, subject]));
}

/** A token without an issue time counts as issued before the kill. */
export function isKilled({ principal, token }: Authenticated, connection: string, { kills }: Revocations): boolean {
  return kills.some(
    (kill) =>
      kill.connection === connection &&
      kill.subject === principal.subject &&
      kill.issuer === principal.issuer &&
      (token.issuedAt ?? 0) < kill.before &&
      kill.actors === actorsText(principal.actors),
  );
}
