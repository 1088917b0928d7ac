// The half of a login that happens on the gateway's canonical origin, which is the one that the provider
// knows: from a connection's host to the provider, and from the provider back to that host.
//
// Invariant: a login ends in the browser that it began in, at the host that it began at, once.

import { randomBytes } from "node:crypto";
import { authenticate } from "../../core/auth/authenticate.ts";
import { setLogin } from "../../core/protocol/http/own_cookies.ts";
import type { Config } from "../config.ts";
import { controlOf } from "../control_client.ts";
import type { Gateway } from "../gateway.ts";
import { originOf } from "../protected_resource.ts";
import { failLogin, type LoginFailure } from "./failure.ts";
import { digestOf, LOGIN_SECONDS, loginSecret, newSecret, proofsOf } from "./login_cookie.ts";
import { redirect } from "./page.ts";
import { authorizationUrl, type ProviderRefusal, redeemCode } from "./provider.ts";
import { loginEnds, openStep, REQUEST, sealStep, STATE, TICKET, TICKET_SECONDS } from "./steps.ts";

type Host = NonNullable<Config["hostForm"]>;
type Fail = (failure: LoginFailure, back?: string) => Response;

/** `/login/start` and `/login/callback`; null for anything else, and where there is no host form. */
export async function serveLogin(request: Request, gateway: Gateway, ctx: ExecutionContext): Promise<Response | null> {
  const { config } = gateway;
  const { hostForm } = config;
  const origin = originOf(request.url);
  if (hostForm === null || origin !== config.origin) return null;
  const [path = "", query = ""] = request.url.slice(origin.length).split("?", 2);
  if (path !== "/login/start" && path !== "/login/callback") return null;
  const fail: Fail = (failure, back) =>
    failLogin(
      request,
      gateway,
      ctx,
      failure,
      back === undefined ? undefined : { label: "Back to the tool", href: back, method: "get" },
    );
  if (request.method !== "GET") return fail("login_method");
  const parameters = new URLSearchParams(query);
  return path === "/login/start"
    ? startLogin(request, config, hostForm, parameters.get("request"), fail)
    : endLogin(request, gateway, hostForm, parameters, fail);
}

async function startLogin(
  request: Request,
  config: Config,
  host: Host,
  sealed: string | null,
  fail: Fail,
): Promise<Response> {
  const now = Date.now();
  const asked = await openStep(REQUEST, sealed, config.origin, now, host);
  if (asked === null) return fail("login_request_invalid");
  const secret = loginSecret(request) ?? newSecret();
  const id = randomBytes(16).toString("base64url");
  const { tool, path, browser } = asked;
  const claims = { tool, path, browser, id, secret: digestOf(secret) };
  const state = await sealStep(STATE, claims, config.origin, loginEnds(now), host);
  const url = await authorizationUrl(host.login, config, proofsOf(secret, id, host.key), state);
  return url === null ? fail("login_provider_unreachable", tool) : redirect(url, [setLogin(secret, LOGIN_SECONDS)]);
}

export const FAILURES: Readonly<Record<ProviderRefusal["reason"], LoginFailure>> = {
  provider_unreachable: "login_provider_unreachable",
  provider_refused: "login_provider_refused",
  person_needed: "login_provider_refused",
  answer_invalid: "login_answer_invalid",
};

async function endLogin(
  request: Request,
  gateway: Gateway,
  host: Host,
  parameters: URLSearchParams,
  fail: Fail,
): Promise<Response> {
  const { config, control, authentication } = gateway;
  const now = Date.now();
  const stateText = parameters.get("state");
  const state = await openStep(STATE, stateText, config.origin, now, host);
  if (state === null || stateText === null) return fail("login_state_invalid");
  const secret = loginSecret(request);
  // Whoever is sent the link of somebody else's login must not end it: they would act under that name.
  if (secret === null || digestOf(secret) !== state.secret) return fail("login_other_browser", state.tool);
  const isFirst = await useOnce(gateway, `state ${state.id}`, loginEnds(now));
  if (isFirst === null) return fail("login_control_unavailable", state.tool);
  if (!isFirst) return fail("login_state_used", state.tool);
  const redeemed = await redeemCode(host.login, config, proofsOf(secret, state.id, host.key), parameters, stateText);
  if (!redeemed.ok) return fail(FAILURES[redeemed.reason], state.tool);
  const known = control.current(now) ?? (await control.renew(now));
  if (known === null) return fail("login_control_unavailable", state.tool);
  // By the rules that hold for every call: a token that would be refused there makes no login here.
  const who = await authenticate(`Bearer ${redeemed.value}`, authentication, known.revocations, Date.now());
  if (!who.ok)
    return fail(who.reason === "issuer_unavailable" ? "login_provider_unreachable" : "login_token_refused", state.tool);
  const ticket = await sealStep(
    TICKET,
    {
      path: state.path,
      browser: state.browser,
      id: state.id,
      token: redeemed.value,
      until: String(tokenEnds(who.value.token.expires, who.value.principal.issuer, config)),
    },
    state.tool,
    Date.now() + TICKET_SECONDS * 1000,
    host,
  );
  return redirect(`${state.tool}/.sallyport/ticket?ticket=${ticket}`);
}

/** In milliseconds since 1970, with what the issuer's clock is granted. */
export function tokenEnds(expires: number, issuer: string, { issuers }: Config): number {
  return (expires + (issuers.find((one) => one.issuer === issuer)?.clock_skew_seconds ?? 0)) * 1000;
}

/** Null if the region's control object, which remembers, cannot be reached. */
export async function useOnce({ env }: Gateway, id: string, until: number): Promise<boolean | null> {
  try {
    return await controlOf(env).useOnce(id, until);
  } catch {
    return null;
  }
}
