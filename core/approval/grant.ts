// Whether what was granted for a time covers a command now, and whose command it is.

import type { Approval, Identity } from "./approval.ts";
import type { ConnectionName, Digest } from "../ids.ts";

/** A command that wants to go on by an approval, as it is when it comes. */
export interface Use {
  readonly requester: Identity;
  /** The nearest first. */
  readonly actors: readonly Identity[];
  readonly connection: ConnectionName;
  readonly digest: Digest;
  readonly targetDigest: Digest;
  readonly policy: Digest;
  /** The rule that says that it needs an approval. */
  readonly rule: string;
}

/** The same person through the same actors on the same connection, and the same rule asked. */
export function isOwnUse(approval: Approval, use: Use): boolean {
  return (
    isSame(approval.requester, use.requester) &&
    approval.actors.length === use.actors.length &&
    approval.actors.every((actor, i) => isSame(actor, use.actors[i])) &&
    approval.connection === use.connection &&
    approval.rule === use.rule
  );
}

/** Whether the grant is for such commands at all, whenever they come. */
export function isInGrant(approval: Approval, use: Use): boolean {
  if (approval.grant === null || !isOwnUse(approval, use)) return false;
  switch (approval.grant.scope) {
    case "rule":
      return true;
    case "target":
      return approval.targetDigest === use.targetDigest;
  }
}

export function hasLiveGrant(approval: Approval, now: number): boolean {
  return approval.grant !== null && approval.grant.ended === null && now < approval.grant.until;
}

export function grantCovers(approval: Approval, use: Use, now: number): boolean {
  return hasLiveGrant(approval, now) && approval.policy === use.policy && isInGrant(approval, use);
}

function isSame(a: Identity, b: Identity | undefined): boolean {
  return b !== undefined && a.issuer === b.issuer && a.subject === b.subject;
}
