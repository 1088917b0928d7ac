// What somebody may do with an approval as it is now: for forms that offer it. Each is held against the
// policy, and by the session object, once more when it is done.

import type { Approval } from "../../core/approval/approval.ts";
import { hasLiveGrant } from "../../core/approval/grant.ts";
import type { Policy } from "../../core/policy/policy.ts";
import type { Caller } from "../caller.ts";
import { type FoundApproval, isOwn } from "./find.ts";
import { standingOf } from "./standing.ts";

export interface Powers {
  readonly decide: boolean;
  /** Takes one's own request back. */
  readonly cancel: boolean;
  /** Takes back what was approved and not used, or granted. */
  readonly revoke: boolean;
  /** Signs off what went on without approval. */
  readonly review: boolean;
}

export function powersOf({ approval, entry }: FoundApproval, caller: Caller, policy: Policy, now: number): Powers {
  const { principal } = caller.authenticated;
  const live = isLive(approval, now);
  const isPending = approval.state.kind === "pending";
  // Whoever may decide by the policy of now may take back and sign off, whatever it was asked under.
  const later = standingOf({ ...approval, policy: policy.hash }, caller, policy).mayDecide;
  const voted = approval.votes.some(
    ({ decider }) => decider.issuer === principal.issuer && decider.subject === principal.subject,
  );
  return {
    decide: isPending && now < approval.expires && !voted && standingOf(approval, caller, policy).mayDecide,
    cancel: live && isOwn(entry, caller),
    revoke: live && !isPending && (later || caller.roles.has("admin")),
    review: approval.breakGlass?.review === "owed" && later,
  };
}

export function isLive(approval: Approval, now: number): boolean {
  const { state } = approval;
  return state.kind === "pending" || (state.kind === "approved" && now < state.until) || hasLiveGrant(approval, now);
}
