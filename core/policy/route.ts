// Route patterns: `/packages/{name}/*`, `/api/**`. A segment is literal, `*` or `{name}` (any one
// segment), or, at the end only, `**` (anything, also nothing).
//
// Segments are compared as they stand in the request: `%2F` is part of a segment and never a
// separator; encodings of unreserved characters mean the character (RFC 3986 §6.2.2.2), so `%61dmin`
// is `admin`. Case matters. Matching is one pass: `**` stands at the end, so nothing backtracks.

import { normalSegment } from "../protocol/http/target.ts";

export type RoutePattern = readonly RouteSegment[];
type RouteSegment =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "any"; readonly name: string | null }
  | { readonly kind: "rest" };

const MAX_PATTERN = 1024;
const CAPTURE = /^\{([a-z][a-z0-9_]{0,31})\}$/;
const LITERAL = /^(?:[A-Za-z0-9\-._~!$&'()+,;=:@[\]|]|%[0-9A-Fa-f]{2})*$/;

/** Null if the pattern is not one. */
export function parseRoute(pattern: string): RoutePattern | null {
  if (!pattern.startsWith("/") || pattern.length > MAX_PATTERN) return null;
  const parts = pattern.slice(1).split("/");
  const segments: RouteSegment[] = [];
  const names = new Set<string>();
  for (const [index, part] of parts.entries()) {
    const name = CAPTURE.exec(part)?.[1];
    if (part === "**") {
      if (index !== parts.length - 1) return null;
      segments.push({ kind: "rest" });
    } else if (part === "*") {
      segments.push({ kind: "any", name: null });
    } else if (name !== undefined) {
      if (names.has(name)) return null;
      names.add(name);
      segments.push({ kind: "any", name });
    } else {
      const text = normalSegment(part);
      // A dot segment never arrives, so a rule that names one would never hold.
      if (!LITERAL.test(part) || text === "." || text === "..") return null;
      segments.push({ kind: "literal", text });
    }
  }
  return segments;
}

/**
 * One pass over the segments (as `routeSegments` gives them): linear, whatever the pattern. A wildcard
 * needs a segment that is not empty, so `/a//b` is not `/a/{x}/b`, whatever an upstream merges.
 */
export function matchesRoute(pattern: RoutePattern, segments: readonly string[]): boolean {
  for (let i = 0; i < pattern.length; i++) {
    const expected = pattern[i];
    if (expected === undefined) return false;
    if (expected.kind === "rest") return true;
    const segment = segments[i];
    if (segment === undefined) return false;
    if (expected.kind === "literal" ? expected.text !== segment : segment === "") return false;
  }
  return pattern.length === segments.length;
}

/** What each `{name}` stands for, raw, in a path that the pattern matches. */
export function capturesOf(pattern: RoutePattern, segments: readonly string[]): ReadonlyMap<string, string> {
  const captures = new Map<string, string>();
  for (const [index, expected] of pattern.entries()) {
    const segment = segments[index];
    if (expected.kind === "any" && expected.name !== null && segment !== undefined)
      captures.set(expected.name, segment);
  }
  return captures;
}

/** Names that any of the routes captures. */
export function captureNames(patterns: readonly RoutePattern[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const pattern of patterns)
    for (const segment of pattern) if (segment.kind === "any" && segment.name !== null) names.add(segment.name);
  return names;
}

/**
 * The path as an upstream may read it that merges and drops slashes and cuts path parameters
 * (`//admin;x=1/` read as `/admin`), or null if it reads the same. Deny rules are held against this
 * reading, too.
 */
export function looseSegments(segments: readonly string[]): readonly string[] | null {
  let differs = false;
  const loose: string[] = [];
  for (const segment of segments) {
    const cut = parameterStart(segment);
    const kept = cut < 0 ? segment : segment.slice(0, cut);
    if (kept !== "") loose.push(kept);
    if (cut >= 0 || kept === "") differs = true;
  }
  if (loose.length === 0) loose.push("");
  return differs ? loose : null;
}

function parameterStart(segment: string): number {
  const raw = segment.indexOf(";");
  const encoded = segment.indexOf("%3B");
  if (raw < 0) return encoded;
  return encoded < 0 ? raw : Math.min(raw, encoded);
}
