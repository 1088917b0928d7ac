// The limits that README.md admits to, held against a running gateway: one that has gone fails here, so
// that the page is corrected.

import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { eventually, type ReadRecord, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { startIssuer, type TestIssuer } from "../support/issuer.ts";
import { rawRequest, type RawUpstream, startRawUpstream } from "../support/raw_http.ts";

let upstream: EchoUpstream;
let raw: RawUpstream;
let gateway: TestGateway;
let issuer: TestIssuer;
const AUDIENCE_OF_TOOL = "https://gateway.example/c/tool";

beforeAll(async () => {
  upstream = await startEchoUpstream();
  raw = await startRawUpstream((socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n\r\n"));
  issuer = await startIssuer();
  gateway = await startGateway({
    policy: testPolicy({ tool: upstream.url, other: upstream.url, raw: raw.url }),
    issuers: [{ issuer: issuer.url, audiences: [AUDIENCE_OF_TOOL] }],
  });
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
  await raw?.stop();
  await issuer?.stop();
});

async function commandOf(target: string, records = 2): Promise<ReadRecord[]> {
  const ask = async (): Promise<ReadRecord[]> => {
    const all = await gateway.records("alice", "tool");
    const command = all.find((one) => one.fields.target?.includes(target) === true)?.command;
    return all.filter((one) => one.command === command && command !== undefined);
  };
  return eventually(ask, (found) => found.length >= records);
}

test("a secret in a body that neither its name nor its shape tells stands in the record", async () => {
  const sent = JSON.stringify({ note: "what only the caller knows" });
  const headers = { "content-type": "application/json" };
  await gateway.fetch("alice", "/c/tool/body", { method: "POST", headers, body: sent });
  const [requested, outcome] = await commandOf("/body");
  expect(requested?.fields.payload).toBe(sent);
  expect(outcome?.fields.digests).toMatch(/"request":\{"complete":true,"sha256":"[0-9a-f]{64}"\}/);
});

test("a secret in a header or parameter whose name does not tell stands in the record", async () => {
  await gateway.fetch("alice", "/c/tool/plain?note=query-secret&token=query-masked", {
    headers: { "x-note": "header-secret", "x-token": "header-masked" },
  });
  const [requested] = await commandOf("/plain");
  expect(requested?.fields.target).toBe("GET /plain?note=query-secret&token=[masked:query]");
  expect(requested?.fields.headers).toContain("header-secret");
  expect(requested?.fields.headers).not.toContain("header-masked");
});

test("an upstream is told not to answer from a cache, in headers that no caller sent", async () => {
  const answer = await gateway.fetch("alice", "/c/tool/uncached");
  const { headers } = (await answer.json()) as { headers: Record<string, string> };
  expect(headers).toMatchObject({ "cache-control": "no-cache", pragma: "no-cache" });
});

test("an answer that is no HTTP is recorded as an upstream that cannot be reached", async () => {
  expect((await gateway.fetch("alice", "/c/raw/x")).status).toBe(502);
  const last = (await gateway.records("alice", "raw")).at(-1);
  expect(last?.classes).toMatchObject({ transport: "refused", reason: "upstream_unreachable" });
});

test("a token that names one connection's audience is good for another connection", async () => {
  const token = await issuer.token({ subject: "eve", groups: ["engineers"], claims: { aud: AUDIENCE_OF_TOOL } });
  const answer = await fetch(`${gateway.url}/c/other/x`, { headers: { authorization: `Bearer ${token}` } });
  expect(answer.status).toBe(200);
});

interface Stream {
  readonly client: Socket;
  /** How many lines have arrived. */
  ticks(): number;
  /** Sends one more. */
  tick(): void;
}

/** An answer without an end, which moves when it is told to. */
async function openStream(person: string, path: string): Promise<Stream> {
  let tick = (): void => undefined;
  upstream.handlers.set(path, (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    tick = () => response.write("data: tick\n\n");
    tick();
  });
  let heard = "";
  const client = connect({ port: gateway.port, host: "127.0.0.1", allowHalfOpen: true });
  client.setEncoding("latin1").on("data", (text: string) => (heard += text));
  client.on("error", () => undefined);
  const authorization = `Authorization: Bearer ${await gateway.token(person)}`;
  client.write(rawRequest(`GET /c/tool${path} HTTP/1.1`, [`Host: 127.0.0.1:${gateway.port}`, authorization]));
  const stream = { client, ticks: () => heard.split("tick").length - 1, tick: () => tick() };
  await reached(stream, 1);
  return stream;
}

function reached(stream: Stream, ticks: number): Promise<number> {
  return eventually(
    async () => stream.ticks(),
    (count) => count >= ticks,
  );
}

test("a revocation refuses new calls", async () => {
  // Made before: a token of after the revocation is a new login, which it does not end.
  await gateway.token("bob");
  const revoked = await gateway.fetch("dan", "/api/v1/revocations", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ issuer: gateway.issuer.url, subject: "bob", reason: "lost laptop" }),
  });
  expect(revoked.status).toBe(201);
  const status = async (): Promise<number> => (await gateway.fetch("bob", "/c/tool/new")).status;
  expect(await eventually(status, (got) => got === 401)).toBe(401);
});

test("a client that ends its side in order is noticed by the next bytes for it", async () => {
  const stream = await openStream("alice", "/left");
  const gone = new Promise((resolve) => stream.client.once("close", resolve));
  stream.client.destroySoon();
  await gone;
  const before = (await commandOf("/left", 3)).map((one) => one.kind);
  expect(before).toEqual(["command.requested", "response.started", "stream.chunk"]);
  const records = await eventually(
    () => {
      stream.tick();
      return commandOf("/left", 3);
    },
    (found) => found.at(-1)?.kind === "command.cancelled",
  );
  expect(records.at(-1)).toMatchObject({ kind: "command.cancelled", classes: { reason: "client_gone" } });
});
