// Ending a session, or trust in a token, ends what runs: tool and client are cut, and the record says why.

import type { Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CommandId, newCommandId, type SessionId } from "../../core/ids.ts";
import type { RegistryObject } from "../../durable/registry.ts";
import type { SessionObject } from "../../durable/session.ts";
import type { Killed } from "../../durable/session_rpc.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { eventually, type ReadRecord, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { endless, lastingCall } from "../support/lasting_calls.ts";
import { type RawUpstream, startRawUpstream } from "../support/raw_http.ts";

let upstream: EchoUpstream;
let raw: RawUpstream;
let gateway: TestGateway;
/** What uploads reach: takes their bytes and never answers. */
const uploads: Socket[] = [];

beforeAll(async () => {
  raw = await startRawUpstream((socket) => uploads.push(socket));
  upstream = await startEchoUpstream();
  gateway = await startGateway({
    policy: testPolicy({ tool: upstream.url, raw: raw.url, slow: { upstream: upstream.url, timeout_seconds: 60 } }),
    people: Object.fromEntries(
      ["silent", "paused", "sending", "waiting", "revoked", "other"].map((name) => [
        name,
        { subject: name, groups: ["engineers"] },
      ]),
    ),
  });
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
  await raw?.stop();
});

/** What the API's route does: the session's object is asked. */
async function kill(sid: SessionId): Promise<{ killed: Killed; by: CommandId }> {
  const { miniflare } = gateway.runtime;
  const registry = await miniflare.getDurableObjectNamespace("REGISTRY", "sallyport");
  const shard = registry.get(registry.idFromName(`registry/${sid.slice(-1)}`)) as unknown as RegistryObject;
  const entry = await shard.find(sid);
  if (entry === null) throw new Error("no such session");
  const sessions = await miniflare.getDurableObjectNamespace("SESSION", "sallyport");
  const session = sessions.get(sessions.idFromString(entry.object)) as unknown as SessionObject;
  const by = newCommandId(Date.now(), (bytes) => crypto.getRandomValues(bytes));
  return { killed: await session.kill(sid, { command: by, reason: "test" }), by };
}

/** Without what is recorded of bodies while they pass. */
async function recordsOf(person: string, connection: string, count: number): Promise<ReadRecord[]> {
  return eventually(
    async () => (await gateway.records(person, connection)).filter(({ kind }) => kind !== "stream.chunk"),
    (found) => found.length >= count,
  );
}

async function sidOf(person: string, connection = "tool"): Promise<SessionId> {
  const [first] = await recordsOf(person, connection, 2);
  if (first === undefined) throw new Error(`${person} has no session`);
  return first.sid as SessionId;
}

test("a stream that runs is cut for tool and client, and the records say why and by whom", async () => {
  const tool = endless(upstream, "/silent");
  const client = await lastingCall(gateway, "silent", "GET /c/tool/silent HTTP/1.1");
  await client.hears("tick");
  const { killed, by } = await kill(await sidOf("silent"));
  expect(killed).toEqual({ ok: true, state: "killed" });
  await Promise.all([tool.closed, client.closed]);
  // A chunked answer that has no last chunk is a broken one.
  expect(client.heard()).not.toMatch(/\r\n0\r\n\r\n$/);
  const records = await recordsOf("silent", "tool", 5);
  expect(records.map(({ kind }) => kind)).toEqual([
    "session.opened",
    "command.requested",
    "response.started",
    "command.cancelled",
    "session.closed",
  ]);
  expect(records[3]).toMatchObject({
    classes: { reason: "killed", resp_bytes: "data: tick\n\n".length },
    fields: { by },
  });
  expect(records[4]).toMatchObject({
    classes: { reason: "killed", size: Number(records[4]?.seq) + 1 },
    fields: { by },
  });
});

test("a client that does not read is cut as well, and the tool with it", async () => {
  const gone = Promise.withResolvers<unknown>();
  upstream.handlers.set("/flood", (_, response) => {
    response.writeHead(200, { "content-type": "application/octet-stream" });
    response.once("close", () => gone.resolve(null));
    const more = (): boolean => response.write(Buffer.alloc(65_536));
    response.on("drain", () => {
      while (more());
    });
    while (more());
  });
  const client = await lastingCall(gateway, "paused", "GET /c/tool/flood HTTP/1.1");
  await client.hears("\r\n\r\n");
  client.socket.pause();
  const sid = await sidOf("paused");
  // Until the buffers are full nobody waits for the client.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await kill(sid);
  await gone.promise;
  const records = await recordsOf("paused", "tool", 5);
  expect(records[3]).toMatchObject({ kind: "command.cancelled", classes: { reason: "killed" } });
  client.socket.destroy();
});

test("an upload that runs is cut for the tool, and its caller is told", async () => {
  uploads.length = 0;
  const client = await lastingCall(gateway, "sending", "PUT /c/raw/upload HTTP/1.1", ["Content-Length: 1000000"]);
  client.socket.write("x".repeat(70_000));
  const tool = await eventually(
    async () => uploads.at(-1),
    (socket) => socket !== undefined,
  );
  await kill(await sidOf("sending", "raw"));
  await new Promise((resolve) => (tool?.destroyed === true ? resolve(null) : tool?.once("close", resolve)));
  await client.hears("session_killed");
  expect(client.heard()).toMatch(/^HTTP\/1\.1 403 [^]*"reason":"session_killed"/);
  const records = await recordsOf("sending", "raw", 4);
  expect(records.slice(2).map(({ kind, classes }) => [kind, classes.reason])).toEqual([
    ["command.cancelled", "killed"],
    ["session.closed", "killed"],
  ]);
  client.socket.destroy();
});

test("a caller whose answer has not begun is told that the session was ended", async () => {
  upstream.handlers.set("/waiting", () => undefined);
  const waiting = gateway.fetch("waiting", "/c/slow/waiting");
  await kill(await sidOf("waiting", "slow"));
  const answer = await waiting;
  expect(answer.status).toBe(403);
  const { reason, record } = (await answer.json()) as { reason: string; record: string };
  expect(reason).toBe("session_killed");
  const records = await recordsOf("waiting", "slow", 4);
  expect(record).toBe(`${records[1]?.sid}/${records[1]?.seq}`);
  expect(records[2]).toMatchObject({ kind: "command.cancelled", classes: { reason: "killed", resp_bytes: 0 } });
});

test("a revoked token's stream is cut, other people's goes on", async () => {
  const [tool, others] = [endless(upstream, "/revoked"), endless(upstream, "/other")];
  const client = await lastingCall(gateway, "revoked", "GET /c/tool/revoked HTTP/1.1");
  const other = await lastingCall(gateway, "other", "GET /c/tool/other HTTP/1.1");
  await Promise.all([client.hears("tick"), other.hears("tick")]);
  const revoked = await gateway.fetch("dan", "/api/v1/revocations", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ issuer: gateway.issuer.url, subject: "revoked", reason: "lost laptop" }),
  });
  expect(revoked.status).toBe(201);
  const by = /[0-9a-f-]{36}/.exec(await revoked.text())?.[0];
  await Promise.all([tool.closed, client.closed]);
  const heard = other.heard().length;
  others.tick();
  await eventually(
    async () => other.heard().length,
    (length) => length > heard,
  );
  expect(other.heard().length).toBeGreaterThan(heard);
  other.socket.destroy();
  const all = await gateway.fetch("carol", "/api/v1/sessions?limit=100");
  const list = (await all.json()) as { items?: SessionLine[]; sessions?: SessionLine[] };
  const line = [...(list.items ?? []), ...(list.sessions ?? [])].find((one) => one.owner.subject === "revoked");
  const ended = await eventually(
    async () => (await gateway.fetch("carol", `/api/v1/sessions/${line?.sid}/records`)).text(),
    (text) => text.includes("command.cancelled"),
  );
  expect(ended).toContain('\\"reason\\":\\"token_revoked\\"');
  expect(by).toBeDefined();
  expect(ended).toContain(String(by));
});

interface SessionLine {
  readonly sid: string;
  readonly owner: { readonly subject: string };
}
