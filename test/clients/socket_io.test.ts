// Socket.IO, unmodified, through the gateway: it begins by polling and upgrades to a WebSocket, or uses
// either alone.

import { createServer, type Server as HttpServer } from "node:http";
import { Server, type Socket as ServerSocket } from "socket.io";
import { io, type Socket } from "socket.io-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { listen, stopServer } from "../support/loopback.ts";
import { messagesOf, payloadOf } from "../support/sockets.ts";

let http: HttpServer;
let server: Server;
let gateway: TestGateway;
const callers = new Map<string, ServerSocket>();

beforeAll(async () => {
  http = createServer();
  server = new Server(http, { path: "/socket.io" });
  server.on("connection", (socket) => {
    callers.set(String(socket.handshake.query.name), socket);
    socket.on("add", (a: number, b: number, answer: (sum: number) => void) => answer(a + b));
    socket.on("upload", (bytes: Buffer, answer: (back: Buffer) => void) => answer(Buffer.from(bytes).reverse()));
  });
  const upstream = await listen(http);
  const policy = testPolicy({ live: { protocol: "websocket", upstream } }) as { rules: unknown[] };
  gateway = await startGateway({
    policy: {
      ...policy,
      rules: [
        ...policy.rules,
        {
          id: "no-shouting",
          effect: "deny",
          who: "anyone",
          connections: ["live"],
          methods: ["SEND"],
          routes: ["/**"],
          when: "command.message.size > 10000",
        },
      ],
    },
    people: Object.fromEntries(["ann", "ben", "cat"].map((name) => [name, { subject: name, groups: ["engineers"] }])),
  });
});
afterAll(async () => {
  await server?.close();
  await gateway?.stop();
  await stopServer(http);
});

async function connect(name: string, transports: ("polling" | "websocket")[]): Promise<Socket> {
  const headers = { authorization: `Bearer ${await gateway.token(name)}` };
  const socket = io(gateway.url, {
    path: "/c/live/socket.io",
    query: { name },
    transports,
    extraHeaders: headers,
    reconnection: false,
    forceNew: true,
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  return socket;
}

/** Questions with answers, events from the server, and bytes, whichever way it is carried. */
async function exercise(name: string, socket: Socket): Promise<void> {
  expect(await socket.emitWithAck("add", 19, 23)).toBe(42);
  const bytes = Buffer.from([1, 2, 3, 250]);
  expect(Buffer.from((await socket.emitWithAck("upload", bytes)) as Buffer)).toEqual(Buffer.from([250, 3, 2, 1]));
  const heard = new Promise((resolve) => socket.once("news", resolve));
  callers.get(name)?.emit("news", { from: "the server", ümlaut: "ä" });
  expect(await heard).toEqual({ from: "the server", ümlaut: "ä" });
}

test("by a WebSocket alone: its packets are messages, decided and on record", async () => {
  const socket = await connect("ann", ["websocket"]);
  await exercise("ann", socket);
  socket.disconnect();
  const records = await eventually(
    () => gateway.records("ann", "live"),
    (found) => found.some(({ classes }) => classes.closed_by !== undefined),
  );
  const payloads = messagesOf(records).map(payloadOf);
  expect(payloads).toContain('420["add",19,23]');
  expect(payloads).toContain("430[42]");
  expect(payloads).toContainEqual(Buffer.from([1, 2, 3, 250]));
  expect(payloads).toContain('42["news",{"from":"the server","ümlaut":"ä"}]');
});

test("by polling first: it upgrades, and goes on over the socket", async () => {
  const socket = await connect("ben", ["polling", "websocket"]);
  await new Promise<void>((resolve) => {
    if (socket.io.engine.transport.name === "websocket") resolve();
    else socket.io.engine.once("upgrade", () => resolve());
  });
  await exercise("ben", socket);
  socket.disconnect();
  const records = await eventually(
    () => gateway.records("ben", "live"),
    (found) => found.some(({ classes }) => classes.closed_by !== undefined),
  );
  const payloads = messagesOf(records).map(payloadOf);
  // Engine.IO's probe, and the word that the polling transport is given up.
  expect(payloads.slice(0, 3)).toEqual(["2probe", "3probe", "5"]);
  expect(records.some(({ fields }) => fields.target?.includes("transport=polling"))).toBe(true);
});

test("by polling alone: each request is a command like any other", async () => {
  const socket = await connect("cat", ["polling"]);
  await exercise("cat", socket);
  socket.disconnect();
  const records = await eventually(
    () => gateway.records("cat", "live"),
    (found) => found.some(({ fields }) => fields.target?.startsWith("POST ") === true),
  );
  expect(messagesOf(records)).toEqual([]);
});

test("a packet that is refused is dropped, and the connection goes on", async () => {
  const socket = await connect("ann", ["websocket"]);
  const answer = socket.timeout(500).emitWithAck("add", 1, "x".repeat(20_000));
  await expect(answer).rejects.toThrow(/timed out/);
  expect(await socket.emitWithAck("add", 1, 1)).toBe(2);
  socket.disconnect();
});
