// Route patterns: `/packages/{name}/*`, `/api/**`. A segment is literal, `*` or `{name}` (any one
// segment), or, at the end only, `**` (anything, also nothing).

export type RoutePattern = readonly RouteSegment[];
type RouteSegment = { readonly kind: "literal"; readonly text: string } | { readonly kind: "any" } | { readonly kind: "rest" };

/** Null if the pattern is not one. */
export function parseRoute(pattern: string): RoutePattern | null {
  if (!pattern.startsWith("/")) return null;
  const parts = pattern.slice(1).split("/");
  const segments: RouteSegment[] = [];
  for (const [index, part] of parts.entries()) {
    if (part === "**") {
      if (index !== parts.length - 1) return null;
      segments.push({ kind: "rest" });
    } else if (part === "*" || /^\{[a-z][a-z0-9_]{0,31}\}$/.test(part)) {
      segments.push({ kind: "any" });
    } else if (/[*{}]/.test(part) || !/^(?:[A-Za-z0-9\-._~!$&'()+,;=:@]|%[0-9A-F]{2})*$/.test(part)) {
      return null;
    } else {
      segments.push({ kind: "literal", text: part });
    }
  }
  return segments;
}

/** One pass over the segments: linear, whatever the pattern. */
export function matchesRoute(pattern: RoutePattern, segments: readonly string[]): boolean {
  for (let i = 0; i < pattern.length; i++) {
    const expected = pattern[i];
    if (expected?.kind === "rest") return true;
    const segment = segments[i];
    if (segment === undefined || (expected?.kind === "literal" && expected.text !== segment)) return false;
  }
  return pattern.length === segments.length;
}
