// What the pages call things: states, reasons, refusals, and whom a rule asks.

import type { Approval } from "../../../core/approval/approval.ts";
import type { Slot } from "../../../core/approval/terms.ts";
import type { ActRefusal } from "../../approvals/acts.ts";

export type StateKind = Approval["state"]["kind"];
export type Tone = "warn" | "good" | "danger" | "dim";

/** `sign` says the same as the colour does, for who does not see that. */
export const STATES: Readonly<
  Record<StateKind, { readonly word: string; readonly tone: Tone; readonly sign: string }>
> = {
  pending: { word: "Waiting", tone: "warn", sign: "○" },
  approved: { word: "Approved", tone: "good", sign: "✓" },
  denied: { word: "Denied", tone: "danger", sign: "✕" },
  expired: { word: "Expired", tone: "dim", sign: "–" },
  cancelled: { word: "Taken back", tone: "dim", sign: "–" },
  revoked: { word: "Revoked", tone: "danger", sign: "✕" },
  consumed: { word: "Used", tone: "good", sign: "✓" },
};

/** Why it came to its end, as a sentence. */
export function endText({ state, grant }: Approval): string | null {
  switch (state.kind) {
    case "pending":
      return null;
    case "approved":
      return "It is approved and was not used yet.";
    case "denied":
      return "It was denied. Nothing was forwarded.";
    case "consumed":
      return grant === null
        ? "It was approved, and its command went on."
        : "It was approved for a time, and its command went on.";
    case "expired":
      return state.reason === "unanswered"
        ? "Nobody decided in time. Nothing was forwarded."
        : "It was approved, and not used in time. Nothing was forwarded.";
    case "cancelled":
    case "revoked":
      return ENDS[state.reason] ?? null;
  }
}

const ENDS: Readonly<Record<string, string>> = {
  requester: "Whoever asked took it back.",
  client_gone: "The client that asked went away.",
  killed: "An admin ended the session.",
  session_over: "Its session ended.",
  policy_changed: "The policy changed since it was asked for. It has to be asked for again.",
  revoked: "The approval was taken back.",
};

/** Why a grant ended. */
export function grantEndText(reason: string): string {
  return reason === "over" ? "its time is over" : (ENDS[reason] ?? reason).replace(/\.$/, "").toLowerCase();
}

/** Whom a place of the rule asks: `2 of the group leads`. */
export function slotText({ roles, groups, count }: Slot): string {
  const whom = [...roles.map((role) => `with the role ${role}`), ...groups.map((group) => `of the group ${group}`)];
  const who = count === 1 ? "One" : String(count);
  return whom.length === 0 ? `${who} of these people` : `${who} ${whom.join(" or ")}`;
}

/** What is told to whom a step was refused. */
export const REFUSALS: Readonly<Record<ActRefusal, string>> = {
  approval_unknown: "There is no such approval any more.",
  approvals_too_many: "Too many requests wait already.",
  approval_other_command: "This approval is for another command.",
  approval_pending: "It is still waiting, so there is nothing to take back.",
  approval_approved: "It was approved already, by somebody else. Your decision was not needed, and was not recorded.",
  approval_denied: "It was denied already, by somebody else. Your decision came too late, and changed nothing.",
  approval_expired: "It expired before your decision came. Nothing was decided.",
  approval_cancelled: "It was taken back before your decision came. Nothing was decided.",
  approval_revoked: "It was revoked already.",
  approval_consumed: "It has been used already.",
  approval_stale: "The policy changed since this was asked for, so it is good for nothing any more.",
  approval_changed: "It changed while you read it. Nothing was decided: this is what it is now. Decide again.",
  decider_is_requester: "You, or somebody acting for you, asked for this. Others have to decide it.",
  decider_not_asked: "The rule asks others to decide this.",
  decider_not_in_person: "A decision is a person's own. Nobody decides through an agent.",
  decider_decided: "You have decided this already.",
  decider_login_old: "Your login is more than five minutes old. Log in again, then decide.",
  comment_needed: "The rule wants to know why. Write a comment.",
  passkey_needed: "The rule wants each decision signed with a passkey, and this came without. Nothing was decided.",
  passkey_wrong: "What your passkey signed is not this decision. Nothing was decided.",
  passkey_late: "Your passkey's signature was used before, or came after more than five minutes. Choose once more.",
  passkey_unknown: "This passkey is not one of yours here. Nothing was decided.",
  passkey_counter:
    "Your passkey's count went back, so there may be a copy of it. Nothing was decided. Remove it, and tell an admin.",
  grant_none: "The rule allows this once at a time.",
  grant_too_long: "This is longer than the rule allows.",
  review_none: "There is nothing to sign off.",
  break_glass_none: "This cannot go on without an approval.",
  reason_needed: "A reason is needed.",
  overloaded: "Too much is being recorded at the moment. Nothing was decided. Try again.",
  trail_unavailable: "The trail cannot be reached. It is not known whether your decision was taken: look again.",
};
