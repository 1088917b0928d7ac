// Reads the raw request target and builds the upstream's address from it, so that what is decided,
// recorded and forwarded are the same bytes. Never goes through `new URL`, which resolves `%2e%2e`.

import { type ConnectionName, parseConnectionName } from "../../ids.ts";
import { ok, refuse, type Result } from "../../result.ts";

export interface Target {
  readonly connection: ConnectionName;
  /** Raw path inside the connection, with its leading slash. */
  readonly path: string;
  /** Raw query without `?`; empty if there is none. */
  readonly query: string;
}

export type TargetRefusal = {
  readonly reason: "target_malformed" | "target_climbs" | "target_too_long" | "target_without_connection";
};

const MAX_LENGTH = 16 * 1024;
/** Characters of a path that a WHATWG URL parser leaves as they are (URL Standard, path percent-encode set), `%` aside, no backslash. */
const PATH = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/[\]|]|%[0-9A-Fa-f]{2})*$/;
/** The same for a query of a special scheme: also no `'`, which the parser encodes there. */
const QUERY = /^(?:[A-Za-z0-9\-._~!$&()*+,;=:@/?[\]|\\^`{}]|%[0-9A-Fa-f]{2})*$/;
const ENCODED_CONTROL = /%(?:[01][0-9a-f]|7f)/i;

/** `url` as the runtime gives it: scheme, host and the raw target. `prefix` is the path form's `/c/`. */
export function parseTarget(url: string, prefix: string): Result<Target, TargetRefusal> {
  if (url.length > MAX_LENGTH) return refuse({ reason: "target_too_long" });
  const afterHost = url.indexOf("/", url.indexOf("//") + 2);
  const target = afterHost < 0 ? "/" : url.slice(afterHost);
  const at = target.indexOf("?");
  const path = at < 0 ? target : target.slice(0, at);
  const query = at < 0 ? "" : target.slice(at + 1);
  if (!path.startsWith(prefix)) return refuse({ reason: "target_without_connection" });
  const end = path.indexOf("/", prefix.length);
  const connection = parseConnectionName(path.slice(prefix.length, end < 0 ? path.length : end));
  if (connection === null) return refuse({ reason: "target_without_connection" });
  const rest = end < 0 ? "/" : path.slice(end);
  if (!PATH.test(rest) || ENCODED_CONTROL.test(rest)) return refuse({ reason: "target_malformed" });
  if (!QUERY.test(query)) return refuse({ reason: "target_malformed" });
  if (climbs(rest)) return refuse({ reason: "target_climbs" });
  return ok({ connection, path: rest, query });
}

/**
 * True if any reading of the path could leave the connection: dot segments, also when percent-encoded
 * (any number of times), behind an encoded slash or backslash, or with a `;parameter`. Upstreams differ
 * in how often they decode, so all readings are tried.
 */
export function climbs(path: string): boolean {
  let text = path;
  for (let round = 0; round < 8; round++) {
    for (const segment of text.split(/[/\\]/)) {
      const bare = segment.split(";", 1)[0];
      if (bare === "." || bare === "..") return true;
    }
    const decoded = text.replace(/%(2e|2f|5c|25|3b|00)/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    if (decoded === text) return false;
    text = decoded;
  }
  return true;
}

/** The upstream's address for a checked target; `base` without a slash at its end. */
export function upstreamUrl(base: string, target: Pick<Target, "path" | "query">): string {
  return target.query === "" ? base + target.path : `${base}${target.path}?${target.query}`;
}

/** Segments of a path for route matching: unreserved characters decoded (RFC 3986 §6.2.2.2), `%2F` kept. */
export function routeSegments(path: string): string[] {
  const normal = path.includes("%")
    ? path.replace(/%([0-9A-Fa-f]{2})/g, (encoded, hex: string) => {
        const character = String.fromCharCode(Number.parseInt(hex, 16));
        return /[A-Za-z0-9\-._~]/.test(character) ? character : encoded.toUpperCase();
      })
    : path;
  return normal.slice(1).split("/");
}
