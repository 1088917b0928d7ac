// What is asked where the gateway itself answers, as API and as console: a command on the built-in
// connection `console`, whose decision names the rule of its route. No policy has a part in it.

import type { Header } from "../../core/mask/mask_headers.ts";
import { BUILT_IN_ROLES, CONSOLE, type Policy } from "../../core/policy/policy.ts";
import { rawTarget, routeSegments } from "../../core/protocol/http/target.ts";
import type { Fields } from "../../core/record/record.ts";
import { type Caller, callerOf } from "../caller.ts";
import type { Answerer, Asked, Exchange } from "../http/exchange.ts";
import { knownAfterBody } from "../http/meanwhile.ts";
import { metadataOnly } from "../http/recording.ts";
import type { ProblemReason } from "../problem.ts";
import type { Answer, Refusal, Route } from "./route.ts";

/** Where a request goes, as its record says. */
export interface Place {
  readonly path: string;
  readonly query: string;
  readonly segments: readonly string[];
}

export function placeOf(url: string): Place {
  const { path, query } = rawTarget(url);
  return { path, query, segments: routeSegments(path) };
}

/** Why the caller may not do it any more, now that the body is there; null if they may. */
export async function lostMeanwhile(
  exchange: Exchange,
  caller: Caller,
  route: Pick<Route, "who">,
): Promise<ProblemReason | null> {
  const known = await knownAfterBody(exchange, caller, CONSOLE);
  if (!known.ok) return known.reason;
  const now = callerOf(caller.authenticated, known.value.policy, exchange.gateway.config);
  return mayUse(route, now) ? null : "role_needed";
}

/** What reads may last: as long as the caller has the roles that it was begun with. Routes that anyone may use show more to these. */
export function whileRolesStand({ gateway }: Exchange, caller: Caller): (policy: Policy) => boolean {
  const held = BUILT_IN_ROLES.filter((role) => caller.roles.has(role));
  return (policy) => {
    const { roles } = callerOf(caller.authenticated, policy, gateway.config);
    return held.every((role) => roles.has(role));
  };
}

export function mayUse({ who }: Pick<Route, "who">, { roles }: Caller): boolean {
  switch (who) {
    case "public":
    case "anyone":
      return true;
    default:
      return who.some((role) => roles.has(role));
  }
}

export function allowed(
  exchange: Exchange,
  place: Place,
  { rule }: Pick<Route, "rule">,
  { fields, answer }: { readonly fields: Fields; readonly answer: Answer },
): Asked {
  return {
    ...common(exchange, place),
    decision: { effect: "allow", policy: exchange.policy.hash, rule, line: 0, obligations: [] },
    refusal: null,
    answerer: { kind: "local", answer } satisfies Answerer,
    fields,
  };
}

/** Recorded with the route's rule, if there is a route: which of them somebody was refused is what a reader wants to know. */
export function refused(
  exchange: Exchange,
  place: Place,
  { reason, more = {} }: Refusal,
  route: Pick<Route, "rule"> | null,
  fields: Fields,
): Asked {
  const rule = route?.rule ?? null;
  return {
    ...common(exchange, place),
    decision: { effect: "deny", policy: exchange.policy.hash, rule, line: null, reason: "no_rule", message: null },
    refusal: reason,
    refusalMore: more,
    answerer: null,
    fields,
  };
}

function common(
  { request, gateway }: Exchange,
  { path, query }: Place,
): Pick<Asked, "connection" | "method" | "sent" | "recording"> {
  const headers: Header[] = [...request.headers];
  const { method } = request;
  const recording = metadataOnly(gateway.pseudonyms);
  return { connection: CONSOLE, method, sent: { target: { method, path, query }, headers }, recording };
}
