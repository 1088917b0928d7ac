// What records say of approvals, as a session object checks them before it takes any, and reads them
// again: whoever asks or uses an approval makes the record, and the object holds it against the approval.

import type { Approval } from "../core/approval/approval.ts";
import type { ApprovalEvent, ApprovalFact } from "../core/approval/event.ts";
import type { CommandId } from "../core/ids.ts";
import type { Classes, Committed, Disclosed, Fields, StoredRecord } from "../core/record/record.ts";
import type { Ask, Consumption, NoticeEvent } from "./approval_rpc.ts";
import { payloadSize } from "./inline_payload.ts";
import { isWellFormed } from "./well_formed.ts";

/** Whether the records ask for this approval, of which nothing is decided. Their order is looked at elsewhere. */
export function isAsk({ approval, records }: Ask): boolean {
  const [first, ...chunks] = records;
  if (first === undefined || first.kind !== "approval.requested" || first.part !== 0) return false;
  if (!records.every((record) => record.command === approval.id && isWellFormed(record))) return false;
  if (!chunks.every(({ kind }) => kind === "stream.chunk")) return false;
  if (chunks.length > 0 && hasPayload(first)) return false;
  const { policy, rule, expires } = classesOf(first);
  const { state, votes, grant, left, breakGlass } = approval;
  const isNew = state.kind === "pending" && votes.length === 0 && grant === null && !left && breakGlass === null;
  return isNew && policy === approval.policy && rule === approval.rule && expires === approval.expires;
}

/** Whether the record is the intent of a command that goes on by this approval. */
export function isUseOf(record: Committed, { approval, asGrant, policy, rule }: Consumption): boolean {
  if (!isWellFormed(record) || record.kind !== "command.requested" || record.part !== 0) return false;
  // What was asked about stands where it was asked.
  if (record.command === approval && hasPayload(record)) return false;
  const classes = classesOf(record);
  if (classes.approval !== approval || classes.policy !== policy || classes.rule !== rule) return false;
  return asGrant ? classes.grant === 1 && record.command !== approval : classes.grant === undefined;
}

function hasPayload({ payload, disclosure }: Committed): boolean {
  return payload !== null || payloadSize(disclosure) > 0;
}

/** An intent with such classes is only taken together with the use of an approval. */
export function goesOnByApproval({ classes }: Committed): boolean {
  return /[{,]"(?:approval|grant)":/.test(classes) || classes.includes('"effect":"needs_approval"');
}

export function classesOf({ classes }: Committed): Classes {
  return JSON.parse(classes) as Classes;
}

/** Null if the record has no such field. */
export function fieldOf({ disclosure }: Pick<StoredRecord, "disclosure">, name: string): string | null {
  return (JSON.parse(disclosure) as readonly Disclosed[]).find(([one]) => one === name)?.[2] ?? null;
}

/** Which record tells of what somebody did, and so has what they said with it. */
export function isOfTheEvent({ kind, classes }: ApprovalFact): boolean {
  return kind === "approval.decided" || (kind === "approval.revoked" && classes.reason === "revoked");
}

export function glassEvent({ id, requester, policy }: Approval, reason: string): ApprovalEvent {
  return { kind: "break_glass", command: id, requester, reason, policy };
}

/** Who broke the glass, as the session has it, and why: what of others is a decider and a comment. */
export function glassFields(opened: StoredRecord | undefined, reason: string): Fields {
  const decider = opened === undefined ? null : fieldOf(opened, "principal");
  return decider === null ? { comment: reason } : { decider, comment: reason };
}

/** The socket over which a message came; null of any other command. */
export function socketOf(record: Committed): CommandId | null {
  const { socket } = classesOf(record);
  return typeof socket === "string" ? (socket as CommandId) : null;
}

/** How an approval ends with its socket. `outcome` is the socket's; null where nobody knows it. */
export function endOfSocket(socket: CommandId, outcome: Committed | null): ApprovalEvent {
  switch (outcome === null ? null : classesOf(outcome).reason) {
    case "killed":
      return { kind: "kill", by: outcome === null ? null : (fieldOf(outcome, "by") as CommandId | null) };
    case "session_over":
      return { kind: "session_over" };
    case "policy_changed":
      return { kind: "policy_changed", policy: null };
    default:
      return { kind: "client_gone", command: socket };
  }
}

/** What those who are told of an approval hear of a change. */
export function eventsOf(before: Approval, after: Approval): readonly NoticeEvent[] {
  const { kind } = after.state;
  if (before.state.kind !== "pending") return [];
  return kind === "pending" || kind === "consumed" || kind === "revoked" ? [] : [kind];
}
