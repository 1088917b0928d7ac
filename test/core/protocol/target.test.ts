// The raw target: read byte for byte, or refused.

import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { MAX_TARGET, parseTarget, upstreamUrl } from "../../../core/protocol/http/target.ts";

const ORIGIN = "https://eu.tools.example";
const parse = (target: string): ReturnType<typeof parseTarget> => parseTarget(ORIGIN + target, "/c/");

describe("a target is read as it stands", () => {
  test.each([
    ["/c/tool", "tool", "", ""],
    ["/c/tool/", "tool", "/", ""],
    ["/c/tool?a=1", "tool", "", "a=1"],
    ["/c/tool/a//b/?x=1&y=%2e%2e/../z?w", "tool", "/a//b/", "x=1&y=%2e%2e/../z?w"],
    ["/c/registry/@scope%2fname", "registry", "/@scope%2fname", ""],
    ["/c/tool/a|b[c]", "tool", "/a|b[c]", ""],
    ["/c/tool/x?q=100%&r=%zz", "tool", "/x", "q=100%&r=%zz"],
    ["/c/tool/x?a=b\\c", "tool", "/x", "a=b\\c"],
    ["/c/tool/x??", "tool", "/x", "?"],
  ])("%s", (target, connection, path, query) => {
    expect(parse(target)).toEqual({ ok: true, value: { connection, path, query } });
  });

  it("encodes once what every URL parser would encode, so that decided and forwarded are the same", () => {
    expect(parse(`/c/tool/a"b<c>{d}^\`?q='"<>`)).toEqual({
      ok: true,
      value: { connection: "tool", path: "/a%22b%3Cc%3E%7Bd%7D%5E%60", query: "q=%27%22%3C%3E" },
    });
  });

  it("takes no part of the authority for a path", () => {
    expect(parseTarget("http://host:8787*", "/c/")).toMatchObject({ reason: "target_without_connection" });
    expect(parseTarget("http://c/tool/c/x/y", "/c/")).toMatchObject({ reason: "target_without_connection" });
    expect(parseTarget("http://host?x=/c/tool/", "/c/")).toMatchObject({ reason: "target_without_connection" });
  });
});

describe("a target is refused", () => {
  test.each([
    ["target_without_connection", "/"],
    ["target_without_connection", "/c"],
    ["target_without_connection", "/c/"],
    ["target_without_connection", "/C/tool/x"],
    ["target_without_connection", "/%63/tool/x"],
    ["target_without_connection", "//c/tool/x"],
    ["target_without_connection", "/c//tool/x"],
    ["target_without_connection", "/c/Tool/x"],
    ["target_without_connection", "/c/t%6fol/x"],
    ["target_without_connection", "/c/tool%2fx"],
    ["target_without_connection", "/c/../c/tool/x"],
    ["target_without_connection", "/c/a--b/x"],
    ["target_without_connection", "/c/__proto__/x"],
    ["target_without_connection", "/c/tool;a/x"],
    ["target_malformed", "/c/tool/%"],
    ["target_malformed", "/c/tool/%2"],
    ["target_malformed", "/c/tool/%zz"],
    ["target_malformed", "/c/tool/%u002e"],
    ["target_malformed", "/c/tool/a b"],
    ["target_malformed", "/c/tool/é"],
    ["target_malformed", "/c/tool/\ud800"],
    ["target_malformed", "/c/tool/a#b"],
    ["target_malformed", "/c/tool/x?a#b"],
    ["target_malformed", "/c/tool/x?a b"],
    ["target_malformed", "/c/tool/x?é"],
    ["target_malformed", "/c/tool/x?a\nb"],
    ["target_malformed", "/c/tool/x?a\tb"],
    ["target_malformed", "/c/tool/x?\u0000"],
    ["target_malformed", "/c/tool/a\nb"],
    ["target_malformed", "/c/tool/a\tb"],
    ["target_climbs", "/c/tool/a\\b"],
    ["target_climbs", "/c/tool/%00"],
    ["target_climbs", "/c/tool/%0d%0aHost:x"],
    ["target_climbs", "/c/tool/../other/x"],
    ["target_too_long", `/c/tool/${"a".repeat(MAX_TARGET)}`],
    ["target_too_long", `/c/tool/?${"a".repeat(MAX_TARGET)}`],
  ])("%s: %j", (reason, target) => {
    expect(parse(target)).toEqual({ ok: false, reason });
  });

  it("not for its length up to the limit", () => {
    const path = `/${"a".repeat(MAX_TARGET - "/c/tool/".length)}`;
    expect(parse(`/c/tool${path}`)).toMatchObject({ ok: true, value: { path } });
  });
});

const bases = [
  "https://up.example",
  "https://up.example/base",
  "http://127.0.0.1:4873/a/b.c/~d",
  "https://[2001:db8::1]:8443/x",
];
const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({ unit: "grapheme-ascii", maxLength: 30 }),
  fc.stringMatching(/^(?:[a-z./\\;@?#%]|%2[eEfF]|%5[cC]|%25|\t|\n){0,20}$/),
);

it("what is asked of the upstream is what was decided, byte for byte, and inside its base", () => {
  let accepted = 0;
  fc.assert(
    fc.property(fc.constantFrom(...bases), anyText, fc.option(anyText), (base, path, query) => {
      const parsed = parse(`/c/tool/${path}${query === null ? "" : `?${query}`}`);
      if (!parsed.ok) return;
      accepted++;
      const url = upstreamUrl(base, parsed.value);
      const read = new URL(url);
      expect(read.href).toBe(url);
      expect(read.origin).toBe(new URL(base).origin);
      const below = new URL(base).pathname.replace(/\/$/, "");
      expect(read.pathname).toBe(below + parsed.value.path);
      expect(read.search).toBe(parsed.value.query === "" ? "" : `?${parsed.value.query}`);
      expect(read.hash + read.username + read.password).toBe("");
    }),
    { numRuns: 5000 },
  );
  expect(accepted).toBeGreaterThan(500);
});

it("what a client can send by the grammar of URIs is kept byte for byte", () => {
  const pchar = fc.oneof(
    fc.stringMatching(/^[A-Za-z0-9\-_~!$&()*+,=:@]$/),
    fc.stringMatching(/^%[2-7][1-9A-D]$/).filter((c) => !/%(?:2[eEfF]|5[cC]|25|3[abAB]|7[fF])/.test(c)),
  );
  fc.assert(
    fc.property(
      fc.array(pchar, { maxLength: 40 }),
      fc.array(fc.oneof(pchar, fc.constantFrom("/", "?", ".")), { maxLength: 40 }),
      (pathParts, queryParts) => {
        const path = `/${pathParts.join("")}`;
        const query = queryParts.join("");
        expect(parse(`/c/tool${path}?${query}`)).toEqual({ ok: true, value: { connection: "tool", path, query } });
      },
    ),
  );
});

it("reading what was read changes nothing", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme-ascii", maxLength: 30 }), (rest) => {
      const parsed = parse(`/c/tool/${rest}`);
      if (!parsed.ok) return;
      expect(parse(upstreamUrl("/c/tool", parsed.value))).toEqual(parsed);
    }),
    { numRuns: 1000 },
  );
});
