// From a request to the API to what is asked: a command on the built-in connection `console`, decided by
// its route and recorded like any other, so that reading the trail is part of the trail. No policy has a
// part in it: none can hand the trail to those it watches over, or lock everybody out.

import type { Header } from "../../core/mask/mask_headers.ts";
import { BUILT_IN_ROLES, CONSOLE, type Policy } from "../../core/policy/policy.ts";
import { capturesOf, matchesRoute } from "../../core/policy/route.ts";
import { rawTarget, routeSegments } from "../../core/protocol/http/target.ts";
import type { Fields } from "../../core/record/record.ts";
import { refuse } from "../../core/result.ts";
import { type Caller, callerOf } from "../caller.ts";
import { knownAfterBody } from "../http/meanwhile.ts";
import type { ProblemReason } from "../problem.ts";
import type { Answerer, Asked, Exchange } from "../http/exchange.ts";
import { metadataOnly } from "../http/recording.ts";
import { limitCaller } from "./rate_limit.ts";
import type { Answer, Refusal, Route } from "./route.ts";
import { ROUTES } from "./route_table.ts";

/** What an admin needs to mend a policy that cannot be read: without it nobody has a role but the first admin. */
const MENDING: ReadonlySet<string> = new Set(["policy", "policies", "health", "whoami"]);

interface Place {
  readonly path: string;
  readonly query: string;
  readonly segments: readonly string[];
}

export async function resolveConsole(caller: Caller, exchange: Exchange): Promise<Asked> {
  const { request } = exchange;
  const place = placeOf(request.url);
  const limited = await limitCaller(caller, exchange.gateway);
  if (limited !== null) return refused(exchange, place, limited, null, {});
  const found = findRoute(request.method, place.segments);
  if (!("route" in found)) return refused(exchange, place, found, null, {});
  const { route } = found;
  if (exchange.known.isUnreadable && !MENDING.has(place.segments[2] ?? ""))
    return refused(exchange, place, { reason: "policy_unreadable" }, route, {});
  if (!mayUse(route, caller)) return refused(exchange, place, { reason: "role_needed" }, route, {});
  const path = capturesOf(route.pattern, place.segments);
  // An object of the gateway's own that cannot be reached: nothing was asked for yet, and that is on record.
  const ready = await route
    .ready({ exchange, caller, path, rawQuery: place.query })
    .catch(() => refuse({ reason: "trail_unavailable" }));
  if (!ready.ok) return refused(exchange, place, ready, route, "fields" in ready ? (ready.fields ?? {}) : {});
  if (route.body !== null) {
    const lost = await lostMeanwhile(exchange, caller, route);
    if (lost !== null) return refused(exchange, place, { reason: lost }, route, ready.value.fields);
  }
  const asked = allowed(exchange, place, route, ready.value);
  // What reads may last. Whoever changes something is told what became of it, even if it took away their role.
  if (route.method !== "GET") return asked;
  // Routes that anyone may use show more to these roles.
  const held = BUILT_IN_ROLES.filter((role) => caller.roles.has(role));
  const stands = (policy: Policy): boolean => {
    const { roles } = callerOf(caller.authenticated, policy, exchange.gateway.config);
    return held.every((role) => roles.has(role));
  };
  return { ...asked, stands };
}

/** Why the caller may not do it any more, now that the body is there; null if they may. */
async function lostMeanwhile(exchange: Exchange, caller: Caller, route: Route): Promise<ProblemReason | null> {
  const known = await knownAfterBody(exchange, caller, CONSOLE);
  if (!known.ok) return known.reason;
  const now = callerOf(caller.authenticated, known.value.policy, exchange.gateway.config);
  return mayUse(route, now) ? null : "role_needed";
}

function placeOf(url: string): Place {
  const { path, query } = rawTarget(url);
  return { path, query, segments: routeSegments(path) };
}

/** HEAD is GET without its body (RFC 9110 §9.3.2). */
export function findRoute(method: string, segments: readonly string[]): { readonly route: Route } | Refusal {
  const here = ROUTES.filter(({ pattern }) => matchesRoute(pattern, segments));
  if (here.length === 0) return { reason: "not_found" };
  const wanted = method === "HEAD" ? "GET" : method;
  const route = here.find((one) => one.method === wanted);
  // What is public is answered before there is a caller; whoever comes here with it has another method.
  if (route !== undefined && route.who !== "public") return { route };
  const methods = here.flatMap((one) => (one.method === "GET" ? ["GET", "HEAD"] : [one.method]));
  return { reason: "method_not_allowed", more: { headers: [["allow", methods.join(", ")]] } };
}

function mayUse({ who }: Route, { roles }: Caller): boolean {
  switch (who) {
    case "public":
    case "anyone":
      return true;
    default:
      return who.some((role) => roles.has(role));
  }
}

function allowed(
  exchange: Exchange,
  place: Place,
  { rule }: Route,
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
function refused(
  exchange: Exchange,
  place: Place,
  { reason, more = {} }: Refusal,
  route: Route | null,
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
