// Which of a caller's headers go to the upstream. Works on pairs so that repeated names stay apart.

import type { Header } from "../../mask/mask_headers.ts";
import { ok, refuse, type Result } from "../../result.ts";
import { climbs } from "./climb.ts";

/** Hop-by-hop (RFC 9110 §7.6.1), whether or not `Connection` lists them. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** The caller's credentials, what only the gateway may say, and what it says itself. */
const DROPPED: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "cookie2",
  "host",
  "content-length",
  "forwarded",
  "via",
  "x-real-ip",
  "x-client-ip",
  "true-client-ip",
  "cdn-loop",
  "expect",
  "http2-settings",
]);
const DROPPED_PREFIXES: readonly string[] = ["sallyport-", "cf-", "x-forwarded-", "sec-websocket-"];

/** They make an upstream do another method than the one that was decided. */
const METHOD_OVERRIDES: ReadonlySet<string> = new Set(["x-http-method-override", "x-http-method", "x-method-override"]);

export interface ForwardedFrom {
  /** The caller's address, or null if unknown. */
  readonly address: string | null;
  readonly host: string;
  readonly scheme: "http" | "https";
  /** The connection's path form, `https://eu.tools.example/c/name`. */
  readonly pathForm: string;
  /** The connection's upstream base, without a slash at the end. */
  readonly upstream: string;
}

export type HeaderRefusal = { readonly reason: "method_override" | "destination_outside" };

export function requestHeaders(received: Iterable<Header>, from: ForwardedFrom): Result<Header[], HeaderRefusal> {
  const kept: Header[] = [];
  let listed: Set<string> | null = null;
  for (const header of received) {
    const name = header[0];
    if (METHOD_OVERRIDES.has(name)) return refuse({ reason: "method_override" });
    if (name === "connection") listed = listedIn(header[1], listed);
    if (HOP_BY_HOP.has(name) || DROPPED.has(name)) continue;
    if (DROPPED_PREFIXES.some((prefix) => name.startsWith(prefix)) || name === "cf_authorization") continue;
    if (name === "destination") {
      const destination = rewriteDestination(header[1], from);
      if (destination === null) return refuse({ reason: "destination_outside" });
      kept.push([name, destination]);
      continue;
    }
    kept.push(header);
  }
  const named = listed;
  const result = named === null ? kept : kept.filter(([name]) => !named.has(name));
  result.push(["forwarded", forwarded(from)], ["via", "1.1 sallyport"]);
  return ok(result);
}

function listedIn(value: string, before: Set<string> | null): Set<string> {
  const names = before ?? new Set<string>();
  for (const name of value.split(",")) names.add(name.trim().toLowerCase());
  return names;
}

/** RFC 7239 §4; an IPv6 address is quoted and in brackets (§6). */
function forwarded({ address, host, scheme }: ForwardedFrom): string {
  const by = address === null ? "unknown" : address.includes(":") ? `"[${address}]"` : address;
  return `for=${by};host="${host.replaceAll(/["\\]/g, "")}";proto=${scheme}`;
}

/** WebDAV's `Destination` (RFC 4918 §10.3) names a second resource: it must lie inside the connection. Null if it does not. */
function rewriteDestination(value: string, { pathForm, upstream }: ForwardedFrom): string | null {
  const pathOnly = pathForm.slice(pathForm.indexOf("/", pathForm.indexOf("//") + 2));
  const inside = [pathForm, pathOnly].find((base) => value === base || value.startsWith(`${base}/`));
  if (inside === undefined) return null;
  const rest = value.slice(inside.length);
  if (!/^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/.test(rest) || climbs(rest)) return null;
  return upstream + rest;
}
