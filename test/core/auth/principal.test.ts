// What a verified token makes of its bearer: a principal with its actors, or a refusal.

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type Authentication, authenticate } from "../../../core/auth/authenticate.ts";
import type { Authenticated } from "../../../core/auth/principal.ts";
import { NO_REVOCATIONS } from "../../../core/auth/revocation.ts";
import { canonicalText } from "../../../core/record/canonical.ts";
import {
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
