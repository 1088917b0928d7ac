// How an upstream's own credential is put on a request, and that nothing else comes with it.

import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { present } from "../../../core/protocol/http/credential.ts";

const secret = "UPSTREAM_X";

describe("an upstream's credential is presented", () => {
  it("as a header, verbatim", () => {
    expect(present({ as: "header", name: "authorization", secret }, "Bearer a b")).toEqual({
      headers: [["authorization", "Bearer a b"]],
      query: "",
    });
  });

  it("as Basic, in UTF-8 (RFC 7617 §2.1)", () => {
    expect(present({ as: "basic", secret }, "user:pä€")).toEqual({
      headers: [["authorization", "Basic dXNlcjpww6Tigqw="]],
      query: "",
    });
  });

  it("as a parameter, encoded", () => {
    expect(present({ as: "query", name: "api.key", secret }, "a&b=c #+%")).toEqual({
      headers: [],
      query: "api.key=a%26b%3Dc%20%23%2B%25",
    });
  });

  test.each(["", "a\r\nHost: evil", "a\nb", "a\u0000b", "a\u007fb", "\u001b"])(
    "never with what would break a header: %j",
    (value) => {
      for (const use of [
        { as: "header", name: "x-key", secret },
        { as: "basic", secret },
        { as: "query", name: "key", secret },
      ] as const) {
        expect(present(use, value)).toBeNull();
      }
    },
  );

  it("never with what a header has no bytes for", () => {
    expect(present({ as: "header", name: "x-key", secret }, "é")).toBeNull();
  });

  it("whatever the secret is, nothing is added beside it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 20 }), (value) => {
        for (const use of [
          { as: "header", name: "x-key", secret },
          { as: "basic", secret },
        ] as const) {
          for (const [, text] of present(use, value)?.headers ?? []) expect(text).toMatch(/^[\x20-\x7e]+$/);
        }
        expect(present({ as: "query", name: "key", secret }, value)?.query ?? "key=").toMatch(/^key=[^&#=\s]*$/);
      }),
    );
  });
});
