// Over WebSockets, against the real bundle: messages that wait for an approval, each way, and sockets whose
// opening people have to approve.

import { afterAll, beforeAll, expect, test } from "vitest";
import { verifyExport } from "../../core/verify/verify_session.ts";
import { applyPolicy } from "../../local/apply_policy.ts";
import { act, decide, nextFor } from "../support/approving.ts";
import { eventually, type ReadRecord, startGateway, type TestGateway } from "../support/gateway.ts";
import {
  messagesOf,
  openBoth,
  openSocket,
  payloadOf,
  refusedSocket,
  type SocketEnd,
  SocketTool,
} from "../support/sockets.ts";

let tool: SocketTool;
let gateway: TestGateway;

type Parts = Readonly<Record<string, unknown>>;

const PEOPLE = ["ann", "ben", "cat", "dov", "eve", "fay", "gus", "hal"];
const APPROVE = { by: [{ groups: ["leads"] }] };
const DEPLOYS = 'command.message.type == "text" && has(command.json) && has(command.json.deploy)';

function policy(more: readonly Parts[] = []): Parts {
  const rule = (id: string, effect: string, methods: readonly string[], route: string, parts: Parts = {}): Parts => ({
    ...{ id, effect, who: { groups: ["engineers"] }, connections: ["chat"], methods, routes: [route] },
    ...parts,
  });
  const asks = { approve: APPROVE, when: DEPLOYS };
  return {
    version: 1,
    roles: {},
    connections: { chat: { protocol: "websocket", upstream: tool.url, region: "local", silence_seconds: 2 } },
    rules: [
      rule("opens", "allow", ["GET"], "/room/**"),
      rule("talks", "allow", ["SEND", "RECEIVE"], "/**"),
      rule("asks", "needs-approval", ["SEND", "RECEIVE"], "/room/**", asks),
      rule("asks-or-closes", "needs-approval", ["SEND"], "/room/strict", { ...asks, priority: 1, refused: "close" }),
      rule("opens-for-some", "needs-approval", ["GET"], "/guarded", { approve: { ...APPROVE, wait_seconds: 60 } }),
      rule("opens-later", "needs-approval", ["GET"], "/later", { approve: APPROVE }),
      ...more,
    ],
  };
}

beforeAll(async () => {
  tool = await SocketTool.start();
  gateway = await startGateway({
    policy: policy(),
    people: {
      ...Object.fromEntries(PEOPLE.map((name) => [name, { subject: name, groups: ["engineers"] }])),
      lee: { subject: "lee", groups: ["leads"] },
    },
  });
});
afterAll(async () => {
  await gateway?.stop();
  await tool?.stop();
});

/** Whole once the socket is closed. */
async function records(person: string): Promise<ReadRecord[]> {
  return eventually(
    () => gateway.records(person, "chat"),
    (found) => found.some(({ classes }) => classes.closed_by !== undefined),
  );
}

function kindsOf(found: readonly ReadRecord[], command: string): string[] {
  return found.filter((one) => one.command === command).map(({ kind }) => kind);
}

async function close(client: SocketEnd, server: SocketEnd): Promise<void> {
  client.socket.close(1000);
  await server.closed;
}

/** The next that waits for the lead. */
const asked: string[] = [];
async function next(): Promise<string> {
  const id = await nextFor(gateway, "lee", asked);
  asked.push(id);
  return id;
}

async function waits(path: string): Promise<string> {
  const id = await next();
  const detail = (await (await gateway.fetch("lee", `/api/v1/approvals/${id}`)).json()) as Parts;
  expect(detail).toMatchObject({ state: "pending", target: path, connection: "chat" });
  return id;
}

test("a message waits in its order while the other direction goes on, and goes on once it is approved", async () => {
  const { client, server } = await openBoth(gateway, tool, "ann", "/c/chat/room/a?x=1");
  client.send("before");
  client.send('{"deploy":1,"password":"correct horse"}');
  client.send("after");
  server.send("meanwhile");
  expect(await client.next()).toBe("meanwhile");
  expect(await server.next()).toBe("before");
  const id = await waits("/room/a?x=1");
  const detail = (await (await gateway.fetch("lee", `/api/v1/approvals/${id}`)).json()) as {
    method: string;
    body: { base64: string };
  };
  expect(detail.method).toBe("SEND");
  expect(Buffer.from(detail.body.base64, "base64").toString()).toBe('{"deploy":1,"password":"[masked:password]"}');
  // Longer than the connection lets a socket be silent: whoever waits for people is not.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect(server.heard).toEqual(["before"]);
  expect((await decide(gateway, "lee", id)).status).toBe(200);
  expect([await server.next(), await server.next()]).toEqual(['{"deploy":1,"password":"correct horse"}', "after"]);
  await close(client, server);
  const found = await records("ann");
  expect(kindsOf(found, id)).toEqual(["approval.requested", "approval.decided", "command.requested"]);
  const [request] = messagesOf(found).filter(({ command }) => command === id);
  expect(payloadOf(request as ReadRecord)).toBe('{"deploy":1,"password":"[masked:password]"}');
  expect(request?.classes).toMatchObject({ oneway: 1, type: "text", verb: "send", rule: "asks", if_gone: "cancel" });
});

test("a message of the upstream waits as well", async () => {
  const { client, server } = await openBoth(gateway, tool, "ben", "/c/chat/room/b");
  server.send('{"deploy":1}');
  server.send("after");
  const id = await waits("/room/b");
  client.send("meanwhile");
  expect(await server.next()).toBe("meanwhile");
  expect(client.heard).toEqual([]);
  await decide(gateway, "lee", id);
  expect([await client.next(), await client.next()]).toEqual(['{"deploy":1}', "after"]);
  await close(client, server);
});

test("one that is denied is dropped, or closes the socket where its rule says so", async () => {
  const { client, server } = await openBoth(gateway, tool, "cat", "/c/chat/room/c");
  client.send('{"deploy":1}');
  client.send("after");
  await decide(gateway, "lee", await waits("/room/c"), "deny");
  expect(await server.next()).toBe("after");
  await close(client, server);
  const strict = await openBoth(gateway, tool, "cat", "/c/chat/room/strict");
  strict.client.send('{"deploy":2}');
  strict.client.send("after");
  await decide(gateway, "lee", await waits("/room/strict"), "deny");
  const closed = { code: 1008, reason: "this message was not approved" };
  expect(await strict.client.closed).toEqual(closed);
  expect(await strict.server.closed).toEqual(closed);
  expect(strict.server.heard).toEqual([]);
});

test.each(["client", "server"] as const)("what waits is taken back when the %s goes away", async (who) => {
  const path = `/room/${who}`;
  const both = await openBoth(gateway, tool, "dov", `/c/chat${path}`);
  both.client.send('{"deploy":1}');
  const id = await waits(path);
  both[who].socket.terminate();
  await both[who === "client" ? "server" : "client"].closed;
  const found = await eventually(
    () => gateway.records("dov", "chat"),
    (seen) => kindsOf(seen, id).includes("approval.revoked"),
  );
  expect(kindsOf(found, id)).toEqual(["approval.requested", "approval.revoked"]);
  const late = await decide(gateway, "lee", id);
  expect([late.status, late.told.reason]).toEqual([403, "approval_cancelled"]);
});

test("what waits is taken back by whoever sent it, and ends with a kill, which is named", async () => {
  const { client, server } = await openBoth(gateway, tool, "eve", "/c/chat/room/e");
  client.send('{"deploy":1}');
  expect((await act(gateway, "eve", await waits("/room/e"), "cancel", {})).status).toBe(200);
  client.send("after");
  expect(await server.next()).toBe("after");
  client.send('{"deploy":2}');
  const id = await waits("/room/e");
  const list = await gateway.fetch("eve", "/api/v1/sessions?connection=chat&state=open");
  const [session] = ((await list.json()) as { items: { sid: string }[] }).items;
  const killed = await gateway.fetch("dan", `/api/v1/sessions/${session?.sid ?? ""}/kill`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ reason: "a test" }),
  });
  const { command } = (await killed.json()) as { command: string };
  expect(await client.closed).toEqual({ code: 1008, reason: "an admin ended this session" });
  const found = await records("eve");
  const revoked = found.find((one) => one.command === id && one.kind === "approval.revoked");
  expect([revoked?.classes.reason, revoked?.fields.by]).toEqual(["killed", command]);
});

test("an upgrade waits for its approval, and the socket is handed on then", async () => {
  const opening = openSocket(gateway, "fay", "/c/chat/guarded");
  const id = await waits("/guarded");
  expect((await decide(gateway, "lee", id)).status).toBe(200);
  const client = await opening;
  const server = await tool.taken("/guarded");
  client.send("hello");
  expect(await server.next()).toBe("hello");
  await close(client, server);
  expect(kindsOf(await records("fay"), id)).toEqual([
    "approval.requested",
    "approval.decided",
    "command.requested",
    "response.started",
    "command.completed",
  ]);
});

test("an upgrade that does not wait is told so, and is opened with the approval's id", async () => {
  const told = await refusedSocket(gateway, "gus", "/c/chat/later");
  expect([told.status, JSON.parse(told.body)]).toMatchObject([202, { reason: "approval_pending" }]);
  const id = await waits("/later");
  await decide(gateway, "lee", id);
  const client = await openSocket(gateway, "gus", "/c/chat/later", [], { headers: { "sallyport-approval": id } });
  const server = await tool.taken("/later");
  server.send("hello");
  expect(await client.next()).toBe("hello");
  await close(client, server);
});

test("another policy ends what waits; a socket that was approved stands where the same would be asked of the same people", async () => {
  const apply = async (more: readonly Parts[]): Promise<void> => {
    await applyPolicy({ gateway: gateway.url, token: await gateway.token("dan") }, JSON.stringify(policy(more)));
  };
  const opening = openSocket(gateway, "hal", "/c/chat/guarded");
  await decide(gateway, "lee", await waits("/guarded"));
  const client = await opening;
  const server = await tool.taken("/guarded");
  const { client: sender, server: receiver } = await openBoth(gateway, tool, "hal", "/c/chat/room/h");
  sender.send('{"deploy":1}');
  sender.send("after");
  const id = await waits("/room/h");
  const beside = { effect: "deny", who: { groups: ["nobody"] }, connections: ["chat"], methods: ["GET"] };
  await apply([{ ...beside, id: "beside", routes: ["/**"] }]);
  expect(await receiver.next()).toBe("after");
  const found = await gateway.records("hal", "chat");
  const revoked = found.find((one) => one.command === id && one.kind === "approval.revoked");
  expect(revoked?.classes).toEqual({ reason: "policy_changed" });
  client.send("still here");
  expect(await server.next()).toBe("still here");
  const guarded = { effect: "needs-approval", who: { groups: ["engineers"] }, connections: ["chat"], methods: ["GET"] };
  await apply([
    { ...guarded, id: "others", routes: ["/guarded"], priority: 5, approve: { by: [{ groups: ["security"] }] } },
  ]);
  expect(await client.closed).toEqual({ code: 1008, reason: "the policy allows this no more" });
  await close(sender, receiver);
});

test("the records of all of it verify", async () => {
  for (const person of PEOPLE)
    for (const text of await gateway.exports(person, "chat"))
      expect(await verifyExport(text)).toMatchObject({
        integrity: { kind: "intact" },
        completeness: { kind: "shown" },
      });
});
