// What a caller is told whose command does not go on.

import type { Approval, ApprovalId } from "../../../core/approval/approval.ts";
import type { SessionId } from "../../../core/ids.ts";
import type { ApprovalRefusal } from "../../../durable/approval_rpc.ts";
import { placeOfCommand } from "../../approval_client.ts";
import { placeOfApproval } from "../../approvals/place.ts";
import type { ProblemMore, ProblemReason } from "../../problem.ts";
import { originOf } from "../../protected_resource.ts";
import type { Begun, Session } from "../../session_client.ts";
import type { Exchange } from "../exchange.ts";
import type { Waiting } from "./waiting.ts";

export interface Stopped {
  readonly reason: ProblemReason;
  /** The approval's own records tell it, or nothing can be recorded; else it becomes `command.denied`. */
  readonly isRecorded: boolean;
  /** `<sid>/<seq>` */
  readonly record: string | null;
  readonly approval?: ApprovalId;
  readonly detail?: string;
  /** `<sid>/<seq>` of the intent that used it. */
  readonly used?: string;
  /** What of the caller's preferences was followed (RFC 7240 §3). */
  readonly applied?: string;
}

export type Stop = { readonly ok: false } & Stopped;

export function stop(reason: ProblemReason, more: Partial<Omit<Stopped, "reason">> = {}): Stop {
  return { ok: false, reason, isRecorded: false, record: null, ...more };
}

export function placeOf({ sid, seq }: Begun): string {
  return `${sid}/${seq}`;
}

/** Where an approval lives, and the place of its request where that is this command's. */
export interface Home {
  readonly session: Session;
  readonly sid: SessionId;
  readonly seq?: number;
}

/** By an approval that is not to be used, or not yet. */
export async function stoppedBy(
  { exchange, askedFor }: Waiting,
  { session, sid, seq }: Home,
  approval: Approval,
  isRecorded: boolean,
): Promise<Stop> {
  const { id, state, votes } = approval;
  const more = { isRecorded, approval: id, record: seq === undefined ? null : `${sid}/${seq}` };
  switch (state.kind) {
    case "pending":
    case "approved":
      return stop("approval_pending", askedFor.applied === null ? more : { ...more, applied: askedFor.applied });
    case "denied": {
      const comment = votes.findLast(({ decision }) => decision === "deny")?.comment ?? null;
      return stop("approval_denied", comment === null ? more : { ...more, detail: comment });
    }
    case "expired":
      return stop("approval_expired", more);
    case "cancelled":
      return stop(endedBy(state.reason) ?? "approval_cancelled", more);
    case "revoked":
      return stop(endedBy(state.reason) ?? "approval_revoked", more);
    case "consumed": {
      const used = await placeOfCommand(session, sid, state.by);
      // By this very command: its intent was recorded, and the answer to that was lost. It is not sent twice.
      const detail = state.by === exchange.command ? "Its command may have been forwarded." : undefined;
      return stop("approval_consumed", {
        ...more,
        ...(used === null ? {} : { used }),
        ...(detail === undefined ? {} : { detail }),
      });
    }
  }
}

function endedBy(reason: string): ProblemReason | null {
  if (reason === "killed") return "session_killed";
  if (reason === "policy_changed") return "approval_stale";
  return reason === "session_over" ? "approval_expired" : null;
}

/** How an object's refusal of a use is told. The others are about deciding. */
export function toldOf(reason: ApprovalRefusal): ProblemReason {
  switch (reason) {
    case "approval_unknown":
    case "approval_other_command":
    case "approval_pending":
    case "approval_denied":
    case "approval_expired":
    case "approval_cancelled":
    case "approval_revoked":
    case "approval_consumed":
    case "approval_stale":
    case "approvals_too_many":
      return reason;
    default:
      return "approval_revoked";
  }
}

/** What the answer says beside its reason: which approval, and where a person finds it. */
export function moreOf(
  { request, gateway }: Exchange,
  { reason, approval, detail, used, applied }: Stopped,
): ProblemMore {
  const headers: [string, string][] = [];
  if (approval !== undefined)
    headers.push(["location", placeOfApproval(approval, gateway.config, originOf(request.url))]);
  if (applied !== undefined && reason === "approval_pending") headers.push(["preference-applied", applied]);
  return {
    ...(approval === undefined ? {} : { approval }),
    ...(detail === undefined ? {} : { detail }),
    ...(used === undefined ? {} : { used }),
    headers,
  };
}
