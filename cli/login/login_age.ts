// How long a login still holds.

import { ok, refuse, type Result } from "../../core/result.ts";
import type { CliRefusal } from "../refusal.ts";
import type { StoredLogin } from "./stored_login.ts";

/** Renewed this many seconds before its end, so that a call that begins now is not cut. */
const EARLY_S = 30;

export function secondsLeft({ expires }: StoredLogin): number {
  return expires === null ? Infinity : expires - Date.now() / 1000;
}

export function isFresh(login: StoredLogin): boolean {
  return secondsLeft(login) > EARLY_S;
}

/** What cannot be renewed is used to its end. */
export function stale(login: StoredLogin): Result<string, CliRefusal> {
  return secondsLeft(login) > 0
    ? ok(login.access_token)
    : refuse({ reason: "refused", what: `your login has ended. Do: sallyport login ${login.gateway}` });
}

/** Seconds since 1970. */
export function expiryOf(seconds: number | undefined): number | null {
  return seconds === undefined ? null : Math.floor(Date.now() / 1000) + seconds;
}
