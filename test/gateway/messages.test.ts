// Messages of sockets through the gateway: decided one by one, recorded, handed on.

import { expect, test } from "vitest";
import WebSocket, { WebSocketServer } from "ws";

import { eventually, startGateway, testPolicy } from "../support/gateway.ts";

test("a message goes to the upstream and back, and both are on record before they are handed on", async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("connection", (socket) =>
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  await new Promise((resolve) => server.on("listening", resolve));
  const { port } = server.address() as { port: number };
  const policy = testPolicy({ chat: { protocol: "websocket", upstream: `http://127.0.0.1:${port}` } });
  const gateway = await startGateway({ policy });
  const token = await gateway.token("alice");
  const socket = new WebSocket(`${gateway.url.replace("http", "ws")}/c/chat/talk?x=1`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const got: string[] = [];
  socket.on("message", (d) => got.push(String(d)));
  await new Promise((resolve, reject) => {
    socket.on("open", resolve);
    socket.on("error", reject);
  });
  socket.send('{"op":"hello"}');
  await eventually(
    async () => got.length,
    (n) => n === 1,
  );
  socket.send("two");
  await eventually(
    async () => got.length,
    (n) => n === 2,
  );
  expect(got).toEqual(['{"op":"hello"}', "two"]);
  const closed = new Promise((resolve) => socket.on("close", (code, reason) => resolve([code, String(reason)])));
  socket.close(4001, "enough");
  expect(await closed).toEqual([4001, "enough"]);
  const records = await gateway.records("alice", "chat");
  const told = records.map(({ kind, classes, fields }) => [kind, classes.verb ?? "", fields.payload ?? ""]);
  expect(told).toEqual([
    ["session.opened", "", ""],
    ["command.requested", "read", ""],
    ["response.started", "", ""],
    ["command.requested", "send", '{"op":"hello"}'],
    ["command.requested", "receive", '{"op":"hello"}'],
    ["command.requested", "send", "two"],
    ["command.requested", "receive", "two"],
    ["command.completed", "", ""],
  ]);
  await gateway.stop();
  server.close();
});
