// approve, as a session object is asked for it: what waits, what is decided and used goes through the
// group commit, so that each step and its record are one transaction.

import type { ApprovalId } from "../core/approval/approval.ts";
import type { CommandId } from "../core/ids.ts";
import type { Committed, Fields } from "../core/record/record.ts";
import type {
  ApprovalRpc,
  ApprovalWatch,
  Ask,
  AskAnswer,
  Consumed,
  Consumption,
  DecisionOrder,
  Stepped,
} from "./approval_rpc.ts";
import type { Opening } from "./session_rpc.ts";

export class ApprovalDesk implements ApprovalRpc {
  async ask(_ask: Ask, _opening: Opening | null): Promise<AskAnswer> {
    return { ok: false, reason: "approvals_too_many" };
  }

  async untilDecided(_approval: ApprovalId, _ms: number): Promise<ApprovalWatch | null> {
    return null;
  }

  async approvalOf(_approval: ApprovalId): Promise<ApprovalWatch | null> {
    return null;
  }

  async grantFor(_asked: Parameters<ApprovalRpc["grantFor"]>[0]): Promise<ApprovalId | null> {
    return null;
  }

  async consume(_record: Committed, _consumption: Consumption): Promise<Consumed> {
    return { ok: false, reason: "approval_unknown", approval: null };
  }

  async decide(_order: DecisionOrder): Promise<Stepped> {
    return { ok: false, reason: "approval_unknown", approval: null };
  }

  async cancel(_approval: ApprovalId, _reason: "requester" | "client_gone", _by: CommandId | null): Promise<Stepped> {
    return { ok: false, reason: "approval_unknown", approval: null };
  }

  async revoke(_approval: ApprovalId, _by: CommandId, _fields: Fields): Promise<Stepped> {
    return { ok: false, reason: "approval_unknown", approval: null };
  }

  async review(_order: DecisionOrder): Promise<Stepped> {
    return { ok: false, reason: "approval_unknown", approval: null };
  }
}
