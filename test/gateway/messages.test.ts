// Messages of sockets are commands: decided one by one by the policy in force, masked and recorded, and
// only then handed on.

import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, type ReadRecord, startGateway, type TestGateway } from "../support/gateway.ts";
import { messagesOf, openBoth, payloadOf, refusedSocket, SocketTool } from "../support/sockets.ts";

let tool: SocketTool;
let gateway: TestGateway;

const engineers = { roles: ["engineer"] };

function policy(): unknown {
  const socket = { protocol: "websocket", upstream: tool.url, region: "local" };
  const rule = (id: string, connection: string, methods: readonly string[], more: Record<string, unknown> = {}) => ({
    id,
    effect: "allow",
    who: engineers,
    connections: [connection],
    methods,
    routes: ["/**"],
    ...more,
  });
  return {
    version: 1,
    roles: { engineer: { groups: ["engineers"] } },
    connections: {
      chat: socket,
      strict: { ...socket, on_refused: "close" },
      mute: socket,
      silent: { ...socket, record: "metadata" },
      brief: { ...socket, record: { head: 8 } },
    },
    rules: [
      rule("chat-open", "chat", ["GET"]),
      rule("chat-talk", "chat", ["SEND", "RECEIVE"]),
      rule("no-deletes", "chat", ["SEND"], {
        effect: "deny",
        when: 'command.message.type == "text" && has(command.json) && command.json.op == "delete"',
      }),
      rule("no-drops", "chat", ["SEND"], {
        effect: "deny",
        refused: "close",
        when: 'command.message.type == "text" && has(command.json) && command.json.op == "drop"',
      }),
      rule("no-binary-back", "chat", ["RECEIVE"], { effect: "deny", when: 'command.message.type == "binary"' }),
      rule("no-long", "chat", ["SEND"], { effect: "deny", when: "command.message.size > 1000" }),
      rule("secrets-hidden", "chat", ["RECEIVE"], { routes: ["/hidden"], priority: 5, mask: ["secrets"] }),
      rule("strict-open", "strict", ["GET"]),
      rule("strict-send", "strict", ["SEND"]),
      rule("mute-open", "mute", ["GET"]),
      rule("silent-all", "silent", ["GET", "SEND", "RECEIVE"]),
      rule("brief-all", "brief", ["*"]),
      rule("silent-told", "silent", ["SEND"], { routes: ["/told"], priority: 1, record: "full" }),
      rule("brief-untold", "brief", ["RECEIVE"], { routes: ["/told"], priority: 1, record: "metadata" }),
    ],
  };
}

beforeAll(async () => {
  tool = await SocketTool.start();
  gateway = await startGateway({
    policy: policy(),
    people: Object.fromEntries(
      ["ann", "ben", "cat", "dov", "eve", "fay", "gus", "hal", "ivy"].map((name) => [
        name,
        { subject: name, groups: ["engineers"] },
      ]),
    ),
  });
});
afterAll(async () => {
  await gateway?.stop();
  await tool?.stop();
});

async function messages(person: string, connection: string, count: number): Promise<ReadRecord[]> {
  const found = await eventually(
    () => gateway.records(person, connection),
    (records) => messagesOf(records).length >= count && records.some(({ classes }) => classes.closed_by !== undefined),
  );
  return messagesOf(found);
}

function told(records: readonly ReadRecord[]): unknown[] {
  return records.map(({ kind, classes, fields }) => [
    kind.replace("command.", ""),
    classes.verb,
    classes.rule ?? "",
    classes.reason ?? "",
    fields.target,
  ]);
}

test("rules decide by direction, type, size and JSON fields; a message that is refused is dropped, the others pass", async () => {
  const { client, server } = await openBoth(gateway, tool, "ann", "/c/chat/room?q=1");
  client.send('{"op":"say","text":"hello"}');
  client.send('{"op":"delete","id":7}');
  client.send('{"op":"say","op":"delete"}');
  client.send("delete, but no JSON");
  client.send("x".repeat(1001));
  client.send(Buffer.from('{"op":"delete"}'));
  server.send(Buffer.from("back"));
  server.send('{"op":"delete"}');
  client.send("last");
  await server.has(4);
  await client.has(1);
  client.socket.close();
  await server.closed;
  expect(server.heard).toEqual([
    '{"op":"say","text":"hello"}',
    "delete, but no JSON",
    Buffer.from('{"op":"delete"}'),
    "last",
  ]);
  expect(client.heard).toEqual(['{"op":"delete"}']);
  const records = await messages("ann", "chat", 9);
  const way = (verb: string): unknown[] => told(records.filter(({ classes }) => classes.verb === verb));
  const target = "SEND /room?q=1";
  expect(way("send")).toEqual([
    ["requested", "send", "chat-talk", "", target],
    ["denied", "send", "no-deletes", "rule_denies", target],
    ["denied", "send", "no-deletes", "body_ambiguous", target],
    ["requested", "send", "chat-talk", "", target],
    ["denied", "send", "no-long", "rule_denies", target],
    ["requested", "send", "chat-talk", "", target],
    ["requested", "send", "chat-talk", "", target],
  ]);
  expect(way("receive")).toEqual([
    ["denied", "receive", "no-binary-back", "rule_denies", "RECEIVE /room?q=1"],
    ["requested", "receive", "chat-talk", "", "RECEIVE /room?q=1"],
  ]);
  // What was refused is on record as well, and names the socket that it came on.
  const refused = records.filter(({ kind }) => kind === "command.denied");
  expect(refused.map(payloadOf)).toContain('{"op":"delete","id":7}');
  expect(new Set(records.map(({ classes }) => classes.socket)).size).toBe(1);
  expect(refused.every(({ classes }) => classes.status === 0 && classes.oneway === 1)).toBe(true);
});

test("a rule closes the socket with the message that it refuses: both sides hear 1008, and nothing after it passes", async () => {
  const { client, server } = await openBoth(gateway, tool, "ben", "/c/chat/room");
  client.send("before");
  client.send('{"op":"drop"}');
  client.send("after");
  const closed = { code: 1008, reason: "the policy does not allow this message" };
  expect(await server.closed).toEqual(closed);
  expect(await client.closed).toEqual(closed);
  expect(server.heard).toEqual(["before"]);
  const records = await messages("ben", "chat", 2);
  expect(told(records)).toEqual([
    ["requested", "send", "chat-talk", "", "SEND /room"],
    ["denied", "send", "no-drops", "rule_denies", "SEND /room"],
  ]);
  expect(records[1]?.classes.status).toBe(1008);
});

test("without a rule for its messages a socket carries none; the connection says what becomes of them", async () => {
  const strict = await openBoth(gateway, tool, "cat", "/c/strict/room");
  strict.client.send("this may go");
  expect(await strict.server.next()).toBe("this may go");
  strict.server.send("this may not come back");
  expect((await strict.client.closed).code).toBe(1008);
  expect(strict.client.heard).toEqual([]);
  const mute = await openBoth(gateway, tool, "cat", "/c/mute/room");
  mute.client.send("nobody hears this");
  mute.client.socket.close();
  await mute.server.closed;
  expect(mute.server.heard).toEqual([]);
  const [denied] = await messages("cat", "mute", 1);
  expect(denied).toMatchObject({ kind: "command.denied", classes: { reason: "no_rule", effect: "deny" } });
});

test("a caller who may not open the socket may not send on one, and an HTTP request is no message", async () => {
  expect(await refusedSocket(gateway, "mallory", "/c/chat/room")).toMatchObject({ status: 403 });
  const answer = await gateway.fetch("ann", "/c/chat/room", { method: "SEND" });
  expect(answer.status).toBe(501);
});

test("the record is what the other side saw, byte for byte but for what is masked, and the masks are told", async () => {
  const secret = `ghp_${"a1B2".repeat(9)}`;
  const texts = [
    '{"op":"login","password":"correct horse","user":"ann"}',
    `Authorization is by ${secret} today`,
    "plain text with ümläuts 🦆",
    `${"long ".repeat(6000)}end`,
  ];
  const bytes = Buffer.from([0, 1, 2, 255, 254, 10]);
  const { client, server } = await openBoth(gateway, tool, "dov", "/c/silent/room");
  for (const text of [...texts, bytes]) client.send(text);
  await server.has(5);
  expect(server.heard).toEqual([...texts, bytes]);
  client.socket.close();
  await server.closed;
  const unseen = await messages("dov", "silent", 5);
  expect(unseen.every(({ fields }) => fields.payload === undefined && fields.raw !== undefined)).toBe(true);
  expect(unseen.map(({ classes }) => classes.req_cut)).toEqual(server.heard.map((one) => Buffer.from(one).length));

  const full = await openBoth(gateway, tool, "dov", "/c/chat/full");
  for (const text of [texts[0] ?? "", texts[1] ?? "", texts[2] ?? "", bytes]) full.client.send(text);
  await full.server.has(4);
  full.client.socket.close();
  await full.server.closed;
  const records = await messages("dov", "chat", 4);
  expect(JSON.stringify(records)).not.toContain("correct horse");
  expect(JSON.stringify(records)).not.toContain(secret);
  for (const [at, record] of records.entries()) {
    const seen = full.server.heard[at] ?? "";
    expect(unmasked(record, Buffer.from(seen)).equals(Buffer.from(seen))).toBe(true);
  }
  expect(records.map(({ classes: { format } }) => format)).toEqual(["json", "text", "text", "binary"]);
  expect(JSON.parse(records[0]?.fields.spans ?? "[]")).toHaveLength(1);
  expect(records[2]?.fields.spans).toBeUndefined();
});

/** The recorded payload with what was taken out put back: every other byte is the record's own. */
function unmasked(record: ReadRecord, seen: Buffer): Buffer {
  let masked = Buffer.from(payloadOf(record) ?? "");
  const spans = JSON.parse(record.fields.spans ?? "[]") as { at: number; length: number; put: number }[];
  for (const { at, length, put } of spans)
    masked = Buffer.concat([masked.subarray(0, at), seen.subarray(at, at + length), masked.subarray(at + put)]);
  return masked;
}

test("of a long message a connection may record the beginning only, and says how much is missing", async () => {
  const { client, server } = await openBoth(gateway, tool, "eve", "/c/brief/room");
  client.send("0123456789");
  expect(await server.next()).toBe("0123456789");
  client.socket.close();
  await server.closed;
  const [record] = await messages("eve", "brief", 1);
  expect(record).toMatchObject({ classes: { req_cut: 2, size: 10 }, fields: { payload: "01234567" } });
  expect(record?.fields.raw).toMatch(/^[0-9a-f]{64}$/);
});

test("how much is recorded of a message is what its rule says, whatever its connection says", async () => {
  const text = '{"op":"login","password":"correct horse","note":"a text that is longer than a head of eight"}';
  const masked = text.replace("correct horse", "[masked:password]");
  for (const [connection, ofSent, ofReceived] of [
    ["silent", masked, undefined],
    ["brief", text.slice(0, 8), undefined],
  ] as const) {
    const { client, server } = await openBoth(gateway, tool, "ivy", `/c/${connection}/told`);
    client.send(text);
    expect(await server.next()).toBe(text);
    server.send(text);
    expect(await client.next()).toBe(text);
    client.socket.close();
    await server.closed;
    const [sent, received] = await messages("ivy", connection, 2);
    expect([sent?.fields.payload, received?.fields.payload]).toEqual([ofSent, ofReceived]);
    expect(sent?.classes.req_cut).toBe(ofSent === masked ? undefined : text.length - 8);
    expect(received?.classes.req_cut).toBe(text.length);
  }
});

test("where a rule says so the caller does not see secrets either", async () => {
  const { client, server } = await openBoth(gateway, tool, "fay", "/c/chat/hidden");
  server.send('{"user":"fay","password":"correct horse"}');
  const heard = String(await client.next());
  expect(heard).not.toContain("correct horse");
  expect(JSON.parse(heard)).toMatchObject({ user: "fay" });
  client.send('{"op":"login","password":"correct horse"}');
  expect(await server.next()).toBe('{"op":"login","password":"correct horse"}');
  client.socket.close();
  await server.closed;
});

test("messages stand in the index by their direction, with the socket's path and what became of them", async () => {
  const { client, server } = await openBoth(gateway, tool, "gus", "/c/chat/room");
  client.send('{"op":"say"}');
  client.send('{"op":"delete"}');
  server.send("back");
  await server.has(1);
  await client.has(1);
  client.socket.close();
  await server.closed;
  const rows = await eventually(
    async () => {
      const answer = await gateway.fetch("gus", "/api/v1/commands?connection=chat&limit=100");
      return ((await answer.json()) as { items: Record<string, unknown>[] }).items;
    },
    (items) => items.length >= 4 && items.every(({ outcome }) => outcome !== "open"),
  );
  const found = rows.map(({ method, path, outcome, rule }) => [method, path, outcome, rule]);
  expect(found).toHaveLength(4);
  expect(found).toEqual(
    expect.arrayContaining([
      ["GET", "/room", "completed", "chat-open"],
      ["SEND", "/room", "delivered", "chat-talk"],
      ["SEND", "/room", "denied", "no-deletes"],
      ["RECEIVE", "/room", "delivered", "chat-talk"],
    ]),
  );
});
