// What is recorded of bodies: except for masked spans, byte for byte what the upstream saw and sent, and
// nothing released before its record.

import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import type { Person } from "../support/issuer.ts";
import { expectRecordedAs, type RecordedCommand, recordedCommand, type Side } from "../support/recorded_payload.ts";

const KIBIBYTE = 1024;
const MEBIBYTE = 1024 * KIBIBYTE;
/** Made as the test runs, so that no text here is one. */
const SECRET = randomBytes(18).toString("base64url");

let upstream: EchoUpstream;
let gateway: TestGateway;
/** Somebody else for each test: who reads a command reads all of its session, and these are large. */
let caller: Person;
let callers = 0;
beforeEach(() => {
  caller = { subject: `caller ${++callers}`, groups: ["engineers"] };
});

beforeAll(async () => {
  upstream = await startEchoUpstream();
  const policy = testPolicy({
    tool: upstream.url,
    head: { upstream: upstream.url, record: { head: 1000 } },
    bare: { upstream: upstream.url, record: "metadata" },
    strict: { upstream: upstream.url, unreadable: "refuse" },
  });
  const masks = {
    "employee-number": { pattern: "EMP-[0-9]{6}", keywords: ["EMP-"] },
    note: { fields: ["staff_note"] },
  };
  const rule = { effect: "allow", who: { roles: ["engineer"] }, connections: ["*"], methods: ["*"], priority: 1 };
  const records = { full: "full", metadata: "metadata", head: { head: 700 } };
  const byRule = Object.entries(records).map(([name, record]) => {
    return { ...rule, id: `records-${name}`, routes: [`/by-rule/${name}/**`], record };
  });
  const { rules } = policy as { rules: object[] };
  gateway = await startGateway({ policy: { ...(policy as object), masks, rules: [...rules, ...byRule] } });
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
});

function of(path: string, connection = "tool"): Promise<RecordedCommand> {
  return recordedCommand(gateway, caller, connection, path);
}

/** Has the upstream answer this path with these bytes, in so many writes. */
function answers(
  path: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string | number>> = {},
  writes = 1,
): void {
  upstream.handlers.set(path, (_, response) => {
    response.writeHead(200, headers);
    const size = Math.max(1, Math.ceil(body.length / writes));
    for (let at = 0; at < body.length; at += size) response.write(body.subarray(at, at + size));
    response.end();
  });
}

const JSON_TEXT = JSON.stringify({
  user: "bob",
  password: SECRET,
  note: "Zürich €",
  list: Array.from({ length: 20 }, (_, at) => ({ at, token: SECRET + String(at) })),
});
const LARGE_JSON = JSON.stringify(
  Array.from({ length: 600 }, () => ({
    ...(JSON.parse(JSON_TEXT) as object),
    noise: randomBytes(200).toString("hex"),
  })),
);
const BINARY = randomBytes(200_000);
const EVENTS = Array.from({ length: 50 }, (_, at) => `event: x\ndata: {"at":${at},"password":"${SECRET}"}\n\n`).join(
  "",
);

const BODIES: readonly (readonly [string, string, Uint8Array])[] = [
  ["a small text", "text/plain", Buffer.from("line\n".repeat(100))],
  ["a small JSON with secrets", "application/json", Buffer.from(JSON_TEXT)],
  ["a large JSON with secrets", "application/json", Buffer.from(LARGE_JSON)],
  ["binary", "application/octet-stream", BINARY],
  ["events with secrets", "text/event-stream", Buffer.from(EVENTS)],
  ["a text that is one word", "text/plain", Buffer.from("x".repeat(300_000))],
];

describe("the record of", () => {
  test.each(BODIES)("%s (%s) is what was sent and what came back", async (what, type, body) => {
    const path = `/both/${encodeURIComponent(what)}`;
    answers(path, body, { "content-type": type }, 7);
    const answer = await gateway.fetch(caller, `/c/tool${path}`, {
      method: "POST",
      headers: { "content-type": type },
      body: new Uint8Array(body),
    });
    expect(Buffer.from(await answer.arrayBuffer()).equals(body)).toBe(true);
    expect(upstream.last().body.equals(body)).toBe(true);
    const command = await of(`POST ${path}`);
    for (const side of ["request", "response"] as const) {
      await expectRecordedAs(command, side, body);
      expect((await command.payload(side)).includes(SECRET)).toBe(false);
    }
    expect(command.outcome.classes).toMatchObject({ req_bytes: body.length, resp_bytes: body.length });
    expect(JSON.stringify(command.records)).not.toContain(SECRET);
  });

  test("an upload in chunks of no stated length is what the upstream got", async () => {
    const parts = Array.from({ length: 40 }, (_, at) => `{"at":${at},"api_key":"${SECRET}"}\n`);
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (const part of parts) yield Buffer.from(part);
    }
    await gateway.fetch(caller, "/c/tool/chunked", {
      method: "PUT",
      headers: { "content-type": "application/x-ndjson" },
      body: pieces() as unknown as ReadableStream,
      duplex: "half",
    } as RequestInit);
    expect(upstream.last().body.toString()).toBe(parts.join(""));
    const command = await of("PUT /chunked");
    await expectRecordedAs(command, "request", Buffer.from(parts.join("")));
    expect(command.spans("request").length).toBe(40);
    expect(command.begun.fields.payload).toBeUndefined();
  });

  test("a download of 5 MB is whole, in chunks of a quarter of a mebibyte at most, and past 4 MiB of one", async () => {
    const body = randomBytes(5_000_000);
    answers("/large", body, { "content-type": "application/octet-stream", "content-length": body.length });
    const answer = await gateway.fetch(caller, "/c/tool/large");
    expect(Buffer.from(await answer.arrayBuffer()).equals(body)).toBe(true);
    const command = await of("GET /large");
    await expectRecordedAs(command, "response", body);
    for (const { classes } of command.chunks("response")) {
      const length = Number(classes.length);
      const isEarly = Number(classes.offset) + length <= 4096 * KIBIBYTE;
      expect(length).toBeLessThanOrEqual((isEarly ? 256 : 1024) * KIBIBYTE);
    }
    expect(command.chunks("response").every(({ classes }) => classes.format === "binary")).toBe(true);
  });

  test("a part of a resource is that part", async () => {
    const part = Buffer.from(JSON_TEXT).subarray(10, 200);
    upstream.handlers.set("/range", (_, response) =>
      response
        .writeHead(206, {
          "content-type": "application/json",
          "content-range": `bytes 10-199/${JSON_TEXT.length}`,
          "content-length": part.length,
        })
        .end(part),
    );
    const answer = await gateway.fetch(caller, "/c/tool/range", { headers: { range: "bytes=10-199" } });
    expect(Buffer.from(await answer.arrayBuffer()).equals(part)).toBe(true);
    await expectRecordedAs(await of("GET /range"), "response", part);
  });

  test("a body that is empty, or not there, is a record without one", async () => {
    upstream.handlers.set("/nothing", (_, response) => response.writeHead(204).end());
    await gateway.fetch(caller, "/c/tool/nothing", { method: "POST", body: "" });
    const { begun, outcome } = await of("POST /nothing");
    for (const { fields } of [begun, outcome]) expect(fields.payload ?? fields.payload_digest).toBeUndefined();
  });
});

const CODERS: readonly (readonly [string, string, (body: Uint8Array) => Buffer])[] = [
  ["gzip", "gzip", gzipSync],
  ["deflate", "deflate", deflateSync],
  ["deflate", "deflate without zlib's header", deflateRawSync],
  ["br", "br", (body) => brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })],
];

describe("inside a coding", () => {
  const sizes = [
    ["small", JSON_TEXT],
    ["large", LARGE_JSON],
  ] as const;
  test.each(
    CODERS.flatMap((coder) => sizes.map(([size, text]) => [coder[0], coder[1], size, coder[2], text] as const)),
  )("%s (%s), a %s body is recorded as what it is, and travels as it came", async (coding, what, size, code, text) => {
    const path = `/coded/${encodeURIComponent(`${what} ${size}`)}`;
    const body = code(Buffer.from(text));
    answers(path, body, { "content-type": "application/json", "content-encoding": coding }, 9);
    await gateway
      .fetch(caller, `/c/tool${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", "content-encoding": coding, "accept-encoding": coding },
        body: new Uint8Array(body),
      })
      .then((answer) => answer.arrayBuffer());
    expect(upstream.last().body.equals(body)).toBe(true);
    const command = await of(`POST ${path}`);
    for (const side of ["request", "response"] as const) {
      await expectRecordedAs(command, side, Buffer.from(text));
      expect((await command.payload(side)).includes(SECRET)).toBe(false);
      expect(command.spans(side).length).toBeGreaterThan(0);
    }
    expect(command.outcome.classes).toMatchObject({ req_bytes: body.length, resp_bytes: body.length });
    expect(command.outcome.fields.digests).not.toContain("sha256");
  });

  /** Mebibytes of nothing in a few bytes. */
  const bombs: readonly (readonly [string, string, Buffer])[] = [
    ["small, gzip", "gzip", gzipSync(Buffer.alloc(40 * MEBIBYTE))],
    ["large, gzip", "gzip", gzipSync(Buffer.alloc(100 * MEBIBYTE))],
    ["br", "br", brotliCompressSync(Buffer.alloc(100 * MEBIBYTE), { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })],
  ];
  const unreadable: readonly (readonly [string, string, Buffer])[] = [
    ["no gzip at all", "gzip", Buffer.from("this is not gzip ".repeat(20))],
    ["small gzip that is cut", "gzip", gzipSync(randomBytes(20_000)).subarray(0, 15_000)],
    ["a coding that nobody knows", "zstd", randomBytes(300)],
    ["two codings", "gzip, br", randomBytes(100_000)],
    ...bombs.map(([name, ...rest]) => [`a bomb (${name})`, ...rest] as const),
  ];

  test.each(unreadable)("%s (%s) passes as it is and is committed to, where it may", async (what, coding, body) => {
    const path = `/opaque/${encodeURIComponent(what)}`;
    answers(path, body, { "content-type": "text/plain", "content-encoding": coding, "content-length": body.length });
    const answer = await undecoded("POST", `/c/tool${path}`, { "content-encoding": coding }, body);
    expect(answer.equals(body)).toBe(true);
    expect(upstream.last().body.equals(body)).toBe(true);
    const { begun, outcome, chunks } = await of(`POST ${path}`);
    expect(outcome.classes).toMatchObject({ status: 200, req_bytes: body.length, resp_bytes: body.length });
    for (const side of ["request", "response"] as const) {
      const held = chunks(side).length > 0 ? chunks(side) : [side === "request" ? begun : outcome];
      expect(held.at(-1)?.classes.format).toBe("opaque");
      expect(held.at(-1)?.fields.raw).toMatch(/^[0-9a-f]{64}$/);
    }
    expect(outcome.fields.digests).not.toContain("sha256");
  });

  test.each(unreadable)("%s (%s) is refused, either way, where it has to be readable", async (what, coding, body) => {
    const path = `/refused/${encodeURIComponent(what)}`;
    const whole = upstream.received.length;
    await undecoded("POST", `/c/strict${path}`, { "content-encoding": coding }, body).catch(() => undefined);
    const sent = await of(`POST ${path}`, "strict");
    expect(sent.outcome.classes.reason).toBe("request_unreadable");
    // Of a large one the beginning may have gone up, and never all of it.
    expect(upstream.received.length).toBe(whole);
    answers(path, body, { "content-type": "text/plain", "content-encoding": coding, "content-length": body.length });
    const answer = await undecoded("GET", `/c/strict${path}`, {}).catch(() => null);
    if (answer !== null) expect(answer.toString()).toContain('"answer_unreadable"');
    const { outcome } = await of(`GET ${path}`, "strict");
    expect(outcome).toMatchObject({ kind: "command.failed", classes: { reason: "answer_unreadable" } });
  });

  /** By a client that takes no coding off. Rejects if the answer breaks off, or the upload does. */
  async function undecoded(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: Buffer,
  ): Promise<Buffer> {
    const authorization = `Bearer ${await gateway.token(caller)}`;
    return new Promise((resolve, reject) => {
      const sent = { authorization, "content-type": "text/plain", "accept-encoding": "gzip, br, zstd", ...headers };
      const length = body === undefined ? {} : { "content-length": body.length };
      const asking = request(
        gateway.url + path,
        { method, headers: { ...sent, ...length }, agent: false },
        (answer) => {
          const parts: Buffer[] = [];
          answer.on("data", (part: Buffer) => parts.push(part));
          answer.on("error", reject);
          answer.on("end", () => (answer.complete ? resolve(Buffer.concat(parts)) : reject(new Error("cut"))));
        },
      );
      asking.on("error", reject);
      asking.end(body);
    });
  }
});

describe("how much is recorded", () => {
  const both = async (connection: string, path: string, body: Uint8Array): Promise<RecordedCommand> => {
    answers(path, body, { "content-type": "text/plain" });
    const answer = await gateway.fetch(caller, `/c/${connection}${path}`, {
      method: "POST",
      headers: { "content-type": "text/plain" },
      body: new Uint8Array(body),
    });
    expect(Buffer.from(await answer.arrayBuffer()).equals(body)).toBe(true);
    expect(upstream.last().body.equals(body)).toBe(true);
    return of(`POST ${path}`, connection);
  };
  const cutOf = ({ begun, outcome }: RecordedCommand, side: Side): unknown =>
    side === "request" ? (begun.classes.req_cut ?? outcome.classes.req_cut) : outcome.classes.resp_cut;

  test.each([5_000, 500_000])("is the head that is asked for, of %i bytes; the rest is counted", async (size) => {
    const body = Buffer.from("a line of it\n".repeat(size / 10)).subarray(0, size);
    const command = await both("head", `/head/${size}`, body);
    for (const side of ["request", "response"] as const) {
      expect((await command.payload(side)).equals(body.subarray(0, 1000))).toBe(true);
      expect(cutOf(command, side)).toBe(size - 1000);
    }
    expect(command.outcome.fields.digests).not.toContain("sha256");
  });

  test.each([5_000, 500_000])("is nothing of %i bytes where only metadata is asked for", async (size) => {
    const command = await both("bare", `/bare/${size}`, Buffer.alloc(size, "x\n"));
    expect(command.records.map(({ kind }) => kind)).not.toContain("stream.chunk");
    for (const side of ["request", "response"] as const) expect(cutOf(command, side)).toBe(size);
    expect(command.outcome.fields.digests).not.toContain("sha256");
  });

  const sizes = [5_000, 500_000];
  test.each(
    ["tool", "bare", "head"].flatMap((connection) =>
      (["full", "metadata", "head"] as const).flatMap((name) => sizes.map((size) => [name, connection, size] as const)),
    ),
  )("is what the rule says (%s), whatever its connection %s says, of %i bytes", async (name, connection, size) => {
    const body = Buffer.alloc(size, "a line of it\n");
    const command = await both(connection, `/by-rule/${name}/${connection}/${size}`, body);
    expect(command.begun.classes.rule).toBe(`records-${name}`);
    const held = { full: size, metadata: 0, head: 700 }[name];
    for (const side of ["request", "response"] as const) {
      if (held > 0) expect((await command.payload(side)).equals(body.subarray(0, held))).toBe(true);
      expect(cutOf(command, side)).toBe(held === size ? undefined : size - held);
    }
    if (held === 0) expect(JSON.stringify(command.records)).not.toContain("a line of it");
    // Digests and counts say what passed all the same.
    expect(command.outcome.classes).toMatchObject({ req_bytes: size, resp_bytes: size });
  });
});

test("an admin's own masks hold for targets, headers and bodies, both ways and in a refusal", async () => {
  const body = JSON.stringify({ staff_note: "ill", who: "EMP-123456" });
  answers("/own", Buffer.from(body), { "x-who": "EMP-654321", "content-length": body.length });
  const path = "/c/tool/own?staffNote=ill&who=EMP-111111";
  const headers = { "staff-note": "ill", "content-type": "application/json" };
  for (const person of ["alice", "mallory"])
    await (await gateway.fetch(person, path, { method: "POST", body, headers })).arrayBuffer();
  for (const person of ["alice", "mallory"]) {
    const records = (await gateway.records(person, "tool")).filter(({ fields }) =>
      (fields.target ?? fields.payload ?? "").includes("[masked:employee-number]"),
    );
    expect(records.length).toBe(person === "alice" ? 2 : 1);
    const text = JSON.stringify(records);
    expect(text).not.toMatch(/EMP-\d|"ill"|=ill/);
    expect(text).toContain("[masked:note]");
  }
});
