// Which of an upstream's headers are released to the caller. An upstream is hostile: it must not
// speak for the gateway, set state on the gateway's origin, or send the caller's client elsewhere.

import type { Header } from "../../mask/mask_headers.ts";
import { HOP_BY_HOP } from "./request_headers.ts";

/** State or policy of an origin that many connections share in the path form, and what the runtime sets itself. */
const DROPPED: ReadonlySet<string> = new Set([
  "set-cookie",
  "set-cookie2",
  "alt-svc",
  "clear-site-data",
  "strict-transport-security",
  "public-key-pins",
  "public-key-pins-report-only",
  "expect-ct",
  "nel",
  "report-to",
  "reporting-endpoints",
  "service-worker-allowed",
  "speculation-rules",
  "sourcemap",
  "refresh",
  "content-security-policy",
  "content-security-policy-report-only",
  "x-content-type-options",
  "www-authenticate",
  "proxy-status",
]);
const DROPPED_PREFIXES: readonly string[] = ["sallyport-", "cf-", "access-control-"];

export interface ReleasedTo {
  /** The connection's path form, without a slash at the end. */
  readonly pathForm: string;
  /** The connection's upstream base, without a slash at the end. */
  readonly upstream: string;
}

export function responseHeaders(received: Iterable<Header>, to: ReleasedTo): Header[] {
  const kept: Header[] = [];
  let listed: Set<string> | null = null;
  for (const header of received) {
    const name = header[0];
    if (name === "connection") listed = new Set(header[1].split(",").map((one) => one.trim().toLowerCase()));
    if (HOP_BY_HOP.has(name) || DROPPED.has(name) || DROPPED_PREFIXES.some((prefix) => name.startsWith(prefix))) continue;
    kept.push(name === "location" || name === "content-location" ? [name, rewriteLocation(header[1], to)] : header);
  }
  const named = listed;
  const result = named === null ? kept : kept.filter(([name]) => !named.has(name));
  result.push(["content-security-policy", "sandbox"], ["x-content-type-options", "nosniff"]);
  return result;
}

/**
 * A place inside the upstream's base becomes its path form; a path from the root likewise. Any other
 * place stays as it is: the client sees where the upstream pointed, and its credential for the gateway
 * is bound to the gateway's origin.
 */
export function rewriteLocation(value: string, { pathForm, upstream }: ReleasedTo): string {
  if (value === upstream || startsInside(value, upstream)) return pathForm + value.slice(upstream.length);
  const pathOnly = upstream.slice(rootOf(upstream));
  if (value.startsWith("/") && !value.startsWith("//") && (value === pathOnly || startsInside(value, pathOnly))) {
    return pathForm + value.slice(pathOnly.length);
  }
  return value;
}

function startsInside(value: string, base: string): boolean {
  return value.startsWith(base) && /^[/?#]/.test(value.slice(base.length));
}

/** Where the path begins in an absolute URL; its length if it has none. */
function rootOf(url: string): number {
  const at = url.indexOf("/", url.indexOf("//") + 2);
  return at < 0 ? url.length : at;
}

/** Statuses whose answers have no body (RFC 9110 §6.4.1). */
export function isBodyless(method: string, status: number): boolean {
  return method === "HEAD" || status === 204 || status === 205 || status === 304;
}
