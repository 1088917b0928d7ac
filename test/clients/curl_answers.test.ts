// What the real curl can be answered, by a tool directly and through the gateway: the same verdict,
// status, headers and bytes, at the same moment, and the records of each call.

import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commandsOf } from "../support/commands.ts";
import { type CurlPair, startCurlPair } from "../support/curl_pair.ts";
import { sha256 } from "../support/echo_upstream.ts";
import { eventually } from "../support/gateway.ts";
import type { Route } from "../support/observed_tool.ts";

const LARGE = 3_000_000;
const FILE: Buffer = randomBytes(LARGE);
const TEXT: Buffer = Buffer.from("Every word of this is said again. ".repeat(20_000));
const ETAG = '"first"';
const CODINGS: readonly [name: string, coded: Buffer][] = [
  ["gzip", gzipSync(TEXT)],
  ["br", brotliCompressSync(TEXT)],
  ["deflate", deflateSync(TEXT)],
  ["zstd", zstdCompressSync(TEXT)],
  // More than what is read whole.
  ["gzip", gzipSync(FILE)],
];

/** What the tool waits for after each event. */
let seen: { readonly promise: Promise<void>; readonly resolve: () => void } = Promise.withResolvers<void>();

async function* events(): AsyncGenerator<string> {
  for (const event of [1, 2, 3]) {
    const next = Promise.withResolvers<void>();
    seen = next;
    yield `id: ${event}\ndata: event ${event}\n\n`;
    await next.promise;
  }
}

/** Until nobody listens. */
async function* ticks(): AsyncGenerator<string> {
  for (;;) {
    yield "data: tick\n\n";
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function* words(): AsyncGenerator<string> {
  yield* ["some ", "words"];
}

/** RFC 9110 §14, for one range of bytes. */
const ranged: Route = ({ headers }) => {
  const whole = { "accept-ranges": "bytes", etag: ETAG, "content-type": "application/octet-stream" };
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(headers.range ?? "") ?? [];
  if (first === undefined || last === undefined) return { headers: whole, body: FILE };
  const from = first === "" ? LARGE - Number(last) : Number(first);
  const to = first === "" || last === "" ? LARGE - 1 : Number(last);
  if (from >= LARGE) return { status: 416, headers: { "content-range": `bytes */${LARGE}` } };
  const range = { ...whole, "content-range": `bytes ${from}-${to}/${LARGE}` };
  return { status: 206, headers: range, body: FILE.subarray(from, to + 1) };
};

const validated: Route = ({ headers }) => {
  const validators = { etag: ETAG, "last-modified": "Tue, 24 Nov 2026 10:00:00 GMT", vary: "accept" };
  if (headers["if-match"] !== undefined && headers["if-match"] !== ETAG) return { status: 412 };
  const isSame = headers["if-none-match"] === ETAG || headers["if-modified-since"] !== undefined;
  return isSame ? { status: 304, headers: validators } : { headers: validators, body: TEXT };
};

const ROUTES: Readonly<Record<string, Route>> = {
  "/echo": ({ method, url, body }) => ({ body: `${method} ${url} ${sha256(body)}\n` }),
  "/file": ranged,
  "/validated": validated,
  "/none": () => ({ status: 204, headers: { etag: ETAG } }),
  "/refused": () => ({ status: 409, headers: { "retry-after": "7" }, body: "no\n" }),
  "/failed": () => ({ status: 503, headers: { "content-type": "text/plain" }, body: TEXT }),
  "/created": () => ({ status: 201, headers: { location: "/base/echo?made" }, body: "made\n" }),
  "/moved/absolute": ({ headers }) => ({
    status: 302,
    headers: { location: `http://${headers.host}/base/echo?x=%2F1` },
  }),
  "/moved/root": () => ({ status: 307, headers: { location: "/base/echo?x=2" }, body: "there\n" }),
  "/moved/relative": () => ({ status: 303, headers: { location: "../echo?x=3#part" } }),
  "/moved/twice": () => ({ status: 308, headers: { location: "root" } }),
  "/moved/away": () => ({ status: 301, headers: { location: "https://elsewhere.example/base/echo" } }),
  "/plain": () => ({ body: TEXT }),
  ...Object.fromEntries(
    CODINGS.map(([coding, bytes], at) => [
      `/coded/${at}`,
      (): ReturnType<Route> => ({ headers: { vary: "accept-encoding", "content-encoding": coding }, body: bytes }),
    ]),
  ),
  "/chunks": () => ({ body: words() }),
  "/trailers": () => ({ headers: { trailer: "x-sum" }, body: words(), trailers: { "x-sum": "12" } }),
  "/ticks": () => ({ headers: { "content-type": "text/event-stream" }, body: ticks() }),
  "/events": () => ({ headers: { "content-type": "text/event-stream" }, body: events() }),
};

let pair: CurlPair;
/** Of `pair`. */
let both: CurlPair["both"];

beforeAll(async () => {
  pair = await startCurlPair(ROUTES);
  ({ both } = pair);
});
afterAll(() => pair?.stop());

describe("a coding", () => {
  test.each(CODINGS.map(([coding, bytes], at) => [coding, bytes.length, at] as const))(
    "%s (%i bytes) comes as the tool made it, and curl reads it",
    async (coding, _, at) => {
      const raw = await both(["-H", `Accept-Encoding: ${coding}`], `/coded/${at}`);
      expect(sha256(raw.body)).toBe(sha256(CODINGS[at]?.[1] ?? TEXT));
      expect(raw.heads.at(-1)?.headers).toContain(`content-encoding: ${coding}`);
      const read = await both(["--compressed"], `/coded/${at}`);
      expect([TEXT, FILE].map(sha256)).toContain(sha256(read.body));
      expect(pair.tool.through.at(-1)?.sent["accept-encoding"]).toBe("deflate, gzip, br, zstd");
    },
  );

  test("that the tool does not use is not added on the way", async () => {
    const { body, heads } = await both(["--compressed"], "/plain");
    expect(sha256(body)).toBe(sha256(TEXT));
    expect(heads.at(-1)?.headers.join(" ")).not.toContain("content-encoding");
  });
});

describe("a part", () => {
  test.each([
    ["0-0", 0, 1],
    ["100000-199999", 100_000, 200_000],
    ["2999990-", 2_999_990, LARGE],
    ["-5", LARGE - 5, LARGE],
  ])("of the bytes %s", async (range, from, to) => {
    const { body, heads } = await both(["-r", range], "/file");
    expect(heads.at(-1)?.status).toBe("HTTP/1.1 206 Partial Content");
    expect(body.equals(FILE.subarray(from, to))).toBe(true);
  });

  test("beyond the end is refused as the tool refuses it", async () => {
    const { heads } = await both(["-r", "4000000-"], "/file");
    expect(heads.at(-1)?.status).toMatch(/^HTTP\/1\.1 416 /);
    expect(heads.at(-1)?.headers).toContain(`content-range: bytes */${LARGE}`);
  });

  test("that is missing is fetched, and the file is whole", async () => {
    for (const { folder } of [pair.direct, pair.through])
      writeFileSync(join(folder, "part.bin"), FILE.subarray(0, 1_234_567));
    const { code, body } = await both(["-C", "-"], "/file", { file: "part.bin" });
    expect(code).toBe(0);
    expect(body.equals(FILE)).toBe(true);
    expect(pair.tool.through.at(-1)?.sent.range).toBe("bytes=1234567-");
  });
});

describe("a condition", () => {
  test("is kept by curl as an ETag, and the second call is 304", async () => {
    const first = await both(["--etag-save", "etag.txt"], "/validated");
    expect(sha256(first.body)).toBe(sha256(TEXT));
    for (const { folder } of [pair.direct, pair.through])
      expect(readFileSync(join(folder, "etag.txt"), "utf8").trim()).toBe(ETAG);
    const second = await both(["--etag-compare", "etag.txt"], "/validated");
    expect(second.heads.at(-1)?.status).toBe("HTTP/1.1 304 Not Modified");
    expect(second.body.length).toBe(0);
  });

  test("of time, and of what must not have changed", async () => {
    expect((await both(["-z", "Tue, 24 Nov 2026 10:00:00 GMT"], "/validated")).told).toMatch(/^304 /);
    expect((await both(["-X", "PUT", "-H", 'If-Match: "other"', "-d", "x"], "/validated")).told).toMatch(/^412 /);
  });
});

describe("an answer", () => {
  test("without a body", async () => {
    const { code, told, heads } = await both([], "/none");
    expect([code, told.slice(0, 3)]).toEqual([0, "204"]);
    expect(heads.at(-1)?.headers).toContain(`etag: ${ETAG}`);
  });

  test("that is an error keeps its status, headers and text, and curl's verdict", async () => {
    expect((await both([], "/refused")).body.toString()).toBe("no\n");
    expect((await both(["--fail"], "/refused")).code).toBe(22);
    expect(sha256((await both(["--fail-with-body"], "/failed")).body)).toBe(sha256(TEXT));
    expect((await both([], "/nowhere")).told).toMatch(/^404 /);
  });

  test("in chunks", async () => {
    const { body, heads } = await both([], "/chunks");
    expect(body.toString()).toBe("some words");
    expect(heads.at(-1)?.headers).toContain("transfer-encoding: chunked");
  });

  test("with trailers loses them, and nothing else", async () => {
    const [direct, through] = [
      await pair.direct.call(["--raw"], "/trailers"),
      await pair.through.call(["--raw"], "/trailers"),
    ].map(({ code, body }) => ({ code, text: body.toString() }));
    expect(direct?.text).toMatch(/0\r\nx-sum: 12\r\n\r\n$/);
    expect(through?.text).toMatch(/0\r\n\r\n$/);
    const withoutFrame = (text = ""): string => text.replaceAll(/[0-9a-f]+\r\n|x-sum: 12|\r\n/g, "");
    expect(withoutFrame(through?.text)).toBe(withoutFrame(direct?.text));
    expect(through?.code).toBe(0);
  });
});

describe("a redirect", () => {
  test.each([
    ["absolute", 302, "<here>/echo?x=%2F1"],
    ["root", 307, "<here>/echo?x=2"],
    ["relative", 303, "<here>/echo?x=3#part"],
    ["twice", 308, "<here>/moved/root"],
    ["away", 301, "https://elsewhere.example/base/echo"],
  ])(
    "%s is not followed by the gateway, and leads to the same place of the connection",
    async (path, status, place) => {
      const { told, heads } = await both([], `/moved/${path}`);
      expect(told).toMatch(new RegExp(`^${status} .* redirects=0 `));
      expect(heads.at(-1)?.headers).toContain(`location: ${place}`);
    },
  );

  test.each([
    ["absolute", 1, "GET /base/echo?x=%2F1"],
    ["relative", 1, "GET /base/echo?x=3"],
    ["twice", 2, "POST /base/echo?x=2"],
  ])("%s is followed by curl with its method and body as the status says", async (path, redirects, line) => {
    const { told, body } = await both(["-L", "--data", "x=y"], `/moved/${path}`);
    expect(told).toContain(` redirects=${redirects} `);
    expect(body.toString()).toMatch(`${line} `);
  });

  test("is no redirect, where something was made", async () => {
    const { heads } = await both(["-L", "-X", "POST"], "/created");
    expect(heads).toHaveLength(1);
    expect(heads.at(-1)?.headers).toContain("location: <here>/echo?made");
  });
});

describe("events", () => {
  // The tool sends no event before the one before it has been seen here.
  test("come one by one through the gateway, and the end after the last", { timeout: 30_000 }, async () => {
    const child = pair.through.start(["-N"], "/events");
    child.stdin.end();
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    let text = "";
    const events: string[] = [];
    for await (const chunk of child.stdout.setEncoding("utf8") as AsyncIterable<string>) {
      text += chunk;
      if (!text.endsWith("\n\n")) continue;
      events.push(text);
      text = "";
      expect(pair.tool.through.at(-1)?.complete).toBe(false);
      seen.resolve();
    }
    expect(await ended).toBe(0);
    expect(events).toEqual([1, 2, 3].map((event) => `id: ${event}\ndata: event ${event}\n\n`));
  });
});

test("each call is a command with the right sizes and digests", () => pair.expectRecorded());

test("a stream ends for the tool when curl is ended, and the record says so", async () => {
  const child = pair.through.start(["-N"], "/ticks");
  child.stdin.end();
  await new Promise((resolve) => child.stdout.once("data", resolve));
  child.kill("SIGKILL");
  const left = await eventually(
    async () => pair.tool.through.at(-1)?.left,
    (isLeft) => isLeft === true,
  );
  expect(left).toBe(true);
  const last = await eventually(
    async () => commandsOf(await pair.gateway.records("alice", "tool")).at(-1),
    (command) => (command?.outcome ?? null) !== null,
  );
  expect(last?.target).toBe("GET /ticks");
  expect(last?.outcome?.kind).toBe("command.cancelled");
  expect(last?.outcome?.classes).toMatchObject({ reason: "client_gone", req_bytes: 0 });
  expect(Number(last?.outcome?.classes.resp_bytes)).toBeLessThanOrEqual(pair.tool.through.at(-1)?.response.bytes ?? 0);
});
