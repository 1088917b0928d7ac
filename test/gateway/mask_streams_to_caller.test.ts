// Masking towards the caller of answers that come piece by piece: a secret is found wherever it is cut,
// and what is interactive does not stall.

import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Handler } from "../support/echo_upstream.ts";
import { lastingCall } from "../support/lasting_calls.ts";
import { DOCUMENT, type MaskBench, MASKED, NUMBER, PASSWORD, startMaskBench } from "../support/mask_bench.ts";

let bench: MaskBench;

beforeAll(async () => {
  bench = await startMaskBench();
});
afterAll(() => bench?.stop());

describe("a stream", () => {
  /** Writes the pieces one by one, each after it is allowed to. */
  function streaming(type: string): { path: string; write(text: string): Promise<void>; end(): void; destroy(): void } {
    const began = Promise.withResolvers<Parameters<Handler>[1]>();
    const path = bench.serve((_, response) => {
      response.writeHead(200, { "content-type": type, etag: '"v1"' });
      response.flushHeaders();
      began.resolve(response);
    });
    return {
      path,
      write: async (text) => void (await began.promise).write(text),
      end: () => void began.promise.then((response) => response.end()),
      destroy: () => void began.promise.then((response) => response.destroy()),
    };
  }

  test.each([1, 3, 7])("is masked however it is cut: pieces of %i bytes", async (size) => {
    const path = bench.serve((_, response) => {
      response.writeHead(200, { "content-type": "application/json", "transfer-encoding": "chunked" });
      const bytes = Buffer.from(DOCUMENT);
      const step = (at: number): void => {
        if (at >= bytes.length) return void response.end();
        response.write(bytes.subarray(at, at + size), () => setImmediate(() => step(at + size)));
      };
      step(0);
    });
    const { body, headers, whole } = await bench.ask(path);
    expect([body.toString(), whole]).toEqual([MASKED, true]);
    expect(headers["content-length"]).toBe(undefined);
    expect((await bench.outcomeOf(path)).classes.masked).toBe(3);
  });

  test("of a stated length is masked and states none, however large", async () => {
    const many = JSON.stringify(
      Array.from({ length: 4_000 }, (_, i) => ({ id: i, password: PASSWORD, number: NUMBER })),
    );
    const path = bench.answering(many);
    const { body, headers } = await bench.ask(path);
    expect(body.toString()).toBe(
      many.replaceAll(PASSWORD, "[masked:password]").replaceAll(NUMBER, "[masked:staff-number]"),
    );
    expect([headers["content-length"], headers.etag]).toEqual([undefined, undefined]);
    const record = await bench.outcomeOf(path);
    expect(record.classes).toMatchObject({ masked: 8_000, resp_bytes: Buffer.byteLength(many) });
    expect(JSON.parse(record.fields.released ?? "null")).toMatchObject({ complete: true, size: body.length });
  });

  test("of a coding that opens to more than one record holds is masked, too", async () => {
    const many = JSON.stringify(Array.from({ length: 20_000 }, (_, i) => ({ id: i, password: PASSWORD })));
    const body = gzipSync(many);
    const path = bench.answering(body, { "content-encoding": "gzip" });
    const answer = await bench.ask(path);
    expect(answer.body.toString() === many.replaceAll(PASSWORD, "[masked:password]")).toBe(true);
    expect((await bench.outcomeOf(path)).classes).toMatchObject({ masked: 20_000, resp_bytes: body.length });
  });

  test("of events does not stall: each leaves at its end, and nothing of one before it", async () => {
    const { path, write, end } = streaming("text/event-stream");
    const client = await lastingCall(bench.gateway, "alice", `GET /c/tool${path} HTTP/1.1`);
    await write(`data: {"note":"first","password":"${PASSWORD}"}\n\n`);
    await client.hears("[masked:password]");
    // Half a secret, and then nothing for long enough: it is not decided, so it stays.
    await write(`data: see ${NUMBER.slice(0, 7)}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(client.heard()).not.toContain(NUMBER.slice(0, 7));
    await write(`${NUMBER.slice(7)} there\n\n`);
    // "see " came before, by itself.
    await client.hears("[masked:staff-number] there");
    await write(`: ping\n\ndata: last\n\n`);
    await client.hears("data: last");
    end();
    await client.closed;
    expect(client.heard()).not.toContain(PASSWORD);
    expect((await bench.outcomeOf(path)).classes.masked).toBe(2);
    expect((await bench.recordsOf(path)).find(({ kind }) => kind === "stream.chunk")?.classes.format).toBe("sse");
  });

  test("of lines does not stall either", async () => {
    const { path, write, end } = streaming("application/x-ndjson");
    const client = await lastingCall(bench.gateway, "alice", `GET /c/tool${path} HTTP/1.1`);
    await write(`{"id":1,"password":"${PASSWORD}"}\n`);
    await client.hears('{"id":1,"password":"[masked:password]"}');
    await write(`{"id":2}\n`);
    await client.hears('{"id":2}');
    end();
    await client.closed;
    expect(client.heard()).not.toContain(PASSWORD);
  });

  test("that breaks off within a secret gives nothing of it away, and the record says that it broke off", async () => {
    const { path, write, destroy } = streaming("text/plain");
    const client = await lastingCall(bench.gateway, "alice", `GET /c/tool${path} HTTP/1.1`);
    await write(`${"x".repeat(40_000)}\npassword=${PASSWORD.slice(0, 8)}`);
    await client.hears("xxxx");
    destroy();
    await client.closed;
    expect(client.heard()).not.toContain(PASSWORD.slice(0, 8));
    const record = await bench.outcomeOf(path);
    expect(record).toMatchObject({ kind: "command.failed", classes: { reason: "body_cut" } });
    expect(JSON.parse(record.fields.released ?? "null")).toMatchObject({ complete: false });
    expect(JSON.stringify(await bench.gateway.exports("alice", "tool"))).not.toContain(PASSWORD.slice(0, 8));
  });
});
