// What the caller is told where an answer stays here, and how its record is still made.

import type { Masked } from "../../core/record/record.ts";
import { problem, type ProblemReason } from "../problem.ts";
import { proceedAfter } from "../session_client.ts";
import type { Cleared } from "./exchange.ts";
import type { Cut } from "./forward.ts";
import { gap } from "./outcome.ts";

/** Within a lease's 30 s, and within the time that the platform leaves to work beside an answer. */
const ENDING_PAUSES_MS: readonly number[] = [0, 1_000, 5_000];

/** The client has seen the cut already; the record of it may come a little later. What fails here too ends as a lapsed lease. */
export function recordEnding({ exchange, begun }: Cleared, records: readonly Masked[]): void {
  exchange.ctx.waitUntil(proceedAfter(ENDING_PAUSES_MS, begun.session, records));
}

/** The outcome cannot be recorded, so the answer stays here. What is to be said of that is tried again beside the refusal. */
export function withhold(cleared: Cleared, outcomeRecord: Masked): Response {
  recordEnding(cleared, [gap(cleared), outcomeRecord]);
  return problem("answer_not_recordable", placeOfRecord(cleared));
}

export function toldOf(cut: Exclude<Cut, "timeout">): ProblemReason {
  switch (cut) {
    case "client_gone":
      return "request_cut";
    case "token_expired":
    case "token_revoked":
      return "unauthenticated";
    case "killed":
      return "session_killed";
    case "policy_changed":
    case "grant_over":
    case "approval_revoked":
      return "allowed_no_more";
    case "session_over":
      return "session_over";
  }
}

export function placeOfRecord({ begun }: Cleared): string {
  return `${begun.sid}/${begun.seq}`;
}
