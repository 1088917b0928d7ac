// What the real curl can ask, of a tool directly and through the gateway: the same verdict, status,
// headers and bytes, the same request at the tool, and the records of each call.

import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CurlPlace } from "../support/curl.ts";
import { type CurlPair, startCurlPair } from "../support/curl_pair.ts";
import { sha256 } from "../support/echo_upstream.ts";

const LARGE = 3_000_000;
const FILE: Buffer = randomBytes(LARGE);
/** Together 6 KB: what a client may send at least, whatever stands between. */
const MANY: readonly string[] = Array.from({ length: 60 }, (_, at) => `x-many-${at}: ${"v".repeat(90)}${at}`);

async function* words(): AsyncGenerator<string> {
  yield* ["some ", "words"];
}

let pair: CurlPair;
/** Of `pair`. */
let both: CurlPair["both"];

beforeAll(async () => {
  pair = await startCurlPair({
    "/echo": ({ method, url, body }) => ({
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ method, url, bytes: body.length, sha256: sha256(body) }),
    }),
    "/file": () => ({ headers: { "accept-ranges": "bytes" }, body: FILE }),
    "/unstated": () => ({ body: words() }),
    "/multi": () => ({ status: 207, headers: { dav: "1, 2" }, body: "<multistatus/>" }),
    "/many": ({ headers }) => ({
      headers: Object.fromEntries(MANY.map((line) => line.split(": ") as [string, string])),
      body: String(Object.keys(headers).filter((name) => name.startsWith("x-many-")).length),
    }),
  });
  ({ both } = pair);
  for (const { folder } of [pair.direct, pair.through]) writeFileSync(join(folder, "file.bin"), FILE);
});
afterAll(() => pair?.stop());

describe("a method", () => {
  test.each([
    "GET",
    "DELETE",
    "OPTIONS",
    "POST",
    "PUT",
    "PATCH",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "REPORT",
    "SEARCH",
  ])("%s", async (method) => {
    const { code, body } = await both(["-X", method, "-H", "Depth: 1"], "/echo?a=%2F&b=c+d");
    expect(code).toBe(0);
    expect(JSON.parse(body.toString())).toMatchObject({ method, url: "/base/echo?a=%2F&b=c+d", bytes: 0 });
  });

  test("HEAD, with the length of what GET would give", async () => {
    const { heads } = await both(["-I"], "/file");
    expect(heads.at(-1)?.headers).toContain(`content-length: ${LARGE}`);
  });

  test("PROPFIND with a body, and an answer of several statuses", async () => {
    const { told } = await both(["-X", "PROPFIND", "-H", "Depth: 0", "--data", "<propfind/>"], "/multi");
    expect(told).toMatch(/^207 bytes=14 /);
  });
});

describe("an upload", () => {
  test.each([
    ["from a file", ["-T", "file.bin"]],
    ["from a file, without asking first", ["-T", "file.bin", "-H", "Expect:"]],
    ["from standard input, in chunks", ["-T", "-"]],
    ["posted from standard input", ["--data-binary", "@-"]],
    ["posted in chunks", ["-H", "Transfer-Encoding: chunked", "--data-binary", "@file.bin"]],
    ["patched", ["-X", "PATCH", "--data-binary", "@file.bin"]],
  ])("%s", async (_, args) => {
    const { body } = await both(args, "/echo", { input: FILE });
    expect(JSON.parse(body.toString())).toMatchObject({ bytes: LARGE, sha256: sha256(FILE) });
    const isChunked = args.includes("-") || args.includes("Transfer-Encoding: chunked");
    expect(pair.tool.through.at(-1)?.sent["transfer-encoding"] === "chunked").toBe(isChunked);
  });

  test("waits for 100 Continue, and gets it", async () => {
    // Longer than the whole call may take: without the answer it would fail.
    const waiting = ["-T", "file.bin", "-H", "Expect: 100-continue", "--expect100-timeout", "300"];
    const { heads } = await both(waiting, "/echo");
    expect(heads.map((head) => head.status)).toEqual(["HTTP/1.1 100 Continue", "HTTP/1.1 200 OK"]);
  });

  test("goes on where it broke off", async () => {
    const { body } = await both(["-C", "1000000", "-T", "file.bin"], "/echo");
    expect(JSON.parse(body.toString())).toMatchObject({ bytes: LARGE - 1_000_000 });
    expect(pair.tool.through.at(-1)?.sent["content-range"]).toBe(`bytes 1000000-${LARGE - 1}/${LARGE}`);
  });

  test("as a form with a file in it", async () => {
    // curl makes up a boundary each time, so the bytes differ, and their number does not.
    const form = ["-F", "name=a b", "-F", "file=@file.bin;type=a/b"];
    const sizes = [];
    for (const place of [pair.direct, pair.through]) {
      const { body } = await place.call(form, "/echo");
      sizes.push((JSON.parse(body.toString()) as { bytes: number }).bytes);
    }
    expect(sizes[1]).toBe(sizes[0]);
    expect(sizes[1]).toBeGreaterThan(LARGE);
    expect(pair.tool.through.at(-1)?.sent["content-type"]).toMatch(/^multipart\/form-data; boundary=-+[0-9a-f]+$/);
  });

  test.each([
    ["stated as such", ["--data-binary", ""]],
    ["in no chunks", ["-T", "-"]],
  ])("of nothing, %s", async (_, args) => {
    const { body } = await both(args, "/echo");
    expect(JSON.parse(body.toString())).toMatchObject({ bytes: 0 });
  });
});

describe("a request", () => {
  test("with sixty headers, and an answer with as many", async () => {
    const { body, heads } = await both(
      MANY.flatMap((line) => ["-H", line]),
      "/many",
    );
    expect(body.toString()).toBe("60");
    expect(heads.at(-1)?.headers).toEqual(expect.arrayContaining([...MANY]));
  });

  test("of HTTP/1.0, whose answer without a stated length ends with the connection", async () => {
    const { body, heads } = await both(["--http1.0"], "/unstated");
    expect(body.toString()).toBe("some words");
    expect(heads.at(-1)?.headers.join(" ")).not.toMatch(/transfer-encoding|content-length/);
    const sent = await both(["--http1.0", "--data-binary", "@file.bin"], "/echo");
    expect(JSON.parse(sent.body.toString())).toMatchObject({ bytes: LARGE });
  });

  test("and two more go over one connection", async () => {
    const { told } = await both(["<here>/echo?1", "-o", "second", "<here>/file", "-o", "third"], "/echo?3");
    expect(told.split("\n").map((line) => line.split("connections=")[1])).toEqual(["1", "0", "0", undefined]);
  });

  test("that offers HTTP/2 without TLS is answered in HTTP/1.1", async () => {
    const { heads, told } = await both(["--http2"], "/echo");
    expect(heads.at(-1)?.status).toBe("HTTP/1.1 200 OK");
    expect(told).toMatch(/^200 /);
  });
});

describe("who calls", () => {
  test("is told by a token as the password, of any user", async () => {
    const basic = ["-u", `anybody:${await pair.gateway.token("alice")}`];
    const { body } = await both([...basic, "-T", "file.bin"], "/echo");
    expect(JSON.parse(body.toString())).toMatchObject({ bytes: LARGE });
    expect(pair.tool.through.at(-1)?.sent.authorization).toBeUndefined();
  });

  test("is not told by a cookie or in the address, and nothing reaches the tool", async () => {
    const nobody = new CurlPlace(pair.through.url, []);
    const before = pair.tool.through.length;
    const token = await pair.gateway.token("alice");
    for (const args of [["-b", `CF_Authorization=${token}`], ["-u", "alice:wrong"], []]) {
      const { told, heads, code } = await nobody.call([...args, "--fail"], `/echo?access_token=${token}`);
      expect([code, told.slice(0, 3)]).toEqual([22, "401"]);
      expect(heads.at(-1)?.headers.join("\n")).toMatch(/^www-authenticate: Bearer realm=.*, Basic realm=/m);
    }
    nobody.remove();
    expect(pair.tool.through.length).toBe(before);
  });

  test("is asked for by curl itself, with --anyauth", async () => {
    const asking = new CurlPlace(pair.through.url, ["--anyauth", "-u", `alice:${await pair.gateway.token("alice")}`]);
    const { heads, body } = await asking.call(["--data", "hello"], "/echo");
    asking.remove();
    expect(heads.map((head) => head.status.slice(0, 12))).toEqual(["HTTP/1.1 401", "HTTP/1.1 200"]);
    expect(JSON.parse(body.toString())).toMatchObject({
      method: "POST",
      bytes: 5,
      sha256: sha256(Buffer.from("hello")),
    });
  });
});

test("each call is a command with the right sizes and digests", () => pair.expectRecorded());
