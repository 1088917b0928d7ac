// The ISSUERS variable: what is taken, what is refused, and what it means where it says nothing.

import { describe, expect, it } from "vitest";
import { parseIssuers } from "../../../core/auth/issuer.ts";
import { AUDIENCE, authentication, claims, FakeWeb, header, ISSUER, makeKey, outcome, sign } from "./sample_issuer.ts";

describe("the configuration of issuers", () => {
  const one = { issuer: ISSUER, audiences: [AUDIENCE] };
  const parse = (value: unknown, insecure = false): string => {
    const result = parseIssuers(typeof value === "string" ? value : JSON.stringify(value), insecure);
    return result.ok ? "ok" : result.path;
  };

  it("has safe defaults", () => {
    expect(parseIssuers(JSON.stringify([one]), false)).toEqual({
      ok: true,
      value: [
        {
          ...one,
          token_types: ["at+jwt"],
          algorithms: ["RS256", "PS256", "ES256", "EdDSA"],
          groups_claim: "groups",
          clock_skew_seconds: 30,
        },
      ],
    });
  });

  it.each<[string, unknown]>([
    ["no JSON", "{"],
    ["no list", one],
    ["no audience", [{ ...one, audiences: [] }]],
    ["an algorithm with a shared secret", [{ ...one, algorithms: ["HS256"] }]],
    ["no signature", [{ ...one, algorithms: ["none"] }]],
    ["no token type", [{ ...one, token_types: [] }]],
    ["a skew of an hour", [{ ...one, clock_skew_seconds: 3600 }]],
    ["a misspelt member", [{ ...one, audience: "x" }]],
    ["http", [{ ...one, issuer: "http://issuer.example" }]],
    ["another scheme", [{ ...one, issuer: "file:///etc/passwd" }]],
    ["a query", [{ ...one, issuer: `${ISSUER}?x` }]],
    ["a fragment", [{ ...one, issuer: `${ISSUER}#x` }]],
    ["the same issuer twice", [one, one]],
  ])("is refused with %s", (_, value) => {
    expect(parse(value)).not.toBe("ok");
  });

  it("allows http only where insecure transport is allowed by name", () => {
    expect(parse([{ ...one, issuer: "http://127.0.0.1:9000" }])).toBe("issuer");
    expect(parse([{ ...one, issuer: "http://127.0.0.1:9000" }], true)).toBe("ok");
  });

  it("compares token types without regard to case", async () => {
    const key = await makeKey("EdDSA", "ed");
    const web = new FakeWeb();
    web.publish(ISSUER, [key.jwk]);
    const result = parseIssuers(JSON.stringify([{ ...one, token_types: ["AT+JWT"] }]), false);
    expect(
      result.ok && (await outcome(await sign(header(key), claims(), key), authentication(web, result.value))),
    ).toBe("ok");
  });
});
