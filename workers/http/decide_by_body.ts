// decide, where a rule reads the body: reads as much of it as the rule may see, asks again, and keeps
// the bytes, because what was decided on is what has to be forwarded.

import { isKilled, isRevoked } from "../../core/auth/revocation.ts";
import { type BodyView, readJsonBody } from "../../core/policy/body.ts";
import { type Asked as Question, decide } from "../../core/policy/decide.ts";
import type { Decision } from "../../core/policy/decision.ts";
import { ok, refuse, type Result } from "../../core/result.ts";
import type { Caller } from "../caller.ts";
import type { ProblemReason } from "../problem.ts";
import type { Exchange } from "./exchange.ts";
import { type BodyRead, readBody } from "./read_body.ts";

/** For at most a mebibyte; until then nothing is recorded and no upstream waits. */
const BODY_MS = 30_000;

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
  const changed = await changedMeanwhile(exchange, caller, question.connection);
  if (changed !== null) return refuse({ reason: changed });
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

/** A slow body must not keep a revoked token, a killed session or an older policy alive. */
async function changedMeanwhile(
  { gateway, policy }: Exchange,
  { authenticated }: Caller,
  connection: string,
): Promise<ProblemReason | null> {
  const now = Date.now();
  const known = gateway.control.current(now) ?? (await gateway.control.renew(now));
  if (known === null) return "control_unavailable";
  if (isRevoked(authenticated, known.revocations)) return "unauthenticated";
  if (isKilled(authenticated, connection, known.revocations)) return "session_killed";
  return known.policy.hash === policy.hash ? null : "policy_changed";
}
