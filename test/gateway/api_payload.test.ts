// Bodies as they are recorded, read back: whole and in part, safe to have, and only by those who may. Their
// records are written by the test, through the session object.

import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { eventually, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { childrenCalled, memoryGrowth } from "../support/resident_memory.ts";
import { type WrittenCommand, WrittenSession } from "../support/written_session.ts";

const KIB = 1024;
const MIB = KIB * KIB;
let upstream: EchoUpstream;
let gateway: TestGateway;
let session: WrittenSession;

beforeAll(async () => {
  upstream = await startEchoUpstream();
  gateway = await startGateway({ policy: testPolicy({ tool: upstream.url }) });
  session = await WrittenSession.open(gateway, "alice", "one");
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
});

const textBytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function get(path: string, headers: Readonly<Record<string, string>> = {}, person = "alice"): Promise<Response> {
  return gateway.fetch(person, path, { headers });
}

async function bytesOf(answer: Response): Promise<Buffer> {
  return Buffer.from(await answer.arrayBuffer());
}

/** An answer in chunks, of which some stand in their records and some beside them. */
async function streamed(sizes: readonly number[]): Promise<{ command: WrittenCommand; whole: Buffer }> {
  const parts = sizes.map((size) => ({ bytes: new Uint8Array(randomBytes(size)) }));
  const command = await session.request();
  await command.start([["content-type", "application/x-tar"]]);
  await command.stream("response", parts, { format: "binary" });
  await command.complete();
  return { command, whole: Buffer.concat(parts.map(({ bytes }) => bytes)) };
}

describe("a body", () => {
  test("that stands in its command's record is read as it is there, also while the command goes on", async () => {
    const body = textBytes('{"a":"é"}');
    const headers = [["content-type", "application/json"]] as const;
    const command = await session.request({ headers, body: { bytes: body }, nature: { format: "json" } });
    const answer = await get(command.path("request"));
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-length": String(body.length),
      "sallyport-payload-type": "application/json",
      "sallyport-payload-format": "json",
      "sallyport-payload-masked": "0",
      "sallyport-payload-cut": "0",
      "sallyport-payload-complete": "true",
      etag: expect.stringMatching(/^"[0-9a-f]{32}"$/) as unknown,
    });
    expect(await bytesOf(answer)).toEqual(Buffer.from(body));
    await command.complete({ headers: [], body: { bytes: textBytes("done") } });
    expect(await (await get(command.path("response"))).text()).toBe("done");
  });

  test("of chunks is their bytes, one after the other, by HEAD what GET says of them", async () => {
    const { command, whole } = await streamed([10, 300 * KIB, 1, 700 * KIB, 16 * KIB, 1 * MIB, 5]);
    const answer = await get(command.path("response"));
    expect((await bytesOf(answer)).equals(whole)).toBe(true);
    expect(answer.headers.get("content-length")).toBe(String(whole.length));
    const head = await gateway.fetch("alice", command.path("response"), { method: "HEAD" });
    expect(head.status).toBe(200);
    const told = (one: Response): unknown =>
      [...one.headers].filter(([name]) => !["date", "connection", "keep-alive", "transfer-encoding"].includes(name));
    expect(told(head)).toEqual(told(answer));
    expect(await head.text()).toBe("");
  });

  test("is the same bytes for clients that take codings", async () => {
    const body = textBytes("text ".repeat(50_000));
    const command = await session.request({ body: { bytes: body } });
    const answer = await get(command.path("request"), { "accept-encoding": "gzip, br" });
    expect(answer.headers.get("content-encoding")).toBeNull();
    expect((await bytesOf(answer)).equals(Buffer.from(body))).toBe(true);
  });

  test("that grows is read as far as it goes, without a length or a tag of it; then it has both", async () => {
    const command = await session.request();
    const release = command.hold();
    await command.start();
    await command.stream("response", [{ bytes: textBytes("first ") }, { bytes: textBytes("second ") }]);
    const early = await get(command.path("response"));
    expect([early.headers.get("content-length"), early.headers.get("etag")]).toEqual([null, null]);
    expect(early.headers.get("sallyport-payload-complete")).toBe("false");
    expect(await early.text()).toBe("first second ");
    const part = await get(command.path("response"), { range: "bytes=6-" });
    expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([
      206,
      "bytes 6-12/*",
      "second ",
    ]);
    const suffix = await get(command.path("response"), { range: "bytes=-3" });
    expect([suffix.status, await suffix.text()]).toEqual([200, "first second "]);
    const beyond = await get(command.path("response"), { range: "bytes=13-" });
    expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, null]);
    await command.stream("response", [{ bytes: textBytes("third") }]);
    await command.complete();
    release();
    const whole = await get(command.path("response"));
    expect(await whole.text()).toBe("first second third");
    expect([whole.headers.get("content-length"), whole.headers.get("etag")]).toEqual(["18", expect.any(String)]);
  });

  test.each<[string, Parameters<WrittenSession["request"]>[0], string]>([
    ["there is not", {}, "payload_none"],
    ["was not to be recorded", { classes: { req_cut: 12 } }, "payload_not_recorded"],
    [
      "came in a coding that cannot be opened",
      { nature: { format: "opaque", raw: "ab".repeat(32) } },
      "payload_opaque",
    ],
  ])("that %s is 404, with why", async (_, written, reason) => {
    const command = await session.request(written);
    const answer = await get(command.path("request"));
    expect([answer.status, answer.headers.get("content-type")]).toEqual([404, "application/problem+json"]);
    expect(await answer.json()).toMatchObject({ reason });
  });

  test("says what was opened, masked and left out of it", async () => {
    const span = (at: number) => ({ at, length: 9, put: 17, rule: "password", pseudonym: "p-1" });
    const body = { bytes: textBytes("a [masked:password] [masked:password]"), spans: [span(2), span(12)] };
    const nature = { format: "text", coding: "gzip", raw: "ab".repeat(32) } as const;
    const command = await session.request({ body, nature, classes: { req_cut: 100 } });
    const answer = await get(command.path("request"));
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "sallyport-payload-coding": "gzip",
      "sallyport-payload-masked": "2",
      "sallyport-payload-cut": "100",
    });
    expect([...answer.headers].join()).not.toContain("p-1");
    expect(await bytesOf(answer)).toEqual(Buffer.from(body.bytes));
  });
});

describe("a body of a tool's", () => {
  /** Those of the last call of `path`. */
  async function bodiesOf(path: string): Promise<readonly [request: Response, response: Response]> {
    const records = await gateway.records("bob", "tool");
    const asked = records.findLast((one) => one.fields.target?.endsWith(path) === true);
    const at = `/api/v1/sessions/${asked?.sid}/payload/${asked?.command}`;
    return [await get(`${at}/request`, {}, "bob"), await get(`${at}/response`, {}, "bob")];
  }

  test("is what it sent and was sent, but for what was masked, opened of its coding", async () => {
    const secret = randomBytes(12).toString("hex");
    const text = (word: string): string => JSON.stringify({ user: "bob", password: word, list: "x".repeat(200_000) });
    upstream.handlers.set("/login", (_, response) =>
      response
        .writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" })
        .end(gzipSync(text(secret))),
    );
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: text(secret) };
    const answer = await gateway.fetch("bob", "/c/tool/login", init);
    expect(await answer.text()).toBe(text(secret));
    const bodies = await bodiesOf("/login");
    for (const body of bodies) {
      const read = await body.text();
      expect(read).not.toContain(secret);
      expect(read.replace(/\[masked:[a-z0-9-]+\]/, secret)).toBe(text(secret));
      expect(body.headers.get("sallyport-payload-masked")).toBe("1");
      expect(body.headers.get("sallyport-payload-complete")).toBe("true");
    }
    expect(bodies.map(({ headers }) => headers.get("sallyport-payload-coding"))).toEqual([null, "gzip"]);
  });

  test("that was no more than asked for and answered is none", async () => {
    upstream.handlers.set("/empty", (_, response) => response.writeHead(204).end());
    await gateway.fetch("bob", "/c/tool/empty");
    for (const body of await bodiesOf("/empty")) expect(await body.json()).toMatchObject({ reason: "payload_none" });
  });

  test("is nowhere of what the API itself answers: reading the trail does not double it", async () => {
    const records = await gateway.records("bob", "console");
    const [asked] = records.filter((one) => one.fields.target?.startsWith("GET /api/v1/sessions/") === true);
    const path = `/api/v1/sessions/${asked?.sid}/payload/${asked?.command}/response`;
    expect(await (await get(path, {}, "bob")).json()).toMatchObject({ reason: "payload_not_recorded" });
  });
});

describe("a part of a body", () => {
  let command: WrittenCommand;
  let whole: Buffer;
  beforeAll(async () => {
    ({ command, whole } = await streamed([20 * KIB, 256 * KIB, 3, 16 * KIB, 400 * KIB, 1]));
  });

  test("is that part, wherever it begins and ends", async () => {
    const place = fc.oneof(
      fc.nat(whole.length - 1),
      // Where chunks meet.
      fc.constantFrom(20, 276, 292, 692).chain((kib) => fc.integer({ min: -3, max: 4 }).map((n) => kib * KIB + n)),
    );
    await fc.assert(
      fc.asyncProperty(place, place, async (a, b) => {
        const [from, to] = [Math.min(a, b), Math.min(Math.max(a, b), whole.length - 1)];
        const answer = await get(command.path("response"), { range: `bytes=${from}-${to}` });
        expect([answer.status, answer.headers.get("content-range")]).toEqual([
          206,
          `bytes ${from}-${to}/${whole.length}`,
        ]);
        expect(answer.headers.get("content-length")).toBe(String(to - from + 1));
        expect((await bytesOf(answer)).equals(whole.subarray(from, to + 1))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test.each<[string, (size: number) => [number, number]]>([
    ["bytes=-10", (size) => [size - 10, size]],
    ["bytes=-99999999", (size) => [0, size]],
    ["bytes=5-99999999", (size) => [5, size]],
    ["bytes=5-", (size) => [5, size]],
  ])("can be asked for as %s", async (range, extent) => {
    const [from, to] = extent(whole.length);
    const answer = await get(command.path("response"), { range });
    expect(answer.headers.get("content-range")).toBe(`bytes ${from}-${to - 1}/${whole.length}`);
    expect((await bytesOf(answer)).equals(whole.subarray(from, to))).toBe(true);
  });

  test("beyond its end is 416, with how long it is", async () => {
    for (const range of [`bytes=${whole.length}-`, "bytes=-0"]) {
      const answer = await get(command.path("response"), { range });
      expect([answer.status, answer.headers.get("content-range")]).toEqual([416, `bytes */${whole.length}`]);
      expect(await answer.json()).toMatchObject({ reason: "range_unsatisfiable" });
    }
  });

  test.each(["bytes=0-1,5-6", "lines=1-2", "bytes=9-2", "bytes=a-b"])("asked for as %s is the whole", async (range) => {
    const answer = await get(command.path("response"), { range });
    expect([answer.status, (await bytesOf(answer)).equals(whole)]).toEqual([200, true]);
  });

  test("holds with the tag of the body, and with another one the whole is sent", async () => {
    const etag = (await get(command.path("response"), { range: "bytes=0-0" })).headers.get("etag") ?? "";
    const asked = (tag: string): Promise<Response> =>
      get(command.path("response"), { range: "bytes=0-4", "if-range": tag });
    expect((await asked(etag)).status).toBe(206);
    for (const other of ['"another"', `W/${etag}`, "Tue, 24 Nov 2026 10:00:00 GMT"]) {
      const answer = await asked(other);
      expect([other, answer.status, (await bytesOf(answer)).length]).toEqual([other, 200, whole.length]);
    }
    const known = await get(command.path("response"), { "if-none-match": etag, range: "bytes=0-4" });
    expect([known.status, await known.text()]).toEqual([304, ""]);
    // Of two bodies of one command, and of two commands, no tag is the same.
    expect((await get((await streamed([20 * KIB])).command.path("response"))).headers.get("etag")).not.toBe(etag);
  });

  test("means nothing to HEAD", async () => {
    const init = { method: "HEAD", headers: { range: "bytes=0-4" } };
    const answer = await gateway.fetch("alice", command.path("response"), init);
    expect([answer.status, answer.headers.get("content-length")]).toEqual([200, String(whole.length)]);
  });
});

test("a page that a tool once sent is no page of the gateway's", async () => {
  const page = textBytes("<script>fetch('/api/v1/whoami')</script>");
  const command = await session.request();
  await command.complete({ headers: [["content-type", "text/html; charset=utf-8"]], body: { bytes: page } });
  const answer = await get(command.path("response"));
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    "content-type": "application/octet-stream",
    "content-disposition": expect.stringMatching(/^attachment; filename="[0-9a-f-]{36}-response"$/) as unknown,
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox; default-src 'none'",
    "cache-control": "private, no-cache, no-transform",
    "sallyport-payload-type": "text/html; charset=utf-8",
  });
});

test.each(["text/plain\r\nx-injected: 1", "text/\u00e9", " text/plain", "x".repeat(400), ""])(
  "a media type that is no header, %j, is not said again",
  async (type) => {
    const command = await session.request({ headers: [["content-type", type]], body: { bytes: textBytes("x") } });
    const answer = await get(command.path("request"));
    expect(answer.status).toBe(200);
    expect([answer.headers.get("sallyport-payload-type"), answer.headers.get("x-injected")]).toEqual([null, null]);
  },
);

test("who may read it: its owner and auditors; for others it is not there", async () => {
  const command = await session.request({ body: { bytes: textBytes("hers") } });
  expect(await (await get(command.path("request"), {}, "carol")).text()).toBe("hers");
  for (const person of ["bob", "mallory", "dan"])
    expect([person, (await get(command.path("request"), {}, person)).status]).toEqual([person, 404]);
  // One's own session does not lead into another's.
  const bobs = await WrittenSession.open(gateway, "bob", "bobs");
  const path = `/api/v1/sessions/${bobs.sid}/payload/${command.id}/request`;
  expect((await get(path, {}, "bob")).status).toBe(404);
  expect((await fetch(gateway.url + command.path("request"))).status).toBe(401);
});

test("many slow readers of a large body do not fill the memory", async () => {
  const { command, whole } = await streamed(Array.from({ length: 40 }, () => MIB));
  const path = command.path("response");
  const readers = 24;
  const growth = await memoryGrowth(childrenCalled("workerd"), async () => {
    const begun = await Promise.all(Array.from({ length: readers }, () => get(path)));
    const bodies = begun.map((answer) => answer.body?.getReader());
    for (const body of bodies) expect((await body?.read())?.done).toBe(false);
    // Nobody reads on while others' bodies pass as a whole.
    expect((await bytesOf(await get(path))).equals(whole)).toBe(true);
    for (const body of bodies) await body?.cancel();
  });
  // They would be 960 MiB. Each holds two pieces of 256 KiB, and what sockets hold: measured 95 to 102 MiB.
  expect(growth).toBeLessThan(readers * 6 * MIB);
});

test("a command of many chunks is told by their number, and what was masked in all of them", async () => {
  // Of a session of its own: the index comes to it only after what was there before.
  const own = await WrittenSession.open(gateway, "alice", "many chunks");
  const command = await own.request();
  await command.start([["content-type", "text/event-stream"]]);
  const spans = [{ at: 3, length: 2, put: 12, rule: "jwt", pseudonym: null }];
  const parts = Array.from({ length: 300 }, (_, n) => ({
    bytes: textBytes(`[masked:jwt] ${n}`),
    spans: n % 3 === 0 ? spans : [],
  }));
  await command.stream("response", parts, { format: "sse" });
  await command.complete({ classes: { resp_bytes: 5000 } });
  const read = (): Promise<Response> => get(`/api/v1/commands/${command.id}`);
  await eventually(
    async () => (await read()).status,
    (status) => status === 200,
  );
  const told = (await (await read()).json()) as { records: { leaf: string }[]; payloads: { response: object } };
  expect(told.records.map(({ leaf }) => /"kind":"([a-z.]+)"/.exec(leaf)?.[1])).toEqual([
    "command.requested",
    "response.started",
    "command.completed",
  ]);
  expect(told.payloads.response).toMatchObject({
    state: "recorded",
    type: "text/event-stream",
    format: "sse",
    chunks: 300,
    complete: true,
    masked: { count: 100, isCut: false, rules: [{ rule: "jwt", count: 100 }] },
  });
});
