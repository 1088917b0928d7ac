// The life of one HTTP command, in order: authenticate, decide, append the intent, forward, append
// the answer. Each step that refuses leaves a record; nothing leaves for the upstream before the
// intent is durable.

import { authenticate, authenticateFromCache } from "../../core/auth/authenticate.ts";
import type { Authenticated } from "../../core/auth/principal.ts";
import type { TokenRefusal } from "../../core/auth/token.ts";
import { newCommandId } from "../../core/ids.ts";
import { exchangeRecord } from "../../core/mask/mask_draft.ts";
import { verbClass } from "../../core/protocol/http/methods.ts";
import type { Masked } from "../../core/record/record.ts";
import type { Result } from "../../core/result.ts";
import { fillRandom } from "../../durable/sha256.ts";
import { type Caller, callerOf } from "../caller.ts";
import type { Gateway } from "../gateway.ts";
import { challenge } from "../protected_resource.ts";
import { recordAtPerimeter } from "../perimeter.ts";
import { problem, type ProblemReason, statusOf } from "../problem.ts";
import { begin } from "../session_client.ts";
import type { Asked, Cleared, Clearing, Exchange } from "./exchange.ts";
import { forward } from "./forward.ts";
import { answerCommand } from "./answer.ts";

/** What a surface makes of a request once the caller is known: what is asked, and who answers it. */
export type Resolve = (caller: Caller, exchange: Exchange) => Asked | Promise<Asked>;

export async function runCommand(
  request: Request,
  gateway: Gateway,
  ctx: ExecutionContext,
  resolve: Resolve,
): Promise<Response> {
  const exchange: Exchange = {
    request,
    gateway,
    ctx,
    command: newCommandId(Date.now(), fillRandom),
    started: Date.now(),
    policy: gateway.config.policy,
    address: request.headers.get("cf-connecting-ip"),
  };
  const who = await authenticateCall(exchange);
  if (!who.ok) return refuseCall(exchange, who.reason);
  const caller = callerOf(who.value, gateway.config);
  const resolved = resolve(caller, exchange);
  const asked = resolved instanceof Promise ? await resolved : resolved;
  if (asked.refusal !== null) return denyCommand(exchange, caller, asked, asked.refusal);
  if (declaredLength(request) === "unsafe") return denyCommand(exchange, caller, asked, "body_too_large");
  const { decision } = asked;
  switch (decision.effect) {
    case "deny":
      return denyCommand(exchange, caller, asked, decision.reason);
    case "needs_approval":
      return denyCommand(exchange, caller, asked, "approval_unavailable");
    case "allow":
      if (decision.obligations.length > 0) return denyCommand(exchange, caller, asked, "obligation_unmet");
  }
  const begun = await begin(requested(exchange, caller, asked), caller, asked.connection, gateway);
  if (!begun.ok) return problem(begun.reason, null);
  const clearing: Clearing = { exchange, caller, asked, begun: begun.value };
  const cleared = clearing as Cleared;
  // When the caller leaves, the platform drops the handler; what it still has to record goes on beside it.
  const answered: Promise<Response> = forward(cleared, () => ctx.waitUntil(answered.catch(() => undefined))).then(
    (forwarded) => answerCommand(cleared, forwarded),
  );
  return answered;
}

async function authenticateCall({
  request,
  gateway,
  ctx,
  started,
}: Exchange): Promise<Result<Authenticated, { reason: TokenRefusal | "control_unavailable" }>> {
  const { control, authentication } = gateway;
  let revocations = control.current(started);
  if (revocations === null) revocations = await control.renew(started);
  else if (control.shouldRenew(started)) ctx.waitUntil(control.renew(started));
  if (revocations === null) return { ok: false, reason: "control_unavailable" };
  const header = request.headers.get("authorization");
  if (header !== null) {
    const known = authenticateFromCache(header, authentication, revocations, started);
    if (known !== null) {
      const renewal = known.ok ? renewKeys(known.value, gateway, ctx, started) : null;
      if (renewal === null) return known;
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
function refuseCall(exchange: Exchange, reason: TokenRefusal | "control_unavailable"): Response {
  const told: ProblemReason =
    reason === "control_unavailable" || reason === "issuer_unavailable" ? reason : "unauthenticated";
  exchange.ctx.waitUntil(recordAtPerimeter(exchange, reason, statusOf(told)));
  return problem(told, null, told === "unauthenticated" ? challenge(exchange.request, reason !== "token_missing") : []);
}

/** A known caller's refused command is a record in the caller's session. If it cannot be recorded, that is what the caller hears. */
async function denyCommand(exchange: Exchange, caller: Caller, asked: Asked, reason: ProblemReason): Promise<Response> {
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
      },
    },
    asked.sent,
    { ...asked.fields, token: caller.tokenText, client: clientText(exchange) },
  );
  const begun = await begin(record, caller, asked.connection, exchange.gateway);
  return begun.ok
    ? problem(reason, `${begun.value.sid}/${begun.value.seq}`, [], asked.refusalMore)
    : problem(begun.reason, null);
}

function requested(exchange: Exchange, caller: Caller, asked: Asked): Masked {
  const length = declaredLength(exchange.request);
  return exchangeRecord(
    {
      kind: "command.requested",
      command: exchange.command,
      part: 0,
      classes: {
        protocol: "http",
        verb: verbClass(asked.method) ?? "other",
        effect: "allow",
        policy: asked.decision.policy,
        rule: asked.decision.rule ?? "",
        ...(typeof length === "number" ? { req_size: length } : {}),
      },
    },
    asked.sent,
    { ...asked.fields, token: caller.tokenText, client: clientText(exchange) },
  );
}

/** Content-Length; null if there is none, "unsafe" past what JavaScript counts exactly (2^53). */
function declaredLength(request: Request): number | "unsafe" | null {
  const declared = request.headers.get("content-length");
  if (declared === null) return null;
  return /^\d{1,15}$/.test(declared) ? Number(declared) : "unsafe";
}

/** RFC 8785 text of where the call came from. The address is the platform's word, never a forwarded header's. */
function clientText({ address }: Exchange): string {
  return `{"address":${JSON.stringify(address)}}`;
}
