// From a request to a page of the console to what is asked: a command on the built-in connection
// `console`, like a call of the API, and refused unless the person's own browser sent it from here, or
// followed a link.

import { capturesOf, matchesRoute } from "../../core/policy/route.ts";
import { isOwnRequest } from "../../core/protocol/http/same_origin.ts";
import { refuse } from "../../core/result.ts";
import type { Caller } from "../caller.ts";
import { allowed, lostMeanwhile, mayUse, placeOf, refused, whileRolesStand } from "../console/own_command.ts";
import { limitCaller } from "../console/rate_limit.ts";
import type { Refusal } from "../console/route.ts";
import type { Asked, Exchange } from "../http/exchange.ts";
import { isOld, SHOWN_SECONDS } from "./fresh_login.ts";
import type { PageLogin } from "./form_token.ts";
import type { PageRoute } from "./page_route.ts";
import { PAGES } from "./page_routes.ts";

export async function resolvePage(caller: Caller, exchange: Exchange, login: PageLogin): Promise<Asked> {
  const { request } = exchange;
  const place = placeOf(request.url);
  const found = findPage(request.method, place.segments);
  const page = "page" in found ? found.page : null;
  const refusal = await refusalBefore(caller, exchange, login, found);
  if (page === null || refusal !== null) return refused(exchange, place, refusal ?? { reason: "not_found" }, page, {});
  const path = capturesOf(page.pattern, place.segments);
  // An object of the gateway's own that cannot be reached: nothing was asked for yet, and that is on record.
  const ready = await page
    .ready({ exchange, caller, path, rawQuery: place.query, rawPath: place.path, login })
    .catch(() => refuse({ reason: "trail_unavailable" }));
  if (!ready.ok) return refused(exchange, place, ready, page, "fields" in ready ? (ready.fields ?? {}) : {});
  if (page.method === "GET")
    return { ...allowed(exchange, place, page, ready.value), stands: whileRolesStand(exchange, caller) };
  const lost = await lostMeanwhile(exchange, caller, page);
  return lost === null
    ? allowed(exchange, place, page, ready.value)
    : refused(exchange, place, { reason: lost }, page, ready.value.fields);
}

/** Null if what was sent with the request may be looked at. */
async function refusalBefore(
  caller: Caller,
  exchange: Exchange,
  { own }: PageLogin,
  found: { readonly page: PageRoute } | Refusal,
): Promise<Refusal | null> {
  const { request, gateway, known } = exchange;
  if (!isSentFromHere(request, own.origin)) return { reason: "cross_site" };
  const limited = await limitCaller(caller, gateway);
  if (limited !== null) return limited;
  if (!("page" in found)) return found;
  const { page } = found;
  if (known.isUnreadable && !page.always) return { reason: "policy_unreadable" };
  if (!mayUse(page, caller)) return { reason: "role_needed" };
  return page.fresh && page.method === "GET" && isOld(caller, request, SHOWN_SECONDS) ? { reason: "login_old" } : null;
}

/** A form comes from a page of the console and says so by both headers that no page can set; what reads may also be a link. */
function isSentFromHere(request: Request, origin: string): boolean {
  const { method, headers } = request;
  const asked = { method, isUpgrade: headers.has("upgrade"), header: (name: string) => headers.get(name) };
  if (!isOwnRequest(asked, origin, "none")) return false;
  return method === "GET" || method === "HEAD" || headers.get("sec-fetch-site") === "same-origin";
}

/** HEAD is GET without its body (RFC 9110 §9.3.2). */
export function findPage(method: string, segments: readonly string[]): { readonly page: PageRoute } | Refusal {
  const here = PAGES.filter(({ pattern }) => matchesRoute(pattern, segments));
  if (here.length === 0) return { reason: "not_found" };
  const wanted = method === "HEAD" ? "GET" : method;
  const page = here.find((one) => one.method === wanted);
  if (page !== undefined) return { page };
  const methods = here.flatMap((one) => (one.method === "GET" ? ["GET", "HEAD"] : [one.method]));
  return { reason: "method_not_allowed", more: { headers: [["allow", methods.join(", ")]] } };
}
