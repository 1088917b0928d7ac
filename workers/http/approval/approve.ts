// approve: a command that needs an approval stops here, with its body, until people have decided, its
// caller waits no longer, or it may go on by an earlier approval, a grant, or breaking the glass.
//
// Invariant: what goes on is the command that was shown. Its intent is appended in the same turn of the
// session object in which the approval is used.

import type { Approval, ApprovalId } from "../../../core/approval/approval.ts";
import type { Use } from "../../../core/approval/grant.ts";
import { approvalTerms, mayBreakGlass } from "../../../core/policy/approvers.ts";
import { ok, type Result } from "../../../core/result.ts";
import { consume, findOwn } from "../../approval_client.ts";
import type { Caller } from "../../caller.ts";
import { currentSession, type Session } from "../../session_client.ts";
import type { Asked, Exchange } from "../exchange.ts";
import { type ApprovalUse, intentRecord } from "../intent.ts";
import { knownAfterBody } from "../meanwhile.ts";
import { ask } from "./ask.ts";
import { readAskedFor } from "./asked_for.ts";
import { digestsOf } from "./command_digests.ts";
import { holdBody } from "./held_body.ts";
import { leave } from "./leave.ts";
import { type Home, placeOf, type Stopped, stop, stoppedBy, toldOf } from "./stopped.ts";
import { waitFor } from "./wait.ts";
import type { Approved, NeedsApproval, Waiting } from "./waiting.ts";

type Way = Result<Approved, Stopped>;

/** Goes on, or says what its caller is told. */
export async function approve(exchange: Exchange, caller: Caller, asked: Asked, decision: NeedsApproval): Promise<Way> {
  const terms = approvalTerms(exchange.policy, decision.rule);
  if (terms === null) return stop("internal");
  const askedFor = readAskedFor(exchange.request.headers, terms);
  if (!askedFor.ok) return stop(askedFor.reason);
  const held = await holdBody(exchange, caller, asked, terms.bodyLimit);
  if (!held.ok) return stop(held.reason);
  const digests = digestsOf(exchange, asked, held.value.content);
  const waiting = { exchange, caller, asked, decision, terms, askedFor: askedFor.value, held: held.value, digests };
  const { approval, breakGlass } = askedFor.value;
  if (approval !== null) return goOnWith(waiting, approval);
  if (breakGlass !== null) return goOnWithout(waiting, breakGlass);
  return (await useGrant(waiting)) ?? askAndWait(waiting);
}

/** The caller names an approval that it asked for before. */
async function goOnWith(waiting: Waiting, id: ApprovalId): Promise<Way> {
  const { exchange, caller, asked, askedFor, digests } = waiting;
  const found = await findOwn(id, caller, asked.connection, exchange.gateway);
  if (!found.ok) return stop(found.reason, { approval: id });
  const { session } = found.value;
  const word = await waitFor(waiting, session, id, askedFor.waitMs);
  if (word.kind === "unreachable") return stop("trail_unavailable");
  if (word.kind === "gone") return leave(waiting, session, id);
  // A changed command is another one: it is asked about by itself.
  if (word.approval.digest !== digests.command) return askAndWait(waiting);
  if (word.approval.state.kind !== "approved") return stoppedBy(waiting, found.value, word.approval, false);
  return goOn(waiting, found.value, { approval: id, isGrant: false, isOwn: false });
}

/** Under what was allowed for a time; null if nothing was. */
async function useGrant(waiting: Waiting): Promise<Way | null> {
  const { exchange, caller, asked, terms } = waiting;
  if (terms.grant === null) return null;
  const session = currentSession(caller, asked.connection, exchange.gateway);
  const grant = await session.call((stub) => stub.grantFor(useOf(waiting))).catch(() => null);
  if (grant === null) return null;
  const went = await goOn(waiting, { session, sid: null }, { approval: grant, isGrant: true, isOwn: false });
  // One that ended in this moment is none: then this command is asked about.
  return went.ok || went.approval === undefined ? went : null;
}

async function askAndWait(waiting: Waiting): Promise<Way> {
  const { exchange, askedFor } = waiting;
  const asked = await ask(waiting, null);
  if (!asked.ok) return asked;
  const begun = asked.value;
  const word = await waitFor(waiting, begun.session, exchange.command, askedFor.waitMs);
  if (word.kind === "gone") return leave(waiting, begun.session, exchange.command);
  if (word.kind === "unreachable") return stop("trail_unavailable", { isRecorded: true, record: placeOf(begun) });
  if (word.approval.state.kind !== "approved") return stoppedBy(waiting, begun, word.approval, true);
  return goOn(waiting, begun, { approval: exchange.command, isGrant: false, isOwn: true });
}

/** Everybody who could approve it is told, and somebody has to look at it afterwards. */
async function goOnWithout(waiting: Waiting, reason: string): Promise<Way> {
  const { caller, terms, exchange } = waiting;
  if (!mayBreakGlass(terms, caller.authenticated.principal, caller.roles)) return stop("break_glass_none");
  const asked = await ask(waiting, reason);
  if (!asked.ok) return asked;
  return goOn(waiting, asked.value, { approval: exchange.command, isGrant: false, isOwn: true });
}

/** A decision does not outweigh a revoked token, a kill or another policy that came meanwhile. */
async function goOn(
  waiting: Waiting,
  home: Home | { readonly session: Session; readonly sid: null },
  use: ApprovalUse,
): Promise<Way> {
  const { exchange, caller, asked, decision, held } = waiting;
  const { approval, isOwn: isRecorded } = use;
  const known = await knownAfterBody(exchange, caller, asked.connection);
  if (!known.ok) return stop(known.reason, { isRecorded });
  if (known.value.policy.hash !== decision.policy) return stop("approval_stale", { isRecorded, approval });
  if (caller.until <= Date.now()) return stop("unauthenticated", { isRecorded });
  // What another command's request for approval has of the body is that command's: this one records its own.
  const sent = use.isOwn || held.chunks.length === 0 ? held.sent : { bytes: held.sent.bytes, whole: null };
  const intent = intentRecord(exchange, caller, asked, sent, use);
  const consumed = await consume(home.session, intent, { ...useOf(waiting), approval, asGrant: use.isGrant });
  if (consumed.ok) return ok({ sent, begun: consumed.value });
  if (!("approval" in consumed)) return stop(consumed.reason, { isRecorded: true });
  const now: Approval | null = consumed.approval;
  if (now !== null && now.state.kind !== "approved" && home.sid !== null)
    return stoppedBy(waiting, home, now, isRecorded);
  return stop(toldOf(consumed.reason), { isRecorded, approval });
}

/** What this command is, held against the approval. */
function useOf({ caller, asked, decision: { policy, rule }, digests }: Waiting): Use {
  const { issuer, subject, actors } = caller.authenticated.principal;
  return {
    requester: { issuer, subject },
    actors,
    connection: asked.connection,
    digest: digests.command,
    targetDigest: digests.target,
    policy,
    rule,
  };
}
