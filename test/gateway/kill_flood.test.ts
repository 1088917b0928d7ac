// A socket over which messages come faster than they can be recorded is cut as soon as any other, and
// nothing that its ends have heard is missing in the records.

import { afterAll, beforeAll, expect, test } from "vitest";
import { type ReadRecord, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { messagesOf, openBoth, payloadOf, type SocketEnd, SocketTool } from "../support/sockets.ts";

/**
 * A second is promised. It is three here because both ends, the gateway and other test files share two
 * cores, and the ends hear of the cut only when they have their turn.
 */
const CUT_MS = 3_000;
/** Enough for several seconds, and an end if nothing cuts it. */
const MOST_MESSAGES = 60_000;
/** What a flooding end leaves to its own buffer: the network stands still before that. */
const BUFFERED = 256 * 1024;

let tool: SocketTool;
let gateway: TestGateway;

beforeAll(async () => {
  tool = await SocketTool.start();
  gateway = await startGateway({
    policy: testPolicy({ chat: { protocol: "websocket", upstream: tool.url } }),
    people: Object.fromEntries(
      ["ann", "ben", "cat", "dov"].map((name) => [name, { subject: name, groups: ["engineers"] }]),
    ),
  });
});
afterAll(async () => {
  await gateway?.stop();
  await tool?.stop();
});

/**
 * Numbered messages, as many as are taken, until it hears that it is closed. Its connection ends later: what
 * it has sent by then still arrives, and is dropped.
 */
async function flood({ socket }: SocketEnd): Promise<void> {
  for (let n = 0; n < MOST_MESSAGES && socket.readyState === socket.OPEN; n++) {
    socket.send(`${n} ${"x".repeat(100)}`);
    while (n % 100 === 0 && socket.readyState === socket.OPEN) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (socket.bufferedAmount < BUFFERED) break;
    }
  }
}

async function sessionOf(person: string): Promise<string> {
  const sessions = await gateway.fetch(person, "/api/v1/sessions?connection=chat&state=open");
  return ((await sessions.json()) as { items: { sid: string }[] }).items[0]?.sid ?? "";
}

async function kill(sid: string): Promise<string> {
  const answer = await gateway.fetch("dan", `/api/v1/sessions/${sid}/kill`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ reason: "a flood" }),
  });
  return ((await answer.json()) as { command: string }).command;
}

/** What passed one way was recorded, is counted, and is what that end heard. */
function expectAllRecorded(records: readonly ReadRecord[], verb: string, counted: unknown, heard: SocketEnd): void {
  const passed = messagesOf(records).filter(
    ({ kind, classes }) => kind === "command.requested" && classes.verb === verb,
  );
  expect(heard.heard.length).toBe(counted);
  expect(passed.slice(0, heard.heard.length).map(payloadOf)).toEqual(heard.heard);
  // Those that were recorded and not handed on say so.
  const undelivered = records.filter(({ classes }) => classes.reason === "socket_closed");
  expect(passed.length).toBe(heard.heard.length + undelivered.length);
}

test.each([
  ["client", "ann"],
  ["tool", "ben"],
])("a kill cuts a socket that its %s floods within a second, and what was heard is on record", async (who, person) => {
  const { client, server } = await openBoth(gateway, tool, person, `/c/chat/${person}`);
  const sid = await sessionOf(person);
  const [flooding, hearing] = who === "client" ? [client, server] : [server, client];
  const flooded = flood(flooding);
  // It runs, and what has not passed yet waits.
  await hearing.has(1_000);
  const asked = Date.now();
  const command = kill(sid);
  await Promise.all([flooded, hearing.closed]);
  expect(Date.now() - asked).toBeLessThan(CUT_MS);
  const closed = { code: 1008, reason: "an admin ended this session" };
  expect([await client.closed, await server.closed]).toEqual([closed, closed]);
  const records = await gateway.records(person, "chat");
  const end = records.find(({ classes }) => classes.reason === "killed" && classes.closed_by === "gateway");
  expect(end?.fields.by).toBe(await command);
  const [verb, counted] = who === "client" ? ["send", "req_messages"] : ["receive", "resp_messages"];
  expectAllRecorded(records, verb, end?.classes[counted], hearing);
});

test("a token's end cuts a socket that floods within a second, and what was heard is on record", async () => {
  const until = Math.floor(Date.now() / 1000) + 4;
  const token = await gateway.token({ subject: "cat", groups: ["engineers"] }, 4);
  const options = { headers: { authorization: `Bearer ${token}` } };
  const { client, server } = await openBoth(gateway, tool, "cat", "/c/chat/cat", [], options);
  await Promise.all([flood(client), server.closed]);
  expect(Date.now() - (until + 1) * 1000).toBeLessThan(CUT_MS);
  const records = await gateway.records("cat", "chat");
  const end = records.find(({ classes }) => classes.reason === "token_expired");
  expectAllRecorded(records, "send", end?.classes.req_messages, server);
});

test("a socket that floods one way has its messages in order, and loses none", async () => {
  const { client, server } = await openBoth(gateway, tool, "dov", "/c/chat/dov");
  const sent = Array.from({ length: 3_000 }, (_, n) => `${n}`);
  for (const one of sent) client.send(one);
  await server.has(sent.length);
  client.socket.close();
  await server.closed;
  expect(server.heard).toEqual(sent);
});
