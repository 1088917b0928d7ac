// The second half of README.md's promise, end to end: a call whose record cannot be made does not
// happen. Storage is spoilt on the disk between two runs of the gateway.

import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { AUDIENCE, startIssuer, type TestIssuer } from "../support/issuer.ts";

let state: string;
let upstream: EchoUpstream;
let issuer: TestIssuer;
let gateway: TestGateway | undefined;
const key = randomBytes(32).toString("base64");

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), "sallyport promise "));
  upstream = await startEchoUpstream();
  issuer = await startIssuer();
});
afterAll(async () => {
  await gateway?.stop();
  await issuer?.stop();
  await upstream?.stop();
  rmSync(state, { recursive: true, force: true });
});

/** The same people, names of objects and storage at each start. */
function start(policy: unknown = null): Promise<TestGateway> {
  return startGateway({
    policy,
    issuers: [{ issuer: issuer.url, audiences: [AUDIENCE] }],
    bindings: { PSEUDONYM_KEY: key },
    state,
  });
}

async function call(subject: string, path = `/c/tool/${subject}`, init: RequestInit = {}): Promise<Response> {
  const token = await issuer.token({ subject, groups: ["engineers"] });
  return fetch(`${gateway?.url ?? ""}${path}`, { ...init, headers: { authorization: `Bearer ${token}` } });
}

async function expectRefused(subject: string): Promise<void> {
  const before = upstream.received.length;
  const answer = await call(subject, `/c/tool/${subject}`, { method: "POST", body: "do it" });
  expect(answer.status).toBe(503);
  expect(answer.headers.get("retry-after")).not.toBeNull();
  expect(await answer.json()).toMatchObject({ reason: "not_recordable" });
  expect(upstream.received.length).toBe(before);
}

/** Overwrites what an object keeps on the disk, so that nothing can be read from it or written to it. */
function spoil(className: string): number {
  const folder = join(state, "storage", "do", `sallyport-${className}`);
  const files = readdirSync(folder).filter((name) => /^[0-9a-f]{64}\.sqlite/.test(name));
  for (const name of files) writeFileSync(join(folder, name), randomBytes(statSync(join(folder, name)).size || 4096));
  return files.length;
}

test("a call that cannot be recorded is answered 503, and the upstream never hears of it; others go on", async () => {
  // Kept from here on: it could not be applied over spoilt storage.
  gateway = await start(testPolicy({ tool: upstream.url }));
  expect((await call("eve")).status).toBe(200);
  await gateway.stop();
  expect(spoil("SessionObject")).toBeGreaterThan(0);
  gateway = await start();
  await expectRefused("eve");
  expect((await call("frank")).status).toBe(200);
  expect(upstream.last().url).toBe("/frank");
  await gateway.stop();
});

test("a session that the registry cannot be told of does not begin", async () => {
  gateway = await start();
  // Lists come from all shards, so that each has something on the disk.
  expect((await call("grace", "/api/v1/sessions")).status).toBe(200);
  await gateway.stop();
  expect(spoil("RegistryObject")).toBeGreaterThanOrEqual(16);
  gateway = await start();
  await expectRefused("heidi");
});
