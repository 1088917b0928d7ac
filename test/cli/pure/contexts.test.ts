import { describe, expect, test } from "vitest";
import { gatewayUrl, isToken } from "../../../cli/access_url.ts";
import {
  type Contexts,
  contextsText,
  nameFor,
  NO_CONTEXTS,
  parseContexts,
  withContext,
  withoutContext,
} from "../../../cli/contexts.ts";
import { readLimit, readTime, timeFilters } from "../../../cli/filters.ts";
import { readProblem } from "../../../cli/problem.ts";

const eu = { gateway: "https://eu.tools.example.com" };

describe("contexts", () => {
  test("are read as they were written", () => {
    const all = withContext(withContext(NO_CONTEXTS, "eu", eu), "us", {
      gateway: "https://us.example",
      issuer: "https://id.example",
      client_id: "x",
    });
    expect(all.current).toBe("eu");
    expect(parseContexts(contextsText(all), "file")).toEqual({ ok: true, value: all });
    expect(withoutContext(all, "eu")).toMatchObject({ current: null });
    expect(withoutContext(all, "us")).toMatchObject({ current: "eu" });
  });

  test.each([
    ["no JSON", "{"],
    ["another shape", "[]"],
    ["a name that is a path", '{"contexts":{"../x":{"gateway":"https://x"}}}'],
    ["a member that nobody knows", '{"contexts":{"x":{"gateway":"https://x","token":"t"}}}'],
    ["a context without a gateway", '{"contexts":{"x":{}}}'],
  ])("of %s are refused", (_, text) => {
    expect(parseContexts(text, "config.json")).toMatchObject({ ok: false, reason: "unreachable" });
  });

  test("get a name from their host, and another one if that is taken", () => {
    expect(nameFor("https://eu.tools.example.com", NO_CONTEXTS)).toBe("eu-tools-example-com");
    expect(nameFor("http://127.0.0.1:8787", NO_CONTEXTS)).toBe("local");
    expect(nameFor("http://localhost:9000", NO_CONTEXTS)).toBe("local-9000");
    const taken: Contexts = withContext(NO_CONTEXTS, "local", { gateway: "http://127.0.0.1:8787" });
    expect(nameFor("http://localhost:8787", taken)).toBe("local-2");
    expect(nameFor("http://127.0.0.1:8787", taken)).toBe("local");
    expect(nameFor("https://xn--bcher-kva.example", NO_CONTEXTS)).toBe("xn-bcher-kva-example");
  });
});

describe("a gateway's URL", () => {
  test("is kept without a slash at its end", () => {
    expect(gatewayUrl("https://EU.example/")).toEqual({ ok: true, value: "https://eu.example" });
    expect(gatewayUrl("http://127.0.0.1:8787")).toMatchObject({ ok: true });
    expect(gatewayUrl("http://[::1]:8787")).toMatchObject({ ok: true });
  });

  test.each([
    "http://eu.example",
    "http://127.0.0.1.evil.example",
    "ftp://x",
    "eu.example",
    "https://a:b@x",
    "https://x/?a",
    "https://x/#a",
    "",
  ])("%s is refused", (url) => {
    expect(gatewayUrl(url)).toMatchObject({ ok: false, reason: "usage" });
  });

  test("a token has nothing that ends a header", () => {
    expect([isToken("abc.DEF_-~+/="), isToken("a b"), isToken("a\r\nb"), isToken("")]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});

describe("filters", () => {
  const now = Date.UTC(2026, 10, 24, 12);
  test("times are ago, or dates, in UTC unless they say otherwise", () => {
    expect(readTime("30m", now)).toBe(now - 1_800_000);
    expect(readTime("7d", now)).toBe(now - 604_800_000);
    expect(readTime("2026-11-24", now)).toBe(Date.UTC(2026, 10, 24));
    expect(readTime("2026-11-24T10:00", now)).toBe(Date.UTC(2026, 10, 24, 10));
    expect(readTime("2026-11-24 10:00:01.5+01:00", now)).toBe(Date.UTC(2026, 10, 24, 9, 0, 1, 500));
    for (const wrong of ["", "m", "1y", "yesterday", "2026-13-01", "2026-11-24T25:00", "1e9", "-1h"])
      expect(readTime(wrong, now)).toBeNull();
  });

  test("are sent as the API takes them", () => {
    expect(timeFilters({ since: "1h" }, now)).toEqual({
      ok: true,
      value: { since: String(now - 3_600_000), until: undefined },
    });
    expect(timeFilters({ until: "x" }, now)).toMatchObject({ ok: false, reason: "usage" });
  });

  test("a limit is a number that makes sense", () => {
    expect(readLimit(undefined, 25)).toEqual({ ok: true, value: 25 });
    expect(readLimit("100", 25)).toEqual({ ok: true, value: 100 });
    for (const wrong of ["0", "-1", "x", "1e3", "99999"]) expect(readLimit(wrong, 25)).toMatchObject({ ok: false });
  });
});

test("a problem document may be anything", () => {
  expect(readProblem(422, '{"title":"T","errors":[{"line":2,"expected":"x"},{"line":"no"}]}')).toMatchObject({
    status: 422,
    title: "T",
    errors: [{ line: 2, column: null, expected: "x" }, { line: null }],
  });
  for (const text of ["", "<html>", "[]", "null", '{"title":1,"errors":"x"}'])
    expect(readProblem(500, text)).toMatchObject({ status: 500, title: "", errors: [] });
});
