// Reads and checks the Worker's variables and secrets: once an isolate, and nowhere else.
// A gateway that is not configured rightly serves nothing.

import * as v from "valibot";
import { type Issuer, parseIssuers } from "../core/auth/issuer.ts";
import { connectionAt, type HostForm, parseHostForm } from "../core/protocol/http/host_form.ts";
import { ok, refuse, type Result } from "../core/result.ts";
import { JURISDICTIONS } from "../durable/jurisdiction.ts";
import type { Env } from "./env.ts";
import { type LoginClient, parseLoginClient } from "./login/client.ts";

export interface Config {
  readonly region: string;
  /** The canonical origin, for URLs that the gateway writes. */
  readonly origin: string;
  /** `host[:port]` of every origin. */
  readonly hosts: ReadonlySet<string>;
  readonly issuers: readonly Issuer[];
  readonly firstAdmin: { readonly issuer: string; readonly subject: string } | null;
  readonly allowInsecureHttp: boolean;
  /** What callers of the API are told of its limit; null if nothing. */
  readonly apiRate: { readonly quota: number; readonly seconds: number } | null;
  readonly pseudonymKey: Uint8Array;
  /** The connections' own origins, and how people log in there; null where there is no host form. */
  readonly hostForm: (HostForm & BrowserLogin) | null;
  /** The console's own origin, and how people log in there; null where there is none. */
  readonly console: ({ readonly origin: string } & BrowserLogin) | null;
  /** An upstream's credential; null if the secret is not set. */
  secret(name: string): string | null;
  /** By which notices are signed, or where they go; null if the secret is not set. */
  notifySecret(name: string): string | null;
}

/** How people log in with a browser: as which client, and the key that seals what their browsers carry. */
export interface BrowserLogin {
  readonly login: LoginClient;
  readonly key: Uint8Array;
}

export type ConfigRefusal = { readonly reason: "misconfigured"; readonly variable: string; readonly expected: string };

const FirstAdmin = v.strictObject({ issuer: v.string(), subject: v.string() });

export function readConfig(env: Env): Result<Config, ConfigRefusal> {
  const allowInsecureHttp = env.ALLOW_INSECURE_HTTP === "yes";
  const origins = (env.ORIGINS ?? "").split(/\s+/).filter((one) => one !== "");
  const [origin] = origins;
  if (origin === undefined || !origins.every((one) => URL.canParse(one) && new URL(one).origin === one))
    return wrong("ORIGINS", "one or more origins, https://host");
  const issuers = parseIssuers(env.ISSUERS ?? "", allowInsecureHttp);
  if (!issuers.ok) return wrong("ISSUERS", `${issuers.path} ${issuers.expected}`);
  const firstAdmin = readFirstAdmin(env.FIRST_ADMIN ?? "");
  if (firstAdmin === undefined) return wrong("FIRST_ADMIN", 'nothing, or {"issuer": …, "subject": …}');
  const pseudonymKey = readKey(env.PSEUDONYM_KEY ?? "");
  if (pseudonymKey === null) return wrong("PSEUDONYM_KEY", "32 bytes in base64");
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(env.REGION ?? "")) return wrong("REGION", "a region's name");
  if (env.JURISDICTION !== undefined && !JURISDICTIONS.includes(env.JURISDICTION))
    return wrong("JURISDICTION", "eu, us or not set");
  const apiRate = readRate(env.API_RATE ?? "");
  if (apiRate === undefined) return wrong("API_RATE", "nothing, or <calls>/<seconds>");
  const by = { origins, issuers: issuers.value, allowInsecureHttp };
  const hostForm = readHostForm(env, by);
  if (!hostForm.ok) return hostForm;
  const own = readConsole(env, by, hostForm.value);
  if (!own.ok) return own;
  return ok({
    region: env.REGION,
    origin,
    hosts: new Set(origins.map((one) => new URL(one).host)),
    issuers: issuers.value,
    firstAdmin,
    allowInsecureHttp,
    apiRate,
    pseudonymKey,
    hostForm: hostForm.value,
    console: own.value,
    notifySecret: (name) => (name.startsWith("NOTIFY_") ? (env[name as `NOTIFY_${string}`] ?? null) : null),
    secret: (name) => (name.startsWith("UPSTREAM_") ? (env[name as `UPSTREAM_${string}`] ?? null) : null),
  });
}

interface ReadBefore {
  readonly origins: readonly string[];
  readonly issuers: readonly Issuer[];
  readonly allowInsecureHttp: boolean;
}

function wrong(variable: string, expected: string): { readonly ok: false } & ConfigRefusal {
  return refuse({ reason: "misconfigured", variable, expected });
}

function readHostForm(env: Env, by: ReadBefore): Result<Config["hostForm"], ConfigRefusal> {
  if ((env.HOST_FORM ?? "") === "") return ok(null);
  const form = parseHostForm(env.HOST_FORM ?? "", env.REGION);
  if (form === null || (form.scheme !== "https" && !by.allowInsecureHttp))
    return wrong("HOST_FORM", `nothing, or https://*--${env.REGION}.<domain>`);
  // One host must not be two surfaces.
  if (by.origins.some((origin) => connectionAt(new URL(origin).host, form) !== null))
    return wrong("ORIGINS", "no host of HOST_FORM");
  const login = readLogin(env, by);
  return login.ok ? ok({ ...form, ...login.value }) : login;
}

function readConsole(env: Env, by: ReadBefore, hostForm: HostForm | null): Result<Config["console"], ConfigRefusal> {
  const origin = env.CONSOLE ?? "";
  if (origin === "") return ok(null);
  const url = URL.parse(origin);
  if (url?.origin !== origin || (url.protocol !== "https:" && !by.allowInsecureHttp))
    return wrong("CONSOLE", "nothing, or an origin, https://host");
  if (!isApart(url, by, hostForm)) return wrong("CONSOLE", "an origin whose site is none that tools are served at");
  const login = readLogin(env, by);
  return login.ok ? ok({ origin, ...login.value }) : login;
}

/**
 * Whether no tool's page shares the console's host, and, but on one machine, its domain: cookies that a page
 * sets for its whole domain would reach the console. Which domains are for everybody to have a name
 * under only the Public Suffix List knows; see docs/deploy.md.
 */
function isApart({ host, hostname }: URL, { origins, allowInsecureHttp }: ReadBefore, form: HostForm | null): boolean {
  const tools = origins.map((one) => new URL(one));
  if (tools.some((tool) => tool.host === host) || (form !== null && host.endsWith(form.suffix))) return false;
  if (allowInsecureHttp) return true;
  const names = [
    ...tools.map((tool) => tool.hostname),
    ...(form === null ? [] : [form.suffix.replace(/^[^.]*\./, "")]),
  ];
  return names.every((name) => !`.${hostname}`.endsWith(`.${name}`) && !`.${name}`.endsWith(`.${hostname}`));
}

function readLogin(env: Env, { issuers }: ReadBefore): Result<BrowserLogin, ConfigRefusal> {
  const login = parseLoginClient(env.LOGIN ?? "", env.LOGIN_CLIENT_SECRET ?? "");
  if (login === null || !issuers.some(({ issuer }) => issuer === login.issuer))
    return wrong("LOGIN", '{"issuer": one of ISSUERS, "client_id": …}');
  const key = readKey(env.LOGIN_KEY ?? "");
  return key === null ? wrong("LOGIN_KEY", "32 bytes in base64") : ok({ login, key });
}

/** Undefined if the text is neither empty nor an issuer with a subject. */
function readFirstAdmin(text: string): Config["firstAdmin"] | undefined {
  if (text === "") return null;
  try {
    const parsed = v.safeParse(FirstAdmin, JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined if the text is neither empty nor a rate. */
function readRate(text: string): Config["apiRate"] | undefined {
  if (text === "") return null;
  const [, quota, seconds] = /^(\d{1,6})\/(10|60)$/.exec(text) ?? [];
  return quota === undefined ? undefined : { quota: Number(quota), seconds: Number(seconds) };
}

function readKey(text: string): Uint8Array | null {
  try {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return bytes.length === 32 ? bytes : null;
  } catch {
    return null;
  }
}
