// What may have changed while a body was read: a slow one must not keep a revoked token or a killed
// session alive, nor what a policy gave that is in force no more.

import { isKilled, isRevoked } from "../../core/auth/revocation.ts";
import { ok, refuse, type Result } from "../../core/result.ts";
import type { Caller } from "../caller.ts";
import type { Known } from "../control_cache.ts";
import type { ProblemReason } from "../problem.ts";
import type { Exchange } from "./exchange.ts";

/** What is known now, a second old at most, if the caller may go on. */
export async function knownAfterBody(
  { gateway }: Exchange,
  { authenticated }: Caller,
  connection: string,
): Promise<Result<Known, { reason: ProblemReason }>> {
  const now = Date.now();
  const known = gateway.control.current(now) ?? (await gateway.control.renew(now));
  if (known === null) return refuse({ reason: "control_unavailable" });
  if (isRevoked(authenticated, known.revocations)) return refuse({ reason: "unauthenticated" });
  if (isKilled(authenticated, connection, known.revocations)) return refuse({ reason: "session_killed" });
  return ok(known);
}
