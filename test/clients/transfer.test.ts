// A gibibyte in each direction: every byte arrives, the record says which bytes they were, and the
// runtime's memory stays what it was.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, request as ask } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ByteServer, digestOf, pieces, startByteServer } from "../support/byte_server.ts";
import { commandsOf } from "../support/commands.ts";
import { eventually, type ReadRecord, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { childrenCalled, memoryGrowth, residentMemory } from "../support/resident_memory.ts";

const MEBIBYTE: number = 1024 * 1024;
const GIBIBYTE: number = 1024 * MEBIBYTE;
const GROWTH_LIMIT: number = 64 * MEBIBYTE;

let upstream: ByteServer;
let gateway: TestGateway;
let workerd: number[];
/**
 * After first bodies each way. From there on each turn of a pump leaves a little for the collector, which
 * comes round when the engine thinks fit: about 100 MiB above what an idle runtime holds.
 */
let warm: number;

beforeAll(async () => {
  upstream = await startByteServer();
  gateway = await startGateway({ policy: testPolicy({ bytes: upstream.url }) });
  workerd = childrenCalled("workerd");
  if (workerd.length === 0) throw new Error("no runtime to watch");
  for (const path of ["/", "/chunked/"]) await down(`${path}${64 * MEBIBYTE}`);
  for (const isChunked of [false, true]) await up(64 * MEBIBYTE, isChunked);
  warm = residentMemory(workerd);
}, 120_000);
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
});

interface Moved {
  readonly bytes: number;
  readonly sha256: string;
}

async function call(
  method: string,
  path: string,
  headers: Readonly<Record<string, string | number>>,
): Promise<{ request: ReturnType<typeof ask>; answer: Promise<IncomingMessage> }> {
  const request = ask(`${gateway.url}/c/bytes${path}`, {
    method,
    headers: { authorization: `Bearer ${await gateway.token("alice")}`, ...headers },
    agent: false,
  });
  const answer = once(request, "response").then(([response]) => response as IncomingMessage);
  return { request, answer };
}

async function read(answer: IncomingMessage): Promise<Moved> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

async function down(path: string): Promise<Moved> {
  const { request, answer } = await call("GET", path, {});
  request.end();
  const response = await answer;
  expect(response.statusCode).toBe(200);
  return read(response);
}

/** What the upstream says that it was given. */
async function up(size: number, isChunked: boolean): Promise<Moved> {
  const { request, answer } = await call("PUT", "/upload", isChunked ? {} : { "content-length": size });
  for (const piece of pieces(size)) if (!request.write(piece)) await once(request, "drain");
  request.end();
  const response = await answer;
  expect(response.statusCode).toBe(200);
  return json(response);
}

async function json(response: IncomingMessage): Promise<Moved> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString()) as Moved;
}

/** Until a count has not moved for half a second: whoever was to be held back is. */
async function still(count: () => number): Promise<void> {
  let last = -1;
  const stopped = await eventually(
    async () => {
      const isStill = count() === last;
      last = count();
      await new Promise((resolve) => setTimeout(resolve, 500));
      return isStill;
    },
    (isStill) => isStill,
    30_000,
  );
  expect(stopped).toBe(true);
}

/** The outcome of the last command. */
async function lastOutcome(): Promise<ReadRecord | null> {
  const records = await eventually(
    () => gateway.records("alice", "bytes"),
    (all) => (commandsOf(all).at(-1)?.outcome ?? null) !== null,
  );
  return commandsOf(records).at(-1)?.outcome ?? null;
}

describe("a gibibyte", () => {
  test.each([
    ["down, length stated", `/${GIBIBYTE}`],
    ["down, chunked", `/chunked/${GIBIBYTE}`],
  ])(
    "%s: every byte arrives, is in the digest, and takes no memory",
    async (_, path) => {
      let moved: Moved | null = null;
      const growth = await memoryGrowth(workerd, async () => {
        moved = await down(path);
      });
      expect(moved).toEqual({ bytes: GIBIBYTE, sha256: digestOf(GIBIBYTE) });
      const outcome = await lastOutcome();
      expect(outcome?.kind).toBe("command.completed");
      expect(outcome?.classes).toMatchObject({ transport: "ok", status: 200, resp_bytes: GIBIBYTE });
      expect(JSON.parse(outcome?.fields.digests ?? "")).toEqual({
        request: null,
        response: { complete: true, sha256: digestOf(GIBIBYTE) },
      });
      expect(growth).toBeLessThan(GROWTH_LIMIT);
    },
    180_000,
  );

  test.each([
    ["up, length stated", false],
    ["up, chunked", true],
  ])(
    "%s: every byte arrives, is in the digest, and takes no memory",
    async (_, isChunked) => {
      let moved: Moved | null = null;
      const growth = await memoryGrowth(workerd, async () => {
        moved = await up(GIBIBYTE, isChunked);
      });
      expect(moved).toEqual({ bytes: GIBIBYTE, sha256: digestOf(GIBIBYTE) });
      const outcome = await lastOutcome();
      expect(outcome?.kind).toBe("command.completed");
      expect(outcome?.classes).toMatchObject({ transport: "ok", status: 200, req_bytes: GIBIBYTE });
      expect(JSON.parse(outcome?.fields.digests ?? "")).toMatchObject({
        request: { complete: true, sha256: digestOf(GIBIBYTE) },
      });
      expect(growth).toBeLessThan(GROWTH_LIMIT);
    },
    180_000,
  );
});

test("a reader who pauses holds the upstream back, not the gateway's memory", async () => {
  const size = 256 * MEBIBYTE;
  const before = upstream.sent;
  const growth = await memoryGrowth(workerd, async () => {
    const { request, answer } = await call("GET", `/${size}`, {});
    request.end();
    const response = await answer;
    response.pause();
    await still(() => upstream.sent);
    expect(upstream.sent - before).toBeLessThan(64 * MEBIBYTE);
    expect(await read(response)).toEqual({ bytes: size, sha256: digestOf(size) });
  });
  expect(growth).toBeLessThan(GROWTH_LIMIT);
}, 120_000);

test("an upstream that pauses holds the client back, not the gateway's memory", async () => {
  const size = 256 * MEBIBYTE;
  let sent = 0;
  const growth = await memoryGrowth(workerd, async () => {
    const { request, answer } = await call("PUT", "/paused", { "content-length": size });
    const written = (async () => {
      for (const piece of pieces(size)) {
        if (!request.write(piece)) await once(request, "drain");
        sent += piece.length;
      }
      request.end();
    })();
    await still(() => sent);
    expect(sent).toBeLessThan(64 * MEBIBYTE);
    upstream.goOn();
    await written;
    expect(await json(await answer)).toEqual({ bytes: size, sha256: digestOf(size) });
  });
  expect(growth).toBeLessThan(GROWTH_LIMIT);
}, 120_000);

// Every byte was masked, carried to the session's object and stored there, which leaves the collector twice as
// much as passing it on alone; the database keeps some pages, too.
test("after all of this the runtime holds what the collector leaves it, and no more", () => {
  expect(residentMemory(workerd) - warm).toBeLessThan(4 * GROWTH_LIMIT);
});
