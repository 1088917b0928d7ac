// The life of one HTTP command, in order: authenticate, decide, append the intent, forward, append
// the answer. Each step that refuses leaves a record; nothing leaves for the upstream before the
// intent is durable.

import { authenticate, authenticateFromCache } from "../../core/auth/authenticate.ts";
import type { Authenticated } from "../../core/auth/principal.ts";
import { isKilled } from "../../core/auth/revocation.ts";
import type { TokenRefusal } from "../../core/auth/token.ts";
import { newCommandId } from "../../core/ids.ts";
import { exchangeRecord } from "../../core/mask/mask_draft.ts";
import { verbClass } from "../../core/protocol/http/methods.ts";
import { ok, type Result } from "../../core/result.ts";
import { fillRandom } from "../../durable/sha256.ts";
import { type Caller, callerOf } from "../caller.ts";
import type { Known } from "../control_cache.ts";
import type { Gateway } from "../gateway.ts";
import { challenge } from "../protected_resource.ts";
import { recordAtPerimeter } from "../perimeter.ts";
import { problem, type ProblemMore, type ProblemReason, statusOf } from "../problem.ts";
import { begin } from "../session_client.ts";
import { approve } from "./approval/approve.ts";
import { moreOf } from "./approval/stopped.ts";
import type { NeedsApproval } from "./approval/waiting.ts";
import type { Asked, Call, Cleared, Clearing, Exchange } from "./exchange.ts";
import { forward } from "./forward.ts";
import { cutOf, declaredLength, fieldsOf, intentRecord } from "./intent.ts";
import { answerCommand } from "./answer.ts";
import { isReadFirst, readAnyway, readSentBody, UNREAD } from "./sent_body.ts";

/** How callers of a surface say who they are, and what those are told who do not. */
export interface Door {
  /** As an `Authorization` header would have it; null if nothing was presented. */
  readonly authorization: string | null;
  refuse(told: "unauthenticated", hadToken: boolean): Response | Promise<Response>;
}

function headerDoor(request: Request): Door {
  return {
    authorization: request.headers.get("authorization"),
    refuse: (told, hadToken) => problem(told, null, challenge(request, hadToken)),
  };
}

/** What a surface makes of a request once the caller is known: what is asked, and who answers it. */
export type Resolve = (caller: Caller, exchange: Exchange) => Asked | Promise<Asked>;

export async function runCommand(
  request: Request,
  gateway: Gateway,
  ctx: ExecutionContext,
  resolve: Resolve,
  door: Door = headerDoor(request),
): Promise<Response> {
  const call: Call = {
    request,
    gateway,
    ctx,
    command: newCommandId(Date.now(), fillRandom),
    started: Date.now(),
    address: request.headers.get("cf-connecting-ip"),
    authorization: door.authorization,
  };
  const known = knownNow(call) ?? (await gateway.control.renew(call.started));
  if (known === null) return refuseCall(call, "control_unavailable", door);
  const exchange: Exchange = { ...call, known, policy: known.policy };
  const who = await authenticateCall(exchange);
  if (!who.ok) return refuseCall(call, who.reason, door);
  const caller = callerOf(who.value, exchange.policy, gateway.config);
  const resolved = resolve(caller, exchange);
  const running =
    resolved instanceof Promise
      ? resolved.then((asked) => runResolved(exchange, caller, asked))
      : runResolved(exchange, caller, resolved);
  // A caller who leaves while the body is read is refused like any other, and that has to be recorded.
  if (resolved instanceof Promise || request.body !== null || resolved.decision.effect === "needs_approval")
    ctx.waitUntil(running.catch(() => undefined));
  return running;
}

/** From what is asked to its answer, whether it is forwarded or refused. */
async function runResolved(exchange: Exchange, caller: Caller, asked: Asked): Promise<Response> {
  const refusal = refusalOf(exchange, caller, asked);
  if (refusal !== null) return denyCommand(exchange, caller, asked, refusal);
  const { decision } = asked;
  if (decision.effect === "needs_approval") return runApproved(exchange, caller, asked, decision);
  const sent = isReadFirst(exchange, asked) ? await readSentBody(exchange, caller, asked) : ok(UNREAD);
  if (!sent.ok) return denyCommand(exchange, caller, asked, sent.reason);
  const intent = intentRecord(exchange, caller, asked, sent.value);
  const begun = await begin(intent, caller, asked.connection, exchange);
  if (!begun.ok) return problem(begun.reason, null);
  return forwardCommand({ exchange, caller, asked, sent: sent.value, begun: begun.value });
}

/** Stops until it is approved, or until its caller is told that it is not. */
async function runApproved(
  exchange: Exchange,
  caller: Caller,
  asked: Asked,
  decision: NeedsApproval,
): Promise<Response> {
  const approved = await approve(exchange, caller, asked, decision);
  if (approved.ok) return forwardCommand({ exchange, caller, asked, ...approved.value });
  const more = { ...toldOf(asked), ...moreOf(exchange, approved) };
  return approved.isRecorded
    ? problem(approved.reason, approved.record, [], more)
    : denyCommand(exchange, caller, { ...asked, refusalMore: more }, approved.reason);
}

/** The intent is durable: from here on there is an outcome. */
function forwardCommand(clearing: Clearing): Promise<Response> {
  const { exchange } = clearing;
  const cleared = clearing as Cleared;
  // When the caller leaves, the platform drops the handler; what it still has to record goes on beside it.
  const answered: Promise<Response> = forward(cleared, () =>
    exchange.ctx.waitUntil(answered.catch(() => undefined)),
  ).then((forwarded) => answerCommand(cleared, forwarded));
  return answered;
}

/** Null for a command that may be forwarded. */
function refusalOf({ request, known }: Exchange, caller: Caller, asked: Asked): ProblemReason | null {
  if (isKilled(caller.authenticated, asked.connection, known.revocations)) return "session_killed";
  if (asked.refusal !== null) return asked.refusal;
  if (declaredLength(request) === "unsafe") return "body_too_large";
  const { decision } = asked;
  switch (decision.effect) {
    case "deny":
      return decision.reason;
    case "needs_approval":
    case "allow":
      return null;
  }
}

/** What is known and fresh enough, renewed beside the command when it has grown old; null if the command must wait for news. */
function knownNow({ gateway, ctx, started }: Call): Known | null {
  const known = gateway.control.current(started);
  if (known !== null && gateway.control.shouldRenew(started)) ctx.waitUntil(gateway.control.renew(started));
  return known;
}

async function authenticateCall({
  authorization: header,
  gateway,
  ctx,
  started,
  known: { revocations },
}: Exchange): Promise<Result<Authenticated, { reason: TokenRefusal }>> {
  const { authentication } = gateway;
  if (header !== null) {
    const verified = authenticateFromCache(header, authentication, revocations, started);
    if (verified !== null) {
      const renewal = verified.ok ? renewKeys(verified.value, gateway, ctx, started) : null;
      if (renewal === null) return verified;
      await renewal;
      const still = authenticateFromCache(header, authentication, revocations, started);
      if (still !== null) return still;
    }
  }
  // Beside the request as well: a caller who leaves must not take along the fetch of keys that others wait for.
  const authenticated = authenticate(header, authentication, revocations, started);
  ctx.waitUntil(authenticated);
  return authenticated;
}

/** A key set that has grown old is renewed beside the command, a very old one before it, so that a removed key ends its tokens. */
function renewKeys(
  { principal }: Authenticated,
  { authentication }: Gateway,
  ctx: ExecutionContext,
  now: number,
): Promise<void> | null {
  const { keySets, issuers } = authentication;
  const due = keySets.renewalDue(principal.issuer, now);
  if (due === "no") return null;
  const issuer = issuers.find((one) => one.issuer === principal.issuer);
  if (issuer === undefined) return null;
  const renewal = keySets.renew(issuer, now);
  ctx.waitUntil(renewal);
  return due === "before" ? renewal : null;
}

/** No valid identity. The perimeter hears of it beside the answer, which never waits. */
async function refuseCall(call: Call, reason: TokenRefusal | "control_unavailable", door: Door): Promise<Response> {
  const told = reason === "control_unavailable" || reason === "issuer_unavailable" ? reason : "unauthenticated";
  const answer = told === "unauthenticated" ? await door.refuse(told, reason !== "token_missing") : problem(told, null);
  call.ctx.waitUntil(recordAtPerimeter(call, reason, answer.status));
  return answer;
}

/** A known caller's refused command is a record in the caller's session. If it cannot be recorded, that is what the caller hears. */
async function denyCommand(exchange: Exchange, caller: Caller, asked: Asked, reason: ProblemReason): Promise<Response> {
  const sent = readAnyway(exchange, asked);
  const record = exchangeRecord(
    {
      kind: "command.denied",
      command: exchange.command,
      part: 0,
      classes: {
        protocol: "http",
        verb: verbClass(asked.method) ?? "other",
        effect: asked.decision.effect === "needs_approval" ? "needs_approval" : "deny",
        policy: asked.decision.policy,
        ...(asked.decision.rule === null ? {} : { rule: asked.decision.rule }),
        reason,
        status: statusOf(reason),
        ...cutOf(sent),
      },
    },
    { ...asked.sent, payload: sent.whole?.payload ?? null },
    fieldsOf(exchange, caller, asked),
    asked.recording.plan,
  );
  const begun = await begin(record, caller, asked.connection, exchange);
  return begun.ok
    ? problem(reason, `${begun.value.sid}/${begun.value.seq}`, [], asked.refusalMore ?? toldOf(asked))
    : problem(begun.reason, null);
}

/** What a rule's author has the caller told, and which rule it was, so that the two can talk about it. */
function toldOf({ decision, refusal }: Asked): ProblemMore {
  if (refusal !== null || decision.effect === "allow" || decision.rule === null) return {};
  return { rule: decision.rule, ...(decision.message === null ? {} : { detail: decision.message }) };
}
