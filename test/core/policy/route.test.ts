import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { capturesOf, looseSegments, matchesRoute, parseRoute, type RoutePattern } from "../../../core/policy/route.ts";
import { routeSegments } from "../../../core/protocol/http/target.ts";

function pattern(text: string): RoutePattern {
  const parsed = parseRoute(text);
  if (parsed === null) throw new TypeError(text);
  return parsed;
}

const matches = (route: string, path: string): boolean => matchesRoute(pattern(route), routeSegments(path));

describe("a route matches", () => {
  test.each([
    ["/**", "/"],
    ["/**", ""],
    ["/**", "/a/b//c"],
    ["/", "/"],
    ["/", ""],
    ["/a/**", "/a"],
    ["/a/**", "/a/"],
    ["/a/**", "/a/b/c"],
    ["/a/*/c", "/a/b/c"],
    ["/a/{name}/c", "/a/b/c"],
    ["/admin", "/%61dmin"],
    ["/%61dmin", "/admin"],
    ["/a/*", "/a/@scope%2fname"],
    ["/@scope%2fname", "/@scope%2Fname"],
    ["/a;b=c", "/a;b=c"],
    ["/~user/-_.", "/%7Euser/%2D%5f%2e"],
    ["/.well-known/x", "/.well-known/x"],
  ])("%s matches %s", (route, path) => {
    expect(matches(route, path)).toBe(true);
  });

  test.each([
    ["/a", "/a/"],
    ["/a/", "/a"],
    ["/a", "/A"],
    ["/a/b", "/a%2Fb"],
    ["/a/b", "/a%2fb"],
    ["/a/*", "/a"],
    ["/a/*", "/a/"],
    ["/a/*", "/a/b/c"],
    ["/a/*/b", "/a//b"],
    ["/a/{x}/b", "/a//b"],
    ["/a/**", "/ab"],
    ["/a/**", "//a/b"],
    ["/", "//"],
    ["/a", "/a;b=c"],
  ])("%s does not match %s", (route, path) => {
    expect(matches(route, path)).toBe(false);
  });
});

it.each([
  "",
  "a",
  "a/b",
  "/a/**/b",
  "/a*",
  "/*a",
  "/***",
  "/{}",
  "/{A}",
  "/{a",
  "/a{b}",
  "/{a}/{a}",
  "/a?b",
  "/a#b",
  "/a b",
  "/é",
  "/a\\b",
  "/..",
  "/a/./b",
  "/%2e%2e/a",
  "/%zz",
  "/%",
  "/a\nb",
  "/\u0000",
])("%j is no route", (text) => {
  expect(parseRoute(text)).toBeNull();
});

it("a capture is the raw segment", () => {
  const route = pattern("/packages/{name}/-/{file}");
  const segments = routeSegments("/packages/@a%2fb/-/c.tgz");
  expect([...capturesOf(route, segments)]).toEqual([
    ["name", "@a%2Fb"],
    ["file", "c.tgz"],
  ]);
});

describe("the loose reading, which deny rules are held against,", () => {
  test.each([
    ["//admin", ["admin"]],
    ["/admin/", ["admin"]],
    ["/a//b", ["a", "b"]],
    ["/admin;x=1/y", ["admin", "y"]],
    ["/admin%3bx=1", ["admin"]],
    ["//", [""]],
    ["/;x/admin", ["admin"]],
  ])("of %s", (path, segments) => {
    expect(looseSegments(routeSegments(path))).toEqual(segments);
  });

  test("is none where nothing can be read otherwise", () => {
    expect(looseSegments(routeSegments("/a/b%2Fc"))).toBeNull();
  });
});

const segment = fc.stringMatching(/^[A-Za-z0-9\-._~!$&'()+,=:@]{1,8}$/).filter((text) => text !== "." && text !== "..");

it("encoding unreserved characters changes no match", () => {
  fc.assert(
    fc.property(
      fc.array(segment, { minLength: 1, maxLength: 6 }),
      fc.infiniteStream(fc.boolean()),
      (segments, choices) => {
        const path = `/${segments.join("/")}`;
        const encoded = path.replace(/[A-Za-z0-9\-._~]/g, (c) =>
          choices.next().value === true ? `%${c.charCodeAt(0).toString(16)}` : c,
        );
        expect(matches(path, encoded)).toBe(true);
        expect(routeSegments(encoded)).toEqual(routeSegments(path));
      },
    ),
  );
});

it("a path has as many segments as it has raw slashes, whatever is encoded", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^(?:\/|%2[fF]|%5[cC]|[a-z]|%2e|;){0,30}$/), (rest) => {
      const path = `/${rest}`;
      expect(routeSegments(path)).toHaveLength(path.split("/").length - 1);
    }),
  );
});
