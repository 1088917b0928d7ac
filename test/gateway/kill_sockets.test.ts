// A socket is cut at once, wherever it is held: by an admin, by its token's end, by a policy that would
// not have allowed it. Both sides hear why, and the record says by whom.

import { afterAll, beforeAll, expect, test } from "vitest";
import { applyPolicy } from "../../local/apply_policy.ts";
import {
  eventually,
  readExport,
  type ReadRecord,
  startGateway,
  testPolicy,
  type TestGateway,
} from "../support/gateway.ts";
import { openBoth, SocketTool } from "../support/sockets.ts";

let tool: SocketTool;
let gateway: TestGateway;

type Parts = Readonly<Record<string, unknown>>;

function policy(rules: readonly Parts[] = []): Parts {
  const base = testPolicy({ chat: { protocol: "websocket", upstream: tool.url } }) as { rules: unknown[] };
  return { ...base, rules: [...rules, ...base.rules] };
}

beforeAll(async () => {
  tool = await SocketTool.start();
  gateway = await startGateway({
    policy: policy(),
    people: Object.fromEntries(
      ["ann", "ben", "cat", "dov"].map((name) => [name, { subject: name, groups: ["engineers", name] }]),
    ),
  });
});
afterAll(async () => {
  await gateway?.stop();
  await tool?.stop();
});

/** As an auditor reads it: the person's own token may have been revoked. */
async function cancelled(person: string): Promise<ReadRecord | undefined> {
  const read = async (): Promise<ReadRecord | undefined> => {
    const list = await gateway.fetch("carol", "/api/v1/sessions?limit=100");
    const { items } = (await list.json()) as {
      items: { sid: string; connection: string; owner: { subject: string } }[];
    };
    const own = items.find(({ owner, connection }) => owner.subject === person && connection === "chat");
    const records = await gateway.fetch("carol", `/api/v1/sessions/${own?.sid ?? ""}/records`);
    return readExport(await records.text()).find(({ kind }) => kind === "command.cancelled");
  };
  return eventually(read, (found) => found !== undefined);
}

async function post(path: string, body: unknown): Promise<Record<string, unknown>> {
  const answer = await gateway.fetch("dan", path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as Record<string, unknown>;
}

/** Both sides hear it, others' sockets go on. */
async function cut(person: string, reason: string, text: string, act: () => Promise<string | null>): Promise<void> {
  const mine = await openBoth(gateway, tool, person, `/c/chat/${person}`);
  const others = await openBoth(gateway, tool, "alice", `/c/chat/beside-${person}`);
  mine.client.send("one");
  expect(await mine.server.next()).toBe("one");
  const by = await act();
  const closed = { code: 1008, reason: text };
  expect(await mine.server.closed).toEqual(closed);
  expect(await mine.client.closed).toEqual(closed);
  others.client.send("still here");
  expect(await others.server.next()).toBe("still here");
  others.client.socket.close();
  const record = await cancelled(person);
  expect(record?.classes).toMatchObject({ reason, close: 1008, closed_by: "gateway", req_messages: 1, req_bytes: 3 });
  expect(record?.fields.by ?? null).toBe(by);
}

test("an admin who ends the session cuts its socket, and is named", () =>
  cut("ann", "killed", "an admin ended this session", async () => {
    const sessions = await gateway.fetch("ann", "/api/v1/sessions?connection=chat&state=open");
    const [line] = ((await sessions.json()) as { items: { sid: string }[] }).items;
    return String((await post(`/api/v1/sessions/${line?.sid ?? ""}/kill`, { reason: "a test" })).command);
  }));

test("a revoked token's socket is cut, and the revocation is named", () =>
  cut("ben", "token_revoked", "the access token was revoked", async () => {
    const told = await post("/api/v1/revocations", {
      issuer: gateway.issuer.url,
      subject: "ben",
      reason: "lost laptop",
    });
    return String(told.command);
  }));

test("a policy that would not have let the socket open cuts it, and its application is named", () =>
  cut("cat", "policy_changed", "the policy allows this no more", async () => {
    const denied = { id: "no-cat", effect: "deny", who: { groups: ["cat"] }, connections: ["*"], methods: ["GET"] };
    const text = JSON.stringify(policy([{ ...denied, routes: ["/**"] }]));
    await applyPolicy({ gateway: gateway.url, token: await gateway.token("dan") }, text);
    const answer = await gateway.fetch("dan", "/api/v1/policies?limit=1");
    return ((await answer.json()) as { items: { command: string }[] }).items[0]?.command ?? null;
  }));

test("a policy that comes into force decides the next message of a socket that is open", async () => {
  const { client, server } = await openBoth(gateway, tool, "alice", "/c/chat/talk");
  client.send("allowed");
  expect(await server.next()).toBe("allowed");
  const denied = { id: "no-talk", effect: "deny", who: "anyone", connections: ["chat"], methods: ["SEND"] };
  const text = JSON.stringify(policy([{ ...denied, routes: ["/talk"], refused: "close" }]));
  await applyPolicy({ gateway: gateway.url, token: await gateway.token("dan") }, text);
  await eventually(
    async () => {
      client.send("again");
      return client.socket.readyState;
    },
    (state) => state === client.socket.CLOSED,
  );
  expect((await client.closed).code).toBe(1008);
  const records = await gateway.records("alice", "chat");
  expect(records.find(({ kind }) => kind === "command.denied")?.classes).toMatchObject({
    rule: "no-talk",
    verb: "send",
  });
});

test("a token's end ends the socket that was opened with it", async () => {
  const token = await gateway.token({ subject: "eve", groups: ["engineers"] }, 3);
  const headers = { authorization: `Bearer ${token}` };
  const { client, server } = await openBoth(gateway, tool, "dov", "/c/chat/short", [], { headers });
  const closed = { code: 1008, reason: "the access token has expired" };
  expect(await server.closed).toEqual(closed);
  expect(await client.closed).toEqual(closed);
});
