// Taking back trust before a token expires: by its id, by its subject, or for one connection by a
// session that was ended. Pure: who keeps these and how old they may be is the control object's matter.

import type { CommandId } from "../ids.ts";
import { canonicalText } from "../record/canonical.ts";
import type { Actor, Authenticated } from "./principal.ts";

/** Takes back trust in tokens before they expire. Written by an admin, kept by the control object. */
export interface Revocations {
  readonly tokens: readonly RevokedToken[];
  /** All tokens of a subject that were issued before a time. */
  readonly subjects: readonly RevokedSubject[];
  /** Sessions that were ended: their callers' tokens from before a time no longer count on that connection. */
  readonly kills: readonly Kill[];
}

export interface RevokedToken {
  /** Its `jti`. */
  readonly id: string;
  /** By which an admin did it, as of the others. */
  readonly command: CommandId;
}

export interface RevokedSubject {
  readonly issuer: string;
  readonly subject: string;
  /** Seconds since 1970. */
  readonly before: number;
  readonly command: CommandId;
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
  readonly command: CommandId;
}

export const NO_REVOCATIONS: Revocations = { tokens: [], subjects: [], kills: [] };

export function isRevoked(authenticated: Authenticated, revocations: Revocations): boolean {
  return revocationOf(authenticated, revocations) !== null;
}

/** What took back trust in the token. One without an issue time counts as issued before any revocation of its subject. Actors count as their principals do. */
export function revocationOf(
  { principal, token }: Authenticated,
  { tokens, subjects }: Revocations,
): RevokedToken | RevokedSubject | null {
  if (token.id !== null && tokens.length > 0) {
    const revoked = tokens.find(({ id }) => id === token.id);
    if (revoked !== undefined) return revoked;
  }
  if (subjects.length === 0) return null;
  const parties = [principal, ...principal.actors];
  const revoked = subjects.find(
    (one) =>
      (token.issuedAt ?? 0) < one.before &&
      parties.some((party) => party.issuer === one.issuer && party.subject === one.subject),
  );
  return revoked ?? null;
}

/** RFC 8785 text of an actor chain, nearest first: `[["https://id.example","agent"]]`. */
export function actorsText(actors: readonly Actor[]): string {
  return canonicalText(actors.map(({ issuer, subject }) => [issuer, subject]));
}

export function isKilled(authenticated: Authenticated, connection: string, revocations: Revocations): boolean {
  return killOf(authenticated, connection, revocations) !== null;
}

/** A token without an issue time counts as issued before the kill. */
export function killOf({ principal, token }: Authenticated, connection: string, { kills }: Revocations): Kill | null {
  const killed = kills.find(
    (kill) =>
      kill.connection === connection &&
      kill.subject === principal.subject &&
      kill.issuer === principal.issuer &&
      (token.issuedAt ?? 0) < kill.before &&
      kill.actors === actorsText(principal.actors),
  );
  return killed ?? null;
}
