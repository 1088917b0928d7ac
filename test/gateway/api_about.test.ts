// What the API says of the gateway and of what its caller can reach.

import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";

let gateway: TestGateway;

interface Connection {
  readonly name: string;
  readonly labels: readonly string[];
  readonly url: string;
  readonly upstream?: string;
}

beforeAll(async () => {
  const file = testPolicy({
    tool: { upstream: "http://127.0.0.1:1/base", labels: ["npm"] },
    closed: "http://127.0.0.1:2",
  }) as { rules: Record<string, unknown>[] };
  const rules = file.rules.map((rule) => ({ ...rule, connections: ["tool"] }));
  gateway = await startGateway({ policy: { ...file, rules } });
});
afterAll(() => gateway?.stop());

async function connections(person: string): Promise<readonly Connection[]> {
  const answer = await gateway.fetch(person, "/api/v1/connections");
  expect(answer.status).toBe(200);
  const { items, next } = (await answer.json()) as { items: Connection[]; next: null };
  expect(next).toBeNull();
  return items;
}

test("everybody is shown the connections that a rule could let them use, and where to call them", async () => {
  expect(await connections("alice")).toEqual([
    { name: "tool", protocol: "http", region: "local", labels: ["npm"], url: `${gateway.url}/c/tool` },
  ]);
  expect(await connections("mallory")).toEqual([]);
});

test("auditors and admins are shown all of them, and admins what is behind", async () => {
  expect((await connections("carol")).map(({ name, upstream }) => [name, upstream])).toEqual([
    ["tool", undefined],
    ["closed", undefined],
  ]);
  expect((await connections("dan")).map(({ name, upstream }) => [name, upstream])).toEqual([
    ["tool", "http://127.0.0.1:1/base"],
    ["closed", "http://127.0.0.1:2"],
  ]);
});

test("one person's connections are another tag than another's, and not sent again to who has them", async () => {
  const tagOf = async (person: string): Promise<string> =>
    (await gateway.fetch(person, "/api/v1/connections")).headers.get("etag") ?? "";
  const etag = await tagOf("alice");
  expect(await tagOf("carol")).not.toBe(etag);
  const again = await gateway.fetch("alice", "/api/v1/connections", { headers: { "if-none-match": etag } });
  expect([again.status, await again.text(), again.headers.get("cache-control")]).toEqual([
    304,
    "",
    "private, no-cache",
  ]);
});

test("health has the region, the policy in force, and what can be reached", async () => {
  const health = (await (await gateway.fetch("mallory", "/api/v1/health")).json()) as Record<string, unknown>;
  const policy = await gateway.fetch("dan", "/api/v1/policy");
  const hash = policy.headers.get("etag")?.slice(1, -1);
  await policy.arrayBuffer();
  expect(health).toMatchObject({
    region: "local",
    control: "ok",
    search: "ok",
    history_lag: expect.any(Number),
    policy: { hash, no: 1, state: "in_force" },
  });
  expect((health.policy as { age_ms: number }).age_ms).toBeGreaterThanOrEqual(0);
});
