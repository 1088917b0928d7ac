// Asks for an approval: checks that deciders will see what they decide on, and makes the request durable.

import { beginApproval } from "../../../core/approval/begin.ts";
import { titleOf } from "../../../core/approval/title.ts";
import { maskTexts } from "../../../core/mask/mask_texts.ts";
import { ok, type Result } from "../../../core/result.ts";
import { noticesOf } from "../../../durable/approval_notices.ts";
import { askFor } from "../../approval_client.ts";
import type { Begun } from "../../session_client.ts";
import { partyOf } from "../../caller.ts";
import { askRecord } from "./records.ts";
import { isBodyHidden } from "./seen.ts";
import { type Stopped, stop } from "./stopped.ts";
import type { Waiting } from "./waiting.ts";

/** `glass`: why it goes on without an approval; null where it waits for one. */
export async function ask(waiting: Waiting, glass: string | null): Promise<Result<Begun, Stopped>> {
  const { exchange, caller, asked, decision, terms, held, digests, askedFor } = waiting;
  if (glass === null && terms.reasonNeeded && askedFor.reason === null) return stop("reason_needed");
  if (glass === null && isBodyHidden(held, terms)) return stop("approval_hidden");
  const approval = beginApproval({
    id: exchange.command,
    connection: asked.connection,
    rule: decision.rule,
    policy: decision.policy,
    digest: digests.command,
    targetDigest: digests.target,
    requester: partyOf(caller),
    actors: caller.authenticated.principal.actors,
    terms,
    requested: Date.now(),
  });
  const reason = glass ?? askedFor.reason;
  const words = reason === null ? null : (maskTexts([reason], asked.recording.plan)[0] ?? "");
  const record = askRecord(exchange, caller, asked, approval, held, words);
  const title = titleOf(record.fields.target ?? "");
  const notices = noticesOf(exchange.policy, terms.notify);
  const order = { approval, title, notices, glass: glass === null ? null : words };
  const begun = await askFor(order, [record, ...held.chunks], caller, exchange);
  return begun.ok ? ok(begun.value) : stop(begun.reason, { isRecorded: begun.reason !== "approvals_too_many" });
}
