// Each way a call can fail: what the caller hears, what the record says, and what the upstream saw.

import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commandsOf } from "../support/commands.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { eventually, type ReadRecord, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { rawExchange, rawRequest, type RawUpstream, startRawUpstream } from "../support/raw_http.ts";

let upstream: EchoUpstream;
let raw: RawUpstream;
let gateway: TestGateway;
let credentials: string[];
/** What the raw upstream answers next. */
let script = "";

beforeAll(async () => {
  upstream = await startEchoUpstream();
  raw = await startRawUpstream((socket) => socket.end(Buffer.from(script, "latin1")));
  const down = await startRawUpstream(() => undefined);
  await down.stop();
  gateway = await startGateway({
    policy: testPolicy({ tool: { upstream: upstream.url, timeout_seconds: 1 }, raw: raw.url, down: down.url }),
  });
  credentials = [`Host: 127.0.0.1:${gateway.port}`, `Authorization: Bearer ${await gateway.token("alice")}`];
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
  await raw?.stop();
});

/** How the last command of this target ended, once it has. */
function outcome(connection: string, path: string, person = "alice"): Promise<ReadRecord | null> {
  return eventually(
    async () => {
      const commands = commandsOf(await gateway.records(person, connection));
      return commands.findLast((one) => one.target.endsWith(` ${path}`))?.outcome ?? null;
    },
    (end) => end !== null,
  );
}

function expectTellsNothing(text: string): void {
  for (const secret of [upstream.url, String(upstream.port), raw.url, "127.0.0.1", "eyJ", ".ts", "at async", "Error:"])
    expect(text).not.toContain(secret);
}

test("an upstream that is down is 502, and so recorded", async () => {
  const answer = await gateway.fetch("alice", "/c/down/x");
  expect(answer.status).toBe(502);
  const text = await answer.text();
  expect(JSON.parse(text)).toMatchObject({ reason: "upstream_unreachable" });
  expectTellsNothing(text);
  expect((await outcome("down", "/x"))?.classes).toMatchObject({
    transport: "refused",
    reason: "upstream_unreachable",
    resp_bytes: 0,
  });
});

test("an upstream that does not answer in its time is 504, and is let go", async () => {
  let closed = false;
  upstream.handlers.set("/silent", (_, response) => response.on("close", () => (closed = true)));
  const answer = await gateway.fetch("alice", "/c/tool/silent");
  expect(answer.status).toBe(504);
  expectTellsNothing(await answer.text());
  expect((await outcome("tool", "/silent"))?.classes).toMatchObject({
    transport: "timeout",
    reason: "upstream_timeout",
  });
  expect(await eventually(async () => closed, Boolean)).toBe(true);
});

test("a small answer that stalls half-way is 504, too", async () => {
  upstream.handlers.set("/stalls", (_, response) => response.writeHead(200, { "content-length": 10 }).write("half"));
  expect((await gateway.fetch("alice", "/c/tool/stalls")).status).toBe(504);
  expect((await outcome("tool", "/stalls"))?.classes).toMatchObject({
    transport: "timeout",
    reason: "upstream_timeout",
  });
});

test("an upload that takes longer than the upstream's time is no timeout", async () => {
  const socket = connect(gateway.port, "127.0.0.1");
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
  socket.write(
    [`PUT /c/tool/upload HTTP/1.1`, ...credentials, "Connection: close", "Content-Length: 80000", "", ""].join("\r\n"),
  );
  for (let sent = 0; sent < 4; sent++) {
    socket.write("x".repeat(20_000));
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  await eventually(
    async () => text,
    (got) => got.includes("sha256"),
  );
  socket.destroy();
  expect(text).toMatch(/^HTTP\/1\.1 200 /);
});

test("a small answer that breaks off is 502: nothing of it is released", async () => {
  script = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly half";
  const answer = await gateway.fetch("alice", "/c/raw/x");
  expect(answer.status).toBe(502);
  expect(await answer.json()).toMatchObject({ reason: "body_cut" });
  expect((await outcome("raw", "/x"))?.classes).toMatchObject({ transport: "cut", status: 200, reason: "body_cut" });
});

test.each([
  ["with a stated length", "Content-Length: 100000\r\n\r\n" + "x".repeat(70_000)],
  ["in chunks", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"],
  ["with a malformed chunk", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n"],
])("a large answer %s that breaks off breaks off for the client, visibly", async (_, rest) => {
  script = `HTTP/1.1 200 OK\r\n${rest}`;
  const answer = await rawExchange(gateway.port, rawRequest("GET /c/raw/x HTTP/1.1", credentials));
  expect(answer.closed).toBe(true);
  expect(answer.text).not.toContain("0\r\n\r\n");
  expect(answer.body.length).toBeLessThan(100_000);
  await expect(gateway.fetch("alice", "/c/raw/x").then((again) => again.arrayBuffer())).rejects.toThrow();
  expect((await outcome("raw", "/x"))?.classes).toMatchObject({ transport: "cut", reason: "body_cut" });
});

test.each([
  ["an upload in chunks that breaks off", "/cut", "Transfer-Encoding: chunked", "5\r\nhello\r\n"],
  ["an upload with a malformed chunk", "/malformed", "Transfer-Encoding: chunked", "5\r\nhello\r\nzz\r\n"],
  ["a large upload with a stated length that breaks off", "/short", "Content-Length: 100000", "hello"],
])("%s never looks whole to the upstream", async (_, path, header, body) => {
  const socket = connect(gateway.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write([`POST /c/tool${path} HTTP/1.1`, ...credentials, header, "", body].join("\r\n"));
  await new Promise((resolve) => setTimeout(resolve, 300));
  socket.destroy();
  const end = await outcome("tool", path);
  expect(end?.kind).toBe("command.cancelled");
  expect(end?.classes).toMatchObject({ reason: "client_gone", req_bytes: "hello".length });
  // It counts a request as received when the body's end has come.
  expect(upstream.received.some((one) => one.url === path)).toBe(false);
});

test("a small upload that breaks off is never forwarded", async () => {
  const before = upstream.received.length;
  const socket = connect(gateway.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write([`POST /c/tool/small HTTP/1.1`, ...credentials, "Content-Length: 100", "", "hello"].join("\r\n"));
  await new Promise((resolve) => setTimeout(resolve, 300));
  socket.destroy();
  const denied = await eventually(
    async () => (await gateway.records("alice", "tool")).find(({ kind }) => kind === "command.denied"),
    (found) => found !== undefined,
  );
  expect(denied?.fields.target).toBe("POST /small");
  expect(denied?.classes).toMatchObject({ reason: "request_cut", status: 400 });
  expect(upstream.received.length).toBe(before);
});

test("an upstream may answer before it has read the request; what went up is what is recorded", async () => {
  const early = await startRawUpstream((socket) => {
    socket.pause();
    socket.write("HTTP/1.1 413 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
  });
  const gate = await startGateway({ policy: testPolicy({ early: early.url }) });
  try {
    const answer = await rawExchange(
      gate.port,
      [
        `PUT /c/early/x HTTP/1.1`,
        `Host: 127.0.0.1:${gate.port}`,
        `Authorization: Bearer ${await gate.token("alice")}`,
        "Content-Length: 50000000",
        "",
        "x".repeat(5_000_000),
      ].join("\r\n"),
      {
        until: (text) => text.endsWith("\r\n\r\nno"),
      },
    );
    expect(answer.status).toBe(413);
    const end = (
      await eventually(
        () => gate.records("alice", "early"),
        (all) => all.at(-1)?.kind === "command.completed",
      )
    ).at(-1);
    expect(end?.classes).toMatchObject({ transport: "ok", status: 413 });
    expect(end?.fields.digests).toContain('"request":{"complete":false');
    expect(Number(end?.classes.req_bytes)).toBeLessThan(50_000_000);
  } finally {
    await gate.stop();
    await early.stop();
  }
});

test("a token's end cuts the stream it started", async () => {
  upstream.handlers.set("/ticks", (_, response) => {
    const timer = setInterval(() => response.write("tick\n"), 50);
    response.on("close", () => clearInterval(timer));
  });
  const token = await gateway.token("bob", 2);
  const answer = await fetch(`${gateway.url}/c/tool/ticks`, { headers: { authorization: `Bearer ${token}` } });
  expect(answer.status).toBe(200);
  await expect(answer.text()).rejects.toThrow();
  const end = await outcome("tool", "/ticks", "bob");
  expect(end?.kind).toBe("command.cancelled");
  expect(end?.classes).toMatchObject({ reason: "token_expired" });
  expect(Number(end?.classes.resp_bytes)).toBeGreaterThan(0);
  expect((await fetch(`${gateway.url}/c/tool/ticks`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(
    401,
  );
});

test("a client that reads slowly holds the upstream back", async () => {
  let sent = 0;
  upstream.handlers.set("/flood", (_, response) => {
    const block = randomBytes(65_536);
    const push = (): void => {
      while (sent < 64 * 1024 * 1024) {
        sent += block.length;
        if (!response.write(block)) return void response.once("drain", push);
      }
      response.end();
    };
    response.on("close", () => (sent = Math.min(sent, 64 * 1024 * 1024 - 1)));
    push();
  });
  const socket = connect(gateway.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(rawRequest("GET /c/tool/flood HTTP/1.1", credentials));
  await new Promise((resolve) => socket.once("readable", resolve));
  let last = -1;
  await eventually(
    async () => sent,
    (now) => {
      const stopped = now === last;
      last = now;
      return stopped;
    },
  );
  // Kernel buffers on the way hold some megabytes; the gateway holds next to nothing.
  expect(sent).toBeLessThan(32 * 1024 * 1024);
  socket.resetAndDestroy();
  expect((await outcome("tool", "/flood"))?.classes).toMatchObject({ reason: "client_gone" });
});

test("a gateway whose configuration is wrong serves nothing, and names no variable to callers", async () => {
  const broken = await startGateway({ policy: null, bindings: { PSEUDONYM_KEY: "c2hvcnQ=" } });
  try {
    for (const path of ["/c/tool/x", "/api/v1/policy"]) {
      const answer = await broken.fetch("dan", path);
      expect(answer.status).toBe(503);
      expect(await answer.text()).not.toContain("PSEUDONYM");
    }
  } finally {
    await broken.stop();
  }
});
