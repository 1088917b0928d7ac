// Paths that some reading would take out of their connection, and paths that only look so.

import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { climbs } from "../../../core/protocol/http/climb.ts";
import { parseTarget } from "../../../core/protocol/http/target.ts";
import { CLIMBING, STAYING } from "./climbing_paths.ts";

describe("a path that leaves its connection under any reading is refused", () => {
  test.each(CLIMBING)("%s", (path) => {
    expect(parseTarget(`https://eu.tools.example/c/tool${path}`, "/c/")).toMatchObject({ ok: false });
  });

  test.each(CLIMBING.filter((path) => path.startsWith("/")))("also as the end of a longer path: %s", (path) => {
    expect(parseTarget(`https://eu.tools.example/c/tool/a/b/c${path}`, "/c/")).toMatchObject({ ok: false });
  });

  it("has 60 spellings and more to go by", () => {
    expect(new Set(CLIMBING).size).toBeGreaterThan(60);
  });
});

test.each(STAYING)("a path that stays is kept byte for byte: %j", (path) => {
  expect(parseTarget(`https://eu.tools.example/c/tool${path}`, "/c/")).toEqual({
    ok: true,
    value: { connection: "tool", path, query: "" },
  });
});

const encodings: readonly ((c: string) => string)[] = [
  (c) => c,
  (c) => `%${c.charCodeAt(0).toString(16)}`,
  (c) => `%25${c.charCodeAt(0).toString(16)}`,
  (c) => `%2525${c.charCodeAt(0).toString(16)}`,
  (c) =>
    `%${[...c.charCodeAt(0).toString(16)].map((digit) => `%3${digit.charCodeAt(0).toString(16).slice(1)}`).join("")}`.replace(
      /^%%/,
      "%25%",
    ),
];

it("no mixture of encodings hides a climb", () => {
  const climb = fc.constantFrom("/../", "/./", "/..", "\\..\\", "/..;", "/.. /");
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z]{0,6}$/),
      climb,
      fc.stringMatching(/^[a-z]{0,6}$/),
      fc.array(fc.nat(3), { minLength: 6, maxLength: 6 }),
      (before, middle, after, how) => {
        const spelt = [...middle].map((c, i) => (c === " " ? "%20" : (encodings[how[i] ?? 0]?.(c) ?? c))).join("");
        const closed = middle === "/.." ? spelt : spelt + after;
        expect(climbs(`/${before}${closed}`)).toBe(true);
      },
    ),
    { numRuns: 1000 },
  );
});

// What an upstream sees that decodes `times` times and then resolves dot segments as RFC 3986 §5.2.4 says.
function resolvedAfter(path: string, times: number): string[] {
  let text = path;
  for (let i = 0; i < times; i++)
    text = text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return text.split(/[/\\]/);
}

it("a path that is let through has no dot segment, however often it is decoded", () => {
  const piece = fc.constantFrom(
    ".",
    "..",
    "/",
    "%2e",
    "%2E",
    "%25",
    "2e",
    "%32",
    "%65",
    "%2f",
    "%5c",
    "5c",
    ";",
    "%3b",
    "a",
    "%",
    "25",
    "\\",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const path = `/${pieces.join("")}`;
      if (climbs(path)) return;
      for (let times = 0; times <= 13; times++) {
        for (const segment of resolvedAfter(path, times)) expect(["..", "."]).not.toContain(segment.split(";")[0]);
      }
    }),
    { numRuns: 5000 },
  );
});

it("a long path is judged, too, and soon", () => {
  expect(climbs(`/%${"25".repeat(4000)}2e./x`)).toBe(true);
  expect(climbs(`/${"a/".repeat(4000)}`)).toBe(false);
  expect(climbs(`/${"%2f".repeat(2700)}..`)).toBe(true);
});
