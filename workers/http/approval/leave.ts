// A caller who waits for an approval has left. What becomes of the request its rule says, and a record.

import type { ApprovalId } from "../../../core/approval/approval.ts";
import type { Stepped } from "../../../durable/approval_rpc.ts";
import type { Session } from "../../session_client.ts";
import { type Stop, stop } from "./stopped.ts";
import type { Waiting } from "./waiting.ts";

/** Nobody hears the answer. */
export async function leave({ exchange }: Waiting, session: Session, approval: ApprovalId): Promise<Stop> {
  const { command } = exchange;
  await session.call((stub) => stub.cancel(approval, "client_gone", command) as Promise<Stepped>).catch(() => null);
  return stop("approval_cancelled", { isRecorded: true, approval });
}
