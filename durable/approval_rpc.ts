// What a Worker may ask of a session object about approvals, and of a registry shard to find them.
// Refusals are values. The session object is the authority; a registry's row is how one is found.

import type { Approval, ApprovalId, Party } from "../core/approval/approval.ts";
import type { CommandId, ConnectionName, Digest, SessionId } from "../core/ids.ts";
import type { Use } from "../core/approval/grant.ts";
import type { ApprovalRefusal } from "../core/approval/refusal.ts";
import type { Committed, Fields } from "../core/record/record.ts";
import type { Appended, Opening } from "./session_rpc.ts";

export type { ApprovalRefusal } from "../core/approval/refusal.ts";

/** `records`: `approval.requested`, and what of the body stands in chunks. Taken all together or not at all. */
export interface Ask {
  readonly approval: Approval;
  readonly records: readonly Committed[];
  /** For lists, masked and cut: `DELETE /v1/pods/web-1`. */
  readonly title: string;
  /** Why it goes on without anybody's approval, masked: it is then approved at once, and a review owed. Null where it waits. */
  readonly glass: string | null;
  /** Who is told (core/policy: `notify`), by its name there. */
  readonly notices: readonly Notice[];
}

/** Where a notice goes. The secret is looked up by its name when it is sent. */
export interface Notice {
  readonly name: string;
  readonly format: "webhook" | "slack";
  /** Null: the secret is the URL. */
  readonly url: string | null;
  readonly secret: string | null;
}

export type AskAnswer = Appended | { readonly ok: false; readonly reason: "approvals_too_many" };

/** `record` is the place of what was appended: `<sid>/<seq>`. */
export type Stepped =
  | { readonly ok: true; readonly approval: Approval; readonly record: string }
  | { readonly ok: false; readonly reason: ApprovalRefusal; readonly approval: Approval | null }
  | { readonly ok: false; readonly reason: "overloaded" | "storage_refused"; readonly approval: null };

/** Using one: what the intent's command is, held against the approval in the same turn in which the intent is appended. */
export interface Consumption extends Use {
  readonly approval: ApprovalId;
  /** What was granted for a time is used: many may use it. */
  readonly asGrant: boolean;
}

export type Consumed =
  | Appended
  | { readonly ok: false; readonly reason: ApprovalRefusal; readonly approval: Approval | null };

/** A decision on its way to the object. Who may decide has been found by the live policy: `slots`, `links`. */
export interface DecisionOrder {
  readonly approval: ApprovalId;
  readonly decision: "approve" | "deny";
  readonly decider: Party;
  readonly slots: readonly number[];
  /** Identities that the policy in force says are one person. */
  readonly links: readonly (readonly { readonly issuer: string; readonly subject: string }[])[];
  readonly policy: Digest;
  readonly comment: string | null;
  readonly grantMs: number;
  /** The decider signed it with a passkey, and the signature was checked. */
  readonly stepUp: "passkey" | null;
  readonly command: CommandId;
  /** Masked fields of `approval.decided` beside what the object knows: `decider`, `comment?`, `assertion?`. */
  readonly fields: Fields;
}

export interface ApprovalWatch {
  readonly approval: Approval;
  readonly title: string;
  readonly sid: SessionId;
}

export interface ApprovalRpc {
  /** Appends `approval.requested`, opening a session if there is none and an opening is given. Idempotent. */
  ask(ask: Ask, opening: Opening | null): Promise<AskAnswer>;
  /** Resolves at once if it is not pending any more, else when that changes, or after `ms` (LONG_POLL_MS at most). */
  untilDecided(approval: ApprovalId, ms: number): Promise<ApprovalWatch | null>;
  approvalOf(approval: ApprovalId): Promise<ApprovalWatch | null>;
  /** The newest of this object that covers such a command under a grant; null if none does. */
  grantFor(asked: Use): Promise<ApprovalId | null>;
  /** Appends the intent and uses the approval, in one turn, or does neither. Idempotent for the same record. */
  consume(record: Committed, consumption: Consumption): Promise<Consumed>;
  decide(order: DecisionOrder): Promise<Stepped>;
  /** By the requester, or because their client left. */
  cancel(approval: ApprovalId, reason: "requester" | "client_gone", by: CommandId | null): Promise<Stepped>;
  /** Takes back what was approved and not used, and what was granted; running streams under it are cut. */
  revoke(approval: ApprovalId, by: CommandId, fields: Fields): Promise<Stepped>;
  /** Signs off what went on without approval, also in a session that is closed. */
  review(order: DecisionOrder): Promise<Stepped>;
}

/** What a registry shard lists. The shard is named by the approval id's last hex digit. */
export interface ApprovalEntry {
  readonly id: ApprovalId;
  readonly sid: SessionId;
  /** The session object's id, as `idFromString` takes it. */
  readonly object: string;
  readonly connection: ConnectionName;
  readonly rule: string;
  /** Under which it was asked for. */
  readonly policy: Digest;
  readonly title: string;
  readonly requester: Party;
  readonly actors: readonly { readonly issuer: string; readonly subject: string }[];
  readonly requested: number;
  readonly expires: number;
  readonly state: Approval["state"]["kind"];
  /** Of the last change. */
  readonly changed: number;
  readonly review: "owed" | "signed_off" | null;
  /** Deciders so far, `issuer subject` each. */
  readonly deciders: readonly Party[];
  readonly grantUntil: number | null;
  readonly digest: Digest;
  /** Counts changes: an older entry never takes a newer one's place. 0: before its first record. */
  readonly version: number;
}

/** Newest first; `before` is the id of the last one of the page before. Null or left out does not narrow. */
export interface ApprovalQuery {
  readonly state?: Approval["state"]["kind"] | undefined;
  readonly requester?: { readonly issuer: string; readonly subject: string } | undefined;
  readonly decider?: { readonly issuer: string; readonly subject: string } | undefined;
  readonly review?: "owed" | undefined;
  readonly connection?: string | undefined;
  readonly digest?: Digest | undefined;
  readonly before: ApprovalId | null;
  readonly limit: number;
}

/** What is told of an approval. */
export type NoticeEvent = "requested" | "break_glass" | "approved" | "denied" | "expired" | "cancelled";

/** What came about with a version of the entry. */
export interface News {
  readonly event: NoticeEvent;
  readonly version: number;
}

export interface QueuedNotice extends News {
  readonly target: Notice;
}

export interface ApprovalRegistryRpc {
  /** Idempotent; an entry with a lower version than the known one changes nothing. Durable when it resolves. Notices are queued in the same transaction. */
  approvalChanged(entry: ApprovalEntry, notices: readonly QueuedNotice[]): Promise<void>;
  findApproval(id: ApprovalId): Promise<ApprovalEntry | null>;
  /** Not those of version 0, whose first record is not durable yet and may never be. */
  listApprovals(query: ApprovalQuery): Promise<ApprovalEntry[]>;
  /** Counts this shard's changes; waits until there are others than `seen`, `ms` at most. At once if too many wait. */
  approvalChanges(seen: number, ms: number): Promise<number>;
}
