// What reaches the upstream and what comes back: methods, bodies, headers, credentials.

import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { METHOD_NAMES } from "../../core/protocol/http/methods.ts";
import { type EchoUpstream, sha256, startEchoUpstream } from "../support/echo_upstream.ts";
import { startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { rawExchange, rawRequest, type RawUpstream, startRawUpstream } from "../support/raw_http.ts";

let upstream: EchoUpstream;
/** Takes every method, which Node's own server does not. */
let raw: RawUpstream;
let gateway: TestGateway;
let credentials: string[];

beforeAll(async () => {
  upstream = await startEchoUpstream();
  raw = await startRawUpstream((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  const at = { upstream: upstream.url };
  gateway = await startGateway({
    policy: testPolicy({
      tool: `${upstream.url}/base`,
      raw: `${raw.url}/base`,
      header: { ...at, credential: { as: "header", name: "x-api-key", secret: "UPSTREAM_HEADER" } },
      basic: { ...at, credential: { as: "basic", secret: "UPSTREAM_BASIC" } },
      query: { ...at, credential: { as: "query", name: "key", secret: "UPSTREAM_QUERY" } },
      unset: { ...at, credential: { as: "header", name: "authorization", secret: "UPSTREAM_UNSET" } },
      elsewhere: { ...at, region: "mars" },
    }),
    secrets: { UPSTREAM_HEADER: "header secret", UPSTREAM_BASIC: "user:pass word", UPSTREAM_QUERY: "s&cret/1'" },
  });
  credentials = [`Host: 127.0.0.1:${gateway.port}`, `Authorization: Bearer ${await gateway.token("alice")}`];
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
  await raw?.stop();
});

test.each(METHOD_NAMES)("%s is forwarded as it is", async (method) => {
  const answer = await rawExchange(
    gateway.port,
    rawRequest(`${method} /c/raw/a%2Fb//c?x=1&x=%20 HTTP/1.1`, credentials),
  );
  expect(answer.status).toBe(200);
  expect(raw.received.at(-1)?.split("\r\n")[0]).toBe(`${method} /base/a%2Fb//c?x=1&x=%20 HTTP/1.1`);
});

test.each([
  ["POST", 0],
  ["PUT", 1],
  ["DELETE", 300],
  ["PROPFIND", 65_536],
  ["POST", 65_537],
  ["PATCH", 3_000_000],
])("a %s body of %i bytes arrives byte for byte, with its length", async (method, size) => {
  const body = randomBytes(size);
  const answer = await gateway.fetch("alice", "/c/tool/put", { method, body });
  expect(await answer.json()).toMatchObject({ bytes: size, sha256: sha256(body) });
  expect(upstream.last().headers["content-length"]).toBe(String(size));
});

test("a body without a stated length is streamed as chunks", async () => {
  const chunks = "5\r\nhello\r\n1;ext=1\r\n!\r\n0\r\n\r\n";
  const answer = await rawExchange(
    gateway.port,
    rawRequest("DELETE /c/tool/chunked HTTP/1.1", [...credentials, "Transfer-Encoding: chunked"], chunks),
  );
  expect(answer.status).toBe(200);
  expect(upstream.last().body.toString()).toBe("hello!");
  expect(upstream.last().headers["transfer-encoding"]).toBe("chunked");
});

test("a GET with a body is refused rather than forwarded without it", async () => {
  const before = upstream.received.length;
  const answer = await rawExchange(
    gateway.port,
    rawRequest("GET /c/tool/search HTTP/1.1", [...credentials, "Content-Length: 2"], "{}"),
  );
  expect(answer.status).toBe(501);
  expect(answer.body).toContain('"reason":"body_unsupported"');
  expect(upstream.received.length).toBe(before);
});

test("a client that expects 100-continue gets it, and its body is forwarded", async () => {
  const answer = await rawExchange(
    gateway.port,
    rawRequest("POST /c/tool/x HTTP/1.1", [...credentials, "Expect: 100-continue", "Content-Length: 5"], "hello"),
  );
  expect(answer.text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
  expect(upstream.last().body.toString()).toBe("hello");
  expect(upstream.last().headers.expect).toBeUndefined();
});

test.each([1000, 500_000])("a coded answer of about %i bytes is passed on byte for byte", async (size) => {
  const coded = gzipSync(randomBytes(size));
  upstream.handlers.set("/base/coded", (_, response) =>
    response.writeHead(200, { "content-encoding": "gzip", "content-length": coded.length, etag: '"g"' }).end(coded),
  );
  const head = rawRequest("GET /c/tool/coded HTTP/1.1", [...credentials, "Accept-Encoding: gzip"]);
  const answer = await rawExchange(gateway.port, head);
  expect(answer.head.toLowerCase()).toContain("content-encoding: gzip");
  expect(sha256(Buffer.from(answer.body, "latin1"))).toBe(sha256(coded));
});

test("the upstream is asked for no coding that the client did not ask for", async () => {
  await rawExchange(gateway.port, rawRequest("GET /c/tool/x HTTP/1.1", credentials));
  expect(upstream.last().headers["accept-encoding"]).toBe("identity");
  await rawExchange(gateway.port, rawRequest("GET /c/tool/x HTTP/1.1", [...credentials, "Accept-Encoding: br"]));
  expect(upstream.last().headers["accept-encoding"]).toBe("br");
});

test.each([
  ["an answer to HEAD keeps its length and has no body", "HEAD", 200, "Content-Length: 1234"],
  ["204 has no body", "GET", 204, ""],
  ["304 keeps its validators", "GET", 304, 'ETag: "v1"'],
])("%s", async (_, method, status, header) => {
  upstream.handlers.set("/base/empty", (__, response) =>
    response.writeHead(status, { etag: '"v1"', ...(method === "HEAD" ? { "content-length": 1234 } : {}) }).end(),
  );
  const answer = await rawExchange(
    gateway.port,
    rawRequest(`${method} /c/tool/empty HTTP/1.1`, [...credentials, 'If-None-Match: "v1"']),
  );
  expect(answer.status).toBe(status);
  expect(answer.head).toContain(header);
  expect(answer.body).toBe("");
  expect(upstream.last().headers["if-none-match"]).toBe('"v1"');
});

test("a range is asked for and comes back as a part", async () => {
  upstream.handlers.set("/base/range", (_, response) =>
    response.writeHead(206, { "content-range": "bytes 2-3/10", "content-length": 2 }).end("cd"),
  );
  const answer = await gateway.fetch("alice", "/c/tool/range", { headers: { range: "bytes=2-3", "if-range": '"v1"' } });
  expect(answer.status).toBe(206);
  expect(answer.headers.get("content-range")).toBe("bytes 2-3/10");
  expect(await answer.text()).toBe("cd");
  expect(upstream.last().headers).toMatchObject({ range: "bytes=2-3", "if-range": '"v1"' });
});

test.each([
  ["inside the base", "BASE/base/next?x=1", "GATEWAY/c/tool/next?x=1"],
  ["from the root", "/base/next", "GATEWAY/c/tool/next"],
  ["relative", "next", "GATEWAY/c/tool/deep/next"],
  ["on another connection", "GATEWAY/c/other/x", null],
  ["another host", "https://elsewhere.example/base/", "https://elsewhere.example/base/"],
])("a redirect %s is not followed, and leads where it should", async (_, location, expected) => {
  const place = location.replace("BASE", upstream.url).replace("GATEWAY", gateway.url);
  upstream.handlers.set("/base/deep/moved", (__, response) => response.writeHead(307, { location: place }).end());
  const before = upstream.received.length;
  const answer = await gateway.fetch("alice", "/c/tool/deep/moved");
  expect(answer.status).toBe(307);
  expect(answer.headers.get("location")).toBe(expected?.replace("GATEWAY", gateway.url) ?? null);
  expect(upstream.received.length).toBe(before + 1);
});

test("the caller's credential and cookies stay here, and no caller speaks for the gateway", async () => {
  const headers = [
    ...credentials,
    "Cookie: a=b",
    "X-Forwarded-For: 6.6.6.6",
    "Forwarded: for=6.6.6.6",
    "Sallyport-Approval: x",
    "CF-Connecting-IP: 6.6.6.6",
    "CF-Access-Jwt-Assertion: x",
    "Connection: x-hop",
    "X-Hop: 1",
    "TE: trailers",
    "X-Kept: 1",
  ];
  await rawExchange(gateway.port, rawRequest("GET /c/tool/x HTTP/1.1", headers));
  const received = upstream.last().headers;
  expect(JSON.stringify(received)).not.toContain("eyJ");
  for (const name of [
    "authorization",
    "cookie",
    "x-forwarded-for",
    "sallyport-approval",
    "cf-connecting-ip",
    "cf-access-jwt-assertion",
    "x-hop",
    "te",
  ])
    expect(received[name], name).toBeUndefined();
  expect(received["x-kept"]).toBe("1");
  expect(received.via).toBe("1.1 sallyport");
  expect(received.forwarded).toContain(`host="127.0.0.1:${gateway.port}"`);
});

test("a browser origin's state is not set by an upstream, and its answers are sandboxed", async () => {
  const set = {
    "set-cookie": "a=b",
    "strict-transport-security": "max-age=1",
    "clear-site-data": '"*"',
    "sallyport-receipt": "forged",
    "access-control-allow-origin": "*",
    "content-security-policy": "default-src *",
    "x-kept": "1",
  };
  upstream.handlers.set("/base/state", (_, response) => response.writeHead(200, set).end("x"));
  const { headers } = await gateway.fetch("alice", "/c/tool/state");
  for (const name of [
    "set-cookie",
    "strict-transport-security",
    "clear-site-data",
    "sallyport-receipt",
    "access-control-allow-origin",
  ])
    expect(headers.get(name), name).toBeNull();
  expect(headers.get("content-security-policy")).toBe("sandbox");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("x-kept")).toBe("1");
});

test("the upstream's own credential is presented as its connection says", async () => {
  await gateway.fetch("alice", "/c/header/x", { headers: { "x-api-key": "the caller's" } });
  expect(upstream.last().headers["x-api-key"]).toBe("header secret");
  await gateway.fetch("alice", "/c/basic/x");
  expect(upstream.last().headers.authorization).toBe(`Basic ${Buffer.from("user:pass word").toString("base64")}`);
  await gateway.fetch("alice", "/c/query/x?a=1&key=callers&%6bey=callers&b=2");
  expect(upstream.last().url).toBe("/x?a=1&b=2&key=s%26cret%2F1%27");
});

test("an upstream's credential never comes back in a header, nor into a record", async () => {
  upstream.handlers.set("/slash", (request, response) =>
    response.writeHead(301, { location: `/slash/?${request.url?.split("?")[1]}` }).end(),
  );
  const answer = await gateway.fetch("alice", "/c/query/slash");
  expect(answer.headers.get("location")).toBe(`${gateway.url}/c/query/slash/`);
  for (const connection of ["query", "header", "basic"]) {
    const text = JSON.stringify(await gateway.records("alice", connection));
    expect(text).toContain("command.completed");
    for (const secret of [
      "cret%2F1",
      "s&cret",
      "header secret",
      "pass word",
      Buffer.from("user:pass word").toString("base64"),
    ])
      expect(text).not.toContain(secret);
  }
});

test.each([
  ["unset", 503, "credential_missing"],
  ["elsewhere", 421, "wrong_region"],
  // To the caller the same as a connection that no rule opens.
  ["nowhere", 403, "no_rule"],
])("a call of the connection %s is %i %s, and nothing is forwarded", async (connection, status, reason) => {
  const before = upstream.received.length;
  const answer = await gateway.fetch("alice", `/c/${connection}/x`);
  expect(answer.status).toBe(status);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(await answer.json()).toMatchObject({
    type: `urn:sallyport:problem:${reason}`,
    status,
    reason,
    record: expect.stringMatching(/^[0-9a-f-]{36}\/\d+$/),
  });
  expect(upstream.received.length).toBe(before);
});

test("an offer of h2c is ignored, a WebSocket upgrade refused", async () => {
  const offer = await rawExchange(
    gateway.port,
    rawRequest("GET /c/tool/x HTTP/1.1", [...credentials, "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"]),
  );
  expect(offer.status).toBe(200);
  const socket = ["Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"];
  const request = rawRequest("GET /c/tool/x HTTP/1.1", [...credentials, ...socket]).replace(
    "Connection: close",
    "Connection: Upgrade",
  );
  const refused = await rawExchange(gateway.port, request, { until: (text) => text.includes("}") });
  expect(refused.status).toBe(501);
  expect(refused.body).toContain('"reason":"upgrade_unsupported"');
});
