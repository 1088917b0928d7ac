// HTTP as an attacker writes it, byte by byte: from the caller's side and from the upstream's. What
// must not reach the upstream does not, and a refusal of a known caller is a record with its reason.

import type { Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ReadRecord, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { rawExchange, type RawAnswer, rawRequest, type RawUpstream, startRawUpstream } from "../support/raw_http.ts";

const HARMLESS = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

let upstream: RawUpstream;
let gateway: TestGateway;
let host: string;
let authorization: string;
/** What the upstream answers next, and how, once a request's head is there. */
let script = HARMLESS;
const atOnce = (socket: Socket): unknown => socket.end(Buffer.from(script, "latin1"));
let answer = atOnce;
/** Length of `upstream.received` when the test began. */
let before = 0;

beforeAll(async () => {
  upstream = await startRawUpstream((socket) => void answer(socket));
  gateway = await startGateway({
    policy: testPolicy({ tool: `${upstream.url}/base`, other: `${upstream.url}/other` }),
  });
  host = `Host: 127.0.0.1:${gateway.port}`;
  authorization = `Authorization: Bearer ${await gateway.token("alice")}`;
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
});
beforeEach(() => {
  script = HARMLESS;
  answer = atOnce;
  before = upstream.received.length;
});

async function send(line: string, headers: readonly string[] = [], body = ""): Promise<RawAnswer> {
  const answer = await rawExchange(gateway.port, rawRequest(line, [host, authorization, ...headers], body), {
    milliseconds: 5_000,
  });
  for (const secret of [upstream.url, String(upstream.port), "eyJ", ".ts:", "at async"])
    expect(answer.text).not.toContain(secret);
  return answer;
}

function reached(): string[] {
  return upstream.received.slice(before);
}

async function lastDenied(): Promise<ReadRecord | undefined> {
  const all = [...(await gateway.records("alice", "console")), ...(await gateway.records("alice", "tool"))];
  return all
    .filter((one) => one.kind === "command.denied")
    .sort((a, b) => ((a.command ?? "") < (b.command ?? "") ? -1 : 1))
    .at(-1);
}

describe("a path that could climb out of its connection is refused and recorded", () => {
  test.each([
    "/c/tool/../other/x",
    "/c/tool/..",
    "/c/tool/./x",
    "/c/tool/a/../../../healthz",
    "/c/tool/%2e%2e/x",
    "/c/tool/%2E./x",
    "/c/tool/.%2e/x",
    "/c/tool/%252e%252e/x",
    "/c/tool/%25%32%65%2e/x",
    "/c/tool/a%2f..%2f..%2fx",
    "/c/tool/a%5c..%5cx",
    "/c/tool/a\\..\\x",
    "/c/tool/..;/x",
    "/c/tool/..%3b/x",
    "/c/tool/%c0%ae%c0%ae/x",
    "/c/tool/%ef%bc%8e%ef%bc%8e/x",
    "/c/tool/..%00/x",
    "/c/tool/a%00b",
    "/c/tool/a%0d%0aX-Injected:%201",
    "/c/tool/%20../x",
  ])("%s", async (target) => {
    const answer = await send(`GET ${target} HTTP/1.1`);
    expect(answer.status).toBe(400);
    const { reason, record } = JSON.parse(answer.body) as { reason: string; record: string };
    expect(reason).toBe("target_climbs");
    expect(reached()).toEqual([]);
    const denied = await lastDenied();
    expect(denied?.classes).toMatchObject({ reason: "target_climbs", status: 400, effect: "deny" });
    expect(`${denied?.sid}/${denied?.seq}`).toBe(record);
  });
});

describe("what only looks odd is forwarded exactly so", () => {
  test.each([
    ["/c/tool/a%2Fb//c;p=1/@x/%C3%A9?q=%2e%2e/&r=//", "/base/a%2Fb//c;p=1/@x/%C3%A9?q=%2e%2e/&r=//"],
    ["/c/tool/...", "/base/..."],
    ["/c/tool/.well-known/x", "/base/.well-known/x"],
    ["/c/tool", "/base"],
    ["/c/tool/", "/base/"],
    ["/c/tool//evil.example/x", "/base//evil.example/x"],
    ["/c/tool/@evil.example/", "/base/@evil.example/"],
    ["/c/tool/http://evil.example/", "/base/http://evil.example/"],
  ])("%s", async (target, expected) => {
    expect((await send(`GET ${target} HTTP/1.1`)).status).toBe(200);
    expect(reached()[0]?.split("\r\n")[0]).toBe(`GET ${expected} HTTP/1.1`);
  });
});

describe("a target that names no connection gets no further", () => {
  test.each([
    ["/c/TOOL/x", 404],
    ["/c//tool/x", 404],
    ["/c/../c/tool/x", 404],
    ["/c/%74ool/x", 404],
    ["/c/tool%2fx", 404],
    ["/c/console/x", 403],
    ["/C/tool/x", 404],
    ["//c/tool/x", 404],
    ["/./c/tool/x", 404],
    ["/healthz/../c/tool/x", 404],
    [`/c/tool/${"a".repeat(9000)}`, 414],
  ])("%s is %i", async (target, status) => {
    expect((await send(`GET ${target} HTTP/1.1`)).status).toBe(status);
    expect(reached()).toEqual([]);
  });
});

describe("a malformed request is refused before anything is forwarded", () => {
  test.each<[string, string, string[], string]>([
    ["NUL in the target", "GET /c/tool/a\0b HTTP/1.1", [], ""],
    ["a tab in the target", "GET /c/tool/a\tb HTTP/1.1", [], ""],
    ["bytes outside ASCII in the target", "GET /c/tool/\xe9 HTTP/1.1", [], ""],
    ["a header folded over two lines", "GET /c/tool/x HTTP/1.1", ["X-A: b\r\n c"], ""],
    ["a bare CR in a header", "GET /c/tool/x HTTP/1.1", ["X-A: b\rX-B: c"], ""],
    ["NUL in a header", "GET /c/tool/x HTTP/1.1", ["X-A: b\0c"], ""],
    ["a space before a header's colon", "GET /c/tool/x HTTP/1.1", ["X-A : b"], ""],
    ["a header without a name", "GET /c/tool/x HTTP/1.1", [": b"], ""],
    ["two lengths that differ", "POST /c/tool/x HTTP/1.1", ["Content-Length: 5", "Content-Length: 6"], "hello!"],
    ["a negative length", "POST /c/tool/x HTTP/1.1", ["Content-Length: -1"], ""],
    ["a length with a sign", "POST /c/tool/x HTTP/1.1", ["Content-Length: +5"], "hello"],
    ["a length in hexadecimal", "POST /c/tool/x HTTP/1.1", ["Content-Length: 0x5"], "hello"],
    ["a length that overflows", "POST /c/tool/x HTTP/1.1", ["Content-Length: 18446744073709551621"], "hello"],
    [
      "an unknown transfer coding",
      "POST /c/tool/x HTTP/1.1",
      ["Transfer-Encoding: xchunked"],
      "5\r\nhello\r\n0\r\n\r\n",
    ],
    [
      "chunked that is not the last coding",
      "POST /c/tool/x HTTP/1.1",
      ["Transfer-Encoding: chunked, gzip"],
      "5\r\nhello\r\n0\r\n\r\n",
    ],
    ["an HTTP version that is none", "GET /c/tool/x HTTP/9.9", [], ""],
    ["a method in lower case", "get /c/tool/x HTTP/1.1", [], ""],
    ["a method nobody knows", "EVIL /c/tool/x HTTP/1.1", [], ""],
    ["the asterisk form", "OPTIONS * HTTP/1.1", [], ""],
  ])("%s", async (_, line, headers, body) => {
    const answer = await send(line, headers, body);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(600);
    expect(reached()).toEqual([]);
  });

  test("no request line at all", async () => {
    const answer = await rawExchange(gateway.port, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {
      milliseconds: 2_000,
    });
    expect(answer.status).not.toBe(200);
    expect(reached()).toEqual([]);
  });
});

describe("requests cannot be smuggled in a body", () => {
  const inner = `GET /c/tool/smuggled HTTP/1.1\r\nHost: x\r\n\r\n`;

  test("Transfer-Encoding beside Content-Length: one reading, and no length is forwarded", async () => {
    const heard = await send(
      "POST /c/tool/x HTTP/1.1",
      [`Content-Length: ${5 + inner.length}`, "Transfer-Encoding: chunked"],
      `0\r\n\r\n${inner}`,
    );
    expect(heard.status).toBe(200);
    expect(heard.text).not.toContain("smuggled");
    expect(reached()).toEqual([expect.stringMatching(/^POST \/base\/x HTTP\/1\.1\r\n/)]);
    expect(reached()[0]).not.toMatch(/smuggled|content-length/i);
  });

  test.each<[string, string, string[]]>([
    ["refused before its body is read", "/c/tool/../x", []],
    ["answered early", "/c/tool/x", []],
    ["refused for lack of a token", "/c/tool/x", ["none"]],
  ])("the body of a call that is %s is not read as the next request", async (_, target, [without]) => {
    const headers = [host, ...(without === undefined ? [authorization] : []), `Content-Length: ${inner.length}`];
    const answer = await rawExchange(gateway.port, [`POST ${target} HTTP/1.1`, ...headers, "", inner].join("\r\n"), {
      milliseconds: 700,
    });
    expect(answer.text.match(/HTTP\/1\.1 \d{3}/g)?.length).toBe(1);
    for (const one of reached()) expect(one.split("\r\n")[0]).not.toContain("smuggled");
  });

  test("requests in a row on one connection are answered each for itself", async () => {
    const one = (path: string): string => [`GET ${path} HTTP/1.1`, host, authorization, "", ""].join("\r\n");
    const answer = await rawExchange(gateway.port, one("/c/tool/1") + one("/c/tool/../2") + one("/c/tool/3"), {
      milliseconds: 1_500,
      until: (text) => (text.match(/HTTP\/1\.1/g)?.length ?? 0) === 3,
    });
    expect(answer.text.match(/HTTP\/1\.1 \d{3}/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 400", "HTTP/1.1 200"]);
  });

  test("chunk extensions and trailers do not travel on", async () => {
    // Only when all of it has come.
    answer = (socket) => {
      const look = (): unknown => reached()[0]?.endsWith("0\r\n\r\n") === true && atOnce(socket);
      return look() || socket.on("data", look);
    };
    const { status } = await send(
      "POST /c/tool/x HTTP/1.1",
      ["Transfer-Encoding: chunked", "Trailer: X-Late"],
      '5;ext="a"\r\nhello\r\n0\r\nX-Late: 1\r\n\r\n',
    );
    expect(status).toBe(200);
    expect(reached()).toEqual([expect.stringMatching(/\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/)]);
    expect(reached()[0]).not.toMatch(/ext=|x-late/i);
  });

  test.each([
    ["a chunk size that is no number", "zz\r\nhello\r\n0\r\n\r\n"],
    ["a chunk size that overflows", "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"],
    ["a negative chunk size", "-5\r\nhello\r\n0\r\n\r\n"],
    ["a chunk longer than it says", "2\r\nhello\r\n0\r\n\r\n"],
  ])("%s never makes a whole request", async (_, body) => {
    const answer = await send("POST /c/other/x HTTP/1.1", ["Transfer-Encoding: chunked"], body);
    for (const one of reached()) expect(one).not.toMatch(/\r\n0\r\n\r\n$/);
    // This upstream answers at the head, without waiting for the body; else the caller hears 400.
    expect([200, 400, 502]).toContain(answer.status);
  });

  test("a body declared larger than any number is refused and recorded", async () => {
    const answer = await send("POST /c/tool/x HTTP/1.1", ["Content-Length: 99999999999999999"], "x");
    expect(answer.status).toBe(413);
    expect(reached()).toEqual([]);
    expect((await lastDenied())?.classes).toMatchObject({ reason: "body_too_large", status: 413 });
  });
});

describe("another host's name gets 421", () => {
  test.each<[string, string[]]>([
    ["a host that is not served", ["Host: evil.example"]],
    ["the right host with another port", ["Host: 127.0.0.1:1"]],
    ["the right host with a dot", [`Host: localhost.`]],
    ["user information before the host", [`Host: a@127.0.0.1`]],
    ["an empty host", ["Host: "]],
  ])("%s", async (_, headers) => {
    const answer = await rawExchange(gateway.port, rawRequest("GET /c/tool/x HTTP/1.1", [...headers, authorization]));
    expect([400, 421]).toContain(answer.status);
    expect(reached()).toEqual([]);
  });

  test("two Host headers never reach the upstream under the second's name", async () => {
    const answer = await send("GET /c/tool/x HTTP/1.1", ["Host: evil.example"]);
    expect([400, 421]).toContain(answer.status);
    expect(reached()).toEqual([]);
  });

  test("absolute-form changes neither the upstream nor what it is told", async () => {
    expect((await send("GET http://evil.example/c/tool/x HTTP/1.1")).status).toBe(200);
    expect(reached()).toEqual([expect.stringMatching(/^GET \/base\/x HTTP\/1\.1\r\n/)]);
    expect(reached()[0]).not.toContain("evil.example");
  });

  test("X-Forwarded-Host and Forwarded change nothing", async () => {
    const answer = await send("GET /c/tool/x HTTP/1.1", [
      "X-Forwarded-Host: evil.example",
      "Forwarded: host=evil.example",
      "X-Original-URL: /admin",
      "X-Rewrite-URL: /admin",
    ]);
    expect(answer.status).toBe(200);
    expect(reached()[0]).not.toContain("evil.example");
  });
});

describe("a request that means another than the one decided is refused", () => {
  test.each(["X-HTTP-Method-Override: DELETE", "X-HTTP-Method: PUT", "X-Method-Override: DELETE"])(
    "%s",
    async (header) => {
      const answer = await send("POST /c/tool/x HTTP/1.1", [header, "Content-Length: 0"]);
      expect(answer.status).toBe(400);
      expect(answer.body).toContain("method_override");
      expect(reached()).toEqual([]);
      expect((await lastDenied())?.classes).toMatchObject({ reason: "method_override" });
    },
  );

  test.each([
    "http://evil.example/x",
    "/c/other/x",
    "/c/tool/../other/x",
    "/c/tool/%2e%2e/x",
    "//evil.example/c/tool/x",
  ])("a Destination outside the connection: %s", async (destination) => {
    const answer = await send("MOVE /c/tool/x HTTP/1.1", [`Destination: ${destination}`]);
    expect(answer.status).toBe(400);
    expect(reached()).toEqual([]);
    expect((await lastDenied())?.classes).toMatchObject({ reason: "destination_outside" });
  });

  test("a Destination inside becomes the upstream's", async () => {
    await send("COPY /c/tool/x HTTP/1.1", [`Destination: ${gateway.url}/c/tool/y`]);
    expect(reached()[0]).toMatch(new RegExp(`\\r\\ndestination: ${upstream.url}/base/y\\r\\n`, "i"));
  });

  test("TRACE would show the upstream's credential, and is refused", async () => {
    expect((await send("TRACE /c/tool/x HTTP/1.1")).status).toBe(501);
    expect(reached()).toEqual([]);
  });

  test("CONNECT opens nothing", async () => {
    expect((await send(`CONNECT 127.0.0.1:${upstream.port} HTTP/1.1`)).status).not.toBe(200);
    expect(reached()).toEqual([]);
  });
});

describe("a hostile upstream", () => {
  test.each<[string, string]>([
    ["switches protocols", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"],
    ["answers with a status that is none", "HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nhi"],
    ["answers with status 0", "HTTP/1.1 000 Odd\r\nContent-Length: 2\r\n\r\nhi"],
    ["speaks no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
    ["folds a header", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\n b\r\n\r\nhi"],
    ["has a bare CR in a header", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\rSet-Cookie: a=b\r\n\r\nhi"],
    ["has NUL in a header", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\0b\r\n\r\nhi"],
    ["states two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nhello"],
    ["states a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi"],
    ["sends headers without end", `HTTP/1.1 200 OK\r\n${"X-A: b\r\n".repeat(300_000)}`],
    ["says nothing and closes", ""],
  ])("that %s is 502, recorded, and nothing of its answer is released", async (_, answer) => {
    script = answer;
    const heard = await send("GET /c/tool/x HTTP/1.1");
    expect(heard.status).toBe(502);
    expect(heard.head.toLowerCase()).not.toMatch(/x-a:|set-cookie/);
    const last = (await gateway.records("alice", "tool")).at(-1);
    expect(last?.kind).toBe("command.failed");
    expect(["invalid", "refused"]).toContain(last?.classes.transport);
  });

  test("cannot set state, speak for the gateway, or challenge for the caller's credential", async () => {
    script =
      'HTTP/1.1 401 No\r\nContent-Length: 0\r\nSet-Cookie: a=b\r\nSallyport-Receipt: forged\r\nCF-Ray: x\r\nWWW-Authenticate: Basic realm="give me your token"\r\nRefresh: 0;url=http://evil.example/\r\nAlt-Svc: h3="evil:443"\r\nContent-Security-Policy: default-src *\r\n\r\n';
    const { head, status } = await send("GET /c/tool/x HTTP/1.1");
    expect(status).toBe(401);
    expect(head.toLowerCase()).not.toMatch(/set-cookie|sallyport-|cf-ray|www-authenticate|refresh|alt-svc|default-src/);
    expect(head.toLowerCase()).toContain("content-security-policy: sandbox");
  });

  test("that sends more than it stated gets no further than that", async () => {
    script = `${HARMLESS}HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nextra`;
    const { body } = await send("GET /c/tool/x HTTP/1.1");
    expect(body).toBe("hi");
  });

  test("that sends interim answers first gets only the final one through", async () => {
    script = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </evil.js>; rel=preload\r\n\r\n${HARMLESS}`;
    const { text, status } = await send("GET /c/tool/x HTTP/1.1");
    expect(status).toBe(200);
    expect(text).not.toContain("evil.js");
  });

  test("whose reason phrase and header bytes are no text breaks neither the answer nor the record", async () => {
    script = "HTTP/1.1 200 \xff\xfe\r\nContent-Length: 2\r\nX-Odd: \xff\xfe\r\n\r\nhi";
    const { status, body } = await send("GET /c/tool/x HTTP/1.1");
    expect(status).toBe(200);
    expect(body).toBe("hi");
    expect((await gateway.records("alice", "tool")).at(-1)?.kind).toBe("command.completed");
  });

  test("with a huge header is recorded in a record of bounded size", async () => {
    script = `HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Big: ${"a".repeat(200_000)}\r\n\r\nhi`;
    await send("GET /c/tool/x HTTP/1.1");
    const last = (await gateway.records("alice", "tool")).at(-1);
    expect(last?.kind).toBe("command.completed");
    expect(last?.fields.headers?.length).toBeLessThan(20_000);
  });
});

test("a caller's huge headers are recorded within bounds, too", async () => {
  expect((await send("GET /c/tool/x HTTP/1.1", [`X-Big: ${"a".repeat(60_000)}`])).status).toBe(200);
  const requested = (await gateway.records("alice", "tool")).findLast((one) => one.kind === "command.requested");
  expect(requested?.fields.headers?.length).toBeLessThan(20_000);
});
