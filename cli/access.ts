// Which gateway, and as whom. Options win over the environment, the environment over the context. A
// token comes from the environment or a file, never from an argument: those can be read by every
// process of the machine. A context's token goes to that context's gateway and to no other.

import { readFileSync } from "node:fs";
import { refuse, ok, type Result } from "../core/result.ts";
import { gatewayUrl, isToken } from "./access_url.ts";
import { readConfig, unknownContext } from "./config.ts";
import type { Io } from "./io.ts";
import { freshToken } from "./login/fresh_token.ts";
import type { CliRefusal } from "./refusal.ts";

export interface Access {
  /** Without a slash at its end. */
  readonly gateway: string;
  readonly token: string;
  /** The context whose token it is; null if it came from elsewhere. */
  readonly context: string | null;
}

export interface AccessOptions {
  readonly gateway?: string;
  readonly tokenFile?: string;
  readonly context?: string;
}

export interface Target {
  readonly gateway: string;
  readonly context: string | null;
}

type Env = Readonly<Record<string, string | undefined>>;

export async function accessOf(options: AccessOptions, { env }: Pick<Io, "env">): Promise<Result<Access, CliRefusal>> {
  const target = targetOf(options, env);
  if (!target.ok) return target;
  const { gateway, context } = target.value;
  const given = givenToken(options, env);
  if (!given.ok) return given;
  if (given.value !== null) return ok({ gateway, token: given.value, context: null });
  if (context === null) return refuse({ reason: "refused", what: notLoggedIn(gateway) });
  const fresh = await freshToken(env, context, gateway);
  if (!fresh.ok) return fresh;
  if (fresh.value === null) return refuse({ reason: "refused", what: notLoggedIn(gateway) });
  return ok({ gateway, token: fresh.value, context });
}

function notLoggedIn(gateway: string): string {
  return `not logged in at ${gateway}. Do: sallyport login ${gateway} (or set SALLYPORT_TOKEN, or give --token-file FILE).`;
}

/** The gateway, and the context that is for it. */
export function targetOf(options: AccessOptions, env: Env): Result<Target, CliRefusal> {
  const config = readConfig(env);
  if (!config.ok) return config;
  const { contexts, current } = config.value;
  if (options.context !== undefined) {
    const named = contexts.get(options.context);
    if (named === undefined) return unknownContext(options.context);
    if (options.gateway === undefined) return withUrl(named.gateway, options.context);
    const url = gatewayUrl(options.gateway);
    if (!url.ok) return url;
    return ok({ gateway: url.value, context: url.value === named.gateway ? options.context : null });
  }
  const given = options.gateway ?? env.SALLYPORT_GATEWAY ?? "";
  if (given !== "") {
    const url = gatewayUrl(given);
    if (!url.ok) return url;
    const ours = [...contexts].filter(([, one]) => one.gateway === url.value).map(([name]) => name);
    const chosen = ours.find((name) => name === current) ?? ours[0] ?? null;
    return ok({ gateway: url.value, context: chosen });
  }
  const settings = current === null ? undefined : contexts.get(current);
  if (current === null || settings === undefined)
    return refuse({
      reason: "usage",
      what: "which gateway? Log in with `sallyport login URL`, give --gateway URL, or set SALLYPORT_GATEWAY.",
    });
  return withUrl(settings.gateway, current);
}

function withUrl(gateway: string, context: string): Result<Target, CliRefusal> {
  const url = gatewayUrl(gateway);
  return url.ok ? ok({ gateway: url.value, context }) : url;
}

/** Null if none was given. A context that was asked for by name wins over the environment. */
function givenToken(options: AccessOptions, env: Env): Result<string | null, CliRefusal> {
  let token = options.context === undefined ? (env.SALLYPORT_TOKEN ?? "") : "";
  if (options.tokenFile !== undefined) {
    try {
      token = readFileSync(options.tokenFile, "utf8").trim();
    } catch {
      return refuse({ reason: "usage", what: "the token file cannot be read. Check --token-file." });
    }
    if (token === "") return refuse({ reason: "usage", what: "the token file is empty. Check --token-file." });
  }
  if (token === "") return ok(null);
  return isToken(token)
    ? ok(token)
    : refuse({
        reason: "usage",
        what: "the token has characters that no access token has. Is it a file with something else in it?",
      });
}
