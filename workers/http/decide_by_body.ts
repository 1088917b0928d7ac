// decide, where a rule reads the body: reads as much of it as the rule may see, asks again, and keeps
// the bytes, because what was decided on is what has to be forwarded.

import { type BodyView, readJsonBody } from "../../core/policy/body.ts";
import { type Question, decide } from "../../core/policy/decide.ts";
import type { Decision } from "../../core/policy/decision.ts";
import { ok, refuse, type Result } from "../../core/result.ts";
import type { Caller } from "../caller.ts";
import type { ProblemReason } from "../problem.ts";
import type { Exchange } from "./exchange.ts";
import { knownAfterBody } from "./meanwhile.ts";
import { BODY_MS, type BodyRead, readBody } from "./read_body.ts";

export interface DecidedByBody {
  readonly decision: Decision;
  /** The whole body; null if it was not read whole, and then the decision allows nothing. */
  readonly body: Uint8Array | null;
}

export async function decideByBody(
  exchange: Exchange,
  caller: Caller,
  question: Question,
  limit: number,
): Promise<Result<DecidedByBody, { reason: ProblemReason }>> {
  const read = await readBody(exchange.request, limit, BODY_MS);
  const view = viewOf(read, question);
  if (view === null) return refuse({ reason: read.kind === "late" ? "body_late" : "request_cut" });
  const known = await knownAfterBody(exchange, caller, question.connection);
  if (!known.ok) return known;
  if (known.value.policy.hash !== exchange.policy.hash) return refuse({ reason: "policy_changed" });
  const decision = decide(exchange.policy, { ...question, body: view });
  if (decision.effect === "needs_body") throw new Error("a decision asks for a body that was read");
  const body = read.kind === "whole" ? read.bytes : null;
  // Allowed without its body: there is nothing to forward.
  if (decision.effect === "allow" && body === null) return refuse({ reason: "body_too_large_to_decide" });
  return ok({ decision, body });
}

/** Null if there is no body to decide on, because it broke off. */
function viewOf(read: BodyRead, { headers }: Question): BodyView | null {
  switch (read.kind) {
    case "whole":
      return readJsonBody(read.bytes, headers);
    case "too_large":
      return { kind: "refused", reason: "body_too_large_to_decide" };
    case "cut":
    case "late":
      return null;
  }
}
