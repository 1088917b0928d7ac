// The cookie that binds a login to the browser that began it: a random secret, on the connection's own
// host and another on the gateway's. What travels in URLs names its digest only, so that whoever sees
// a URL cannot go on with the login, and whoever is sent one cannot be logged in by it.

import { createHash, createHmac, randomBytes } from "node:crypto";
import { LOGIN_COOKIE, ownCookie, setLogin } from "../../core/protocol/http/own_cookies.ts";
import type { Proofs } from "./provider.ts";

/** How long a person may take over it. */
export const LOGIN_SECONDS = 600;
/** A browser that comes back within it without its login is told so, lest it goes round and round. */
const DONE_SECONDS = 15;

/** The secret, and when a login with it went well last, in seconds since 1970; 0 if none did. */
function readLogin(request: Request): { readonly secret: string; readonly done: number } | null {
  const value = ownCookie(request.headers.get("cookie"), LOGIN_COOKIE) ?? "";
  const [, secret, done] = /^([A-Za-z0-9_-]{43})(?:\.(\d{1,12}))?$/.exec(value) ?? [];
  return secret === undefined ? null : { secret, done: Number(done ?? 0) };
}

/** The browser's secret, as its cookie has it; null if it has none. */
export function loginSecret(request: Request): string | null {
  return readLogin(request)?.secret ?? null;
}

/** True for a moment after a login: a browser that is here again without one did not keep it. */
export function hasJustLoggedIn(request: Request): boolean {
  const age = Date.now() / 1000 - (readLogin(request)?.done ?? 0);
  return age >= -1 && age < DONE_SECONDS;
}

/** After a login went well. The secret stays, so that a login that another tab began can end as well. */
export function setLoginDone(secret: string): string {
  return setLogin(`${secret}.${Math.floor(Date.now() / 1000)}`, LOGIN_SECONDS);
}

/** 256 random bits. */
export function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

export function digestOf(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url");
}

/**
 * PKCE's verifier and the ID token's nonce of one login. Derived and not kept: only this gateway together
 * with the browser that began the login can make them, and several logins in one browser don't disturb
 * each other. `id` is the login's.
 */
export function proofsOf(secret: string, id: string, key: Uint8Array): Proofs {
  const derive = (use: string): string =>
    createHmac("sha256", key).update(`sallyport login ${use}\n${id}\n${secret}`).digest("base64url");
  return { verifier: derive("verifier"), nonce: derive("nonce") };
}
