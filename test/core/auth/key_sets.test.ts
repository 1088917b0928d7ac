// The issuers' keys: when they are fetched, how often at most, which count, and what their removal ends.

import { type JWK } from "jose";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { authenticateFromCache } from "../../../core/auth/authenticate.ts";
import { parseKeySet } from "../../../core/auth/key_set.ts";
import { type KeyAnswer, KeySets } from "../../../core/auth/key_sets.ts";
import { NO_REVOCATIONS } from "../../../core/auth/revocation.ts";
import type { CommandId } from "../../../core/ids.ts";
import { VerifiedTokens } from "../../../core/auth/verified_tokens.ts";
import {
  claims,
  FakeWeb,
  header,
  ISSUER,
  makeKey,
  NOW,
  outcome,
  sign,
  type SigningKey,
  trusted,
} from "./sample_issuer.ts";

const MINUTE = 60_000;
const METADATA = `${ISSUER}/.well-known/openid-configuration`;
let first: SigningKey;
let second: SigningKey;
let web: FakeWeb;

beforeAll(async () => {
  first = await makeKey("ES256", "first");
  second = await makeKey("ES256", "second");
});
beforeEach(() => {
  web = new FakeWeb();
  web.publish(ISSUER, [first.jwk]);
});

const find = (sets: KeySets, keyId: string, now: number): Promise<KeyAnswer> =>
  sets.find(trusted(), keyId, "ES256", now);
const kinds = (answers: readonly KeyAnswer[]): string[] => [...new Set(answers.map((answer) => answer.kind))];

describe("an issuer's keys", () => {
  it("are fetched once and then known", async () => {
    const sets = new KeySets(web.fetch, false);
    for (let i = 0; i < 10; i++) expect((await find(sets, "first", NOW + i)).kind).toBe("key");
    expect(web.asked).toEqual([METADATA, `${ISSUER}/jwks`]);
  });

  it("are fetched again after five minutes, before a new token is believed", async () => {
    const sets = new KeySets(web.fetch, false);
    await find(sets, "first", NOW);
    web.publish(ISSUER, [second.jwk]);
    expect((await find(sets, "first", NOW + 5 * MINUTE - 1)).kind).toBe("key");
    expect((await find(sets, "first", NOW + 5 * MINUTE)).kind).toBe("unknown");
  });

  it("are fetched again for a key id that is new", async () => {
    const sets = new KeySets(web.fetch, false);
    await find(sets, "first", NOW);
    web.publish(ISSUER, [first.jwk, second.jwk]);
    expect((await find(sets, "second", NOW + 10_000)).kind).toBe("key");
  });

  it("are fetched at most once in ten seconds, however many unknown key ids are sent", async () => {
    const sets = new KeySets(web.fetch, false);
    await find(sets, "first", NOW);
    for (let i = 0; i < 1000; i++) expect((await find(sets, `kid-${i}`, NOW + 10_000 + i * 20)).kind).toBe("unknown");
    // 2 for the first set, and two renewals in the 20 s, of two requests each.
    expect(web.asked.length).toBe(6);
  });

  it("are fetched at most four times at once by calls that arrive together, and all calls have them", async () => {
    let release = (): void => undefined;
    web.delay = new Promise((resolve) => (release = resolve));
    const sets = new KeySets(web.fetch, false);
    const calls = Array.from({ length: 200 }, (_, i) => find(sets, "first", NOW + i));
    await Promise.resolve();
    expect(web.asked.length).toBe(4);
    release();
    expect(kinds(await Promise.all(calls))).toEqual(["key"]);
    expect(web.asked.length).toBe(8);
  });

  it("are waited for by all who bring a new key id together, with one fetch", async () => {
    const sets = new KeySets(web.fetch, false);
    await find(sets, "first", NOW);
    web.publish(ISSUER, [first.jwk, second.jwk]);
    const answers = await Promise.all(Array.from({ length: 50 }, () => find(sets, "second", NOW + 10_000)));
    expect(kinds(answers)).toEqual(["key"]);
    expect(web.asked.length).toBe(4);
  });

  it("are fetched again when the request that fetched them was cancelled", async () => {
    web.delay = new Promise(() => undefined);
    const sets = new KeySets(web.fetch, false, async () => undefined);
    for (let i = 0; i < 4; i++) void find(sets, "first", NOW);
    // The fifth waits its time and gives up.
    expect((await find(sets, "first", NOW)).kind).toBe("unavailable");
    web.delay = null;
    expect((await find(sets, "first", NOW + 10_000)).kind).toBe("key");
  });

  it("that were fetched late do not replace those that were asked for later", async () => {
    const sets = new KeySets(web.fetch, false);
    let release = (): void => undefined;
    // The slow fetch has read the old set already when it is held up.
    web.documents.set(`${ISSUER}/jwks`, { keys: [first.jwk] });
    const slowBody = new Promise<void>((resolve) => (release = resolve));
    const quick = web.fetch;
    let calls = 0;
    const slowFirst = new KeySets(async (url, init) => {
      const answer = await quick(url, init);
      if (++calls === 2) await slowBody;
      return answer;
    }, false);
    const early = find(slowFirst, "first", NOW);
    await new Promise((resolve) => setTimeout(resolve, 10));
    web.publish(ISSUER, [second.jwk]);
    expect((await find(slowFirst, "second", NOW + 10_000)).kind).toBe("key");
    release();
    expect((await early).kind).toBe("unknown");
    expect((await find(slowFirst, "second", NOW + 10_001)).kind).toBe("key");
    expect((await find(sets, "second", NOW)).kind).toBe("key");
  });
});

describe("an issuer that cannot be reached", () => {
  it("makes new tokens wait, and is asked again a second later, then at most every ten", async () => {
    web.isDown = true;
    const sets = new KeySets(web.fetch, false);
    expect((await find(sets, "first", NOW)).kind).toBe("unavailable");
    const tries = (): number => web.asked.filter((url) => url === METADATA).length;
    for (let at = 0; at < 30_000; at += 100) await find(sets, "first", NOW + at);
    expect(tries()).toBe(4);
    web.isDown = false;
    expect((await find(sets, "first", NOW + 31_000)).kind).toBe("key");
  });

  it("does not take along what is known: a strange key id is unknown, an old set unavailable", async () => {
    const sets = new KeySets(web.fetch, false);
    await find(sets, "first", NOW);
    web.isDown = true;
    expect((await find(sets, "second", NOW + 10_000)).kind).toBe("unknown");
    expect((await find(sets, "first", NOW + 20_000)).kind).toBe("key");
    expect((await find(sets, "first", NOW + 5 * MINUTE)).kind).toBe("unavailable");
  });
});

describe("an issuer's documents", () => {
  it.each<[string, (documents: Map<string, unknown>) => void]>([
    ["metadata of another issuer", (d) => d.set(METADATA, { issuer: `${ISSUER}/`, jwks_uri: `${ISSUER}/jwks` })],
    ["metadata without a key set", (d) => d.set(METADATA, { issuer: ISSUER })],
    ["metadata that is a list", (d) => d.set(METADATA, [])],
    [
      "a key set over http",
      (d) =>
        d
          .set(METADATA, { issuer: ISSUER, jwks_uri: "http://issuer.example/jwks" })
          .set("http://issuer.example/jwks", { keys: [first.jwk] }),
    ],
    ["a key set that is a file", (d) => d.set(METADATA, { issuer: ISSUER, jwks_uri: "file:///etc/passwd" })],
    [
      "a redirect",
      (d) =>
        d.set(
          `${ISSUER}/jwks`,
          () => new Response(null, { status: 302, headers: { location: "https://attacker.example/jwks" } }),
        ),
    ],
    ["a 500", (d) => d.set(`${ISSUER}/jwks`, () => Response.json({ keys: [first.jwk] }, { status: 500 }))],
    ["a set that is not JSON", (d) => d.set(`${ISSUER}/jwks`, () => new Response("<html>"))],
    ["a set that is not UTF-8", (d) => d.set(`${ISSUER}/jwks`, () => new Response(new Uint8Array([0x7b, 0xff, 0x7d])))],
    ["a set without keys", (d) => d.set(`${ISSUER}/jwks`, {})],
    ["a set of more than 256 KiB", (d) => d.set(`${ISSUER}/jwks`, { keys: [first.jwk], pad: "x".repeat(256 * 1024) })],
  ])("are not believed: %s", async (_, change) => {
    change(web.documents);
    expect((await find(new KeySets(web.fetch, false), "first", NOW)).kind).toBe("unavailable");
    expect(web.asked.filter((url) => !url.startsWith("https://issuer.example/"))).toEqual([]);
  });

  it("are found where RFC 8414 puts them, between host and path", async () => {
    const tenant = `${ISSUER}/tenant/a`;
    web.documents.set(`${ISSUER}/.well-known/oauth-authorization-server/tenant/a`, {
      issuer: tenant,
      jwks_uri: `${ISSUER}/jwks`,
    });
    const sets = new KeySets(web.fetch, false);
    expect((await sets.find(trusted({ issuer: tenant }), "first", "ES256", NOW)).kind).toBe("key");
    expect(web.asked[0]).toBe(`${tenant}/.well-known/openid-configuration`);
  });

  it("are asked for without following redirects and past every cache", async () => {
    const asked: RequestInit[] = [];
    await find(new KeySets((url, init) => (asked.push(init), web.fetch(url, init)), false), "first", NOW);
    expect(asked.map(({ redirect, cache, signal }) => [redirect, cache, signal instanceof AbortSignal])).toEqual([
      ["manual", "no-store", true],
      ["manual", "no-store", true],
    ]);
  });
});

describe("a key", () => {
  const usable = async (jwk: Readonly<Record<string, unknown>>): Promise<string[]> =>
    ((await parseKeySet({ keys: [jwk] })) ?? []).map((key) => key.algorithm);

  it("serves the algorithms of its own type and no others", async () => {
    const without = async (alg: string): Promise<JWK> => {
      const { alg: _, ...jwk } = (await makeKey(alg, "x")).jwk;
      return jwk;
    };
    expect(await usable({ ...(await without("RS256")) })).toEqual(["RS256", "PS256"]);
    expect(await usable({ ...(await without("ES256")) })).toEqual(["ES256"]);
    expect(await usable({ ...(await without("EdDSA")) })).toEqual(["EdDSA"]);
    expect(await usable({ ...(await without("ES384")) })).toEqual([]);
  });

  it.each([
    ["for encryption", { use: "enc" }],
    ["for other operations", { key_ops: ["encrypt"] }],
    ["with operations that are no list", { key_ops: "verify" }],
    ["private", { d: "AAAA" }],
    ["shared", { k: "AAAA" }],
    ["with an algorithm of another type", { alg: "RS256" }],
    ["with an algorithm that is a shared secret's", { alg: "HS256" }],
    ["with a name that is no text", { kid: 7 }],
    ["of an unknown type", { kty: "AKP" }],
  ])("is left out: %s", async (_, more) => {
    expect(await usable({ ...first.jwk, ...more })).toEqual([]);
    // And does not take the others along.
    expect((await parseKeySet({ keys: [null, 7, { ...first.jwk, ...more }, second.jwk] }))?.length).toBe(1);
  });

  // Deno takes such a key in and finds out when it verifies; the others refuse it at once.
  it("off its curve verifies nothing", async () => {
    web.publish(ISSUER, [{ ...first.jwk, x: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }]);
    const token = await sign(header(first), claims(), first);
    const sets = new KeySets(web.fetch, false);
    const by = { issuers: [trusted()], keySets: sets, verified: new VerifiedTokens() };
    expect(await outcome(token, by)).toMatch(/^(signature_invalid|key_unknown)$/);
  });

  it("of RSA with fewer than 2048 bits is left out, leading zeros notwithstanding", async () => {
    const algorithm = {
      name: "RSASSA-PKCS1-v1_5",
      modulusLength: 1024,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-256",
    };
    const pair = (await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as CryptoKeyPair;
    const { n, e } = (await crypto.subtle.exportKey("jwk", pair.publicKey)) as JsonWebKey;
    expect(await usable({ kty: "RSA", n, e })).toEqual([]);
    expect(await usable({ kty: "RSA", n: "A".repeat(172) + (n ?? ""), e })).toEqual([]);
  });

  it("is chosen without a name only if there is no other of its kind", async () => {
    const sets = new KeySets(web.fetch, false);
    expect((await sets.find(trusted(), null, "ES256", NOW)).kind).toBe("key");
    web.publish(ISSUER, [first.jwk, second.jwk]);
    expect((await sets.find(trusted(), null, "ES256", NOW + 5 * MINUTE)).kind).toBe("unknown");
  });

  it("whose name stands twice in a set is not chosen", async () => {
    web.publish(ISSUER, [first.jwk, { ...second.jwk, kid: "first" }]);
    expect((await find(new KeySets(web.fetch, false), "first", NOW)).kind).toBe("unknown");
  });
});

describe("a token that was verified", () => {
  const verified = async (): Promise<{
    header: string;
    by: { issuers: ReturnType<typeof trusted>[]; keySets: KeySets; verified: VerifiedTokens };
  }> => {
    const by = { issuers: [trusted()], keySets: new KeySets(web.fetch, false), verified: new VerifiedTokens() };
    const token = await sign(header(first), claims({ exp: NOW / 1000 + 3600 }), first);
    expect(await outcome(token, by)).toBe("ok");
    return { header: `Bearer ${token}`, by };
  };

  it("is known as long as its key is", async () => {
    const { header: known, by } = await verified();
    expect(authenticateFromCache(known, by, NO_REVOCATIONS, NOW + 1)?.ok).toBe(true);
    web.publish(ISSUER, [second.jwk]);
    await by.keySets.renew(trusted(), NOW + 2);
    expect(authenticateFromCache(known, by, NO_REVOCATIONS, NOW + 3)).toBe(null);
    // And is not found again when the key comes back by mistake of a cache on the way.
    expect(by.verified.get(known, NOW + 3)).toBe(null);
  });

  it("ends when its key's name is given to another key", async () => {
    const { header: known, by } = await verified();
    web.publish(ISSUER, [{ ...second.jwk, kid: "first" }]);
    await by.keySets.renew(trusted(), NOW + 2);
    expect(authenticateFromCache(known, by, NO_REVOCATIONS, NOW + 3)).toBe(null);
  });

  it("runs to its end while the issuer cannot be reached", async () => {
    const { header: known, by } = await verified();
    web.isDown = true;
    expect(by.keySets.renewalDue(ISSUER, NOW + 30 * MINUTE)).toBe("before");
    await by.keySets.renew(trusted(), NOW + 30 * MINUTE);
    expect(authenticateFromCache(known, by, NO_REVOCATIONS, NOW + 30 * MINUTE)?.ok).toBe(true);
    expect(authenticateFromCache(known, by, NO_REVOCATIONS, NOW + 60 * MINUTE)).toBe(null);
  });

  it("asks for a renewal beside its use after five minutes, before it after ten, and not again while that is tried", async () => {
    const { by } = await verified();
    expect(by.keySets.renewalDue(ISSUER, NOW + 5 * MINUTE - 1)).toBe("no");
    expect(by.keySets.renewalDue(ISSUER, NOW + 5 * MINUTE)).toBe("beside");
    expect(by.keySets.renewalDue(ISSUER, NOW + 10 * MINUTE)).toBe("before");
    web.isDown = true;
    await by.keySets.renew(trusted(), NOW + 10 * MINUTE);
    expect(by.keySets.renewalDue(ISSUER, NOW + 10 * MINUTE + 9_999)).toBe("no");
    expect(by.keySets.renewalDue(ISSUER, NOW + 10 * MINUTE + 10_000)).toBe("before");
    expect(by.keySets.renewalDue("https://unknown.example", NOW)).toBe("no");
  });

  it("is refused at once when it is revoked", async () => {
    const { header: known, by } = await verified();
    const command = "01935b6e-8c00-7000-8000-0123456789ab" as CommandId;
    const revocations = { ...NO_REVOCATIONS, tokens: [{ id: "token-1", command }] };
    const revoked = authenticateFromCache(known, by, revocations, NOW + 1);
    expect(revoked).toEqual({ ok: false, reason: "revoked" });
  });
});
