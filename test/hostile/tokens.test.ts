// Tokens as an attacker makes them, through the running gateway, in the name of a real provider. Each
// ends in its own reason at the perimeter, and in one 401 that tells nothing of it.

import { createHmac, randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import { exportSPKI } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loginTokens } from "../../local/login.ts";
import { verifyExport } from "../../core/verify/verify_session.ts";
import { encode, makeKey, sign, type SigningKey } from "../core/auth/sample_issuer.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { HeldProvider, RESOURCE } from "../support/forger.ts";
import { eventually, freePort, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { listen, stopServer } from "../support/loopback.ts";
import { perimeterExports, perimeterRecords } from "../support/perimeter.ts";
import { rawExchange, type RawAnswer, rawRequest } from "../support/raw_http.ts";

let provider: HeldProvider;
let upstream: EchoUpstream;
let gateway: TestGateway;
/** Where the attacker publishes keys, and whether anybody came. */
let lure: Server;
let lureUrl: string;
let lured = 0;
let own: SigningKey;
let rsa: SigningKey;
let attacker: SigningKey;
/** The answer to a token that is plainly none: what every other one has to look like. */
let vague: RawAnswer;

beforeAll(async () => {
  provider = new HeldProvider(await freePort());
  await provider.start();
  own = await provider.key();
  rsa = await provider.key("RS256");
  attacker = await makeKey("ES256", "attacker");
  lure = createServer((_, response) => {
    lured += 1;
    response.setHeader("content-type", "application/json").end(JSON.stringify({ keys: [attacker.jwk] }));
  });
  lureUrl = await listen(lure);
  upstream = await startEchoUpstream();
  gateway = await startGateway({ policy: testPolicy({ tool: upstream.url }), issuers: [provider.trusted] });
  vague = await knock("vague", ["Authorization: Bearer nonsense"]);
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
  await provider?.remove();
  if (lure !== undefined) await stopServer(lure);
});

let addresses = 0;

/** One call of the tool, by hand. Each comes from a network of its own, so that the perimeter's bounds spare all. */
function knock(name: string, headers: readonly string[]): Promise<RawAnswer> {
  const address = `10.${++addresses}.0.1`;
  return rawExchange(
    gateway.port,
    rawRequest(`GET /c/tool/${name} HTTP/1.1`, [
      `Host: 127.0.0.1:${gateway.port}`,
      `CF-Connecting-IP: ${address}`,
      ...headers,
    ]),
  );
}

let names = 0;

/** Sends it, and gives the reason that the perimeter has for it. */
async function reasonFor(headers: readonly string[]): Promise<unknown> {
  const name = `attack-${++names}`;
  const answer = await knock(name, headers);
  expect(answer.status).toBe(401);
  expect(answer.body).toBe(vague.body);
  if (headers.length > 0) expect(answer.text).toBe(vague.text);
  const found = await eventually(
    async () => (await perimeterRecords(gateway)).find((one) => one.fields.target === `GET /${name}`),
    (one) => one !== undefined,
  );
  expect(found).toMatchObject({
    kind: "command.denied",
    classes: { status: 401, count: 1 },
    fields: { connection: "tool" },
  });
  expect(upstream.received.filter((one) => one.url.includes("attack"))).toEqual([]);
  return found?.classes.reason;
}

const bearer = (token: string): string[] => [`Authorization: Bearer ${token}`];

type Members = Readonly<Record<string, unknown>>;

/** Signed with the provider's own key. */
const proper = (claims: Members = {}, header: Members = {}): Promise<string> => provider.token(claims, header);

/** Signed with the attacker's. */
const foreign = (header: Members = {}, claims: Members = {}): Promise<string> =>
  sign({ alg: "ES256", typ: "at+jwt", kid: own.jwk.kid, ...header }, provider.claims(claims), attacker);

function hmac(alg: string, kid: string | undefined, secret: string): string {
  const input = `${encode({ alg, typ: "at+jwt", kid })}.${encode(provider.claims())}`;
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}

async function twice(part: "header" | "claims", member: string): Promise<string> {
  const add = (members: Members): string => JSON.stringify(members).replace(/\}$/, `,${member}}`);
  const header = { alg: "ES256", typ: "at+jwt", kid: own.jwk.kid };
  return part === "header" ? sign(add(header), provider.claims(), own) : sign(header, add(provider.claims()), own);
}

test("the tokens are forged well: one without a flaw is let in, as is the provider's own", async () => {
  const { access } = await loginTokens(provider.issuer, "alice", RESOURCE);
  for (const token of [access, await proper()]) {
    const answer = await knock("honest", bearer(token));
    expect(answer.status).toBe(200);
  }
  expect(JSON.parse(Buffer.from(access.split(".")[0] ?? "", "base64url").toString())).toEqual({
    alg: "ES256",
    typ: "at+jwt",
    kid: own.jwk.kid,
  });
});

describe("a token of an algorithm that the attacker chose", () => {
  test.each<[string, () => string | Promise<string>, string]>([
    ["none", () => `${encode({ alg: "none", typ: "at+jwt" })}.${encode(provider.claims())}.`, "algorithm_refused"],
    [
      "none, in other letters",
      () => `${encode({ alg: "nOnE", typ: "at+jwt" })}.${encode(provider.claims())}.`,
      "algorithm_refused",
    ],
    ["none, with an honest signature", () => proper({}, { alg: "none" }), "algorithm_refused"],
    [
      "HMAC with the public key's PEM",
      async () => hmac("HS256", rsa.jwk.kid, await exportSPKI(rsa.publicKey)),
      "algorithm_refused",
    ],
    ["HMAC with the public key's JWK", () => hmac("HS256", rsa.jwk.kid, JSON.stringify(rsa.jwk)), "algorithm_refused"],
    [
      "HMAC that calls itself RSA",
      async () => hmac("RS256", rsa.jwk.kid, await exportSPKI(rsa.publicKey)),
      "signature_invalid",
    ],
    ["another key's", () => proper({}, { alg: "RS256" }), "key_unknown"],
  ])("%s", async (_, token, reason) => {
    expect(await reasonFor(bearer(await token()))).toBe(reason);
  });
});

describe("a token that brings its own key", () => {
  test.each<[string, () => Members]>([
    ["jwk", () => ({ jwk: attacker.jwk, kid: "attacker" })],
    ["jku", () => ({ jku: `${lureUrl}/jwks`, kid: "attacker" })],
    ["x5u", () => ({ x5u: `${lureUrl}/cert.pem`, kid: "attacker" })],
    ["x5c", () => ({ x5c: [Buffer.from("a certificate").toString("base64")], kid: "attacker" })],
    ["jku beside the provider's kid", () => ({ jku: `${lureUrl}/jwks` })],
  ])("%s", async (_, header) => {
    expect(await reasonFor(bearer(await foreign(header())))).toBe("key_embedded");
    expect(lured).toBe(0);
  });

  test("in the place of an issuer that nobody configured, and that would have one", async () => {
    expect(await reasonFor(bearer(await foreign({ kid: "attacker" }, { iss: lureUrl })))).toBe("issuer_unknown");
    expect(lured).toBe(0);
  });
});

describe("a kid that is more than a name", () => {
  test.each([
    ["a path", "../../../../dev/null"],
    ["SQL", "x' UNION SELECT 'secret' --"],
    ["a URL", "http://127.0.0.1:1/jwks"],
    ["NUL", "key\u0000"],
    ["a shell command", "|/usr/bin/id"],
    ["__proto__", "__proto__"],
    ["empty", ""],
    ["very long", "k".repeat(4000)],
  ])("%s", async (_, kid) => {
    expect(await reasonFor(bearer(await foreign({ kid })))).toBe("key_unknown");
  });
});

describe("a token that claims what does not hold", () => {
  const now = Math.floor(Date.now() / 1000);
  test.each<[string, Members, string]>([
    ["another audience", { aud: "https://other.example" }, "audience_wrong"],
    ["no audience", { aud: undefined }, "audience_wrong"],
    ["another issuer", { iss: "https://login.example" }, "issuer_unknown"],
    ["an end in the past", { exp: now - 1 }, "expired"],
    ["no end", { exp: undefined }, "claims_malformed"],
    ["a beginning to come", { nbf: now + 3600 }, "not_yet_valid"],
    ["an issue time to come", { iat: now + 3600 }, "not_yet_valid"],
    ["no subject", { sub: undefined }, "claims_malformed"],
    ["a name of half a character", { name: "\ud800" }, "claims_malformed"],
    ["a group of half a character", { groups: ["engineers", "\udfff"] }, "claims_malformed"],
  ])("%s", async (_, claims, reason) => {
    expect(await reasonFor(bearer(await proper(claims)))).toBe(reason);
  });

  test("another trusted issuer's name, with this one's key", async () => {
    expect(await reasonFor(bearer(await proper({ iss: gateway.issuer.url })))).toBe("key_unknown");
  });
});

describe("a token of another kind", () => {
  test("the provider's ID token of the same login", async () => {
    const { id } = await loginTokens(provider.issuer, "alice", RESOURCE);
    expect(await reasonFor(bearer(id))).toBe("type_refused");
  });

  test.each(["nonce", "at_hash", "c_hash"])(
    "an ID token that passes itself off as an access token, told by %s",
    async (claim) => {
      expect(await reasonFor(bearer(await proper({ [claim]: "x" })))).toBe("id_token");
    },
  );

  test.each(["JWT", "dpop+jwt", "logout+jwt", undefined])("typ %s", async (typ) => {
    expect(await reasonFor(bearer(await proper({}, { typ })))).toBe("type_refused");
  });
});

describe("a token that two readers could understand differently", () => {
  test.each<[string, () => Promise<string>, string]>([
    ["alg twice", () => twice("header", '"alg":"none"'), "token_duplicate_member"],
    ["sub twice", () => twice("claims", '"sub":"dan"'), "token_duplicate_member"],
    ["groups twice, once escaped", () => twice("claims", '"\\u0067roups":["leads"]'), "token_duplicate_member"],
    ["crit with an extension nobody knows", () => proper({}, { crit: ["x"], x: 1 }), "crit_unknown"],
    ["more than 8 KiB", () => proper({ pad: "x".repeat(7000) }), "token_oversize"],
    ["far more than 8 KiB", async () => "x".repeat(30_000), "token_oversize"],
    ["four parts", async () => `${await proper()}.x`, "token_malformed"],
  ])("%s", async (_, token, reason) => {
    expect(await reasonFor(bearer(await token()))).toBe(reason);
  });
});

describe("a signature", () => {
  const withSignature = (token: string, signature: string): string =>
    `${token.slice(0, token.lastIndexOf(".") + 1)}${signature}`;

  test.each<[string, () => Promise<string>]>([
    ["of the attacker under the provider's kid", () => foreign()],
    ["of random bytes", async () => withSignature(await proper(), randomBytes(64).toString("base64url"))],
    ["of another token", async () => withSignature(await proper({ sub: "dan" }), (await proper()).split(".")[2] ?? "")],
    ["of zeros", async () => withSignature(await proper(), Buffer.alloc(64).toString("base64url"))],
    ["cut off", async () => withSignature(await proper(), "")],
  ])("%s", async (_, token) => {
    expect(await reasonFor(bearer(await token()))).toBe("signature_invalid");
  });
});

describe("two Authorization headers", () => {
  test("of which each alone would be let in, or only one", async () => {
    const token = await proper();
    const pairs = [
      [...bearer(token), ...bearer(token)],
      [...bearer(token), ...bearer("nonsense")],
      [...bearer("nonsense"), ...bearer(token)],
      [`Authorization: Basic ${btoa(`x:${token}`)}`, ...bearer(token)],
    ];
    for (const headers of pairs) expect(await reasonFor(headers)).toBe("token_repeated");
  });

  test("in one line", async () => {
    expect(await reasonFor([`Authorization: Bearer ${await proper()}, Bearer ${await proper()}`])).toBe(
      "token_repeated",
    );
  });
});

test("no token at all differs in its challenge only", async () => {
  expect(await reasonFor([])).toBe("token_missing");
  expect(vague.head).toContain('error="invalid_token"');
});

test("the perimeter's records are intact and hold no token and no part of one", async () => {
  const exports = await perimeterExports(gateway);
  expect(exports.length).toBeGreaterThan(0);
  for (const text of exports) {
    expect((await verifyExport(text)).integrity).toEqual({ kind: "intact" });
    // Every part of a token that is JSON begins so.
    expect(text).not.toContain("eyJ");
  }
});
