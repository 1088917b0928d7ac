// The half of a login that happens on a connection's own host: sending a browser to log in, taking the
// ticket that it comes back with, and logging out. These paths, below `/.sallyport/`, are the gateway's;
// the upstream never hears of them.

import { clearSession, sessionCookie, setLogin, setSession } from "../../core/protocol/http/own_cookies.ts";
import { isOwnRequest } from "../../core/protocol/http/same_origin.ts";
import type { Config } from "../config.ts";
import type { Gateway } from "../gateway.ts";
import { useOnce } from "./at_gateway.ts";
import { failLogin, type LoginFailure } from "./failure.ts";
import { digestOf, hasJustLoggedIn, LOGIN_SECONDS, loginSecret, newSecret, setLoginDone } from "./login_cookie.ts";
import { page, redirect } from "./page.ts";
import { loginEnds, openStep, REQUEST, sealStep, SESSION, TICKET } from "./steps.ts";

/** What of a path is kept over a login: it travels, sealed, in the provider's URL. */
const PATH_LIMIT = 1024;

/** A connection's own host, as a request has reached it. */
export interface ToolHost {
  readonly request: Request;
  readonly gateway: Gateway;
  readonly ctx: ExecutionContext;
  readonly host: NonNullable<Config["hostForm"]>;
  /** `https://registry--eu.tools.example.com` */
  readonly origin: string;
}

/** What a browser's cookie holds, as an `Authorization` header would have it; null if there is no cookie. */
export async function presentedByCookie({
  request,
  host,
  origin,
}: ToolHost): Promise<{ readonly authorization: string | null } | null> {
  const sealed = sessionCookie(request.headers.get("cookie"));
  if (sealed === null) return null;
  const session = await openStep(SESSION, sealed, origin, Date.now(), host);
  return { authorization: session === null ? null : `Bearer ${session.token}` };
}

/** For a person who opens a page without being logged in. */
export async function beginLogin(at: ToolHost): Promise<Response> {
  const { request, gateway, host, origin } = at;
  if (hasJustLoggedIn(request))
    return fail(at, "login_not_kept", { label: "Log in", href: "/.sallyport/logout", method: "post" });
  const secret = loginSecret(request) ?? newSecret();
  const path = request.url.slice(origin.length);
  const claims = {
    tool: origin,
    path: path.length > PATH_LIMIT || !/^\/[!-~]*$/.test(path) ? "/" : path,
    browser: digestOf(secret),
  };
  const sealed = await sealStep(REQUEST, claims, gateway.config.origin, loginEnds(Date.now()), host);
  return redirect(`${gateway.config.origin}/login/start?request=${sealed}`, [setLogin(secret, LOGIN_SECONDS)]);
}

/** `/.sallyport/…` of a connection's host. */
export async function serveOwnPath(at: ToolHost): Promise<Response> {
  const { request, origin } = at;
  const [path, query = ""] = request.url.slice(origin.length).split("?", 2);
  if (path === "/.sallyport/ticket") return takeTicket(at, new URLSearchParams(query).get("ticket"));
  if (path === "/.sallyport/logout") return logout(at);
  return page({
    status: 404,
    title: "There is nothing here",
    text: "This address belongs to the gateway, not to the tool.",
  });
}

async function takeTicket(at: ToolHost, sealed: string | null): Promise<Response> {
  const { request, gateway, host, origin } = at;
  if (request.method !== "GET") return fail(at, "login_method");
  const ticket = await openStep(TICKET, sealed, origin, Date.now(), host);
  if (ticket === null) return fail(at, "login_ticket_invalid", again);
  const secret = loginSecret(request);
  // The ticket of a login that another browser began: taking it would log this one in as somebody else.
  if (secret === null || digestOf(secret) !== ticket.browser) return fail(at, "login_other_browser", again);
  const isFirst = await useOnce(gateway, `ticket ${ticket.id}`, loginEnds(Date.now()));
  if (isFirst === null) return fail(at, "login_control_unavailable", again);
  if (!isFirst) return fail(at, "login_ticket_used", again);
  const cookies = setSession(await sealStep(SESSION, { token: ticket.token }, origin, Number(ticket.until), host));
  if (cookies === null) return fail(at, "login_token_refused", again);
  // Absolute, since `//elsewhere` is a path here and a host in a relative reference (RFC 3986 §4.2).
  return redirect(origin + ticket.path, [...cookies, setLoginDone(secret)]);
}

const again = { label: "Log in", href: "/", method: "get" } as const;

/** A person who opens it is asked; only the page that asks can do it. */
function logout(at: ToolHost): Response {
  const { request, origin } = at;
  if (request.method === "GET")
    return page({
      status: 200,
      title: "Log out of this tool?",
      text: "Your login for this tool ends in this browser. The login provider may still know you.",
      action: { label: "Log out", href: "/.sallyport/logout", method: "post" },
    });
  if (request.method !== "POST") return fail(at, "login_method");
  const asked = { method: "POST", isUpgrade: false, header: (name: string) => request.headers.get(name) };
  if (!isOwnRequest(asked, origin, "none")) return fail(at, "login_cross_site");
  return page({
    status: 200,
    title: "You are logged out of this tool",
    text: "In this browser nothing of your login for it is left.",
    action: { ...again, label: "Log in again" },
    headers: clearSession().map((line) => ["set-cookie", line] as const),
  });
}

function fail(
  { request, gateway, ctx }: ToolHost,
  failure: LoginFailure,
  action?: Parameters<typeof failLogin>[4],
): Response {
  return failLogin(request, gateway, ctx, failure, action);
}
