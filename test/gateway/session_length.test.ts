// A session that has lasted as long as its connection's policy lets it: what still runs in it is cut, for
// both sides and within a second, and the records say why. What comes afterwards begins another session.

import { afterAll, beforeAll, expect, test } from "vitest";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { type ReadRecord, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { endless, lastingCall } from "../support/lasting_calls.ts";
import { openBoth, SocketTool } from "../support/sockets.ts";

const SESSION_SECONDS = 4;
/** A second is promised; the rest is for machines on which other tests run beside this one. */
const CUT_MS = SESSION_SECONDS * 1000 + 2_000;

let upstream: EchoUpstream;
let tool: SocketTool;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startEchoUpstream();
  tool = await SocketTool.start();
  const short = { session_seconds: SESSION_SECONDS };
  gateway = await startGateway({
    policy: testPolicy({
      tool: { upstream: upstream.url, ...short },
      chat: { protocol: "websocket", upstream: tool.url, ...short },
      quiet: { upstream: upstream.url, idle_seconds: 1 },
    }),
  });
});
afterAll(async () => {
  await gateway?.stop();
  await tool?.stop();
  await upstream?.stop();
});

/** The next call begins another session, and closes the one that is over. */
async function expectOver(connection: string): Promise<readonly ReadRecord[]> {
  await gateway.fetch("alice", `/c/${connection}/next`);
  const records = await gateway.records("alice", connection);
  const cancelled = records.find(({ kind }) => kind === "command.cancelled");
  expect(cancelled?.classes.reason).toBe("session_over");
  expect(cancelled?.fields.by).toBeUndefined();
  expect(records.find(({ kind }) => kind === "session.closed")?.classes.reason).toBe("max");
  expect(records.at(-1)?.sid).not.toBe(records[0]?.sid);
  return records;
}

test("a stream is cut when its session has lasted as long as it may; the next call begins another", async () => {
  const { closed } = endless(upstream, "/stream");
  const began = Date.now();
  const call = await lastingCall(gateway, "alice", "GET /c/tool/stream HTTP/1.1");
  await call.hears("data: tick");
  await Promise.all([call.closed, closed]);
  const took = Date.now() - began;
  expect(took).toBeGreaterThanOrEqual(SESSION_SECONDS * 1000);
  expect(took).toBeLessThan(CUT_MS);
  // Cut, and not ended: a chunked answer has its last chunk only when it is whole.
  expect(call.heard().endsWith("0\r\n\r\n")).toBe(false);
  await expectOver("tool");
});

test("a socket is cut when its session has lasted as long as it may, and both sides hear why", async () => {
  const began = Date.now();
  const { client, server } = await openBoth(gateway, tool, "alice", "/c/chat/room");
  client.send("one");
  expect(await server.next()).toBe("one");
  const closed = { code: 1008, reason: "this session has lasted as long as one may" };
  expect([await client.closed, await server.closed]).toEqual([closed, closed]);
  const took = Date.now() - began;
  expect(took).toBeGreaterThanOrEqual(SESSION_SECONDS * 1000);
  expect(took).toBeLessThan(CUT_MS);
  const records = await expectOver("chat");
  expect(records.find(({ kind }) => kind === "command.cancelled")?.classes).toMatchObject({
    close: 1008,
    closed_by: "gateway",
    req_messages: 1,
  });
});

test("a session with no command running ends after the idle time of its connection", async () => {
  expect((await gateway.fetch("alice", "/c/quiet/one")).status).toBe(200);
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  expect((await gateway.fetch("alice", "/c/quiet/two")).status).toBe(200);
  const records = await gateway.records("alice", "quiet");
  expect(new Set(records.map(({ sid }) => sid)).size).toBe(2);
  expect(records.find(({ kind }) => kind === "session.closed")?.classes.reason).toBe("idle");
});
