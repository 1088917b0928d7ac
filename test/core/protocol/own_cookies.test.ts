// Cookies at a connection's own host, as parsers of either side might read them.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  clearSession,
  forwardedCookies,
  ownCookie,
  releasedCookie,
  sessionCookie,
  setSession,
} from "../../../core/protocol/http/own_cookies.ts";

/** What a browser sends back after these lines. */
function sentBack(lines: readonly string[]): string {
  return lines
    .map((line) => line.split(";", 1)[0] ?? "")
    .filter((pair) => !pair.endsWith("="))
    .join("; ");
}

describe("the session's cookie", () => {
  test.each([1, 3_799, 3_800, 3_801, 7_600, 11_300, 15_200])("of %i characters comes back as it was", (length) => {
    const sealed = "ab".repeat(length).slice(0, length);
    const lines = setSession(sealed) ?? [];
    for (const line of lines) expect(line.length).toBeLessThan(4096);
    expect(sessionCookie(`theirs=1; ${sentBack(lines)}; more=2`)).toBe(sealed);
  });

  test("is not made of more than any token needs", () => {
    expect(setSession("a".repeat(15_201))).toBeNull();
  });

  test("is cleared in all its parts", () => {
    const names = (lines: readonly string[]): string[] => lines.map((line) => line.split("=", 1)[0] ?? "");
    expect(names(clearSession())).toEqual(expect.arrayContaining(names(setSession("a".repeat(15_000)) ?? [])));
    for (const line of clearSession()) expect(line).toMatch(/=; Max-Age=0; Path=\/; Secure; HttpOnly; SameSite=Lax$/);
  });

  test.each([
    [null, null],
    ["theirs=1", null],
    ["x__Host-Http-sallyport=1", null],
    ["__Host-Http-sallyport=a; __Host-Http-sallyport=b", ""],
    ["__Host-Http-sallyport=a; __Host-Http-sallyport=a", ""],
    ["__Host-Http-sallyport=", ""],
    ["__Host-Http-sallyport=a; __Host-Http-sallyport.1=b", "a"],
    ["__Host-Http-sallyport.1=b", null],
    ["__HOST-sallyport=a", null],
  ])("is read from %j as %j", (header, value) => {
    expect(sessionCookie(header)).toBe(value);
  });

  test("that stands there twice is nobody's", () => {
    expect(ownCookie("a=1; b=2", "a")).toBe("1");
    expect(ownCookie("a=1; a=1", "a")).toBeNull();
  });
});

describe("what goes to the upstream", () => {
  test.each([
    ["a=1; __Host-Http-sallyport=x; b=2", "a=1; b=2"],
    ["__Host-Http-sallyport=x; __Host-Http-sallyport.1=y; __Host-Http-sallyport-login=z", null],
    ["a=1,__Host-Http-sallyport=x; b=2", "b=2"],
    ["__HOST-SALLYPORT=x; b", "b"],
    ["__Secure-sallyport=x;;; b=", "b="],
    ["CF_Authorization=x; cf_appsession=y; c=1", "c=1"],
    ['a="1; __Host-Http-sallyport=x', 'a="1'],
  ])("of %j is %j", (header, forwarded) => {
    expect(forwardedCookies(header)).toBe(forwarded);
  });

  test("never has the gateway's cookie in it, wherever that stood", () => {
    const piece = fc.constantFrom(
      "a=1",
      "; ",
      ";",
      ",",
      " ",
      "=",
      "__Host-Http-sallyport=SEALED",
      "__hOsT-sallyport.1=SEALED",
      '"',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        expect(forwardedCookies(pieces.join("")) ?? "").not.toContain("SEALED");
      }),
    );
  });
});

describe("what an upstream sets", () => {
  const released = (line: string): string | null => releasedCookie(line, { base: "/base", isSecure: true });

  test.each([
    ["a=1", "a=1; Secure"],
    ["a=1; secure; HttpOnly", "a=1; secure; HttpOnly"],
    ["a=1; Domain=example.com; path=/", "a=1; path=/; Secure"],
    ["a=1; domain; Domain=a; DOMAIN =b", "a=1; Secure"],
    ["a=1; Path=/base/x", "a=1; Path=/x; Secure"],
    ["a=1; Path=/base", "a=1; Path=/; Secure"],
    ["a=1; Path=/based", "a=1; Path=/based; Secure"],
    [" a = 1 ; SameSite=None", "a=1; SameSite=None; Secure"],
    ["a=b=c; Expires=Wed, 21 Oct 2026 07:28:00 GMT", "a=b=c; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Secure"],
  ])("as %j is released as %j", (line, as) => {
    expect(released(line)).toBe(as);
  });

  test.each([
    "__Host-Http-sallyport=x",
    " __host-sallyport=x",
    "__Host-Http-sallyport.2=x",
    "__Secure-Sallyport-login=x",
    "__Host-sallyport=x",
    "=__Host-Http-sallyport=x",
    "__Host-Http-sallyport",
    "=a",
    "nameless",
    "",
    "a\u0000=1",
    "a=1\r\nset-cookie: b=2",
    "a,__Host-Http-sallyport=1",
    "a b=1",
    "CF_Authorization=x",
  ])("as %j is not released", (line) => {
    expect(released(line)).toBeNull();
  });
});
