// What can happen to an approval, and what its records say of it.

import type { CommandId, Digest } from "../ids.ts";
import type { Classes, Fields, Kind } from "../record/record.ts";
import type { Approval, Identity, Party, Vote } from "./approval.ts";
import type { Use } from "./grant.ts";
import type { Links } from "./person.ts";
import type { StepRefusal } from "./refusal.ts";

export type ApprovalEvent =
  /** `policy` in force where it was decided, `links` by it. `vote.time` is when it came; the clock of `step` counts. */
  | {
      readonly kind: "vote";
      readonly vote: Vote;
      readonly policy: Digest;
      readonly links: Links;
      /** The decider has signed what they decide, and the signature was checked. */
      readonly stepUp: "passkey" | null;
    }
  /** Time has passed. */
  | { readonly kind: "expire" }
  /** The requester takes it back. */
  | { readonly kind: "cancel"; readonly by: CommandId | null }
  /** A call that waited went away: the one that asked, or one that came later. */
  | { readonly kind: "client_gone"; readonly command: CommandId }
  /** Somebody who may decide takes back what is approved or granted. */
  | { readonly kind: "revoke"; readonly by: CommandId | null }
  /** Once, or, `asGrant`, as one of many. */
  | { readonly kind: "consume"; readonly command: CommandId; readonly use: Use; readonly asGrant: boolean }
  | { readonly kind: "kill"; readonly by: CommandId | null }
  | { readonly kind: "session_over" }
  /** This is in force now; null: another than the one under which it was asked for. */
  | { readonly kind: "policy_changed"; readonly policy: Digest | null }
  /** The rule, by the policy in force, lets this caller go on without approval. */
  | {
      readonly kind: "break_glass";
      readonly command: CommandId;
      readonly requester: Identity;
      readonly reason: string;
      readonly policy: Digest;
    }
  /** Signs off afterwards that the glass was broken. `slots`: as of a vote, by the approval's own terms. */
  | {
      readonly kind: "review";
      readonly command: CommandId;
      readonly reviewer: Party;
      readonly slots: readonly number[];
      readonly links: Links;
      readonly comment: string | null;
    };

/** A record about an approval, but for the fields that come from outside (decider, comment, assertion). Its `cmd` is the approval's id. */
export interface ApprovalFact {
  readonly kind: Kind;
  readonly part: number;
  readonly classes: Classes;
  readonly fields: Fields;
}

/**
 * `approval` is to be kept and `facts` to be appended, in this order, also where the event was refused: it
 * may have come too late, and that it was too late is then a record. Without facts nothing has changed.
 */
export interface Step {
  readonly approval: Approval;
  readonly facts: readonly ApprovalFact[];
  readonly refused: StepRefusal | null;
}
