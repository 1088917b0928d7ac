// What counts as a caller's token in an Authorization header.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readToken } from "../../../core/auth/credentials.ts";

describe("the Authorization header", () => {
  const read = (value: string | null): string => {
    const result = readToken(value);
    return result.ok ? `token ${result.value}` : result.reason;
  };

  it.each([
    ["Bearer a.b.c", "token a.b.c"],
    ["bearer a.b.c", "token a.b.c"],
    ["BEARER a.b.c", "token a.b.c"],
    ["Bearer    a.b.c  ", "token a.b.c"],
    [`Basic ${btoa("alice:a.b.c")}`, "token a.b.c"],
    [`basic ${btoa(":a.b.c")}`, "token a.b.c"],
    [`Basic ${btoa("x:a:b")}`, "token a:b"],
    // A user name in UTF-8.
    [`Basic ${btoa("\u00c3\u0085sa:a.b.c")}`, "token a.b.c"],
    [null, "token_missing"],
    ["", "token_missing"],
    ["Bearer", "token_missing"],
    ["Bearer   ", "token_missing"],
    [`Basic ${btoa("alice:")}`, "token_missing"],
    [`Basic ${btoa("alice")}`, "token_missing"],
    ["Basic", "token_missing"],
    ["Basic !!!", "token_malformed"],
    ["Basic =", "token_malformed"],
    ["a.b.c", "scheme_unknown"],
    ["Bearera.b.c", "scheme_unknown"],
    ["Bearer\ta.b.c", "scheme_unknown"],
    ["Token a.b.c", "scheme_unknown"],
    ["DPoP a.b.c", "scheme_unknown"],
    ["Negotiate YII", "scheme_unknown"],
    ["Bearer a.b.c, Bearer d.e.f", "token_repeated"],
    [`Basic ${btoa("alice:a.b.c")}, Bearer d.e.f`, "token_repeated"],
    ["Bearer a.b.c,", "token_repeated"],
    [`Bearer ${"x".repeat(20_000)}`, "token_oversize"],
  ])("%j gives %s", (value, expected) => {
    expect(read(value)).toBe(expected);
  });

  it("gives the password of every Basic pair, colons included", () => {
    fc.assert(
      fc.property(
        fc.string().filter((user) => !user.includes(":")),
        fc.stringMatching(/^[!-~]+$/),
        (user, password) => {
          const bytes = new TextEncoder().encode(`${user}:${password}`);
          expect(read(`Basic ${btoa(String.fromCharCode(...bytes))}`)).toBe(`token ${password}`);
        },
      ),
    );
  });
});
