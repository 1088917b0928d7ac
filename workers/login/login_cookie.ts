// The cookie that binds a login to the browser that began it: a random secret, on the connection's own
// host and another on the gateway's. What travels in URLs names its digest only, so that whoever sees
// a URL cannot go on with the login, and whoever is sent one cannot be logged in by it.

import { createHash, createHmac, randomBytes } from "node:crypto";
import { LOGIN_COOKIE, ownCookie } from "../../core/protocol/http/own_cookies.ts";
import type { Proofs } from "./provider.ts";

/** How long a person may take over it. */
export const LOGIN_SECONDS = 600;
/** Stands in the place of the secret for a moment after a login that went well. */
export const DONE = "done";

/** The browser's secret, as its cookie has it; null if it has none. */
export function loginSecret(request: Request): string | null {
  const value = ownCookie(request.headers.get("cookie"), LOGIN_COOKIE);
  return value !== null && /^[A-Za-z0-9_-]{43}$/.test(value) ? value : null;
}

/** True for a moment after a login: a browser that is here again without one did not keep it. */
export function hasJustLoggedIn(request: Request): boolean {
  return ownCookie(request.headers.get("cookie"), LOGIN_COOKIE) === DONE;
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
