import fc from "fast-check";
import { expect, it, test } from "vitest";
import { matchesRoute, parseRoute, type RoutePattern } from "../../../../core/policy/route.ts";
import { routeCovers, routeText } from "../../../../core/policy/tooling/route_covers.ts";

function route(text: string): RoutePattern {
  const parsed = parseRoute(text);
  if (parsed === null) throw new TypeError(text);
  return parsed;
}

test.each([
  ["/**", "/a/{x}/**", true],
  ["/a/**", "/a", true],
  ["/a", "/a/**", false],
  ["/*", "/{x}", true],
  ["/{x}", "/", false],
  ["/{x}/**", "/**", false],
  ["/a/*", "/a/b", true],
  ["/a/b", "/a/*", false],
  ["/%61", "/a", true],
  ["/a/*/c", "/a/b/**", false],
])("%s covers %s: %s", (wide, narrow, expected) => {
  expect(routeCovers(route(wide), route(narrow))).toBe(expected);
});

const PART = fc.constantFrom("a", "b", "", "*", "{x}");
const PATTERN = fc
  .tuple(fc.uniqueArray(PART, { maxLength: 3, selector: (part) => (part === "{x}" ? part : {}) }), fc.boolean())
  .map(([parts, isOpen]) => route(`/${[...parts, ...(isOpen ? ["**"] : [])].join("/")}`));

/** Every path of up to four segments of three kinds: enough to tell any two of these patterns apart. */
function paths(length: number): string[][] {
  if (length === 0) return [[]];
  return paths(length - 1).flatMap((path) => ["a", "b", "other", ""].map((segment) => [...path, segment]));
}
const PATHS = [1, 2, 3, 4].flatMap(paths);

it("holds exactly where no path is matched by the narrow pattern alone", () => {
  fc.assert(
    fc.property(PATTERN, PATTERN, (wide, narrow) => {
      const counterexample = PATHS.find((path) => matchesRoute(narrow, path) && !matchesRoute(wide, path));
      expect([routeText(wide), routeText(narrow), routeCovers(wide, narrow)]).toEqual([
        routeText(wide),
        routeText(narrow),
        counterexample === undefined,
      ]);
    }),
    { numRuns: 500 },
  );
});

it("writes a pattern as it was", () => {
  for (const text of ["/", "/a/{x}/*/**", "/**", "/a//b"]) expect(routeText(route(text))).toBe(text);
});
