// A peer whose network is gone says nothing, not even that it goes. What ends its socket then is a limit to
// silence, where the connection has one, and the token's end where it has none. The side that is still
// there hears of it, and the records say why.

import { afterAll, beforeAll, expect, test } from "vitest";
import { type ReadRecord, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { openSocket, SocketTool } from "../support/sockets.ts";
import { VanishingNetwork } from "../support/vanishing_network.ts";

const SILENCE_SECONDS = 2;
/** Looked for twice a second; the rest is for machines on which other tests run beside this one. */
const LATE_MS = 2_000;

let tool: SocketTool;
let toTool: VanishingNetwork;
let toGateway: VanishingNetwork;
let gateway: TestGateway;

beforeAll(async () => {
  tool = await SocketTool.start();
  toTool = await VanishingNetwork.before(tool.url);
  const chat = { protocol: "websocket", upstream: tool.url };
  const far = { protocol: "websocket", upstream: toTool.url };
  gateway = await startGateway({
    policy: testPolicy({
      chat: { ...chat, silence_seconds: SILENCE_SECONDS },
      far: { ...far, silence_seconds: SILENCE_SECONDS },
      unlimited: far,
    }),
  });
  toGateway = await VanishingNetwork.before(gateway.url);
});
afterAll(async () => {
  await toGateway?.stop();
  await gateway?.stop();
  await toTool?.stop();
  await tool?.stop();
});

async function cancelled(connection: string): Promise<ReadRecord | undefined> {
  return (await gateway.records("alice", connection)).find(({ kind }) => kind === "command.cancelled");
}

const SILENT = { code: 1001, reason: "nothing was said for too long" };

test("a client whose network is gone leaves its tool a socket that is closed by the limit to silence", async () => {
  const behind = { ...gateway, url: toGateway.url, token: (who: string) => gateway.token(who) };
  const headers = { host: new URL(gateway.url).host };
  const client = await openSocket(behind as TestGateway, "alice", "/c/chat/a", [], { headers });
  const server = await tool.taken("/a");
  client.send("one");
  expect(await server.next()).toBe("one");
  const silentFrom = Date.now();
  toGateway.vanish();
  expect(await server.closed).toEqual(SILENT);
  expect(Date.now() - silentFrom).toBeLessThan(SILENCE_SECONDS * 1000 + LATE_MS);
  expect((await cancelled("chat"))?.classes).toMatchObject({ reason: "silent", closed_by: "gateway", req_messages: 1 });
  client.socket.terminate();
});

test("a tool whose network is gone leaves a client that is told by the limit to silence, or else at the token's end", async () => {
  const until = Math.floor(Date.now() / 1000) + 6;
  const headers = { authorization: `Bearer ${await gateway.token({ subject: "alice", groups: ["engineers"] }, 6)}` };
  const limited = await openSocket(gateway, "alice", "/c/far/b");
  const unlimited = await openSocket(gateway, "alice", "/c/unlimited/c", [], { headers });
  await Promise.all([tool.taken("/b"), tool.taken("/c")]);
  const silentFrom = Date.now();
  toTool.vanish();
  expect(await limited.closed).toEqual(SILENT);
  expect(Date.now() - silentFrom).toBeLessThan(SILENCE_SECONDS * 1000 + LATE_MS);
  expect(await unlimited.closed).toEqual({ code: 1008, reason: "the access token has expired" });
  expect(Date.now() - (until + 1) * 1000).toBeLessThan(LATE_MS);
  expect((await cancelled("far"))?.classes).toMatchObject({ reason: "silent", closed_by: "gateway" });
  expect((await cancelled("unlimited"))?.classes.reason).toBe("token_expired");
});

test("a socket over which something is said now and then is not silent, whichever side says it", async () => {
  const client = await openSocket(gateway, "alice", "/c/chat/d");
  const server = await tool.taken("/d");
  const pause = (SILENCE_SECONDS * 1000) / 2;
  for (const end of [client, server, client, server]) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    end.send("still here");
  }
  await client.has(2);
  await server.has(2);
  client.socket.close(1000);
  expect((await server.closed).code).toBe(1000);
});
