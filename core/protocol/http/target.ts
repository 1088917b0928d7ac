// Reads the raw request target and builds the upstream's address from it, so that what is decided,
// recorded and forwarded are the same bytes. Never goes through `new URL`, which resolves `%2e%2e`
// and turns `\` into `/`; never decodes anything.
//
// Invariant: for a target from here, `new URL(upstreamUrl(base, target))` changes nothing, has the
// base's origin, and its path begins with the base's path.

import { type ConnectionName, parseConnectionName } from "../../ids.ts";
import { ok, refuse, type Result } from "../../result.ts";
import { climbs } from "./climb.ts";

export interface Target {
  readonly connection: ConnectionName;
  /**
   * Raw path inside the connection with its leading slash, or empty if the connection itself was asked
   * for without one: a base such as `https://host/mcp` is then called exactly so, not as `/mcp/`.
   */
  readonly path: string;
  /** Raw query without `?`; empty if there is none. */
  readonly query: string;
}

export type TargetRefusal = {
  readonly reason: "target_malformed" | "target_climbs" | "target_too_long" | "target_without_connection";
};

/** What servers commonly take for a request line (RFC 9110 §4.1 asks for 8,000 at least). */
export const MAX_TARGET = 8192;

/** Printable ASCII without space, `#` and, in a path, `\`: no client sends these in a target, and parsers disagree on them. */
const PATH = /^(?:[!"$&-[\]-~]|%[0-9A-Fa-f]{2})*$/;
const QUERY = /^[!"$-~]*$/;
/** What a URL parser would percent-encode by itself (URL Standard: path and special-query percent-encode sets). */
const PATH_ENCODES = /["<>?^`{}]/g;
const QUERY_ENCODES = /["'<>]/g;

/** `url` as the runtime gives it: scheme, host and the raw target. `prefix` is the path form's `/c/`. */
export function parseTarget(url: string, prefix: string): Result<Target, TargetRefusal> {
  if (isTooLong(url)) return refuse({ reason: "target_too_long" });
  const { path, query } = rawTarget(url);
  if (!path.startsWith(prefix)) return refuse({ reason: "target_without_connection" });
  const end = path.indexOf("/", prefix.length);
  const connection = parseConnectionName(path.slice(prefix.length, end < 0 ? path.length : end));
  if (connection === null) return refuse({ reason: "target_without_connection" });
  return parsePath(connection, end < 0 ? "" : path.slice(end), query);
}

/** The target of a request to a connection's own host: all of its path is the connection's. */
export function parseHostTarget(url: string, connection: ConnectionName): Result<Target, TargetRefusal> {
  if (isTooLong(url)) return refuse({ reason: "target_too_long" });
  const { path, query } = rawTarget(url);
  return parsePath(connection, path, query);
}

function parsePath(connection: ConnectionName, path: string, query: string): Result<Target, TargetRefusal> {
  if (path.includes("\\") || climbs(path)) return refuse({ reason: "target_climbs" });
  if (!PATH.test(path) || !QUERY.test(query)) return refuse({ reason: "target_malformed" });
  // Encoded here, before the decision, so that the parser has nothing left to change afterwards.
  return ok({ connection, path: path.replace(PATH_ENCODES, encoded), query: query.replace(QUERY_ENCODES, encoded) });
}

function isTooLong(url: string): boolean {
  return url.length - startOfTarget(url) > MAX_TARGET;
}

/** Path and query as they came, whatever they are: for the record of what is no target. */
export function rawTarget(url: string): { readonly path: string; readonly query: string } {
  const target = url.slice(startOfTarget(url));
  const at = target.indexOf("?");
  return at < 0 ? { path: target, query: "" } : { path: target.slice(0, at), query: target.slice(at + 1) };
}

/** The upstream's address for a checked target; `base` without a slash at its end. */
export function upstreamUrl(base: string, target: Pick<Target, "path" | "query">): string {
  return target.query === "" ? base + target.path : `${base}${target.path}?${target.query}`;
}

/** Where scheme and authority end. The authority is the Host header's, which is checked elsewhere. */
function startOfTarget(url: string): number {
  const scheme = url.indexOf("://");
  let i = scheme < 0 ? 0 : scheme + 3;
  while (i < url.length && !"/?#\\".includes(url.charAt(i))) i++;
  return i;
}

function encoded(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** Segments of a path for route matching; see core/policy/route.ts for what they are held against. */
export function routeSegments(path: string): string[] {
  const segments = (path.startsWith("/") ? path.slice(1) : path).split("/");
  if (!path.includes("%")) return segments;
  return segments.map(normalSegment);
}

const ENCODING = /%([0-9A-Fa-f]{2})/g;

/** Unreserved characters decoded, other percent-encodings in upper case (RFC 3986 §6.2.2). `%2F` stays what it is. */
export function normalSegment(segment: string): string {
  if (!segment.includes("%")) return segment;
  return segment.replace(ENCODING, (triplet, hex: string) => {
    const code = Number.parseInt(hex, 16);
    return isUnreserved(code) ? String.fromCharCode(code) : triplet.toUpperCase();
  });
}

function isUnreserved(code: number): boolean {
  const lower = code | 0x20;
  if (lower >= 0x61 && lower <= 0x7a) return true;
  return (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x2e || code === 0x5f || code === 0x7e;
}
