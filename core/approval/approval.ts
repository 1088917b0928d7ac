// An approval: one command that waits for people. Shapes only; step.ts says what becomes of one.
//
// pending → approved | denied | expired | cancelled; approved → consumed | expired | revoked; and what was
// granted for a time ends by itself or is revoked.

import type { CommandId, ConnectionName, Digest } from "../ids.ts";
import type { ApprovalTerms } from "./terms.ts";

/** An approval's id is that of the command that asked for it. */
export type ApprovalId = CommandId;

export interface Identity {
  readonly issuer: string;
  readonly subject: string;
}

/** Somebody, as far as it matters who is the same person. */
export interface Party extends Identity {
  readonly name: string | null;
  /** Only if the issuer has verified it; else null. */
  readonly email: string | null;
}

export interface Vote {
  readonly decision: "approve" | "deny";
  readonly decider: Party;
  /** Indexes of `terms.by` that the decider fits. */
  readonly slots: readonly number[];
  readonly comment: string | null;
  /** Milliseconds for which the like is allowed; 0: once. */
  readonly grantMs: number;
  /** The decider's command, in their session on `console`. */
  readonly command: CommandId;
  /** Milliseconds since 1970. */
  readonly time: number;
}

export type ApprovalState =
  | { readonly kind: "pending" }
  /** `until`: it can be used until then. */
  | { readonly kind: "approved"; readonly at: number; readonly until: number }
  | { readonly kind: "denied"; readonly at: number }
  | { readonly kind: "expired"; readonly at: number; readonly reason: ExpiryReason }
  | { readonly kind: "cancelled"; readonly at: number; readonly reason: CancelReason }
  | { readonly kind: "revoked"; readonly at: number; readonly reason: RevokeReason }
  /** `by`: the command that used it. */
  | { readonly kind: "consumed"; readonly at: number; readonly by: CommandId };

export type ExpiryReason = "unanswered" | "unused";
export type CancelReason = "requester" | "client_gone" | "killed" | "session_over" | "policy_changed";
/** `revoked`: by somebody who may decide it. */
export type RevokeReason = CancelReason | "revoked";

/** What was allowed for a time. It begins with the decision. */
export interface Grant {
  readonly until: number;
  readonly scope: "target" | "rule";
  /** When and why it ended, `over` by its time; null while it holds. */
  readonly ended: { readonly at: number; readonly reason: RevokeReason | "over" } | null;
}

export interface Approval {
  readonly id: ApprovalId;
  readonly connection: ConnectionName;
  readonly rule: string;
  /** The policy under which it was asked for, and is good for. */
  readonly policy: Digest;
  /** Keyed digest of the command (digest.ts). */
  readonly digest: Digest;
  /** Keyed digest of connection, method and target alone: what a grant of scope `target` covers. */
  readonly targetDigest: Digest;
  readonly requester: Party;
  /** Who acts for the requester, the nearest first. */
  readonly actors: readonly Identity[];
  readonly terms: ApprovalTerms;
  readonly requested: number;
  /** Pending until then. */
  readonly expires: number;
  readonly votes: readonly Vote[];
  readonly state: ApprovalState;
  readonly grant: Grant | null;
  /** The call that asked went away (`ifGone` is `keep`): only another one can use it. */
  readonly left: boolean;
  /** It went on without anybody's approval. */
  readonly breakGlass: { readonly reason: string; readonly review: "owed" | "signed_off" } | null;
}
