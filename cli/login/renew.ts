// The refresh token's one use: a new access token, and mostly a new refresh token.

import * as client from "openid-client";
import { ok, refuse, type Result } from "../../core/result.ts";
import type { CliRefusal } from "../refusal.ts";
import { expiryOf, isFresh, secondsLeft, stale } from "./login_age.ts";
import { isInvalidGrant, oauthRefusal } from "./oauth_refusal.ts";
import { discover } from "./provider.ts";
import { readLogin, type StoredLogin, writeLogin } from "./stored_login.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Under the lock. Null if nobody is logged in there any more. `than`: a token that is too old, however long it is still good. */
export async function renewed(
  env: Env,
  context: string,
  gateway: string,
  than: string | null = null,
): Promise<Result<string | null, CliRefusal>> {
  const read = readLogin(env, context);
  if (!read.ok) return read;
  const login = read.value;
  // Logged out, or in again elsewhere, while this one waited.
  if (login === null || login.gateway !== gateway) return ok(null);
  if (isFresh(login) && login.access_token !== than) return ok(login.access_token);
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

async function refresh(config: client.Configuration, login: StoredLogin, token: string): Promise<StoredLogin> {
  const parameters = login.resource === null ? {} : { resource: login.resource };
  const answer = await client.refreshTokenGrant(config, token, parameters);
  return {
    ...login,
    access_token: answer.access_token,
    expires: expiryOf(answer.expiresIn()),
    refresh_token: answer.refresh_token ?? token,
  };
}
