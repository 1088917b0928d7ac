// The console: an origin of its own, where people approve, audit and administer with a browser. Its pages
// are commands on the connection `console` (workers/http/command.ts); who they are is said by the cookie
// and by nothing else. The API is not served here: what a cookie opens, pages of this origin ask for.

import type { Caller } from "../caller.ts";
import { placeOf } from "../console/own_command.ts";
import type { Gateway } from "../gateway.ts";
import { type Door, runCommand } from "../http/command.ts";
import { isPage } from "../login/navigation.ts";
import { problem, problemOf } from "../problem.ts";
import { plainPage, problemPage } from "./answers.tsx";
import { type ConsoleHost, endLogin, fail, sendToLogin, serveLogin, sessionOf } from "./login.ts";
import { loggedOut, LOGOUT_PATH } from "./logout.tsx";
import { wayOn } from "./fresh_login.ts";
import { withOwnHeaders } from "./own_headers.ts";
import { isPagePath } from "./paths.ts";
import { findPage, resolvePage } from "./resolve.ts";
import { serveStatic } from "./static.ts";

/** Null if the request's origin is not the console's. */
export function serveConsole(
  request: Request,
  origin: string,
  gateway: Gateway,
  ctx: ExecutionContext,
): Promise<Response> | null {
  const { console: own } = gateway.config;
  if (own?.origin !== origin) return null;
  return serve({ request, gateway, ctx, own })
    .catch(() => problemPageOf(problem("internal", null), null))
    .then((answer) => withOwnHeaders(answer, origin));
}

async function serve(at: ConsoleHost): Promise<Response> {
  const { path, query } = placeOf(at.request.url);
  if (path === "/login") return serveLogin(at, query);
  const answer = path === "/login/callback" ? await endLogin(at, query) : serveStatic(at.request, path);
  return answer === null ? servePage(at) : problemPageOf(answer, null);
}

async function servePage(at: ConsoleHost): Promise<Response> {
  const { request, gateway, ctx, own } = at;
  const session = await sessionOf(at);
  if (session === null && isLogout(request)) return refuseLogout(at);
  let seenBy: Caller | null = null;
  const door: Door = {
    authorization: session === null ? null : `Bearer ${session.token}`,
    refuse: () => refuseVisitor(at),
  };
  const answer = await runCommand(
    request,
    gateway,
    ctx,
    (caller, exchange) => {
      seenBy = caller;
      // Without a cookie nobody has been authenticated.
      if (session === null) throw new TypeError("a caller without a login");
      return resolvePage(caller, exchange, { own, session });
    },
    door,
  );
  const refusal = problemOf(answer);
  // The token ended while the form was read.
  if (refusal?.reason === "unauthenticated") return refuseVisitor(at);
  if (refusal?.reason === "login_old") return sendToLogin(at, wayOn(request) ?? wantedOf(request), true);
  return problemPageOf(answer, seenBy);
}

/** A problem of the gateway's as a page; any other answer as it is. */
function problemPageOf(answer: Response, caller: Caller | null): Response {
  const refusal = problemOf(answer);
  return refusal === null ? answer : problemPage(refusal, caller, answer);
}

/** For whoever is not logged in: to the login if a person opens a page that there is, else told so. */
function refuseVisitor(at: ConsoleHost): Response | Promise<Response> {
  const { request } = at;
  const found = findPage(request.method, placeOf(request.url).segments);
  if (!("page" in found)) return problemPageOf(problem(found.reason, null, [], found.more), null);
  if (isPage(request)) return sendToLogin(at, wantedOf(request), false);
  return plainPage({
    status: 401,
    title: "You are not logged in",
    text: "Your login is over, or your browser did not send it. Nothing was done.",
    notes: ["Reason: unauthenticated"],
    action: { label: "Log in", href: "/login", method: "get" },
    headers: [["www-authenticate", 'Bearer realm="sallyport"']],
  });
}

/** The page that a person wants to be at, after they have logged in. */
function wantedOf(request: Request): string {
  const { path, query } = placeOf(request.url);
  const wanted = query === "" ? path : `${path}?${query}`;
  return isPagePath(wanted) ? wanted : "/";
}

function isLogout({ method, url }: Request): boolean {
  return method === "POST" && placeOf(url).path === LOGOUT_PATH;
}

/** There is no login to end; what is left of one in the browser goes, if its own page asked. */
function refuseLogout(at: ConsoleHost): Response {
  const { headers } = at.request;
  const isOwn = headers.get("origin") === at.own.origin && headers.get("sec-fetch-site") === "same-origin";
  return isOwn ? loggedOut() : fail(at, "login_cross_site", { label: "Approvals", href: "/", method: "get" });
}
