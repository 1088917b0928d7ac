// Forged tokens and tokens that two readers would understand differently: each is refused for its own reason.

import fc from "fast-check";
import { exportSPKI } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { type Authentication, authenticate } from "../../../core/auth/authenticate.ts";
import { NO_REVOCATIONS } from "../../../core/auth/revocation.ts";
import { inspectToken } from "../../../core/auth/token.ts";
import { toBase64Url } from "../../../core/bytes.ts";
import {
  AUDIENCE,
  authentication,
  claims,
  encode,
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

const OTHER = "https://other.example";
let es: SigningKey;
let rs: SigningKey;
let attacker: SigningKey;
let web: FakeWeb;
let by: Authentication;

beforeAll(async () => {
  es = await makeKey("ES256", "es");
  rs = await makeKey("RS256", "rs");
  attacker = await makeKey("ES256", "attacker");
  web = new FakeWeb();
  web.publish(ISSUER, [es.jwk, rs.jwk]);
  // Another trusted issuer, which uses the first one's key ids.
  web.publish(OTHER, [{ ...attacker.jwk, kid: "es" }]);
  by = authentication(web, [trusted(), trusted({ issuer: OTHER })]);
});

/** HMAC-SHA-256 with bytes the attacker knows. */
async function hmacToken(alg: string, secret: string): Promise<string> {
  const key = await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const input = `${encode({ alg, kid: "rs", typ: "at+jwt" })}.${encode(claims())}`;
  return `${input}.${toBase64Url(new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(input))))}`;
}

describe("a token that names an algorithm of its own choice is refused", () => {
  it.each([
    "none",
    "None",
    "NONE",
    "nOnE",
    "",
    "HS256",
    "es256",
    "ES256 ",
    "ES384",
    "RS1",
    "RSA-OAEP",
    "dir",
    "Ed25519",
  ])("alg %j", async (alg) => {
    expect(await outcome(await sign(header(es, { alg }), claims(), es), by)).toBe("algorithm_refused");
    expect(await outcome(`${encode(header(es, { alg }))}.${encode(claims())}.`, by)).toBe("algorithm_refused");
  });

  it.each([[null], [7], [["ES256"]], [{ ES256: 1 }], [undefined]])("alg %j", async (alg) => {
    expect(await outcome(await sign(header(es, { alg }), claims(), es), by)).toBe("algorithm_refused");
  });

  it("an HMAC with the issuer's public RSA key as the secret", async () => {
    const pem = await exportSPKI(rs.publicKey);
    for (const secret of [pem, pem.trim(), JSON.stringify(rs.jwk), String(rs.jwk.n)]) {
      expect(await outcome(await hmacToken("HS256", secret), by)).toBe("algorithm_refused");
      // With the algorithm of the key it is a signature that does not fit.
      expect(await outcome(await hmacToken("RS256", secret), by)).toBe("signature_invalid");
    }
  });

  it("an algorithm that is not the key's", async () => {
    expect(await outcome(await sign(header(rs, { alg: "ES256" }), claims(), rs), by)).toBe("key_unknown");
    expect(await outcome(await sign(header(rs, { alg: "PS256" }), claims(), rs), by)).toBe("key_unknown");
    expect(await outcome(await sign(header(es, { alg: "RS256" }), claims(), es), by)).toBe("key_unknown");
  });

  it("an algorithm that the issuer's configuration leaves out", async () => {
    const narrow = authentication(web, [trusted({ algorithms: ["RS256"] })]);
    expect(await outcome(await sign(header(es), claims(), es), narrow)).toBe("algorithm_refused");
    expect(await outcome(await sign(header(rs), claims(), rs), narrow)).toBe("ok");
  });
});

describe("a token that brings or names its own key is refused", () => {
  it.each([
    ["jwk", () => ({ jwk: attacker.jwk })],
    ["jku", () => ({ jku: "https://attacker.example/jwks" })],
    ["x5u", () => ({ x5u: "https://attacker.example/cert" })],
    ["x5c", () => ({ x5c: ["MIIB"] })],
    ["jwk null", () => ({ jwk: null })],
  ])("%s", async (_, member) => {
    expect(await outcome(await sign({ ...header(attacker), ...member() }, claims(), attacker), by)).toBe(
      "key_embedded",
    );
    expect(await outcome(await sign({ ...header(es), ...member() }, claims(), es), by)).toBe("key_embedded");
    expect(web.asked.filter((url) => url.includes("attacker"))).toEqual([]);
  });

  it.each([
    "attacker",
    "../../../dev/null",
    "es' OR '1'='1",
    "es\u0000",
    "ES",
    "",
    "__proto__",
    "constructor",
    "https://attacker.example/jwks",
    "x".repeat(4000),
  ])("kid %j", async (kid) => {
    expect(await outcome(await sign(header(attacker, { kid }), claims(), attacker), by)).toBe("key_unknown");
  });

  it.each([[7], [["es"]], [{}], [null]])("a kid that is no text: %j", async (kid) => {
    expect(await outcome(await sign(header(es, { kid }), claims(), es), by)).toBe("token_malformed");
  });

  it("a kid of one issuer under the name of another", async () => {
    expect(await outcome(await sign(header(attacker, { kid: "es" }), claims(), attacker), by)).toBe(
      "signature_invalid",
    );
    expect(await outcome(await sign(header(attacker, { kid: "es" }), claims({ iss: OTHER }), attacker), by)).toBe("ok");
    expect(await outcome(await sign(header(es), claims({ iss: OTHER }), es), by)).toBe("signature_invalid");
  });
});

describe("a token of an issuer that is not configured, to the letter, is refused", () => {
  it.each([
    `${ISSUER}/`,
    ISSUER.toUpperCase(),
    "https://issuer.example:443",
    "https://issuer.example.attacker.example",
    "",
    null,
    7,
    [ISSUER],
    { [ISSUER]: 1 },
    undefined,
  ])("%j", async (iss) => {
    expect(await outcome(await sign(header(es), claims({ iss }), es), by)).toBe("issuer_unknown");
  });
});

describe("a token that its reader would have to guess about is refused", () => {
  const head = (): string => JSON.stringify(header(es));
  const body = (): string => JSON.stringify(claims());
  const twice = (text: string, member: string): string => text.replace(/\}$/, `,${member}}`);

  it.each([
    ["alg, the second one none", () => sign(twice(head(), '"alg":"none"'), body(), es)],
    ["alg, the first one none", () => sign(head().replace("{", '{"alg":"none",'), body(), es)],
    ["sub", () => sign(head(), twice(body(), '"sub":"dan"'), es)],
    ["sub, spelt with an escape", () => sign(head(), twice(body(), '"\\u0073ub":"dan"'), es)],
    ["a member of a nested object", () => sign(head(), twice(body(), '"act":{"sub":"a","sub":"b"}'), es)],
    ["a member of an object in a list", () => sign(head(), twice(body(), '"x":[[{"a":1,"a":1}]]'), es)],
    ["__proto__", () => sign(head(), twice(body(), '"__proto__":{},"__proto__":{}'), es)],
  ])("duplicate %s", async (_, token) => {
    expect(await outcome(await token(), by)).toBe("token_duplicate_member");
  });

  it.each([
    ["a list as header", () => sign(`[${head()}]`, body(), es)],
    ["a list as payload", () => sign(head(), `[${body()}]`, es)],
    ["null as payload", () => sign(head(), "null", es)],
    ["text after the payload", () => sign(head(), `${body()}x`, es)],
    ["two payloads", () => sign(head(), body() + body(), es)],
    ["an empty payload", () => sign(head(), "", es)],
    ["a byte order mark", () => sign(head(), `\ufeff${body()}`, es)],
    ["a comment", () => sign(head(), body().replace("{", "{/**/"), es)],
    ["NaN", () => sign(head(), body().replace(/"exp":\d+/, '"exp":NaN'), es)],
    [
      "bytes that are not UTF-8",
      () => sign(head(), new Uint8Array([...new TextEncoder().encode('{"iss":"'), 0xff, 0x22, 0x7d]), es),
    ],
    [
      "an overlong encoding",
      () => sign(head(), new Uint8Array([...new TextEncoder().encode('{"iss":"'), 0xc0, 0xaf, 0x22, 0x7d]), es),
    ],
    ["UTF-16", () => sign(head(), new Uint8Array([...body()].flatMap((c) => [c.charCodeAt(0), 0])), es)],
    ["depth 65", () => sign(head(), body().replace("{", `{"x":${"[".repeat(64)}${"]".repeat(64)},`), es)],
  ])("%s", async (_, token) => {
    expect(await outcome(await token(), by)).toBe("token_malformed");
  });

  it.each([
    ["a missing part", (t: string) => t.slice(0, t.lastIndexOf("."))],
    ["a fourth part", (t: string) => `${t}.x`],
    ["a JWE's five parts", (t: string) => `${t}.x.y`],
    ["an empty header", (t: string) => t.slice(t.indexOf("."))],
    ["padding", (t: string) => `${t}==`],
    ["white space inside", (t: string) => t.replace(".", ". ")],
    ["a tab at its end", (t: string) => `${t}\t`],
    ["a no-break space", (t: string) => `\u00a0${t}`],
    [
      "the alphabet of base64",
      (t: string) =>
        t
          .replaceAll("-", "+")
          .replaceAll("_", "/")
          .replace(/\.([^.]*)$/, ".+$1"),
    ],
    ["a length that base64 cannot have", (t: string) => `${t}AAA`],
    ["letters outside ASCII", (t: string) => `${t.slice(0, -1)}Å`],
  ])("%s", async (_, change) => {
    expect(await outcome(change(await sign(head(), body(), es)), by)).toBe("token_malformed");
  });

  it("stray bits after the last byte, which would make a second spelling of one token", async () => {
    const token = await sign(head(), body(), es);
    // 64 bytes: the last digit carries two bits, and the other four must be zero.
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const last = alphabet.indexOf(token.at(-1) ?? "");
    for (let bits = 1; bits < 16; bits++)
      expect(await outcome(token.slice(0, -1) + alphabet[last + bits], by)).toBe("token_malformed");
    expect(await outcome(token, by)).toBe("ok");
  });

  it("more than 8 KiB, whatever they are", async () => {
    expect(await outcome(await sign(head(), claims({ pad: "x".repeat(8000) }), es), by)).toBe("token_oversize");
    expect(await outcome("x".repeat(8193), by)).toBe("token_oversize");
    expect(await outcome("x".repeat(100_000), by)).toBe("token_oversize");
    expect(await outcome(await sign(head(), claims({ pad: "x".repeat(5000) }), es), by)).toBe("ok");
  });

  it.each([[["exp"]], [["b64"]], [[]], [null], ["exp"]])(
    "any crit, because no extension is understood: %j",
    async (crit) => {
      expect(await outcome(await sign(header(es, { crit, b64: true }), claims(), es), by)).toBe("crit_unknown");
    },
  );
});

describe("a token of another kind is refused", () => {
  it.each([
    "JWT",
    "jwt",
    "application/jwt",
    "dpop+jwt",
    "logout+jwt",
    "at+jwt ",
    "application/application/at+jwt",
    "",
    undefined,
  ])("typ %j", async (typ) => {
    expect(await outcome(await sign(header(es, { typ }), claims(), es), by)).toBe("type_refused");
  });

  it.each(["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"])("but not typ %j", async (typ) => {
    expect(await outcome(await sign(header(es, { typ }), claims(), es), by)).toBe("ok");
  });

  it("a typ that is no text", async () => {
    const lax = authentication(web, [trusted({ token_types: ["any"] })]);
    expect(await outcome(await sign(header(es, { typ: ["at+jwt"] }), claims(), es), lax)).toBe("token_malformed");
  });

  it.each(["nonce", "at_hash", "c_hash", "s_hash"])(
    "an ID token, told by its %s, where the issuer marks no types",
    async (claim) => {
      const lax = authentication(web, [trusted({ token_types: ["any"] })]);
      expect(await outcome(await sign(header(es, { typ: "JWT" }), claims({ [claim]: "x" }), es), lax)).toBe("id_token");
      expect(await outcome(await sign(header(es, { typ: "JWT" }), claims(), es), lax)).toBe("ok");
    },
  );
});

describe("claims that do not hold are refused", () => {
  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    ["another audience", { aud: "https://other.example" }, "audience_wrong"],
    ["an audience that begins like ours", { aud: `${AUDIENCE}.attacker.example` }, "audience_wrong"],
    ["no audience", { aud: undefined }, "audience_wrong"],
    ["an audience that is an object", { aud: { [AUDIENCE]: 1 } }, "audience_wrong"],
    ["our audience nested in a list", { aud: [[AUDIENCE]] }, "audience_wrong"],
    ["an end now", { exp: SECOND }, "expired"],
    ["an end long ago", { exp: 1 }, "expired"],
    ["a negative end", { exp: -1 }, "expired"],
    ["no end", { exp: undefined }, "claims_malformed"],
    ["an end as text", { exp: String(SECOND + 600) }, "claims_malformed"],
    ["an end that is null", { exp: null }, "claims_malformed"],
    ["an end past all time", { exp: 1e300 }, "claims_malformed"],
    ["an end past what a Date can name", { exp: 8_640_000_000_001 }, "claims_malformed"],
    ["a beginning to come", { nbf: SECOND + 1 }, "not_yet_valid"],
    ["a beginning as text", { nbf: "0" }, "claims_malformed"],
    ["an issue time to come", { iat: SECOND + 1 }, "not_yet_valid"],
    ["an issue time as text", { iat: "0" }, "claims_malformed"],
    ["no subject", { sub: undefined }, "claims_malformed"],
    ["an empty subject", { sub: "" }, "claims_malformed"],
    ["a subject that is a number", { sub: 7 }, "claims_malformed"],
    ["a subject with half a character", { sub: "a\ud800" }, "claims_malformed"],
    ["a name with half a character", { name: "\ud800" }, "claims_malformed"],
    ["an email with half a character", { email: "\udc00@example.test" }, "claims_malformed"],
    ["an id with half a character", { jti: "\ud83d" }, "claims_malformed"],
    ["a client with half a character", { client_id: "a\udfffb" }, "claims_malformed"],
    ["an authorized party with half a character", { azp: "\ud800\ud800" }, "claims_malformed"],
    ["a group with half a character", { groups: ["a", "\ud800"] }, "claims_malformed"],
    ["a method with half a character", { amr: ["\udc00"] }, "claims_malformed"],
    ["an actor with half a character", { act: { sub: "\ud800" } }, "claims_malformed"],
    ["an actor's issuer with half a character", { act: { sub: "a", iss: "\ud800" } }, "claims_malformed"],
    ["a subject of 513 characters", { sub: "x".repeat(513) }, "claims_malformed"],
    ["groups as text", { groups: "engineers" }, "claims_malformed"],
    ["groups that are numbers", { groups: ["a", 7] }, "claims_malformed"],
    ["257 groups", { groups: Array.from({ length: 257 }, (_, i) => `g${i}`) }, "claims_malformed"],
    ["an actor without a subject", { act: {} }, "claims_malformed"],
    ["an actor that is null", { act: null }, "claims_malformed"],
    ["an actor that is a list", { act: [] }, "claims_malformed"],
  ])("%s", async (_, more, reason) => {
    expect(await outcome(await sign(header(es), claims(more), es), by)).toBe(reason);
  });

  it("a skew is granted as configured, and no more", async () => {
    const skewed = authentication(web, [trusted({ clock_skew_seconds: 30 })]);
    expect(await outcome(await sign(header(es), claims({ exp: SECOND - 29 }), es), skewed)).toBe("ok");
    expect(await outcome(await sign(header(es), claims({ exp: SECOND - 30 }), es), skewed)).toBe("expired");
    expect(await outcome(await sign(header(es), claims({ nbf: SECOND + 30, iat: SECOND + 30 }), es), skewed)).toBe(
      "ok",
    );
    expect(await outcome(await sign(header(es), claims({ nbf: SECOND + 31 }), es), skewed)).toBe("not_yet_valid");
  });
});

describe("whatever is sent,", () => {
  it("a token changed in one place is refused and nothing throws", async () => {
    const token = await sign(header(es), claims(), es);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(token.length - 1),
        fc.string({ minLength: 0, maxLength: 3, unit: "binary-ascii" }),
        async (at, put) => {
          const changed = token.slice(0, at) + put + token.slice(at + 1);
          fc.pre(changed !== token && !/^ | $/.test(changed));
          expect(await outcome(changed, by)).not.toBe("ok");
        },
      ),
      { numRuns: 500 },
    );
  });

  it("any header value gives a reason and never an exception", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.string().map((text) => `Bearer ${text}`),
          fc.string().map((text) => `Basic ${btoa(encodeURIComponent(text))}`),
        ),
        async (value) => {
          const result = await authenticate(value, by, NO_REVOCATIONS, NOW);
          expect(result.ok ? "ok" : result.reason).not.toBe("ok");
        },
      ),
      { numRuns: 500 },
    );
  });

  it("an object with members as JSON allows them is read as JSON.parse reads it", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })), (more) => {
        const payload = { ...more, iss: ISSUER };
        const result = inspectToken(`${encode(header(es))}.${encode(payload)}.AAAA`, [trusted()]);
        if (result.ok) expect(result.value.claims).toEqual(JSON.parse(JSON.stringify(payload)));
        else expect(["token_oversize", "id_token"]).toContain(result.reason);
      }),
    );
  });
});
