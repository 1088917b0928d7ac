// The shapes of a command that stopped for an approval.

import type { ApprovalTerms } from "../../../core/approval/terms.ts";
import type { Decision } from "../../../core/policy/decision.ts";
import type { Caller } from "../../caller.ts";
import type { Begun } from "../../session_client.ts";
import type { Asked, Exchange } from "../exchange.ts";
import type { SentBody } from "../sent_body.ts";
import type { AskedFor } from "./asked_for.ts";
import type { CommandDigests } from "./command_digests.ts";
import type { HeldBody } from "./held_body.ts";

export type NeedsApproval = Extract<Decision, { effect: "needs_approval" }>;

export interface Waiting {
  readonly exchange: Exchange;
  readonly caller: Caller;
  readonly asked: Asked;
  readonly decision: NeedsApproval;
  readonly terms: ApprovalTerms;
  readonly askedFor: AskedFor;
  readonly held: HeldBody;
  readonly digests: CommandDigests;
}

/** It may go on, and its intent is durable. */
export interface Approved {
  readonly sent: SentBody;
  readonly begun: Begun;
}
