// Bodies and messages at the command line: shown, taken out raw, followed and verified, from a running
// gateway and over connections that break or lie.

import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, request as httpRequest, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket, { WebSocketServer } from "ws";
import { type CliRan, runCli, startCli } from "../support/cli.ts";
import { eventually, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { listen, stopServer } from "../support/loopback.ts";
import { runProgram } from "../support/program.ts";
import { atTerminal } from "../support/terminal.ts";
import { type WrittenCommand, WrittenSession } from "../support/written_session.ts";

const MIB = 1024 * 1024;
let folder = "";
let gateway: TestGateway;
let session: WrittenSession;
let chat: WebSocketServer;
/** Between the command line and the gateway: what `meddle` says becomes of an answer's body. */
let between: Server;
let through = "";
type Meddle = (path: string, bytes: Buffer, response: ServerResponse) => Buffer | null;
let meddle: Meddle = (_, bytes) => bytes;
/** `Range` of each request for a body that came through. */
const ranges: (string | undefined)[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sallyport-payloads-"));
  chat = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  chat.on("connection", (socket) => socket.on("message", (data, binary) => socket.send(data, { binary })));
  await new Promise((resolve) => chat.on("listening", resolve));
  const { port } = chat.address() as { port: number };
  gateway = await startGateway({
    policy: testPolicy({
      tool: "http://127.0.0.1:9",
      chat: { protocol: "websocket", upstream: `http://127.0.0.1:${port}` },
    }),
  });
  session = await WrittenSession.open(gateway, "alice", "cli");
  between = createServer((asked, response) => {
    const path = asked.url ?? "";
    if (path.includes("/payload/")) ranges.push(asked.headers.range);
    const headers = { ...asked.headers, host: `127.0.0.1:${gateway.port}` };
    const sent = httpRequest(gateway.url + path, { method: asked.method ?? "GET", headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.on("data", (bytes: Buffer) => {
        const changed = response.destroyed ? null : meddle(path, bytes, response);
        if (changed !== null) response.write(changed);
      });
      answer.on("end", () => response.end());
      answer.on("error", () => response.destroy());
    });
    sent.on("error", () => response.destroy());
    response.on("error", () => undefined).on("close", () => sent.destroy());
    asked.pipe(sent);
  });
  through = await listen(between);
});
afterAll(async () => {
  await gateway?.stop();
  await stopServer(between);
  chat.close();
  rmSync(folder, { recursive: true });
});

const textBytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function envOf(person = "alice", at = gateway.url): Promise<Record<string, string>> {
  return { SALLYPORT_GATEWAY: at, SALLYPORT_TOKEN: await gateway.token(person) };
}

async function sallyport(args: readonly string[], person = "alice", at = gateway.url): Promise<CliRan> {
  return runCli(args, { home: folder, env: await envOf(person, at) });
}

/** Until the index has it. */
async function found(command: { readonly id: string }): Promise<string> {
  await eventually(
    async () => (await gateway.fetch("carol", `/api/v1/commands/${command.id}`)).status,
    (status) => status === 200,
  );
  return command.id;
}

async function streamed(sizes: readonly number[]): Promise<{ command: WrittenCommand; whole: Buffer }> {
  const parts = sizes.map((size) => ({ bytes: new Uint8Array(randomBytes(size)) }));
  const command = await session.request();
  await command.start([["content-type", "application/octet-stream"]]);
  await command.stream("response", parts, { format: "binary" });
  await command.complete();
  await found(command);
  return { command, whole: Buffer.concat(parts.map(({ bytes }) => bytes)) };
}

describe("show", () => {
  const SENT = '{"user":"alice","password":"[masked:password]","note":"[masked:jwt] is what I write"}';
  let command: WrittenCommand;
  beforeAll(async () => {
    const spans = [{ at: SENT.indexOf("[masked:password]"), length: 9, put: 17, rule: "password", pseudonym: null }];
    command = await session.request({
      headers: [["content-type", "application/json"]],
      body: { bytes: textBytes(SENT), spans },
      nature: { format: "json" },
      classes: { req_size: 70 },
    });
    const lines = Array.from({ length: 90 }, (_, n) => `line ${n}\n`).join("");
    await command.complete({ headers: [["content-type", "text/plain"]], body: { bytes: textBytes(lines) } });
    await found(command);
  });

  test("lays out what was sent and received, and says what was masked and how much is left", async () => {
    const ran = await sallyport(["show", command.id]);
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(ran.out).toContain("request  application/json, 85 B  1 masked: 1 × password");
    expect(ran.out).toContain(
      '  {\n    "user": "alice",\n    "password": "[masked:password]",\n    "note": "[masked:jwt] is what I write"\n  }\n',
    );
    expect(ran.out).toContain("response  text/plain, 710 B");
    expect(ran.out).toContain("  line 39\n");
    expect(ran.out).not.toContain("line 40");
    expect(ran.out).toContain("  … 50 lines more: --all, or --response for the body alone\n");
    const all = await sallyport(["show", command.id, "--all"]);
    expect(all.out).toContain("  line 89\n");
    expect(all.out).not.toContain("… ");
  });

  test("paints at a terminal what was masked, and not what a body says of itself", async () => {
    const program = [process.execPath, join(import.meta.dirname, "../../cli/sallyport.ts"), "show", command.id];
    const env = { ...(await envOf()), TERM: "xterm-256color", COLUMNS: "100" };
    const { code, screen } = await atTerminal(program, [], { folder, env });
    expect(code).toBe(0);
    expect(screen).toContain('\u001b[36m"user"');
    const painted = screen
      .split("\u001b[35m")
      .slice(1)
      .map((one) => one.slice(0, one.indexOf("\u001b")));
    expect(painted).toEqual(["1 masked: 1 × password", "[masked:password]"]);
  });

  test("tells a program the same, without the bodies", async () => {
    const ran = await sallyport(["show", command.id, "--json"]);
    const { payloads } = JSON.parse(ran.out) as { payloads: Record<string, { masked: { places: unknown[] } }> };
    expect(payloads).toMatchObject({
      request: { state: "recorded", size: 85 },
      response: { size: 710, complete: true },
    });
    expect(payloads.request?.masked.places).toEqual([{ at: 28, put: 17, length: 9, rule: "password" }]);
  });

  test("dumps bytes, and says of what is not recorded why", async () => {
    const cut = await session.request({ classes: { req_cut: 2048 } });
    await cut.complete({
      headers: [["content-type", "image/png"]],
      body: { bytes: Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0) },
      nature: { format: "binary" },
      classes: { req_bytes: 2048, resp_bytes: 5 },
    });
    const ran = await sallyport(["show", await found(cut)]);
    expect(ran.out).toContain("request  2.0 KiB, not recorded");
    expect(ran.out).toMatch(/ {2}00000000 {2}89 50 4e 47 00 {35} +\|\.PNG\.\|\n/);
  });

  test("has no words for another's body", async () => {
    const ran = await sallyport(["show", command.id, "--request"], "bob");
    expect(ran).toMatchObject({ code: 3, out: "" });
    expect(ran.err).toContain("no such session or command");
  });
});

describe("a body taken out raw", () => {
  test("into a pipe is its bytes and nothing else", async () => {
    const { command, whole } = await streamed([MIB, 5, 300_000]);
    const program = [join(import.meta.dirname, "../../cli/sallyport.ts"), "show", command.id, "--response"];
    const ran = await runProgram(process.execPath, program, { folder, env: await envOf() });
    expect([ran.code, ran.stderr]).toEqual([0, ""]);
    expect(ran.stdout.equals(whole)).toBe(true);
  });

  test("goes on where the connection breaks", async () => {
    const { command, whole } = await streamed([MIB, MIB, MIB]);
    let left = 2;
    let passed = 0;
    meddle = (path, bytes, response) => {
      if (!path.includes("/payload/") || left === 0) return bytes;
      passed += bytes.length;
      if (passed < 700_000) return bytes;
      left -= 1;
      passed = 0;
      response.destroy();
      return null;
    };
    ranges.length = 0;
    const file = join(folder, "broken.bin");
    const ran = await sallyport(["show", command.id, "--response", "-o", file], "alice", through);
    meddle = (_, bytes) => bytes;
    expect(ran).toMatchObject({ code: 0, out: "" });
    expect(readFileSync(file).equals(whole)).toBe(true);
    expect(ranges.filter((range) => range !== undefined)).toHaveLength(2);
    expect(statSync(file).mode & 0o077).toBe(0);
  });

  test("goes on where an earlier run was interrupted, and does not take another body for its rest", async () => {
    const { command, whole } = await streamed([MIB, MIB - 9]);
    const file = join(folder, "later.bin");
    const etag = (await gateway.fetch("alice", command.path("response"), { method: "HEAD" })).headers.get("etag") ?? "";
    const part = `${file}.${etag.slice(1, 13)}.part`;
    writeFileSync(part, whole.subarray(0, 1_500_000));
    writeFileSync(`${file}.0123456789ab.part`, "of another body");
    ranges.length = 0;
    const ran = await sallyport(["show", command.id, "--response", "-o", file], "alice", through);
    expect(ran).toMatchObject({ code: 0, out: "", err: "" });
    expect(readFileSync(file).equals(whole)).toBe(true);
    expect([ranges, existsSync(part)]).toEqual([[undefined, "bytes=1500000-"], false]);
  });

  test("says by its code whether it is there, and whole", async () => {
    const nothing = await session.request({ classes: { req_cut: 5 } });
    const growing = await session.request();
    const release = growing.hold();
    await growing.start();
    await growing.stream("response", [{ bytes: textBytes("so far") }]);
    const cut = await session.request({ body: { bytes: textBytes("head") }, classes: { req_cut: 9 } });
    for (const one of [nothing, growing, cut]) await found(one);
    expect(await sallyport(["show", nothing.id, "--request"])).toMatchObject({ code: 3, out: "" });
    expect(await sallyport(["show", nothing.id, "--response"])).toMatchObject({ code: 3, out: "" });
    expect(await sallyport(["show", growing.id, "--response"])).toMatchObject({ code: 4, out: "so far" });
    release();
    const partly = await sallyport(["show", cut.id, "--request"]);
    expect(partly).toMatchObject({ code: 4, out: "head" });
    expect(partly.err).toContain("9 B of it are in no record");
    for (const args of [
      ["show", "latest", "--request"],
      ["show", cut.id, "-o", "x"],
      ["show", cut.id, "--request", "--response"],
      ["show", cut.id, "--request", "--json"],
    ])
      expect([args, (await sallyport(args)).code]).toEqual([args, 2]);
  });
});

describe("a socket's messages", () => {
  let upgrade = "";
  let sid = "";
  beforeAll(async () => {
    const socket = new WebSocket(`${gateway.url.replace("http", "ws")}/c/chat/room`, {
      headers: { authorization: `Bearer ${await gateway.token("alice")}` },
    });
    let heard = 0;
    socket.on("message", () => (heard += 1));
    await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
    const messages = ['{"op":"hello","text":"\u001b[2Jwörld"}', Buffer.from([0, 1, 255])];
    for (const [at, message] of messages.entries()) {
      socket.send(message);
      await eventually(
        async () => heard,
        (count) => count > at,
      );
    }
    const closed = new Promise((resolve) => socket.on("close", resolve));
    socket.close(1000, "done");
    await closed;
    const records = await gateway.records("alice", "chat");
    const opened = records.find((one) => one.fields.target?.startsWith("GET ") === true);
    upgrade = opened?.command ?? "";
    sid = opened?.sid ?? "";
    await found({ id: upgrade });
  });

  test("are shown as a dialogue", async () => {
    const ran = await sallyport(["show", upgrade]);
    expect(ran.code).toBe(0);
    const [, dialogue = ""] = ran.out.split("\nmessages\n");
    expect(
      dialogue
        .trim()
        .split("\n")
        .map((line) =>
          line
            .trim()
            .replace(/^[\d:.]{12} +/, "")
            .replaceAll(/ +/g, " "),
        ),
    ).toEqual([
      '→ SEND text 34 B {"op":"hello","text":"\\u{1b}[2Jwörld"}',
      '← RECEIVE text 34 B {"op":"hello","text":"\\u{1b}[2Jwörld"}',
      "→ SEND binary 3 B 00 01 ff",
      "← RECEIVE binary 3 B 00 01 ff",
    ]);
  });

  test("are tailed with what is in them", async () => {
    const ran = await sallyport(["tail", sid, "-n", "20"]);
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/ {6}→ \{"op":"hello","text":"\\u\{1b\}\[2Jwörld"\}\n/);
    const more = await sallyport(["tail", sid, "-n", "20", "--payload"]);
    expect(more.out).toContain("      → {\n");
    expect(more.out).toContain('          "op": "hello",\n');
    expect(more.out).toMatch(/ {6}← 00000000 {2}00 01 ff/);
  });
});

test("tail -f shows bodies as they come, also those that stand beside their records", async () => {
  const own = await WrittenSession.open(gateway, "bob", "tailed");
  const env = await envOf("bob");
  const following = startCli(["tail", "-f", "--payload", own.sid], { home: folder, env });
  await following.prints(/command\.requested/);
  const command = await own.request({ body: { bytes: textBytes("small") } });
  await following.prints(/ {6}→ small\n/);
  await command.start();
  await command.stream("response", [{ bytes: textBytes(`large\n${"x".repeat(30_000)}`) }]);
  const match = await following.prints(/ {6}← large\n {8}x+\n {8}… 25 KiB more\n/);
  expect(match).not.toBeNull();
  following.signal("SIGINT");
  expect((await following.ended).code).toBe(130);
});

describe("verify-session --payloads", () => {
  let own: WrittenSession;
  let large: WrittenCommand;
  let release = (): void => undefined;
  afterAll(() => release());
  beforeAll(async () => {
    own = await WrittenSession.open(gateway, "bob", "verified");
    const spans = [{ at: 0, length: 5, put: 12, rule: "jwt", pseudonym: "p-1" }];
    const small = await own.request({ body: { bytes: textBytes("[masked:jwt]"), spans } });
    await small.complete({ headers: [], body: { bytes: textBytes("small") } });
    large = await own.request();
    await large.start();
    await large.stream("response", [
      { bytes: textBytes("inline first ") },
      { bytes: new Uint8Array(randomBytes(200_000)) },
      { bytes: textBytes("inline between") },
      { bytes: new Uint8Array(randomBytes(MIB)) },
    ]);
    await large.complete();
    release = (await own.request({ body: { bytes: textBytes("under way") } })).hold();
  });

  test("holds each body against its records, and says what it did not look at", async () => {
    const ran = await sallyport(["verify-session", own.sid, "--payloads"], "bob");
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(ran.out).toContain("intact: ");
    expect(ran.out).toContain("1 field is withheld from you");
    expect(ran.out).toContain("bodies: 3 bodies (1.2 MiB) as the records say; 1 of commands under way not looked at");
    const auditors = await sallyport(["verify-session", own.sid, "--payloads", "--json"], "carol");
    expect(JSON.parse(auditors.out)).toMatchObject({
      integrity: { kind: "intact" },
      findings: { withheldCount: 0 },
      payloads: { holding: 3, open: 1, differing: 0, notShown: 0 },
    });
  });

  test("names the record whose bytes are not those that come", async () => {
    meddle = (path, bytes) => {
      if (path.includes("/payload/")) bytes.writeUInt8((bytes.readUInt8(bytes.length - 1) + 1) % 256, bytes.length - 1);
      return bytes;
    };
    const ran = await sallyport(["verify-session", own.sid, "--payloads"], "bob", through);
    meddle = (_, bytes) => bytes;
    expect(ran.code).toBe(1);
    expect(ran.out).toContain("intact: ");
    expect(ran.out).toContain(`DIFFERENT: the response body of command ${large.id}, record `);
    expect(ran.out).toContain("these are not the bytes that the record commits to");
  });

  test("of bytes that cannot be had ends with code 3, after what the records say", async () => {
    meddle = (path, bytes, response) => (path.includes("/payload/") ? (response.destroy(), null) : bytes);
    const ran = await sallyport(["verify-session", own.sid, "--payloads"], "bob", through);
    meddle = (_, bytes) => bytes;
    expect(ran.code).toBe(3);
    expect(ran.out).toContain("intact: ");
    expect(ran.err).toContain("a body cannot be read");
  });

  test("of a file asks the gateway for the bytes", async () => {
    const file = join(folder, "export.ndjson");
    writeFileSync(file, await (await gateway.fetch("bob", `/api/v1/sessions/${own.sid}/records`)).text());
    const ran = await sallyport(["verify-session", file, "--payloads"], "bob");
    expect([ran.code, ran.out.includes("bodies: 3 bodies")]).toEqual([0, true]);
  });
});
