// A context's access token, renewed before it ends. Providers let a refresh token be used once, so one
// process at a time renews, and whoever waited takes what that one got.

import type { Configuration } from "openid-client";
import * as client from "openid-client";
import { ok, refuse, type Result } from "../../core/result.ts";
import { tokenPath } from "../config.ts";
import type { CliRefusal } from "../refusal.ts";
import { withLock } from "./lock.ts";
import { isInvalidGrant, oauthRefusal } from "./oauth_refusal.ts";
import { discover } from "./provider.ts";
import { readLogin, type StoredLogin, writeLogin } from "./stored_login.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Renewed this many seconds before its end, so that a call that begins now is not cut. */
const EARLY_S = 30;

/** Null if nobody is logged in there. */
export async function freshToken(
  env: Env,
  context: string,
  gateway: string,
): Promise<Result<string | null, CliRefusal>> {
  const read = readLogin(env, context);
  if (!read.ok) return read;
  if (read.value === null) return ok(null);
  if (read.value.gateway !== gateway)
    return refuse({
      reason: "refused",
      what: `the login of context ${context} is for another gateway. Do: sallyport login ${gateway} --context ${context}`,
    });
  if (isFresh(read.value)) return ok(read.value.access_token);
  if (read.value.refresh_token === null) return stale(read.value);
  const done = await withLock(`${tokenPath(env, context)}.lock`, () => renewed(env, context, gateway));
  return done === null
    ? refuse({ reason: "unreachable", what: "another sallyport has been renewing this login for a while. Try again." })
    : done.value;
}

function secondsLeft({ expires }: StoredLogin): number {
  return expires === null ? Infinity : expires - Date.now() / 1000;
}

function isFresh(login: StoredLogin): boolean {
  return secondsLeft(login) > EARLY_S;
}

/** What cannot be renewed is used to its end. */
function stale(login: StoredLogin): Result<string, CliRefusal> {
  return secondsLeft(login) > 0
    ? ok(login.access_token)
    : refuse({ reason: "refused", what: `your login has ended. Do: sallyport login ${login.gateway}` });
}

async function renewed(env: Env, context: string, gateway: string): Promise<Result<string | null, CliRefusal>> {
  const read = readLogin(env, context);
  if (!read.ok) return read;
  const login = read.value;
  // Logged out, or in again elsewhere, while this one waited.
  if (login === null || login.gateway !== gateway) return ok(null);
  if (isFresh(login)) return ok(login.access_token);
  if (login.refresh_token === null) return stale(login);
  const config = await discover(login.issuer, login.client_id);
  if (!config.ok) return secondsLeft(login) > 0 ? ok(login.access_token) : config;
  try {
    const next = await refresh(config.value, login, login.refresh_token);
    const written = writeLogin(env, context, next);
    return written.ok ? ok(next.access_token) : written;
  } catch (error) {
    if (secondsLeft(login) > 0) return ok(login.access_token);
    return isInvalidGrant(error) ? stale(login) : refuse(oauthRefusal(error, login.issuer));
  }
}

async function refresh(config: Configuration, login: StoredLogin, token: string): Promise<StoredLogin> {
  const parameters = login.resource === null ? {} : { resource: login.resource };
  const answer = await client.refreshTokenGrant(config, token, parameters);
  return {
    ...login,
    access_token: answer.access_token,
    expires: expiryOf(answer.expiresIn()),
    refresh_token: answer.refresh_token ?? token,
  };
}

/** Seconds since 1970. */
export function expiryOf(seconds: number | undefined): number | null {
  return seconds === undefined ? null : Math.floor(Date.now() / 1000) + seconds;
}
