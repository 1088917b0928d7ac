// Why an approval does not go where somebody wanted it to go. Stable codes; workers/problem.ts maps them to the wire.

/** What step.ts refuses. */
export type StepRefusal =
  /** It is not the caller's, or another command's: connection, actor chain, digest or target differ. */
  | "approval_other_command"
  | "approval_pending"
  | "approval_denied"
  | "approval_expired"
  | "approval_cancelled"
  | "approval_revoked"
  | "approval_consumed"
  /** Already decided in favour: there is nothing left to decide. */
  | "approval_approved"
  /** The policy changed since it was asked for. */
  | "approval_stale"
  | "decider_is_requester"
  | "decider_not_asked"
  | "decider_decided"
  | "comment_needed"
  | "passkey_needed"
  /** More than the rule allows. */
  | "grant_too_long"
  /** The rule has no grants, or nothing was granted. */
  | "grant_none"
  /** The rule lets nobody break the glass, or an agent tried to. */
  | "break_glass_none"
  /** The glass is broken only with a reason. */
  | "reason_needed"
  /** Nothing is to be signed off. */
  | "review_none";

export type ApprovalRefusal =
  | StepRefusal
  | "approval_unknown"
  /** As many as may wait in one session do. */
  | "approvals_too_many";
