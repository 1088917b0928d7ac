// approve: what becomes of an approval. A pure function of what it was, what happened and when.
//
// Invariant: of all the events that ever come, in whatever order, at most one single use succeeds, only of
// the command that was asked about, only after as many people as the rule wants have approved (or the glass
// was broken with a reason), none of whom asked, and only before its time is over. Nothing leads out of
// denied, expired, cancelled, revoked and consumed.

import type { CommandId, Digest } from "../ids.ts";
import type { Classes, Fields } from "../record/record.ts";
import type { Approval, ApprovalState, CancelReason, RevokeReason, Vote } from "./approval.ts";
import type { ApprovalEvent, ApprovalFact, Step } from "./event.ts";
import { grantCovers, hasLiveGrant, isInGrant, isOwnUse } from "./grant.ts";
import { isInvolved, samePerson } from "./person.ts";
import { quorumOf } from "./quorum.ts";
import type { StepRefusal } from "./refusal.ts";

type EventOf<Kind extends ApprovalEvent["kind"]> = Extract<ApprovalEvent, { kind: Kind }>;

/** `now` in milliseconds since 1970: the clock by which the records are appended that come of it. */
export function step(approval: Approval, event: ApprovalEvent, now: number): Step {
  const settled = settle(approval, now);
  const next = happen(settled.approval, event, now);
  return { ...next, facts: [...settled.facts, ...next.facts] };
}

/** When time alone changes something next; null if it never does. */
export function nextDue(approval: Approval): number | null {
  const { state, grant, expires } = approval;
  const due: number[] = [];
  if (state.kind === "pending") due.push(expires);
  if (state.kind === "approved") due.push(state.until);
  if (grant !== null && grant.ended === null) due.push(grant.until);
  return due.length === 0 ? null : Math.min(...due);
}

/** Somebody can still decide it, use it, or use what it grants: its session stays open for it. */
export function isLive(approval: Approval): boolean {
  return nextDue(approval) !== null;
}

function happen(approval: Approval, event: ApprovalEvent, now: number): Step {
  switch (event.kind) {
    case "vote":
      return vote(approval, event, now);
    case "expire":
      return unchanged(approval);
    case "cancel":
      return isLive(approval) ? end(approval, "requester", event.by, now) : refuse(approval, reasonOf(approval));
    case "client_gone":
      return clientGone(approval, event.command, now);
    case "revoke":
      return revoke(approval, event.by, now);
    case "consume":
      return event.asGrant ? useGrant(approval, event, now) : consume(approval, event, now);
    case "kill":
      return end(approval, "killed", event.by, now);
    case "session_over":
      return end(approval, "session_over", null, now);
    case "policy_changed":
      return event.policy === approval.policy ? unchanged(approval) : end(approval, "policy_changed", null, now);
    case "break_glass":
      return breakGlass(approval, event, now);
    case "review":
      return review(approval, event);
  }
}

/** Lets time take its effect first, so that nothing that comes late finds what is over. */
function settle(before: Approval, now: number): Step {
  let approval = before;
  const facts: ApprovalFact[] = [];
  const expire = (reason: "unanswered" | "unused" | "grant_over", change: Partial<Approval>): void => {
    facts.push({ kind: "approval.expired", part: expiredParts(approval), classes: { reason }, fields: {} });
    approval = { ...approval, ...change };
  };
  const { state, grant } = before;
  if (state.kind === "pending" && now >= before.expires)
    expire("unanswered", { state: { kind: "expired", at: now, reason: "unanswered" } });
  if (state.kind === "approved" && now >= state.until)
    expire("unused", { state: { kind: "expired", at: now, reason: "unused" } });
  if (grant !== null && grant.ended === null && now >= grant.until)
    expire("grant_over", { grant: { ...grant, ended: { at: now, reason: "over" } } });
  return { approval, facts, refused: null };
}

function vote(approval: Approval, event: EventOf<"vote">, now: number): Step {
  const { vote: cast, links } = event;
  const before = approval.votes.find(({ command }) => command === cast.command);
  // The same order again, because its answer was lost.
  if (before !== undefined)
    return before.decision === cast.decision ? unchanged(approval) : refuse(approval, "decider_decided");
  if (approval.state.kind !== "pending") return refuse(approval, reasonOf(approval));
  if (isInvolved(cast.decider, approval, links)) return refuse(approval, "decider_is_requester");
  if (isStale(approval, event.policy)) return stale(approval, now);
  const refused = refusedVote(approval, event);
  if (refused !== null) return refuse(approval, refused);
  const votes = [...approval.votes, { ...cast, time: now }];
  if (cast.decision === "deny")
    return decided({ ...approval, votes, state: { kind: "denied", at: now } }, "deny", cast.command, stepUpOf(event));
  if (!quorumOf(approval.terms.by, votes, links).enough)
    return decided({ ...approval, votes }, "approve", cast.command, stepUpOf(event));
  return decided(approved({ ...approval, votes }, now), "approve", cast.command, stepUpOf(event));
}

function refusedVote(approval: Approval, { vote: cast, links, stepUp }: EventOf<"vote">): StepRefusal | null {
  const { terms, votes } = approval;
  if (!cast.slots.some((slot) => terms.by[slot] !== undefined)) return "decider_not_asked";
  if (votes.some(({ decider }) => samePerson(decider, cast.decider, links))) return "decider_decided";
  if (terms.commentNeeded && isBlank(cast.comment)) return "comment_needed";
  if (terms.passkey && stepUp !== "passkey") return "passkey_needed";
  if (cast.grantMs === 0) return null;
  if (terms.grant === null || cast.decision === "deny") return "grant_none";
  const isTime = Number.isSafeInteger(cast.grantMs) && cast.grantMs > 0;
  return isTime && cast.grantMs <= terms.grant.maxMs ? null : "grant_too_long";
}

function stepUpOf({ stepUp }: EventOf<"vote">): Classes {
  return stepUp === null ? {} : { step_up: stepUp };
}

/** All who were needed have approved: for as long as the one of them who wanted the least. */
function approved(approval: Approval, now: number): Approval {
  const grantMs = Math.min(...approval.votes.map((one) => one.grantMs));
  const until = now + Math.max(approval.terms.useWithinMs, grantMs);
  const scope = approval.terms.grant?.scope;
  return {
    ...approval,
    state: { kind: "approved", at: now, until },
    grant: scope === undefined || grantMs === 0 ? null : { until: now + grantMs, scope, ended: null },
  };
}

/** The record of a decision that has made the approval what it is. */
function decided(
  approval: Approval,
  decision: Vote["decision"] | "break_glass" | "review",
  by: CommandId,
  classes: Classes,
): Step {
  const { state, grant } = approval;
  const isNow = decision !== "review";
  const told: Classes = {
    ...classes,
    decision,
    state: state.kind === "pending" || state.kind === "denied" ? state.kind : "approved",
    ...(isNow && state.kind === "approved" ? { until: state.until } : {}),
    ...(isNow && grant !== null ? { grant_until: grant.until } : {}),
  };
  return {
    approval,
    facts: [{ kind: "approval.decided", part: decidedParts(approval) - 1, classes: told, fields: { by } }],
    refused: null,
  };
}

function clientGone(approval: Approval, command: CommandId, now: number): Step {
  const { state, terms } = approval;
  if (state.kind !== "pending" && state.kind !== "approved") return unchanged(approval);
  if (terms.ifGone === "cancel") return end(approval, "client_gone", null, now);
  if (command !== approval.id || approval.left) return unchanged(approval);
  // What it asked for stays, the call itself is over: nothing of it went anywhere.
  const classes = { reason: "client_gone", tool: "none", req_bytes: 0, resp_bytes: 0, ms: now - approval.requested };
  const fields = { digests: `{"request":null,"response":null}` };
  return {
    approval: { ...approval, left: true },
    facts: [{ kind: "command.cancelled", part: 0, classes, fields }],
    refused: null,
  };
}

function revoke(approval: Approval, by: CommandId | null, now: number): Step {
  if (approval.state.kind === "pending" || !isLive(approval)) return refuse(approval, reasonOf(approval));
  return end(approval, "revoked", by, now);
}

function consume(approval: Approval, { command, use }: EventOf<"consume">, now: number): Step {
  if (!isOwnUse(approval, use) || approval.digest !== use.digest) return refuse(approval, "approval_other_command");
  const { state } = approval;
  // The same order again, because its answer was lost.
  if (state.kind === "consumed" && state.by === command && !isStale(approval, use.policy)) return unchanged(approval);
  if (state.kind !== "approved") return refuse(approval, reasonOf(approval));
  if (isStale(approval, use.policy)) return stale(approval, now);
  // Its record says that it is over.
  if (approval.left && command === approval.id) return refuse(approval, "approval_other_command");
  return unchanged({ ...approval, state: { kind: "consumed", at: now, by: command } });
}

function useGrant(approval: Approval, { use }: EventOf<"consume">, now: number): Step {
  const { grant } = approval;
  if (grant === null) return refuse(approval, "grant_none");
  if (!isInGrant(approval, use)) return refuse(approval, "approval_other_command");
  if (grant.ended !== null)
    return refuse(approval, grant.ended.reason === "over" ? "approval_expired" : "approval_revoked");
  if (isStale(approval, use.policy)) return stale(approval, now);
  return grantCovers(approval, use, now) ? unchanged(approval) : refuse(approval, "approval_expired");
}

function breakGlass(approval: Approval, event: EventOf<"break_glass">, now: number): Step {
  if (approval.state.kind !== "pending") return refuse(approval, reasonOf(approval));
  const { requester, actors, terms } = approval;
  if (requester.issuer !== event.requester.issuer || requester.subject !== event.requester.subject)
    return refuse(approval, "approval_other_command");
  // A person takes this upon themselves: what acts for them cannot.
  if (terms.breakGlass === null || actors.length > 0) return refuse(approval, "break_glass_none");
  if (isBlank(event.reason)) return refuse(approval, "reason_needed");
  if (isStale(approval, event.policy)) return stale(approval, now);
  const state: ApprovalState = { kind: "approved", at: now, until: now + terms.useWithinMs };
  const broken = { ...approval, state, breakGlass: { reason: event.reason, review: "owed" as const } };
  return decided(broken, "break_glass", event.command, {});
}

/** Whatever became of it since: also when it is over, and under another policy. */
function review(approval: Approval, event: EventOf<"review">): Step {
  const { breakGlass: broken, terms } = approval;
  if (broken === null || broken.review === "signed_off") return refuse(approval, "review_none");
  if (isInvolved(event.reviewer, approval, event.links)) return refuse(approval, "decider_is_requester");
  if (!event.slots.some((slot) => terms.by[slot] !== undefined)) return refuse(approval, "decider_not_asked");
  if (terms.commentNeeded && isBlank(event.comment)) return refuse(approval, "comment_needed");
  return decided({ ...approval, breakGlass: { ...broken, review: "signed_off" } }, "review", event.command, {});
}

/** Ends all that is live of it, with one record; nothing, if nothing is. */
function end(approval: Approval, reason: RevokeReason, by: CommandId | null, now: number): Step {
  if (!isLive(approval)) return unchanged(approval);
  const { grant } = approval;
  const fields: Fields = by === null ? {} : { by };
  return {
    approval: {
      ...approval,
      state: endedState(approval.state, reason, now),
      grant: grant === null || !hasLiveGrant(approval, now) ? grant : { ...grant, ended: { at: now, reason } },
    },
    facts: [{ kind: "approval.revoked", part: 0, classes: { reason }, fields }],
    refused: null,
  };
}

function endedState(state: ApprovalState, reason: RevokeReason, now: number): ApprovalState {
  switch (state.kind) {
    case "pending":
      // `revoke` is refused while it is pending.
      return { kind: "cancelled", at: now, reason: reason as CancelReason };
    case "approved":
      return { kind: "revoked", at: now, reason };
    case "denied":
    case "expired":
    case "cancelled":
    case "revoked":
    case "consumed":
      return state;
  }
}

/** It was asked under another policy: it is good for nothing any more. */
function stale(approval: Approval, now: number): Step {
  return { ...end(approval, "policy_changed", null, now), refused: "approval_stale" };
}

function isStale(approval: Approval, policy: Digest): boolean {
  return approval.policy !== policy;
}

/** Why something that needs another state cannot be. */
function reasonOf({ state }: Approval): StepRefusal {
  return `approval_${state.kind}`;
}

function expiredParts({ state, grant }: Approval): number {
  return (state.kind === "expired" ? 1 : 0) + (grant?.ended?.reason === "over" ? 1 : 0);
}

function decidedParts({ votes, breakGlass: broken }: Approval): number {
  return votes.length + (broken === null ? 0 : 1) + (broken?.review === "signed_off" ? 1 : 0);
}

function isBlank(text: string | null): boolean {
  return text === null || text.trim() === "";
}

function unchanged(approval: Approval): Step {
  return { approval, facts: [], refused: null };
}

function refuse(approval: Approval, refused: StepRefusal): Step {
  return { approval, facts: [], refused };
}
