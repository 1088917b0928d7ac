// Finds commands by a route pattern: a coarse condition on paths that a database can hold, and the exact
// answer for what it lets through. Both take a pattern as core/policy/route.ts reads it.

import { matchesRoute, type RoutePattern } from "../policy/route.ts";
import { routeSegments } from "../protocol/http/target.ts";
import { CUT } from "./command_rows.ts";

/**
 * What a path that the pattern matches begins with, unless it has a percent-encoding: `%61dmin` is
 * `admin`. Empty if that says nothing.
 */
export function literalStart(pattern: RoutePattern): string {
  let start = "";
  for (const segment of pattern) {
    // `/a/**` matches `/a`, too.
    if (segment.kind === "rest") break;
    start += segment.kind === "any" ? "/" : `/${segment.text}`;
    if (segment.kind === "any") break;
  }
  // Every path begins so, but the empty one: a connection's name without a slash.
  return start === "/" ? "" : start;
}

/** The text that sorts right after every text with this start, among paths, which are ASCII. */
export function afterStart(start: string): string {
  return `${start}\u007f`;
}

/** A path that was cut matches what leaves its end open, and nothing else: nobody knows how it went on. */
export function matchesPath(pattern: RoutePattern, path: string): boolean {
  const segments = routeSegments(path);
  if (!path.endsWith(CUT)) return matchesRoute(pattern, segments);
  return pattern.at(-1)?.kind === "rest" && matchesRoute(pattern, segments.slice(0, -1));
}
