// A masker that fails in the middle of its work: the command fails closed. Neither side gets the bytes
// that it failed at, no record has them, and what is said is that they could not be masked.

import { build } from "esbuild";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { eventually, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { MaskBench } from "../support/mask_bench.ts";
import { recordedCommand } from "../support/recorded_payload.ts";
import { messagesOf, openBoth, SocketTool } from "../support/sockets.ts";

/** What the masker of test/support/failing_worker.ts fails at, under a name that tells. */
const SECRET = `unnameable-${randomBytes(12).toString("base64url")}`;
const DOCUMENT = JSON.stringify({ note: "before", api_key: SECRET, after: "and more" });
const WORKING = JSON.stringify({ note: "before", api_key: randomBytes(12).toString("hex") });
/** More than is read whole, in a coding as well; the secret near its end. */
const LARGE = JSON.stringify({
  lines: Array.from({ length: 4000 }, () => randomBytes(40).toString("hex")),
  api_key: SECRET,
  z: 1,
});

let upstream: EchoUpstream;
let tool: SocketTool;
let gateway: TestGateway;
let bench: MaskBench;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sallyport-failing-"));
  await build({
    entryPoints: [join(import.meta.dirname, "../support/failing_worker.ts")],
    outfile: join(folder, "index.js"),
    bundle: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    logLevel: "error",
  });
  upstream = await startEchoUpstream();
  tool = await SocketTool.start();
  const policy = testPolicy({
    tool: upstream.url,
    shielded: upstream.url,
    chat: { protocol: "websocket", upstream: tool.url },
  }) as { rules: object[] };
  const [rule] = policy.rules;
  gateway = await startGateway({
    bundle: folder,
    policy: {
      ...policy,
      rules: [rule, { ...rule, id: "shielded", priority: 1, connections: ["shielded"], mask: ["secrets"] }],
    },
  });
  bench = new MaskBench(upstream, gateway);
});
afterAll(async () => {
  await gateway?.stop();
  await tool?.stop();
  await upstream?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function expectNowhere(connection: string): Promise<void> {
  expect((await gateway.exports("alice", connection)).join("")).not.toContain("unnameable");
}

const json = { "content-type": "application/json" };

test("a small request is not forwarded", async () => {
  const before = upstream.received.length;
  const answer = await gateway.fetch("alice", "/c/tool/sent", { method: "POST", headers: json, body: DOCUMENT });
  expect(answer.status).toBe(500);
  expect(await answer.json()).toMatchObject({ reason: "mask_failed" });
  expect(upstream.received.length).toBe(before);
  const { outcome } = await recordedCommand(gateway, "alice", "tool", "POST /sent");
  expect(outcome).toMatchObject({ kind: "command.denied", classes: { reason: "mask_failed" } });
  await expectNowhere("tool");
});

test.each([
  ["as it is", LARGE, {}],
  ["in gzip", gzipSync(LARGE), { "content-encoding": "gzip" }],
])("a large request (%s) never looks whole to the upstream", async (what, body, headers) => {
  const path = `/uploaded/${encodeURIComponent(what)}`;
  const before = upstream.received.length;
  const asked = { method: "POST", headers: { ...json, ...headers }, body };
  const answer = await gateway.fetch("alice", `/c/tool${path}`, asked);
  expect(answer.status).toBe(500);
  expect(await answer.json()).toMatchObject({ reason: "mask_failed" });
  const { outcome } = await recordedCommand(gateway, "alice", "tool", `POST ${path}`);
  expect(outcome).toMatchObject({ kind: "command.failed", classes: { reason: "mask_failed" } });
  expect(upstream.received.length).toBe(before);
  await expectNowhere("tool");
});

describe.each(["tool", "shielded"])("on the connection %s", (connection) => {
  const answering = (path: string, body: string | Uint8Array, headers: object = {}): void => {
    upstream.handlers.set(path, (_, response) =>
      response.writeHead(200, { ...json, "content-length": Buffer.byteLength(body), ...headers }).end(body),
    );
  };

  test.each([
    ["as it is", DOCUMENT, {}],
    ["in gzip", gzipSync(DOCUMENT), { "content-encoding": "gzip" }],
  ])("a small answer (%s) is withheld", async (what, body, headers) => {
    const path = `/${connection}/small/${encodeURIComponent(what)}`;
    answering(path, body, headers);
    const answer = await gateway.fetch("alice", `/c/${connection}${path}`);
    expect(answer.status).toBe(500);
    const text = await answer.text();
    expect(JSON.parse(text)).toMatchObject({ reason: "mask_failed" });
    expect(text).not.toContain("before");
    const { outcome } = await recordedCommand(gateway, "alice", connection, `GET ${path}`);
    expect(outcome).toMatchObject({ kind: "command.failed", classes: { reason: "mask_failed", status: 200 } });
    await expectNowhere(connection);
  });

  test.each([
    ["as it is", LARGE, {}],
    ["in gzip", gzipSync(LARGE), { "content-encoding": "gzip" }],
  ])("a large answer (%s) breaks off before it", async (what, body, headers) => {
    const path = `/${connection}/large/${encodeURIComponent(what)}`;
    answering(path, body, headers);
    // What fails before anything was released is a problem document; else the body breaks off, or all of it.
    const answer = await bench.ask(path, { connection }).catch(() => null);
    if (answer?.status === 500) expect(answer.body.toString()).toContain('"mask_failed"');
    else expect(answer?.whole ?? false).toBe(false);
    expect(answer?.body.toString() ?? "").not.toContain("unnameable");
    const { outcome } = await recordedCommand(gateway, "alice", connection, `GET ${path}`);
    expect(outcome).toMatchObject({ kind: "command.failed", classes: { reason: "mask_failed", status: 200 } });
    await expectNowhere(connection);
  });

  test("what can be masked goes on as before", async () => {
    answering(`/${connection}/fine`, WORKING);
    const answer = await gateway.fetch("alice", `/c/${connection}/${connection}/fine`, {
      method: "POST",
      headers: json,
      body: WORKING,
    });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ note: "before" });
    const { outcome } = await recordedCommand(gateway, "alice", connection, `POST /${connection}/fine`);
    expect(outcome.kind).toBe("command.completed");
    expect(outcome.fields.payload).toContain("[masked:key]");
  });
});

test.each(["to the tool", "to the caller"])("a message %s is not handed on, and both sides are closed", async (way) => {
  const { client, server } = await openBoth(gateway, tool, "alice", `/c/chat/${encodeURIComponent(way)}`);
  const [from, to] = way === "to the tool" ? [client, server] : [server, client];
  from.send(WORKING);
  expect(await to.next()).toBe(WORKING);
  from.send(DOCUMENT);
  from.send(WORKING);
  expect((await client.closed).code).toBe(1011);
  expect((await server.closed).code).toBe(1011);
  expect(to.heard).toEqual([WORKING]);
  const ended = await eventually(
    async () => (await gateway.records("alice", "chat")).filter(({ classes }) => classes.reason === "mask_failed"),
    (found) => found.length > 0,
  );
  expect(ended.at(-1)).toMatchObject({ kind: "command.failed", classes: { closed_by: "gateway", close: 1011 } });
  const records = await gateway.records("alice", "chat");
  const socket = ended.at(-1)?.command;
  expect(messagesOf(records).filter(({ classes }) => classes.socket === socket).length).toBe(1);
  await expectNowhere("chat");
});
