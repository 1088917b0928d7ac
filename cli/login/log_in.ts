// Logging in: finds the gateway's provider, logs in there, keeps the tokens in a file that is
// the person's alone, and asks the gateway whom it takes them for.

import { ok, refuse, type Result } from "../../core/result.ts";
import { targetOf } from "../access.ts";
import { gatewayUrl, isToken } from "../access_url.ts";
import { contextName, readConfig, writeConfig } from "../config.ts";
import { type Context, type Contexts, nameFor, withContext } from "../contexts.ts";
import { callJson, notAGateway } from "../gateway_client.ts";
import type { Io } from "../io.ts";
import { hasBrowser } from "./browser.ts";
import { CLIENT_ID, type LoginOptions } from "./client_id.ts";
import { codeFlow, deviceFlow } from "./flows.ts";
import { expiryOf } from "./login_age.ts";
import { discover, issuersOf } from "./provider.ts";
import { writeLogin } from "./stored_login.ts";
import { type CliRefusal, type Done, EXIT } from "../refusal.ts";
import { jsonText, shown } from "../terminal.ts";
import { shortTime } from "../time_text.ts";
import { readWhoami } from "../commands/whoami.ts";

const SCOPES = ["openid", "offline_access", "profile", "email", "groups"];

interface Place {
  readonly name: string;
  readonly gateway: string;
  readonly known: Context | null;
  readonly all: Contexts;
}

export async function login(options: LoginOptions, given: string | undefined, io: Io): Promise<Done> {
  if (options.scope !== undefined && !/^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/.test(options.scope))
    return refuse({ reason: "usage", what: "--scope takes names separated by single spaces." });
  const place = placeOf(options, given, io);
  if (!place.ok) return place;
  const { name, gateway, known, all } = place.value;
  const issuer = await issuerOf(options.issuer ?? null, place.value, io);
  if (!issuer.ok) return issuer;
  const clientId = options.clientId ?? known?.client_id ?? CLIENT_ID;
  const config = await discover(issuer.value, clientId);
  if (!config.ok) return config;
  const supported = config.value.serverMetadata().scopes_supported;
  const scope =
    options.scope ??
    SCOPES.filter((one) => one === "openid" || supported === undefined || supported.includes(one)).join(" ");
  const asked = { config: config.value, scope, resource: options.resource ? gateway : null };
  const isOnDevice = options.device ?? (options.browser && !hasBrowser(io.env));
  const tokens = isOnDevice ? await deviceFlow(asked, io) : await codeFlow(asked, options.browser, io);
  if (!tokens.ok) return tokens;
  const { access_token: token, refresh_token: refreshToken } = tokens.value;
  if (!isToken(token))
    return refuse({
      reason: "refused",
      what: "what the login provider gave is no bearer token. Nothing was kept of it.",
    });
  const expires = expiryOf(tokens.value.expiresIn());
  const written = writeLogin(io.env, name, {
    gateway,
    issuer: issuer.value,
    client_id: clientId,
    scope,
    resource: asked.resource,
    access_token: token,
    expires,
    refresh_token: refreshToken ?? null,
  });
  if (!written.ok) return written;
  const context: Context = { gateway, issuer: issuer.value, client_id: clientId };
  const kept = writeConfig(io.env, { ...withContext(all, name, context), current: name });
  if (!kept.ok) return kept;
  return greet({ gateway, token, context: name }, expires, refreshToken !== undefined, options, io);
}

/** The context that the login is for: the one named, the gateway's, or a new one. */
function placeOf(options: LoginOptions, given: string | undefined, io: Io): Result<Place, CliRefusal> {
  const config = readConfig(io.env);
  if (!config.ok) return config;
  const all = config.value;
  if (given !== undefined && options.gateway !== undefined && given !== options.gateway)
    return refuse({ reason: "usage", what: "two gateways are given. Give one." });
  const named = options.context === undefined ? null : contextName(options.context);
  if (named !== null && !named.ok) return named;
  const known = named === null ? undefined : all.contexts.get(named.value);
  const text = given ?? options.gateway ?? (named === null ? undefined : (known?.gateway ?? io.env.SALLYPORT_GATEWAY));
  const target = text === undefined || text === "" ? targetOf({}, io.env) : gatewayOnly(text, all);
  if (!target.ok) return target;
  const { gateway, context } = target.value;
  if (known !== undefined && known.gateway !== gateway)
    return refuse({
      reason: "usage",
      what: `the context ${options.context ?? ""} is for ${shown(known.gateway)}. Give another --context, or remove it first.`,
    });
  const name = named?.value ?? context ?? nameFor(gateway, all);
  return ok({ name, gateway, known: all.contexts.get(name) ?? null, all });
}

function gatewayOnly(text: string, all: Contexts): Result<{ gateway: string; context: string | null }, CliRefusal> {
  const url = gatewayUrl(text);
  if (!url.ok) return url;
  const ours = [...all.contexts].filter(([, one]) => one.gateway === url.value).map(([name]) => name);
  return ok({ gateway: url.value, context: ours.find((name) => name === all.current) ?? ours[0] ?? null });
}

/** One that the gateway takes, and the one of the last login unless another is asked for. */
async function issuerOf(wanted: string | null, { gateway, known }: Place, io: Io): Promise<Result<string, CliRefusal>> {
  const issuers = await issuersOf(gateway);
  if (!issuers.ok) return issuers;
  const before = wanted ?? known?.issuer ?? null;
  if (before !== null)
    return issuers.value.includes(before)
      ? ok(before)
      : refuse({
          reason: "refused",
          what: `the gateway takes no logins of ${shown(before)}. It takes those of: ${issuers.value.map((one) => shown(one)).join(", ")}. Give one of them as --issuer.`,
        });
  const [first = "", ...others] = issuers.value;
  if (others.length > 0)
    io.note(
      `${io.noteStyle.yellow("note:")} the gateway has ${issuers.value.length} login providers; --issuer takes another`,
    );
  return ok(first);
}

async function greet(
  access: { readonly gateway: string; readonly token: string; readonly context: string },
  expires: number | null,
  isRenewed: boolean,
  { json }: LoginOptions,
  io: Io,
): Promise<Done> {
  const got = await callJson(access, { path: "/api/v1/whoami" });
  if (!got.ok)
    return refuse({
      ...got,
      what: `the provider logged you in, but ${got.what} If it stays: is the gateway's audience what the provider puts into tokens?`,
    });
  const who = readWhoami(got.value);
  if (who === null) return notAGateway();
  const { principal, roles } = who;
  if (json === true) {
    const { gateway, context } = access;
    await io.print(
      jsonText({ context, gateway, subject: principal.subject, issuer: principal.issuer, roles, expires }),
    );
    return ok(EXIT.ok);
  }
  const { style } = io;
  const name = principal.name ?? principal.email;
  await io.print(
    `${style.green("✓")} logged in at ${style.bold(access.gateway)} as ${style.bold(shown(principal.subject, 80))}${name === null ? "" : ` (${shown(name, 80)})`}`,
  );
  const until =
    expires === null ? "" : `until ${shortTime(expires * 1000)}${isRenewed ? ", then renewed by itself" : ""}; `;
  await io.print(
    style.dim(
      `  ${until}roles: ${roles.length === 0 ? "none" : roles.map((one) => shown(one, 64)).join(", ")}; context ${access.context}`,
    ),
  );
  return ok(EXIT.ok);
}
