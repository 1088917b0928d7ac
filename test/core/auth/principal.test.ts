import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type Authentication, authenticate } from "../../../core/auth/authenticate.ts";
import { readToken } from "../../../core/auth/credentials.ts";
import { parseIssuers } from "../../../core/auth/issuer.ts";
import type { Authenticated } from "../../../core/auth/principal.ts";
import { isRevoked, NO_REVOCATIONS, type Revocations } from "../../../core/auth/revocation.ts";
import { type VerifiedToken, VerifiedTokens } from "../../../core/auth/verified_tokens.ts";
import { canonicalText } from "../../../core/record/canonical.ts";
import {
  AUDIENCE,
  authentication,
  claims,
  FakeWeb,
  header,
  ISSUER,
  makeKey,
  NOW,
  outcome,
  SECOND,
  sign,
  type SigningKey,
  trusted,
} from "./sample_issuer.ts";

let key: SigningKey;
let web: FakeWeb;
let by: Authentication;

beforeAll(async () => {
  key = await makeKey("EdDSA", "ed");
  web = new FakeWeb();
  web.publish(ISSUER, [key.jwk]);
  by = authentication(web);
});

async function authenticated(
  more: Readonly<Record<string, unknown>>,
  where: Authentication = by,
): Promise<Authenticated> {
  const result = await authenticate(`Bearer ${await sign(header(key), claims(more), key)}`, where, NO_REVOCATIONS, NOW);
  if (!result.ok) throw new Error(result.reason);
  return result.value;
}

const nested = (depth: number): unknown =>
  depth === 0 ? undefined : { sub: `actor-${depth}`, act: nested(depth - 1) };

describe("a principal", () => {
  it.each(["RS256", "PS256", "ES256", "EdDSA"])("comes from a token signed with %s", async (alg) => {
    const one = await makeKey(alg, "k");
    const site = new FakeWeb();
    site.publish(ISSUER, [one.jwk]);
    expect(await outcome(await sign(header(one), claims(), one), authentication(site))).toBe("ok");
  });

  it("has what the token says", async () => {
    const { principal, token } = await authenticated({
      name: "Alice Archer",
      email: "alice@example.test",
      email_verified: true,
      groups: ["engineers", "leads"],
      auth_time: SECOND - 60,
      amr: ["pwd", "otp"],
      client_id: "cli",
    });
    expect(principal).toEqual({
      issuer: ISSUER,
      subject: "alice",
      name: "Alice Archer",
      email: "alice@example.test",
      emailVerified: true,
      groups: ["engineers", "leads"],
      authTime: SECOND - 60,
      methods: ["pwd", "otp"],
      actors: [],
    });
    expect(token).toEqual({
      id: "token-1",
      keyId: "ed",
      algorithm: "EdDSA",
      issuedAt: SECOND - 10,
      expires: SECOND + 600,
      client: "cli",
    });
  });

  it("has nothing that the token does not say, or says in another type", async () => {
    const { principal, token } = await authenticated({
      name: 7,
      email: ["a"],
      email_verified: "true",
      auth_time: "1",
      iat: undefined,
      jti: {},
      azp: "web",
    });
    expect(principal).toMatchObject({
      name: null,
      email: null,
      emailVerified: false,
      groups: [],
      authTime: null,
      methods: [],
      actors: [],
    });
    expect(token).toMatchObject({ id: null, issuedAt: null, client: "web" });
  });

  it("has its groups from the claim that the issuer's configuration names", async () => {
    const where = authentication(web, [trusted({ groups_claim: "https://claims.example/roles" })]);
    expect(
      (await authenticated({ groups: ["no"], "https://claims.example/roles": ["yes"] }, where)).principal.groups,
    ).toEqual(["yes"]);
  });

  it("has the chain of actors, the current one first (RFC 8693 §4.1)", async () => {
    const { principal } = await authenticated({
      act: { sub: "tool", iss: "https://tools.example", act: { sub: "agent" } },
    });
    expect(principal.actors).toEqual([
      { issuer: "https://tools.example", subject: "tool" },
      { issuer: ISSUER, subject: "agent" },
    ]);
  });

  it("has at most eight actors", async () => {
    expect((await authenticated({ act: nested(8) })).principal.actors.length).toBe(8);
    expect(await outcome(await sign(header(key), claims({ act: nested(9) }), key), by)).toBe("claims_malformed");
    expect(await outcome(await sign(header(key), claims({ act: nested(60) }), key), by)).toBe("claims_malformed");
    expect(await outcome(await sign(header(key), claims({ act: nested(65) }), key), by)).toBe("token_malformed");
  });

  it("can be recorded, whatever characters the token and its key's name have", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          name: fc.string({ unit: "binary" }),
          email: fc.string({ unit: "binary" }),
          jti: fc.string({ unit: "binary" }),
          kid: fc.string({ unit: "binary", minLength: 1, maxLength: 600, size: "max" }),
        }),
        async ({ kid, ...texts }) => {
          const site = new FakeWeb();
          site.publish(ISSUER, [{ ...key.jwk, kid }]);
          const token = await sign(header(key, { kid }), claims(texts), key);
          const result = await authenticate(`Bearer ${token}`, authentication(site), NO_REVOCATIONS, NOW);
          if (!result.ok) throw new Error(result.reason);
          const { principal, token: facts } = result.value;
          expect(() => canonicalText([{ ...principal, actors: [] }, { ...facts }])).not.toThrow();
        },
      ),
      { numRuns: 100, examples: [[{ name: "", email: "", jti: "", kid: `${"k".repeat(511)}\u{1f511}` }]] },
    );
  });

  it("can be recorded, whatever numbers the token has", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({ auth_time: fc.double(), exp: fc.double({ min: SECOND + 1 }), iat: fc.double({ max: SECOND }) }),
        async (times) => {
          const result = await authenticate(
            `Bearer ${await sign(header(key), claims(times), key)}`,
            by,
            NO_REVOCATIONS,
            NOW,
          );
          if (!result.ok) {
            expect(result.reason).toBe("claims_malformed");
            return;
          }
          const { principal, token } = result.value;
          expect(() => canonicalText([{ ...principal, actors: [] }, { ...token }])).not.toThrow();
        },
      ),
      { numRuns: 200, examples: [[{ auth_time: 1e300, exp: SECOND + 1.5, iat: -1e300 }]] },
    );
  });
});

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

describe("a revocation", () => {
  const subject = (before: number, name = "alice", issuer: string = ISSUER): Revocations => ({
    ...NO_REVOCATIONS,
    subjects: [{ issuer, subject: name, before }],
  });

  it("ends the token it names and no other", async () => {
    const token = await sign(header(key), claims(), key);
    expect(await outcome(token, by, NOW, { ...NO_REVOCATIONS, tokenIds: ["token-1"] })).toBe("revoked");
    expect(await outcome(token, by, NOW, { ...NO_REVOCATIONS, tokenIds: ["token-2"] })).toBe("ok");
  });

  it("ends a subject's tokens from before its time", async () => {
    const one = await authenticated({ iat: SECOND - 10 });
    expect(isRevoked(one, subject(SECOND - 9))).toBe(true);
    expect(isRevoked(one, subject(SECOND - 10))).toBe(false);
    expect(isRevoked(one, subject(SECOND, "bob"))).toBe(false);
    expect(isRevoked(one, subject(SECOND, "alice", "https://other.example"))).toBe(false);
  });

  it("ends a token without an issue time", async () => {
    expect(isRevoked(await authenticated({ iat: undefined }), subject(1))).toBe(true);
  });

  it("ends what an actor does for others", async () => {
    const one = await authenticated({ act: { sub: "tool", act: { sub: "agent" } } });
    expect(isRevoked(one, subject(SECOND, "agent"))).toBe(true);
  });
});

describe("the tokens that were verified a moment ago", () => {
  const entry = (until: number): VerifiedToken =>
    ({ authenticated: { principal: {}, token: {} }, key: {}, until }) as unknown as VerifiedToken;

  it("are forgotten at their end", () => {
    const tokens = new VerifiedTokens();
    tokens.put("a", entry(NOW));
    expect(tokens.get("a", NOW - 1)).not.toBe(null);
    expect(tokens.get("a", NOW)).toBe(null);
    expect(tokens.get("a", NOW - 1)).toBe(null);
  });

  it("are at most 2048, and those used longest ago go first", () => {
    const tokens = new VerifiedTokens();
    tokens.put("hot", entry(NOW));
    for (let i = 0; i < 10_000; i++) {
      tokens.put(`cold-${i}`, entry(NOW));
      expect(tokens.get("hot", 0)).not.toBe(null);
    }
    const kept = Array.from({ length: 10_000 }, (_, i) => tokens.get(`cold-${i}`, 0)).filter((one) => one !== null);
    expect(kept.length).toBe(2047);
    expect(tokens.get("cold-9999", 0)).not.toBe(null);
  });

  it("take at most 4 MiB of headers, counted right whatever happens", () => {
    const tokens = new VerifiedTokens();
    const name = (i: number): string => `${i}-`.padEnd(10_000, "x");
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 1000; i++) tokens.put(name(i), entry(NOW));
      for (let i = 0; i < 1000; i++) tokens.get(name(i), round === 1 ? NOW : 0);
    }
    const kept = Array.from({ length: 1000 }, (_, i) => tokens.get(name(i), 0)).filter((one) => one !== null);
    expect(kept.length).toBe(Math.floor((4 * 1024 * 1024) / 10_000));
  });
});

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
    const result = parseIssuers(JSON.stringify([{ ...one, token_types: ["AT+JWT"] }]), false);
    expect(
      result.ok && (await outcome(await sign(header(key), claims(), key), authentication(web, result.value))),
    ).toBe("ok");
  });
});
