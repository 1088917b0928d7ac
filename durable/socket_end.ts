// How a socket ended: who ended it and why, what each side is told, and the outcome of its upgrade.

import type { CommandId } from "../core/ids.ts";
import { ownRecord } from "../core/mask/mask_draft.ts";
import type { MaskPlan } from "../core/mask/mask_plan.ts";
import { maskWhole } from "../core/mask/payload_masker.ts";
import type { Pseudonym } from "../core/mask/span.ts";
import {
  ABNORMAL,
  type Close,
  type ClosingFrame,
  GOING_AWAY,
  INTERNAL_ERROR,
  isOrderly,
  NO_STATUS,
  passedOn,
  POLICY_VIOLATION,
  TOO_LARGE,
  TRY_AGAIN_LATER,
} from "../core/protocol/websocket/close.ts";
import type { Classes, Fields, Kind, Masked } from "../core/record/record.ts";

/** Why the gateway ends a socket. */
export type EndReason =
  | "token_expired"
  | "token_revoked"
  | "killed"
  | "policy_changed"
  | "session_over"
  | "grant_over"
  | "approval_revoked"
  | "silent"
  | "message_refused"
  | "message_not_approved"
  | "message_too_large"
  | "mask_failed"
  | "not_recordable"
  | "storage_full"
  | "control_unavailable"
  | "overloaded"
  | "approval_backlog"
  | "caller_behind"
  | "upstream_behind";

export type Ending =
  | { readonly by: "caller" | "upstream"; readonly close: Close }
  /** `command`: an admin's, by which they ended it. */
  | { readonly by: "gateway"; readonly reason: EndReason; readonly command: CommandId | null };

/** Codes and texts that both sides are told; a text is at most 123 bytes (RFC 6455 §5.5). */
const TOLD: Readonly<Record<EndReason, { readonly code: number; readonly text: string }>> = {
  token_expired: { code: POLICY_VIOLATION, text: "the access token has expired" },
  token_revoked: { code: POLICY_VIOLATION, text: "the access token was revoked" },
  killed: { code: POLICY_VIOLATION, text: "an admin ended this session" },
  policy_changed: { code: POLICY_VIOLATION, text: "the policy allows this no more" },
  session_over: { code: POLICY_VIOLATION, text: "this session has lasted as long as one may" },
  grant_over: { code: POLICY_VIOLATION, text: "the time for which this was approved is over" },
  approval_revoked: { code: POLICY_VIOLATION, text: "the approval was taken back" },
  silent: { code: GOING_AWAY, text: "nothing was said for too long" },
  message_refused: { code: POLICY_VIOLATION, text: "the policy does not allow this message" },
  message_not_approved: { code: POLICY_VIOLATION, text: "this message was not approved" },
  message_too_large: { code: TOO_LARGE, text: "the message is too large" },
  mask_failed: { code: INTERNAL_ERROR, text: "the message could not be masked" },
  not_recordable: { code: INTERNAL_ERROR, text: "the message could not be recorded" },
  storage_full: { code: INTERNAL_ERROR, text: "no more of this can be recorded here" },
  control_unavailable: { code: TRY_AGAIN_LATER, text: "the region's control cannot be reached" },
  overloaded: { code: TRY_AGAIN_LATER, text: "more messages came than can be recorded" },
  approval_backlog: { code: TRY_AGAIN_LATER, text: "too much waits for a message to be approved" },
  caller_behind: { code: TRY_AGAIN_LATER, text: "the client does not read" },
  upstream_behind: { code: TRY_AGAIN_LATER, text: "the upstream does not read" },
};

/** Ends by a word of an admin, or by time: the command was cancelled, and did not fail. */
const CANCELLED: ReadonlySet<EndReason> = new Set<EndReason>([
  "token_expired",
  "token_revoked",
  "killed",
  "policy_changed",
  "session_over",
  "grant_over",
  "approval_revoked",
  "silent",
  "message_refused",
  "message_not_approved",
]);

export function frames(ending: Ending): { readonly caller: ClosingFrame; readonly upstream: ClosingFrame } {
  if (ending.by === "gateway") {
    const { code, text } = TOLD[ending.reason];
    return { caller: { code, reason: text }, upstream: { code, reason: text } };
  }
  const { close, by } = ending;
  // Whoever closed gets its own code back (RFC 6455 §5.5.1); the other one is told that it is gone, or why it closed.
  const back = passedOn(close, GOING_AWAY);
  const onwards = passedOn(close, by === "caller" ? GOING_AWAY : INTERNAL_ERROR);
  return by === "caller" ? { caller: back, upstream: onwards } : { caller: onwards, upstream: back };
}

/** What a peer said when it closed, masked like anything that it sends. */
export function closeReason(ending: Ending, plan: MaskPlan, pseudonym: Pseudonym): string {
  if (ending.by === "gateway" || ending.close.reason === "") return "";
  try {
    const said = new TextEncoder().encode(ending.close.reason);
    const { bytes } = maskWhole(plan, "text/plain; charset=utf-8", said, pseudonym);
    return new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(bytes);
  } catch {
    return "[masked]";
  }
}

/** What passed until then. */
export interface Passed {
  readonly sent: { readonly messages: number; readonly bytes: number };
  readonly received: { readonly messages: number; readonly bytes: number };
  readonly ms: number;
}

/** `reason`: what a peer said when it closed, masked. */
export function socketOutcome(
  command: CommandId,
  ending: Ending,
  { sent, received, ms }: Passed,
  reason: string,
): Masked {
  const { kind, classes, fields } = told(ending, reason);
  return ownRecord({
    kind,
    command,
    part: 0,
    classes: {
      ...classes,
      tool: "none",
      closed_by: ending.by,
      req_messages: sent.messages,
      resp_messages: received.messages,
      req_bytes: sent.bytes,
      resp_bytes: received.bytes,
      ms,
    },
    fields: { ...fields, digests: '{"request":null,"response":null}' },
  });
}

function told(
  ending: Ending,
  said: string,
): { readonly kind: Kind; readonly classes: Classes; readonly fields: Fields } {
  if (ending.by === "gateway") {
    const { reason, command } = ending;
    const { code: close, text } = TOLD[reason];
    const fields = { close_reason: text, ...(command === null ? {} : { by: command }) };
    return CANCELLED.has(reason)
      ? { kind: "command.cancelled", classes: { reason, close }, fields }
      : { kind: "command.failed", classes: { transport: "cut", status: 101, reason, close }, fields };
  }
  const { by, close } = ending;
  const fields: Fields = said === "" ? {} : { close_reason: said };
  const classes: Classes = close.code === NO_STATUS ? {} : { close: close.code };
  if (isOrderly(close))
    return { kind: "command.completed", classes: { ...classes, transport: "ok", status: 101, folded: 0 }, fields };
  if (by === "caller") return { kind: "command.cancelled", classes: { ...classes, reason: "client_gone" }, fields };
  const reason = close.code === ABNORMAL ? "upstream_gone" : "upstream_invalid";
  return { kind: "command.failed", classes: { ...classes, transport: "cut", status: 101, reason }, fields };
}
