// Logins at the console's own origin, which the provider knows: there and back, without the ticket that a
// connection's host needs. What the browser carries is sealed for this origin, bound to the browser that
// began, and good once.
//
// Invariant: a login ends in the browser that it began in, at a page of the console, once; and it is on
// record before the browser has anything of it.

import { randomBytes } from "node:crypto";
import { sessionCookie, setLogin, setSession } from "../../core/protocol/http/own_cookies.ts";
import type { Caller } from "../caller.ts";
import type { Config } from "../config.ts";
import { allowed, placeOf } from "../console/own_command.ts";
import type { Gateway } from "../gateway.ts";
import { type Door, runCommand } from "../http/command.ts";
import type { Asked, Exchange } from "../http/exchange.ts";
import { FAILURES, tokenEnds, useOnce } from "../login/at_gateway.ts";
import { failLogin, failurePage, type LoginFailure } from "../login/failure.ts";
import {
  digestOf,
  hasJustLoggedIn,
  LOGIN_SECONDS,
  loginSecret,
  newSecret,
  proofsOf,
  setLoginDone,
} from "../login/login_cookie.ts";
import { redirect } from "../login/page.ts";
import { authorizationUrl, redeemCode } from "../login/provider.ts";
import {
  CONSOLE_SESSION,
  CONSOLE_STATE,
  type ConsoleSession,
  type ConsoleState,
  loginEnds,
  openStep,
  sealStep,
} from "../login/steps.ts";
import { onwardPage, plainPage } from "./answers.tsx";
import { isPagePath } from "./paths.ts";

/** The console, as a request has reached it. */
export interface ConsoleHost {
  readonly request: Request;
  readonly gateway: Gateway;
  readonly ctx: ExecutionContext;
  readonly own: NonNullable<Config["console"]>;
}

/** What the browser's cookie holds; null if there is none that is good. */
export async function sessionOf({ request, own }: ConsoleHost): Promise<ConsoleSession | null> {
  const sealed = sessionCookie(request.headers.get("cookie"));
  return sealed === null ? null : openStep(CONSOLE_SESSION, sealed, own.origin, Date.now(), own);
}

/** For a person who opens a page and is not logged in, or not lately enough. `path` is where they want to be. */
export function sendToLogin(at: ConsoleHost, path: string, silently: boolean): Response | Promise<Response> {
  const { request } = at;
  if (!silently && hasJustLoggedIn(request))
    return fail(at, "login_not_kept", { label: "Log in", href: "/logout", method: "post" });
  // From one of the console's own pages it may be a form's way, which must not lead to the provider.
  if (request.headers.get("sec-fetch-site") !== "same-origin") return beginLogin(at, path, silently);
  const query = new URLSearchParams({ next: path, ...(silently ? { renew: "yes" } : {}) });
  return onwardPage(
    "Log in",
    "This needs a login, or a newer one. You are being sent there.",
    `/login?${query.toString()}`,
  );
}

/** `/login`: `next` is the page that it leads to, `renew` asks the provider to show the person nothing. */
export function serveLogin(at: ConsoleHost, query: string): Response | Promise<Response> {
  if (at.request.method !== "GET") return fail(at, "login_method", AGAIN);
  const parameters = new URLSearchParams(query);
  return beginLogin(at, parameters.get("next") ?? "/", parameters.get("renew") === "yes");
}

async function beginLogin(at: ConsoleHost, wanted: string, silently: boolean): Promise<Response> {
  const { request, gateway, own } = at;
  const secret = loginSecret(request) ?? newSecret();
  const id = randomBytes(16).toString("base64url");
  const claims: ConsoleState = {
    path: isPagePath(wanted) ? wanted : "/",
    id,
    secret: digestOf(secret),
    prompt: silently ? "none" : "",
  };
  const state = await sealStep(CONSOLE_STATE, claims, own.origin, loginEnds(Date.now()), own);
  const returning = { origin: own.origin, allowInsecureHttp: gateway.config.allowInsecureHttp };
  const url = await authorizationUrl(own.login, returning, proofsOf(secret, id, own.key), state, silently);
  if (url === null) return fail(at, "login_provider_unreachable", AGAIN);
  return redirect(url, [setLogin(secret, LOGIN_SECONDS)]);
}

/** `/login/callback`: what the provider sends the browser back with. */
export async function endLogin(at: ConsoleHost, query: string): Promise<Response> {
  const { request, gateway, own } = at;
  if (request.method !== "GET") return fail(at, "login_method", AGAIN);
  const now = Date.now();
  const parameters = new URLSearchParams(query);
  const stateText = parameters.get("state");
  const state = await openStep(CONSOLE_STATE, stateText, own.origin, now, own);
  if (state === null || stateText === null) return fail(at, "login_state_invalid", AGAIN);
  const secret = loginSecret(request);
  // Whoever is sent the link of somebody else's login must not end it: they would act under that name.
  if (secret === null || digestOf(secret) !== state.secret) return fail(at, "login_other_browser", AGAIN);
  const isFirst = await useOnce(gateway, `console ${state.id}`, loginEnds(now));
  if (isFirst === null) return fail(at, "login_control_unavailable", AGAIN);
  if (!isFirst) return fail(at, "login_state_used", AGAIN);
  const returning = { origin: own.origin, allowInsecureHttp: gateway.config.allowInsecureHttp };
  const proofs = proofsOf(secret, state.id, own.key);
  const redeemed = await redeemCode(own.login, returning, proofs, parameters, stateText);
  if (redeemed.ok) return takeLogin(at, state, secret, redeemed.value);
  // The provider does not know the person any more: then they are asked.
  if (redeemed.reason === "person_needed" && state.prompt === "none") return beginLogin(at, state.path, false);
  return fail(at, FAILURES[redeemed.reason], AGAIN);
}

/**
 * The login is the first command of what follows, in the person's session on `console`: by the rules that
 * hold for every call, so that a token which would be refused there makes no login here, and recorded
 * before the browser gets its cookie.
 */
function takeLogin(at: ConsoleHost, state: ConsoleState, secret: string, token: string): Promise<Response> {
  const { request, gateway, ctx, own } = at;
  // The perimeter hears what is wrong with the token.
  const door: Door = {
    authorization: `Bearer ${token}`,
    refuse: () => failurePage("login_token_refused", AGAIN, plainPage),
  };
  // Without the query, in whichever record: what stands there was good for a login.
  const asked = new Request(`${own.origin}/login/callback`, { headers: request.headers, signal: request.signal });
  return runCommand(
    asked,
    gateway,
    ctx,
    (caller, exchange) => askedLogin(exchange, () => loggedIn(at, caller, state, secret, token)),
    door,
  );
}

function askedLogin(exchange: Exchange, answer: () => Promise<Response>): Asked {
  return allowed(exchange, placeOf(exchange.request.url), { rule: "page-login" }, { fields: {}, answer });
}

async function loggedIn(
  at: ConsoleHost,
  { authenticated: { principal, token: facts } }: Caller,
  state: ConsoleState,
  secret: string,
  token: string,
): Promise<Response> {
  const { gateway, own } = at;
  const person = digestOf(JSON.stringify([principal.issuer, principal.subject]));
  // Forms that are open stay good while the same person's login is renewed.
  const before = await sessionOf(at);
  const login = before?.person === person ? before.login : newSecret();
  const until = tokenEnds(facts.expires, principal.issuer, gateway.config);
  const cookies = setSession(await sealStep(CONSOLE_SESSION, { token, login, person }, own.origin, until, own));
  if (cookies === null) return fail(at, "login_token_refused", AGAIN);
  // Absolute, since `//elsewhere` is a path here and a host in a relative reference (RFC 3986 §4.2).
  return redirect(own.origin + state.path, [...cookies, setLoginDone(secret)]);
}

const AGAIN = { label: "Log in", href: "/login", method: "get" } as const;

export function fail(
  { request, gateway, ctx }: ConsoleHost,
  failure: LoginFailure,
  action: Parameters<typeof failLogin>[4],
): Response {
  return failLogin(request, gateway, ctx, failure, action, plainPage);
}
