// Masking towards the caller, against a real upstream: what the caller gets holds no secret, is right in
// everything that it says of itself, and no way of asking leads around it.

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DOCUMENT, type MaskBench, MASKED, NUMBER, PASSWORD, startMaskBench, TOKEN } from "../support/mask_bench.ts";

let bench: MaskBench;

beforeAll(async () => {
  bench = await startMaskBench();
});
afterAll(() => bench?.stop());

describe("an answer that is there whole", () => {
  test("is masked and nothing else of it changes; its length is that of what left; the record tells both", async () => {
    const path = bench.answering(DOCUMENT);
    const { status, headers, body, whole } = await bench.ask(path);
    expect([status, body.toString(), whole]).toEqual([200, MASKED, true]);
    expect(headers["content-length"]).toBe(String(Buffer.byteLength(MASKED)));
    const record = await bench.outcomeOf(path);
    expect(record.classes).toMatchObject({ masked: 3, resp_bytes: Buffer.byteLength(DOCUMENT), format: "json" });
    expect(record.fields.payload).toBe(MASKED);
    expect(JSON.parse(record.fields.released ?? "null")).toEqual({
      complete: true,
      keyed: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      size: Buffer.byteLength(MASKED),
    });
    expect(JSON.stringify(await bench.gateway.exports("alice", "tool"))).not.toContain(PASSWORD);
  });

  test("reaches whom no rule masks as it is, and says so by saying nothing", async () => {
    const path = bench.answering(DOCUMENT, { etag: '"v1"' });
    const { body, headers } = await bench.ask(path, { person: "bob" });
    expect([body.toString(), headers.etag]).toEqual([DOCUMENT, '"v1"']);
    const record = await bench.outcomeOf(path, "bob");
    expect(record.classes.masked).toBe(undefined);
    expect(record.fields.released).toBe(undefined);
    // The record is masked whoever asks.
    expect(record.fields.payload).toBe(MASKED);
  });

  test("is masked by the rule's masks alone towards the caller, and by all in the record", async () => {
    const path = bench.answering(DOCUMENT);
    const { body } = await bench.ask(path, { person: "guest" });
    expect(body.toString()).toBe(DOCUMENT.replace(NUMBER, "[masked:staff-number]"));
    const record = await bench.outcomeOf(path, "guest");
    expect(record.classes.masked).toBe(1);
    expect(record.fields.payload).toBe(MASKED);
  });

  test("is masked where nothing of it is recorded, too", async () => {
    const path = bench.answering(DOCUMENT);
    const { body } = await bench.ask(path, { connection: "unrecorded" });
    expect(body.toString()).toBe(MASKED);
    const record = await bench.outcomeOf(path, "alice", "unrecorded");
    expect(record.fields.payload).toBe(undefined);
    expect(record.classes).toMatchObject({ masked: 3, resp_cut: Buffer.byteLength(DOCUMENT) });
  });

  test("passes if it is binary, and the record says that it is", async () => {
    const bytes = Buffer.concat([
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2]),
      Buffer.from(PASSWORD),
      randomBytes(64),
    ]);
    const path = bench.answering(bytes, { "content-type": "image/png" });
    expect((await bench.ask(path)).body.equals(bytes)).toBe(true);
    expect((await bench.outcomeOf(path)).classes).toMatchObject({ masked: 0, format: "binary" });
  });

  test("is JSON to the masker whatever the upstream calls it", async () => {
    const path = bench.answering(DOCUMENT, { "content-type": "application/octet-stream" });
    expect((await bench.ask(path)).body.toString()).toBe(MASKED);
  });
});

describe("no way of asking leads around it", () => {
  const asked = {
    range: "bytes=20-40",
    "if-range": '"v1"',
    "if-none-match": '"v1"',
    "if-match": '"v1"',
    "if-modified-since": "Sat, 01 Jan 2022 00:00:00 GMT",
    "if-unmodified-since": "Sat, 01 Jan 2033 00:00:00 GMT",
    "want-repr-digest": "sha-256=9",
    "a-im": "vcdiff",
    If_Range: '"v1"',
    "accept-encoding": "gzip, br, zstd",
  };

  test.each(["GET", "HEAD", "PROPFIND"])("a %s is asked for whole, plainly and unconditionally", async (method) => {
    const path = bench.answering(DOCUMENT);
    expect((await bench.ask(path, { method, headers: asked })).status).toBe(200);
    const { headers } = bench.upstream.last();
    expect(headers["accept-encoding"]).toBe("identity");
    for (const name of Object.keys(asked))
      if (name !== "accept-encoding") expect([name, headers[name.toLowerCase()]]).toEqual([name, undefined]);
    // What was asked for is what the record says was asked for.
    const [requested] = await bench.recordsOf(path);
    expect(requested?.fields.headers).not.toContain("if-none-match");
    bench.upstream.handlers.delete(path);
  });

  test("a write keeps the condition by which it happens or not", async () => {
    const path = bench.answering("{}", {}, 201);
    const headers = { "if-none-match": "*", "if-match": '"v1"', range: "bytes=0-1" };
    expect((await bench.ask(path, { method: "PUT", headers, body: "x" })).status).toBe(201);
    expect(bench.upstream.last().headers).toMatchObject({ "if-none-match": "*", "if-match": '"v1"' });
    expect(bench.upstream.last().headers.range).toBe(undefined);
  });

  test.each([
    [206, { "content-range": "bytes 0-9/100" }],
    [206, { "content-type": "multipart/byteranges; boundary=x" }],
    [226, { im: "vcdiff" }],
    [304, { etag: '"v1"' }],
    [416, { "content-range": "bytes */100" }],
  ])("an upstream that answers %i unasked is refused, and that is recorded", async (status, headers) => {
    const path = bench.serve((_, response) =>
      response.writeHead(status, headers).end(status === 304 ? undefined : "some of it"),
    );
    const answer = await bench.ask(path);
    expect(answer.status).toBe(502);
    expect(answer.body.toString()).toContain('"reason":"answer_unmaskable"');
    expect(answer.body.toString()).not.toContain("some of it");
    expect(await bench.outcomeOf(path)).toMatchObject({
      kind: "command.failed",
      classes: { reason: "answer_unmaskable", status, transport: "invalid" },
    });
  });

  test.each([
    ["gzip", gzipSync(DOCUMENT)],
    ["br", brotliCompressSync(DOCUMENT)],
  ])("an upstream that sends %s all the same is opened, and the caller gets it plain", async (coding, body) => {
    const path = bench.answering(body, { "content-encoding": coding });
    const answer = await bench.ask(path, { headers: { "accept-encoding": coding } });
    expect(answer.body.toString()).toBe(MASKED);
    expect(answer.headers["content-encoding"]).toBe(undefined);
    expect(answer.headers["content-length"]).toBe(String(Buffer.byteLength(MASKED)));
    expect((await bench.outcomeOf(path)).classes).toMatchObject({ coding, masked: 3, resp_bytes: body.length });
  });

  test.each([
    ["a coding that nobody opens", "zstd", Buffer.from(DOCUMENT)],
    ["a coding that it is not in", "gzip", Buffer.from(DOCUMENT)],
  ])("%s is refused", async (_, coding, body) => {
    const path = bench.answering(body, { "content-encoding": coding });
    const answer = await bench.ask(path);
    expect([answer.status, answer.body.toString().includes(PASSWORD)]).toEqual([502, false]);
    expect(await bench.outcomeOf(path)).toMatchObject({
      kind: "command.failed",
      classes: { reason: "answer_unreadable" },
    });
  });

  test("curl's own ways get the same", async () => {
    const path = bench.answering(DOCUMENT, { etag: '"v1"', "accept-ranges": "bytes" });
    const authorization = `Authorization: Bearer ${await bench.gateway.token("alice")}`;
    const curl = (...more: readonly string[]): Promise<string> =>
      new Promise((resolve, reject) => {
        const given = ["-sS", "--max-time", "30", "-H", authorization, ...more, `${bench.gateway.url}/c/tool${path}`];
        execFile("curl", given, (error, out) => (error === null ? resolve(out) : reject(error)));
      });
    expect(await curl("--compressed")).toBe(MASKED);
    expect(await curl("-r", "30-60")).toBe(MASKED);
    expect(await curl("-H", 'If-None-Match: "v1"', "-z", "now")).toBe(MASKED);
  });
});

describe("what the head says is said of what the caller gets", () => {
  test("nothing that tells the upstream's bytes is left, in whatever name", async () => {
    const about = {
      etag: '"abc"',
      "content-md5": "x",
      digest: "sha-256=x",
      "repr-digest": "sha-256=:x:",
      "content-digest": "sha-256=:x:",
      "accept-ranges": "bytes",
      "x-goog-hash": "crc32c=x",
      "x-goog-stored-content-length": "9",
      "x-amz-checksum-crc64nvme": "x",
      "x-ms-content-crc64": "x",
      "docker-content-digest": "sha256:x",
      "x-checksum-sha1": "x",
      x_linked_etag: "x",
      signature: "sig1=:x:",
      "signature-input": "sig1=()",
      "cache-control": "public, max-age=600",
      expires: "Sat, 01 Jan 2033 00:00:00 GMT",
    };
    const { headers } = await bench.ask(
      bench.answering(DOCUMENT, { ...about, "last-modified": "Sat, 01 Jan 2022 00:00:00 GMT", vary: "accept" }),
    );
    expect(headers["cache-control"]).toBe("no-store");
    for (const name of Object.keys(about))
      if (name !== "cache-control") expect([name, headers[name]]).toEqual([name, undefined]);
    expect([headers["last-modified"], headers.vary]).toEqual(["Sat, 01 Jan 2022 00:00:00 GMT", "accept"]);
  });

  test("HEAD states no length, for nobody knows it", async () => {
    const { status, headers, body } = await bench.ask(bench.answering(DOCUMENT, { etag: '"abc"' }), { method: "HEAD" });
    expect([status, body.length]).toEqual([200, 0]);
    expect([headers["content-length"], headers.etag]).toEqual([undefined, undefined]);
  });

  test("headers are masked as the body is, a reason phrase is not passed, and the record counts them", async () => {
    const path = bench.serve((_, response) => {
      response.writeHead(302, `Moved with ${TOKEN}`, {
        location: `/next?token=${PASSWORD}&page=2`,
        link: `</other?api_key=${PASSWORD}>; rel="next"`,
        "x-note": `by ${NUMBER} of ${TOKEN}`,
        "x-auth-token": PASSWORD,
        "x-plain": "plain",
        "content-disposition": `attachment; filename="${NUMBER}.json"`,
      });
      response.end();
    });
    const { headers, reason } = await bench.ask(path);
    expect(JSON.stringify(headers)).not.toContain(PASSWORD);
    expect(`${JSON.stringify(headers)}${reason}`).not.toContain(TOKEN);
    expect(headers).toMatchObject({
      "x-note": "by [masked:staff-number] of [masked:npm-token]",
      "x-auth-token": "[masked:token]",
      "x-plain": "plain",
      "content-disposition": 'attachment; filename="[masked:staff-number].json"',
    });
    expect(headers.location).toMatch(/\/c\/tool\/next\?token=\[masked:token\]&page=2$/);
    expect((await bench.outcomeOf(path)).classes.masked).toBe(6);
  });
});
