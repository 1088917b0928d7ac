// The keys of real providers over time, through the running gateway: rotation, removal, floods of key
// ids that nobody has, providers that are down, and tokens that are taken back.

import { setTimeout as pause } from "node:timers/promises";
import { decodeProtectedHeader, decodeJwt } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { login } from "../../local/login.ts";
import { makeKey, sign, type SigningKey } from "../core/auth/sample_issuer.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { HeldProvider, newPrivateKey, RESOURCE } from "../support/forger.ts";
import { eventually, freePort, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { perimeterRecords } from "../support/perimeter.ts";

/** An unknown key id makes the gateway fetch again, once in ten seconds: core/auth/key_sets.ts. Twice that, for a busy machine. */
const COOLED_MS = 20_000;

let rotating: HeldProvider;
let flooded: HeldProvider;
let absent: HeldProvider;
let upstream: EchoUpstream;
let gateway: TestGateway;
let attacker: SigningKey;

beforeAll(async () => {
  [rotating, flooded, absent] = [
    new HeldProvider(await freePort()),
    new HeldProvider(await freePort()),
    new HeldProvider(await freePort()),
  ];
  await rotating.start();
  await flooded.start();
  attacker = await makeKey("ES256", "attacker");
  upstream = await startEchoUpstream();
  gateway = await startGateway({
    policy: testPolicy({ tool: upstream.url }),
    issuers: [rotating.trusted, flooded.trusted, absent.trusted],
  });
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
  for (const one of [rotating, flooded, absent]) await one?.remove();
});

/** By name, so that the perimeter's bounds for one network spare the calls of the others. */
const networks = new Map<string, string>();

async function call(token: string, name = "x"): Promise<number> {
  const address = networks.get(name) ?? `10.${networks.size}.0.1`;
  networks.set(name, address);
  const headers = { authorization: `Bearer ${token}`, "cf-connecting-ip": address };
  const answer = await fetch(`${gateway.url}/c/tool/${name}`, { headers });
  await answer.arrayBuffer();
  return answer.status;
}

async function reasonOf(name: string): Promise<unknown> {
  const find = async () => (await perimeterRecords(gateway)).find((one) => one.fields.target === `GET /${name}`);
  return (await eventually(find, (one) => one !== undefined))?.classes;
}

const keySetFetches = (provider: HeldProvider): number => provider.asked.filter((path) => path === "/jwks").length;

const strange = (provider: HeldProvider, kid: string): Promise<string> =>
  sign({ alg: "ES256", typ: "at+jwt", kid }, provider.claims(), attacker);

const kidOf = (token: string): string | undefined => decodeProtectedHeader(token).kid;

test("a key that a provider brings in is accepted without a restart, and one that it removes ends its tokens", async () => {
  const [rsa, old] = rotating.keys;
  if (rsa === undefined || old === undefined) throw new Error("a provider has two keys");
  const before = await login(rotating.issuer, "alice", RESOURCE);
  expect(kidOf(before)).toBe(old.kid);
  expect(await call(before)).toBe(200);

  await rotating.stop();
  rotating.keys = [newPrivateKey("next"), old, rsa];
  await rotating.start();
  const after = await login(rotating.issuer, "alice", RESOURCE);
  expect(kidOf(after)).toBe("next");
  expect(
    await eventually(
      () => call(after),
      (status) => status === 200,
      COOLED_MS,
    ),
  ).toBe(200);
  // Both are good as long as both are published.
  expect(await call(before)).toBe(200);

  await rotating.stop();
  rotating.keys = rotating.keys.filter((one) => one.kid !== old.kid);
  await rotating.start();
  // Any key id that is not known makes the gateway look; with it goes the key that is no longer there.
  const last = await eventually(
    async () => {
      await call(await strange(rotating, "anything"), "strange");
      return call(before, "removed");
    },
    (status) => status === 401,
    COOLED_MS,
  );
  expect(last).toBe(401);
  expect(await reasonOf("removed")).toMatchObject({ reason: "key_unknown", status: 401 });
  expect(await call(after)).toBe(200);
});

test("2,000 key ids that nobody has make a provider's keys be fetched a few times, and do not disturb who is known", async () => {
  const known = await login(flooded.issuer, "alice", RESOURCE);
  expect(await call(known)).toBe(200);
  const fetched = keySetFetches(flooded);
  expect(fetched).toBe(1);
  const ids = Array.from({ length: 2000 }, (_, i) => `kid-${i}`);
  const statuses = new Map<number, number>();
  const count = (status: number): void => void statuses.set(status, (statuses.get(status) ?? 0) + 1);
  const work = async (): Promise<void> => {
    for (let kid = ids.pop(); kid !== undefined; kid = ids.pop()) {
      count(await call(await strange(flooded, kid), "flood"));
      if (ids.length % 100 === 0) expect(await call(known)).toBe(200);
    }
  };
  await Promise.all(Array.from({ length: 16 }, work));
  expect([...statuses]).toEqual([[401, 2000]]);
  // One in ten seconds, and these 2,000 take far less than ten times that.
  expect(keySetFetches(flooded) - fetched).toBeLessThan(10);
  expect(await reasonOf("flood")).toMatchObject({ reason: "key_unknown", status: 401 });
  // The perimeter keeps some in full and counts the rest: a flood of calls is no flood of records.
  const kept = (await perimeterRecords(gateway)).filter((one) => one.fields.target === "GET /flood");
  expect(kept.length).toBeGreaterThan(0);
  expect(kept.length).toBeLessThan(200);
});

test("while a provider is down its verified tokens go on, and its known keys verify new ones; what only it could tell is refused", async () => {
  const token = await login(flooded.issuer, "alice", RESOURCE);
  expect(await call(token)).toBe(200);
  await flooded.stop();
  expect(await call(token)).toBe(200);
  expect(await call(await flooded.token())).toBe(200);
  expect(await call(await strange(flooded, "not-seen"), "down")).toBe(401);
  expect(await reasonOf("down")).toMatchObject({ reason: "key_unknown", status: 401 });
});

test("a provider that never answered makes its callers wait with 503 and not 401, until it is there", async () => {
  const token = await absent.token();
  const answer = await fetch(`${gateway.url}/c/tool/absent`, { headers: { authorization: `Bearer ${token}` } });
  expect(answer.status).toBe(503);
  expect(answer.headers.get("retry-after")).toBe("10");
  expect(answer.headers.get("www-authenticate")).toBe(null);
  const text = await answer.text();
  expect(JSON.parse(text)).toMatchObject({ reason: "issuer_unavailable" });
  expect(text).not.toContain(absent.issuer);
  expect(await reasonOf("absent")).toMatchObject({ reason: "issuer_unavailable", status: 503 });
  await absent.start();
  expect(
    await eventually(
      () => call(token),
      (status) => status === 200,
      COOLED_MS,
    ),
  ).toBe(200);
  expect(await call(await login(absent.issuer, "alice", RESOURCE))).toBe(200);
});

test("a revocation through the console ends a token that is in use, by its id and within a second", async () => {
  const [lost, kept] = [await login(rotating.issuer, "bob", RESOURCE), await login(rotating.issuer, "bob", RESOURCE)];
  expect([await call(lost), await call(kept)]).toEqual([200, 200]);
  const answer = await gateway.fetch("dan", "/api/v1/revocations", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token: decodeJwt(lost).jti, reason: "the laptop was stolen" }),
  });
  expect(answer.status).toBe(201);
  await pause(1_000);
  expect(await call(lost, "revoked")).toBe(401);
  expect(await reasonOf("revoked")).toMatchObject({ reason: "revoked", status: 401 });
  expect(await call(kept)).toBe(200);
});
