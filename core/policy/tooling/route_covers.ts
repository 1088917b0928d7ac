// Whether one route pattern matches everything that another does. Sound: true only where it holds for
// every path; and exact for two patterns, since `**` stands at the end only.

import type { RoutePattern } from "../route.ts";

export function routeCovers(wide: RoutePattern, narrow: RoutePattern): boolean {
  for (const [index, expected] of wide.entries()) {
    if (expected.kind === "rest") return true;
    const segment = narrow[index];
    // A `**` of the narrow one also stands for nothing, and for more than one segment.
    if (segment === undefined || segment.kind === "rest") return false;
    if (expected.kind === "literal") {
      if (segment.kind !== "literal" || segment.text !== expected.text) return false;
    } else if (segment.kind === "literal" && segment.text === "") {
      // A wildcard needs a segment that is not empty.
      return false;
    }
  }
  return wide.length === narrow.length;
}

/** Every pattern of `narrow` is covered by one of `wide`. */
export function routesCover(wide: readonly RoutePattern[], narrow: readonly RoutePattern[]): boolean {
  return narrow.every((pattern) => wide.some((one) => routeCovers(one, pattern)));
}

/** The pattern as it is written, but for normal percent-encodings. */
export function routeText(pattern: RoutePattern): string {
  const parts = pattern.map((segment) => {
    switch (segment.kind) {
      case "literal":
        return segment.text;
      case "any":
        return segment.name === null ? "*" : `{${segment.name}}`;
      case "rest":
        return "**";
    }
  });
  return `/${parts.join("/")}`;
}
