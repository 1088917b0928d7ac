// Ending a session by the API: who may, what it does to its caller, and what is on record.

import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { eventually, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import type { Person } from "../support/issuer.ts";

let upstream: EchoUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startEchoUpstream();
  gateway = await startGateway({ policy: testPolicy({ tool: upstream.url, other: upstream.url }) });
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
});

function engineer(subject: string, claims: Record<string, unknown> = {}): Person {
  return { subject, groups: ["engineers"], claims };
}

async function session(token: string, connection = "tool"): Promise<string> {
  expect(await call(token, connection)).toBe(200);
  const answer = await fetch(`${gateway.url}/api/v1/sessions?connection=${connection}&state=open`, bearer(token));
  return ((await answer.json()) as { items: { sid: string }[] }).items[0]?.sid ?? "";
}

function bearer(token: string): RequestInit {
  return { headers: { authorization: `Bearer ${token}` } };
}

async function call(token: string, connection = "tool"): Promise<number> {
  const answer = await fetch(`${gateway.url}/c/${connection}/x`, bearer(token));
  await answer.arrayBuffer();
  return answer.status;
}

function kill(person: string | Person, sid: string, reason = "a test"): Promise<Response> {
  return gateway.fetch(person, `/api/v1/sessions/${sid}/kill`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ reason }),
  });
}

test("an admin ends anybody's: its tokens are refused there and nowhere else, until a new login", async () => {
  const person = engineer("eva");
  const token = await gateway.token(person);
  const sid = await session(token);
  const answer = await kill("dan", sid, "left the company");
  expect(answer.status).toBe(202);
  const { command, ...told } = (await answer.json()) as Record<string, unknown>;
  expect(told).toEqual({ sid, state: "killed" });
  expect(
    await eventually(
      () => call(token),
      (status) => status === 403,
    ),
  ).toBe(403);
  expect(await call(token, "other")).toBe(200);
  const renewed = async (): Promise<number> => call(await gateway.issuer.token(person));
  expect(await eventually(renewed, (status) => status === 200)).toBe(200);
  const summary = await gateway.fetch("carol", `/api/v1/sessions/${sid}`);
  expect(((await summary.json()) as { closed: number | null }).closed).not.toBeNull();
  const listed = async () =>
    ((await (await gateway.fetch("carol", "/api/v1/sessions?subject=eva&state=closed")).json()) as { items: unknown[] })
      .items;
  expect(await eventually(listed, (items) => items.length === 1)).toMatchObject([{ sid, reason: "killed" }]);
  const requested = (await gateway.records("dan", "console")).find(
    (one) => one.command === command && one.kind === "command.requested",
  );
  expect(requested?.classes).toMatchObject({ rule: "console-session-kill" });
  expect(requested?.fields.change).toBe('{"reason":"left the company"}');
});

test("what is secret in a reason is on no record and in no list", async () => {
  const secret = randomBytes(12).toString("hex");
  const reason = `found password=${secret} in a chat`;
  const masked = "found password=[masked:password] in a chat";
  const person = engineer("pia");
  const sid = await session(await gateway.token(person));
  expect((await kill("dan", sid, reason)).status).toBe(202);
  const revoked = await gateway.fetch("dan", "/api/v1/revocations", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token: "an-id", reason }),
  });
  expect(revoked.status).toBe(201);
  const listed = await (await gateway.fetch("carol", "/api/v1/revocations")).text();
  expect(listed).toContain(masked);
  const records = async () => [
    ...(await gateway.records("dan", "console")),
    ...(await gateway.records(person, "tool")),
  ];
  const all = await eventually(records, (some) => some.some((one) => one.sid === sid && one.kind === "session.closed"));
  const changes = all.map(({ fields }) => fields.change ?? "").filter((change) => change.includes(masked));
  expect(changes.map((change) => Object.keys(JSON.parse(change) as object))).toEqual([["reason"], ["reason", "token"]]);
  expect(JSON.stringify(all) + listed).not.toContain(secret);
});

test("the same person through an agent is another caller, and goes on", async () => {
  const person = engineer("fay");
  const [direct, agent] = [
    await gateway.token(person),
    await gateway.token(engineer("fay", { act: { sub: "agent", iss: gateway.issuer.url } })),
  ];
  const sid = await session(direct);
  expect(await call(agent)).toBe(200);
  expect((await kill("dan", sid)).status).toBe(202);
  expect(
    await eventually(
      () => call(direct),
      (status) => status === 403,
    ),
  ).toBe(403);
  expect(await call(agent)).toBe(200);
});

test("everybody ends their own; an auditor no other's, and others hear of none", async () => {
  const person = engineer("gil");
  const sid = await session(await gateway.token(person));
  expect((await kill("carol", sid)).status).toBe(403);
  expect((await kill("mallory", sid)).status).toBe(404);
  expect(await (await kill(person, sid)).json()).toMatchObject({ state: "killed" });
});

test("one that has ended already is told to have, and its caller is not held up", async () => {
  const person = engineer("hal");
  const sid = await session(await gateway.token(person));
  expect((await kill("dan", sid)).status).toBe(202);
  const closed = async () => (await (await kill("dan", sid)).json()) as { state: string };
  expect(await eventually(closed, ({ state }) => state === "closed")).toMatchObject({ sid, state: "closed" });
  expect(
    await eventually(
      async () => call(await gateway.issuer.token(person)),
      (status) => status === 200,
    ),
  ).toBe(200);
  expect((await kill("dan", sid)).status).toBe(202);
  // A kill of what is closed counts for no later token.
  expect(await call(await gateway.issuer.token(person))).toBe(200);
});
