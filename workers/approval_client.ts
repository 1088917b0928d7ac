// Approvals, as the Worker sees them: asks the caller's session object, finds the object of one that was
// asked for before, and says what the object answered.

import type { Approval, ApprovalId } from "../core/approval/approval.ts";
import type { CommandId, ConnectionName, SessionId } from "../core/ids.ts";
import { commit } from "../core/record/commit.ts";
import { parseLeaf } from "../core/record/leaf.ts";
import type { Masked } from "../core/record/record.ts";
import { ok, refuse, type Result } from "../core/result.ts";
import type { ApprovalRefusal, Ask, AskAnswer, Consumed, Consumption } from "../durable/approval_rpc.ts";
import { registryOf } from "../durable/registry_client.ts";
import { fillRandom, sha256 } from "../durable/sha256.ts";
import type { Caller } from "./caller.ts";
import type { Gateway } from "./gateway.ts";
import {
  type AppendFailure,
  beginBy,
  type Begun,
  ownSession,
  type Session,
  type Setting,
  twice,
} from "./session_client.ts";

/** Makes the request for an approval durable, opening a session if none is open. */
export async function askFor(
  ask: Omit<Ask, "records">,
  records: readonly Masked[],
  caller: Caller,
  setting: Setting,
): Promise<Result<Begun, AppendFailure | { readonly reason: "approvals_too_many" }>> {
  // Once, so that the same call again has the same bytes.
  const whole: Ask = { ...ask, records: records.map((record) => commit(record, fillRandom, sha256)) };
  return beginBy<{ ok: false; reason: "approvals_too_many" }>(
    (stub, opening) => stub.ask(whole, opening) as Promise<AskAnswer>,
    caller,
    ask.approval.connection,
    setting,
  );
}

export type ConsumeFailure = AppendFailure | { readonly reason: ApprovalRefusal; readonly approval: Approval | null };

/** The intent of a command, if the approval lets it go on. */
export async function consume(
  session: Session,
  intent: Masked,
  consumption: Consumption,
): Promise<Result<Begun, ConsumeFailure>> {
  const committed = commit(intent, fillRandom, sha256);
  const consumed = await twice(session, (stub) => stub.consume(committed, consumption) as Promise<Consumed>);
  if (consumed === null) return refuse({ reason: "not_recordable" });
  if (consumed.ok) return ok({ session, sid: consumed.sid, seq: consumed.seq });
  if ("approval" in consumed) return consumed;
  return refuse({ reason: consumed.reason === "overloaded" ? "overloaded" : "not_recordable" });
}

/** One that this caller asked for on this connection, and the object that knows it. */
export async function findOwn(
  id: ApprovalId,
  caller: Caller,
  connection: ConnectionName,
  gateway: Gateway,
): Promise<
  Result<{ readonly session: Session; readonly sid: SessionId }, { reason: "approval_unknown" | "trail_unavailable" }>
> {
  try {
    const entry = await registryOf(gateway.env, id).findApproval(id);
    const session = entry === null ? null : ownSession(entry.object, caller, connection, gateway);
    return entry === null || session === null
      ? refuse({ reason: "approval_unknown" })
      : ok({ session, sid: entry.sid });
  } catch {
    return refuse({ reason: "trail_unavailable" });
  }
}

/** `<sid>/<seq>` of a command's first record; null if it cannot be found. */
export async function placeOfCommand(session: Session, sid: SessionId, command: CommandId): Promise<string | null> {
  const page = await session.call((stub) => stub.recordsOf(sid, command, 0, 1)).catch(() => null);
  const [first] = page?.records ?? [];
  const leaf = first === undefined ? null : parseLeaf(first.leaf);
  return leaf !== null && leaf.ok ? `${sid}/${leaf.value.seq}` : null;
}
