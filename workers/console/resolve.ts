// From a request to the API to what is asked: a command on the built-in connection `console`, decided by
// its route and recorded like any other, so that reading the trail is part of the trail. No policy has a
// part in it: none can hand the trail to those it watches over, or lock everybody out.

import { capturesOf, matchesRoute } from "../../core/policy/route.ts";
import { refuse } from "../../core/result.ts";
import type { Caller } from "../caller.ts";
import type { Asked, Exchange } from "../http/exchange.ts";
import { allowed, lostMeanwhile, mayUse, placeOf, refused, whileRolesStand } from "./own_command.ts";
import { limitCaller } from "./rate_limit.ts";
import type { Refusal, Route } from "./route.ts";
import { ROUTES } from "./route_table.ts";

/** What an admin needs to mend a policy that cannot be read: without it nobody has a role but the first admin. */
const MENDING: ReadonlySet<string> = new Set(["policy", "policies", "health", "whoami"]);

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
  return route.method === "GET" ? { ...asked, stands: whileRolesStand(exchange, caller) } : asked;
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
