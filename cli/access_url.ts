// Which URLs a token may be sent to.

import { ok, refuse, type Result } from "../core/result.ts";
import type { CliRefusal } from "./refusal.ts";

/** Without a slash at its end. */
export function gatewayUrl(text: string): Result<string, CliRefusal> {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:"))
    return refuse({ reason: "usage", what: "a gateway is an http or https URL." });
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
    return refuse({ reason: "usage", what: "a gateway's URL has no user, query or fragment." });
  if (url.protocol === "http:" && !isLoopback(url)) {
    return refuse({
      reason: "usage",
      what: "the gateway is http: and not this machine, so the token would travel in the clear. Use https.",
    });
  }
  return ok(url.origin + url.pathname.replace(/\/+$/, ""));
}

export function isLoopback({ hostname }: URL): boolean {
  return ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
}

/** What a bearer token may consist of (RFC 6750 §2.1): anything else would end up in a header. */
export function isToken(text: string): boolean {
  return /^[A-Za-z0-9._~+/=-]+$/.test(text);
}
