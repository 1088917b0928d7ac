// `ws`, unmodified, through the gateway to a tool that speaks over sockets.

import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decide, nextFor } from "../support/approving.ts";
import { eventually, type ReadRecord, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { messagesOf, openBoth, openSocket, payloadOf, refusedSocket, SocketTool } from "../support/sockets.ts";

const MEBIBYTE = 1024 * 1024;
const NAMES = [
  "ada",
  "bea",
  "cy",
  "dee",
  "eli",
  "fay",
  "gil",
  "hue",
  "ian",
  "jo",
  "kit",
  "lu",
  "mo",
  "ned",
  "oz",
  "pam",
  "quin",
];

let tool: SocketTool;
let gateway: TestGateway;

/** One message of a connection of its own has to be approved. */
function withApprovals(connections: Parameters<typeof testPolicy>[0]): unknown {
  const policy = testPolicy(connections) as { readonly rules: readonly object[] };
  const asks = {
    ...{ id: "asks", effect: "needs-approval", who: { groups: ["engineers"] }, connections: ["careful"] },
    ...{
      methods: ["SEND"],
      routes: ["/**"],
      when: "command.message.size == 6",
      approve: { by: [{ groups: ["leads"] }] },
    },
  };
  return { ...policy, rules: [...policy.rules, asks] };
}

beforeAll(async () => {
  tool = await SocketTool.start();
  const socket = { protocol: "websocket", upstream: tool.url };
  gateway = await startGateway({
    policy: withApprovals({
      chat: { ...socket, credential: { as: "header", name: "authorization", secret: "UPSTREAM_CHAT" } },
      large: { ...socket, message_limit: 32 * MEBIBYTE },
      hasty: { ...socket, timeout_seconds: 1 },
      careful: socket,
      plain: tool.url,
      nowhere: { protocol: "websocket", upstream: "http://127.0.0.1:1" },
    }),
    secrets: { UPSTREAM_CHAT: "Bearer of-the-tool" },
    people: Object.fromEntries(NAMES.map((name) => [name, { subject: name, groups: ["engineers"] }])),
  });
});
afterAll(async () => {
  await gateway?.stop();
  await tool?.stop();
});

/** A person's records on a connection, once the last command has its outcome. */
async function settled(person: string, connection = "chat"): Promise<ReadRecord[]> {
  const outcomes = new Set(["command.completed", "command.failed", "command.cancelled", "command.denied"]);
  return eventually(
    () => gateway.records(person, connection),
    (found) => {
      const ended = new Set(found.filter(({ kind }) => outcomes.has(kind)).map(({ command }) => command));
      const begun = found.filter(({ kind, classes }) => kind === "command.requested" && classes.oneway === undefined);
      return begun.length > 0 && begun.every(({ command }) => ended.has(command));
    },
  );
}

function outcomeOf(records: readonly ReadRecord[]): ReadRecord | undefined {
  return records.findLast(({ classes }) => classes.closed_by !== undefined);
}

test("the tool gets its own credential and never the caller's, and the caller's subprotocols in their order", async () => {
  tool.choose = (offered) => offered[1] ?? null;
  const { client, server } = await openBoth(gateway, tool, "ada", "/c/chat/room?a=b%2Fc", ["v2.chat", "v1.chat"]);
  tool.choose = (offered) => offered[0] ?? null;
  expect(client.socket.protocol).toBe("v1.chat");
  expect(server.socket.protocol).toBe("v1.chat");
  const { url, headers, rawHeaders } = tool.upgrades.at(-1) ?? { url: "", headers: {}, rawHeaders: [] };
  expect(url).toBe("/room?a=b%2Fc");
  expect(headers.authorization).toBe("Bearer of-the-tool");
  expect(headers["sec-websocket-protocol"]).toBe("v2.chat, v1.chat");
  expect(rawHeaders.join("\n")).not.toContain(await gateway.token("ada"));
  client.socket.close();
  await server.closed;
  const records = await settled("ada");
  expect(records[2]).toMatchObject({ kind: "response.started", classes: { status: 101 } });
  // Some clients carry tokens in it.
  expect(records[2]?.fields.headers).toContain('["sec-websocket-protocol","[masked:header]"]');
  expect(JSON.stringify(records)).not.toContain("of-the-tool");
});

test("a tool that chooses what was not offered, or makes no handshake, is not spoken with", async () => {
  tool.choose = () => "of-my-own";
  const chosen = await refusedSocket(gateway, "bea", "/c/chat/strange", ["v1.chat"]);
  tool.choose = (offered) => offered[0] ?? null;
  const head = "HTTP/1.1 101 Switching Protocols\r\n";
  const upgrade = "upgrade: websocket\r\nconnection: upgrade\r\n";
  tool.answers.set("/wrong-key", (socket) => socket.end(`${head}${upgrade}sec-websocket-accept: AAAA\r\n\r\n`));
  tool.answers.set("/no-upgrade", (socket) => socket.end(`${head}\r\n`));
  const wrongKey = await refusedSocket(gateway, "bea", "/c/chat/wrong-key");
  const noUpgrade = await refusedSocket(gateway, "bea", "/c/chat/no-upgrade");
  for (const { status, body } of [chosen, wrongKey, noUpgrade]) {
    expect(status).toBe(502);
    expect(JSON.parse(body)).toMatchObject({ reason: "upstream_invalid" });
  }
  const ends = (await settled("bea")).filter(({ kind }) => kind === "command.failed");
  expect(ends.map(({ classes }) => classes.reason)).toEqual(Array(3).fill("upstream_invalid"));
});

test("an upstream's refusal is relayed and recorded as the answer that it is", async () => {
  tool.answers.set("/refused", (socket) =>
    socket.end(
      "HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\nx-why: full\r\ncontent-length: 9\r\n\r\nroom full",
    ),
  );
  const { status, headers, body } = await refusedSocket(gateway, "cy", "/c/chat/refused");
  expect({ status, body, why: headers["x-why"] }).toEqual({ status: 403, body: "room full", why: "full" });
  const records = await settled("cy");
  expect(records.at(-1)).toMatchObject({ kind: "command.completed", classes: { status: 403, resp_bytes: 9 } });
});

test("an upstream that never answers the upgrade ends by the connection's time; one that is not there at once", async () => {
  const gone = Promise.withResolvers<void>();
  tool.answers.set("/silent", (socket) => socket.on("close", () => gone.resolve()));
  const late = await refusedSocket(gateway, "dee", "/c/hasty/silent");
  expect(late.status).toBe(504);
  await gone.promise;
  expect((await settled("dee", "hasty")).at(-1)).toMatchObject({
    kind: "command.failed",
    classes: { transport: "timeout", reason: "upstream_timeout" },
  });
  expect((await refusedSocket(gateway, "dee", "/c/nowhere/x")).status).toBe(502);
});

test("a connection that is not for sockets opens none, and neither do malformed subprotocols", async () => {
  const before = tool.upgrades.length;
  expect(await refusedSocket(gateway, "eli", "/c/plain/room")).toMatchObject({ status: 501 });
  const headers = { "sec-websocket-protocol": "a b" };
  expect(await refusedSocket(gateway, "eli", "/c/chat/room", [], { headers })).toMatchObject({ status: 400 });
  expect(tool.upgrades.length).toBe(before);
});

test("fragments arrive as the message that they are, text and binary stay apart", async () => {
  const { client, server } = await openBoth(gateway, tool, "fay", "/c/chat/room");
  client.socket.send("one ", { fin: false });
  client.socket.send("and ", { fin: false });
  client.socket.send("the same", { fin: true });
  expect(await server.next()).toBe("one and the same");
  server.socket.send(Buffer.from([0, 255]), { fin: false, binary: true });
  server.socket.send(Buffer.from([1]), { fin: true, binary: true });
  expect(await client.next()).toEqual(Buffer.from([0, 255, 1]));
  client.send("");
  client.send(Buffer.alloc(0));
  expect([await server.next(), await server.next()]).toEqual(["", Buffer.alloc(0)]);
  client.socket.close();
  await server.closed;
  const messages = messagesOf(await settled("fay"));
  expect(messages.map(({ classes: { verb, type, size } }) => [verb, type, size])).toEqual([
    ["send", "text", 16],
    ["receive", "binary", 3],
    ["send", "text", 0],
    ["send", "binary", 0],
  ]);
});

test("UTF-8 passes whole; what is none passes as the runtime reads it, and so it is recorded", async () => {
  const text = "häßlich 🦆 \u0000 \u2028 \ufeff";
  const { client, server } = await openBoth(gateway, tool, "gil", "/c/chat/room");
  client.send(text);
  expect(await server.next()).toBe(text);
  // A masked text frame with a lone continuation byte; the mask is of zeros.
  const raw = client.socket as unknown as { _socket: { write(bytes: Buffer): void } };
  // oxlint-disable-next-line no-underscore-dangle -- ws refuses to send what is no UTF-8
  raw._socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]));
  expect(await server.next()).toBe("\ufffd(");
  client.socket.close();
  await server.closed;
  expect(messagesOf(await settled("gil")).map(payloadOf)).toEqual([text, "\ufffd("]);
});

const CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999];

test("close codes and reasons pass both ways, and come back to whoever closed", async () => {
  for (const code of CODES) {
    const { client, server } = await openBoth(gateway, tool, "hue", "/c/chat/room");
    client.socket.close(code, `für ${code}`);
    expect(await server.closed).toEqual({ code, reason: `für ${code}` });
    expect((await client.closed).code).toBe(code);
    expect(outcomeOf(await settled("hue"))).toMatchObject({
      kind: "command.completed",
      classes: { close: code, closed_by: "caller" },
      fields: { close_reason: `für ${code}` },
    });
  }
  for (const code of CODES) {
    const { client, server } = await openBoth(gateway, tool, "hue", "/c/chat/room");
    server.socket.close(code, `by ${code}`);
    expect(await client.closed).toEqual({ code, reason: `by ${code}` });
    expect((await server.closed).code).toBe(code);
    expect(outcomeOf(await settled("hue"))).toMatchObject({ classes: { close: code, closed_by: "upstream" } });
  }
});

test("what cannot be said in a frame is not: no code stays none, a peer that vanishes is named for what that is", async () => {
  const first = await openBoth(gateway, tool, "ian", "/c/chat/room");
  first.client.socket.close();
  expect(await first.server.closed).toEqual({ code: 1005, reason: "" });
  expect(outcomeOf(await settled("ian"))?.classes.close).toBeUndefined();
  const second = await openBoth(gateway, tool, "ian", "/c/chat/room");
  second.server.socket.close();
  expect(await second.client.closed).toEqual({ code: 1005, reason: "" });
  const third = await openBoth(gateway, tool, "ian", "/c/chat/room");
  third.client.socket.terminate();
  expect((await third.server.closed).code).toBe(1001);
  expect(outcomeOf(await settled("ian"))).toMatchObject({
    kind: "command.cancelled",
    classes: { reason: "client_gone", close: 1006 },
  });
  const fourth = await openBoth(gateway, tool, "ian", "/c/chat/room");
  fourth.server.socket.terminate();
  expect((await fourth.client.closed).code).toBe(1011);
  expect(outcomeOf(await settled("ian"))).toMatchObject({
    kind: "command.failed",
    classes: { reason: "upstream_gone" },
  });
});

test("a message of the limit's size passes, one of a byte more closes both sides with 1009, either way", async () => {
  const limit = Buffer.alloc(MEBIBYTE, "a");
  for (const by of ["client", "server"] as const) {
    const ends = await openBoth(gateway, tool, "jo", "/c/chat/room");
    const from = ends[by];
    const to = ends[by === "client" ? "server" : "client"];
    from.send(limit);
    expect((await to.next()).length).toBe(MEBIBYTE);
    from.send(Buffer.alloc(MEBIBYTE + 1, "a"));
    expect((await to.closed).code).toBe(1009);
    expect((await from.closed).code).toBe(1009);
    expect(to.heard).toHaveLength(1);
    const records = await settled("jo");
    expect(messagesOf(records).at(-1)).toMatchObject({
      kind: "command.denied",
      classes: { reason: "message_too_large", status: 1009, size: MEBIBYTE + 1, req_cut: MEBIBYTE + 1 },
    });
    expect(outcomeOf(records)).toMatchObject({ kind: "command.failed", classes: { reason: "message_too_large" } });
  }
});

test("by setting, messages pass up to the platform's 32 MiB, and stand in the records whole", async () => {
  const largest = randomBytes(32 * MEBIBYTE);
  const { client, server } = await openBoth(gateway, tool, "kit", "/c/large/room");
  client.send(largest);
  expect(
    createHash("sha256")
      .update(await server.next())
      .digest(),
  ).toEqual(createHash("sha256").update(largest).digest());
  server.send(largest.subarray(0, 3 * MEBIBYTE));
  expect((await client.next()).length).toBe(3 * MEBIBYTE);
  client.send(Buffer.concat([largest, Buffer.alloc(1)]));
  expect((await client.closed).code).toBe(1009);
  expect((await server.closed).code).toBe(1009);
  const records = await settled("kit", "large");
  expect(outcomeOf(records)).toMatchObject({ classes: { reason: "message_too_large", req_bytes: 32 * MEBIBYTE } });
  const [sent] = messagesOf(records);
  const chunks = records.filter(({ kind, command }) => kind === "stream.chunk" && command === sent?.command);
  expect(chunks.reduce((sum, { classes }) => sum + Number(classes.length), 0)).toBe(32 * MEBIBYTE);
  expect(
    records.find(({ kind, command }) => kind === "command.completed" && command === sent?.command)?.fields.digests,
  ).toBe(
    `{"request":{"complete":true,"sha256":"${createHash("sha256").update(largest).digest("hex")}"},"response":null}`,
  );
  const page = await gateway.fetch("kit", `/api/v1/sessions/${sent?.sid ?? ""}/payload/${sent?.command ?? ""}/request`);
  expect(page.status).toBe(200);
  expect(Buffer.from(await page.arrayBuffer()).equals(largest)).toBe(true);
});

test("pings are answered to both sides, by whoever is nearest", async () => {
  const { client, server } = await openBoth(gateway, tool, "lu", "/c/chat/room");
  for (const { socket } of [client, server]) {
    const pong = new Promise((resolve) => socket.once("pong", (data) => resolve(String(data))));
    socket.ping("are you there");
    expect(await pong).toBe("are you there");
  }
  client.socket.close();
  await server.closed;
  expect(messagesOf(await settled("lu"))).toEqual([]);
});

test("waits through an approval, unmodified: what it sends after it comes after it, and pings are answered meanwhile", async () => {
  const { client, server } = await openBoth(gateway, tool, "quin", "/c/careful/room");
  client.send("deploy");
  client.send("after");
  server.send("a word meanwhile");
  expect(await client.next()).toBe("a word meanwhile");
  const id = await nextFor(gateway, "bob");
  const pong = new Promise<string>((resolve) => client.socket.once("pong", (data) => resolve(String(data))));
  client.socket.ping("still there?");
  expect(await pong).toBe("still there?");
  expect(server.heard).toEqual([]);
  expect((await decide(gateway, "bob", id)).told.state).toBe("approved");
  expect([await server.next(), await server.next()]).toEqual(["deploy", "after"]);
  client.socket.close(1000);
  expect(await server.closed).toMatchObject({ code: 1000 });
  const records = await settled("quin", "careful");
  expect(records.filter(({ command }) => command === id).map(({ kind }) => kind)).toEqual([
    "approval.requested",
    "approval.decided",
    "command.requested",
  ]);
});

test("binary streams run both ways at once, each in its order, and the records hold what passed", async () => {
  const { client, server } = await openBoth(gateway, tool, "mo", "/c/chat/room");
  const pieces = Array.from({ length: 64 }, () => randomBytes(1 + Math.floor(Math.random() * 64 * 1024)));
  for (const piece of pieces) {
    client.send(piece);
    server.send(piece);
  }
  const both = Promise.all([client.has(pieces.length), server.has(pieces.length)]);
  expect(await Promise.race([both, client.closed, server.closed])).toHaveLength(2);
  expect(client.heard.every((one, at) => pieces[at]?.equals(one as Buffer) === true)).toBe(true);
  expect(server.heard.every((one, at) => pieces[at]?.equals(one as Buffer) === true)).toBe(true);
  client.socket.close();
  await server.closed;
  const records = await settled("mo");
  for (const verb of ["send", "receive"]) {
    const own = messagesOf(records).filter(({ classes }) => classes.verb === verb);
    expect(own.map(({ classes }) => classes.size)).toEqual(pieces.map(({ length }) => length));
  }
  const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
  expect(outcomeOf(records)?.classes).toMatchObject({
    req_messages: 64,
    resp_messages: 64,
    req_bytes: bytes,
    resp_bytes: bytes,
  });
});

test("sockets of one person run side by side: nothing of one gets into another, each keeps its order", async () => {
  const sockets = await Promise.all(
    Array.from({ length: 16 }, async (_, n) => {
      const client = await openBoth(gateway, tool, "ned", `/c/chat/room-${n}`);
      return client;
    }),
  );
  const texts = Array.from({ length: 100 }, (_, n) => `message ${n}`);
  // Which tool's end belongs to which client, the first message says.
  sockets.forEach(({ client }, n) => client.send(`socket ${n}`));
  const firsts = await Promise.all(sockets.map(({ server }) => server.next()));
  for (const { server } of sockets)
    server.socket.on("message", (data: Buffer) => server.send(`back ${data.toString()} of ${String(server.heard[0])}`));
  for (const text of texts) for (const { client } of sockets) client.send(text);
  await Promise.all(sockets.map(({ client }) => client.has(texts.length)));
  expect(new Set(firsts).size).toBe(16);
  sockets.forEach(({ client }, n) => {
    expect(client.heard).toEqual(texts.map((text) => `back ${text} of socket ${n}`));
  });
  sockets.forEach(({ client }) => client.socket.close());
  await Promise.all(sockets.map(({ server }) => server.closed));
  const messages = messagesOf(await settled("ned"));
  expect(messages).toHaveLength(16 * 201);
  expect(new Set(messages.map(({ command }) => command)).size).toBe(16 * 201);
});

test("a caller who left before the upstream answered leaves no socket behind", async () => {
  const held = Promise.withResolvers<void>();
  tool.hold = held.promise;
  await expect(openSocket(gateway, "oz", "/c/chat/slow", [], { handshakeTimeout: 300 })).rejects.toThrow(/timed out/);
  tool.hold = null;
  held.resolve();
  const server = await tool.taken("/slow");
  expect((await server.closed).code).toBe(1001);
  expect((await settled("oz")).at(-1)).toMatchObject({ kind: "command.cancelled", classes: { reason: "client_gone" } });
});
