// How often one person may call the API, by the platform's own counter.

import { afterAll, beforeAll, expect, test } from "vitest";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";

const CALLS = 5;

let upstream: EchoUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startEchoUpstream();
  gateway = await startGateway({
    policy: testPolicy({ tool: upstream.url }),
    apiLimit: { calls: CALLS, seconds: 60 },
    bindings: { API_RATE: `${CALLS}/60` },
  });
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
});

/** Calls until one is refused: the platform counts by the minute, and a minute may end meanwhile. */
async function exhaust(person: string): Promise<Response> {
  for (let call = 0; call < 3 * CALLS; call++) {
    const answer = await gateway.fetch(person, "/api/v1/whoami");
    if (answer.status !== 200) return answer;
    await answer.arrayBuffer();
  }
  throw new Error("nobody is limited");
}

test("who calls too often is told so and when to come again, and the refusal is a record", async () => {
  const refused = await exhaust("mallory");
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toBe("60");
  expect(refused.headers.get("ratelimit-policy")).toBe(`"api";q=${CALLS};w=60`);
  expect(refused.headers.get("ratelimit")).toBe('"api";r=0;t=60');
  const { reason, record } = (await refused.json()) as { reason: string; record: string };
  expect(reason).toBe("rate_limited");
  const [sid] = record.split("/");
  const text = await (await gateway.fetch("carol", `/api/v1/sessions/${sid}/records`)).text();
  expect(text).toContain('\\"reason\\":\\"rate_limited\\",\\"status\\":429');
});

test("others, another token of theirs aside, and tool traffic are not held up", async () => {
  const another = await gateway.issuer.token({ subject: "alice", groups: ["engineers"] });
  const headers = { authorization: `Bearer ${another}` };
  const heard: number[] = [];
  // The minute may end between the two: not three times in a row.
  for (let tries = 0; tries < 3; tries++) {
    expect((await exhaust("alice")).status).toBe(429);
    heard.push((await fetch(`${gateway.url}/api/v1/whoami`, { headers })).status);
  }
  expect(heard).toContain(429);
  expect((await gateway.fetch("alice", "/c/tool/x")).status).toBe(200);
  expect((await gateway.fetch("bob", "/api/v1/whoami")).status).toBe(200);
  expect((await fetch(`${gateway.url}/api/v1/openapi.json`)).status).toBe(200);
});
