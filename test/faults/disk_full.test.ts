// One long file, because its gateway and disks are one: a disk that becomes full under the running gateway
// and is free again: what the caller hears, what the upstream hears, what is recorded, and that all goes on.

import { spawnSync } from "node:child_process";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { verifyExport } from "../../core/verify/verify_session.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { eventually, type ReadRecord, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import type { Person } from "../support/issuer.ts";
import { listen, stopServer } from "../support/loopback.ts";
import { rawExchange, rawRequest } from "../support/raw_http.ts";
import { canMountDisks, type Disk, mountDisk } from "./disk_volume.ts";

const canMount = canMountDisks();
const SECRET = "what the upstream said";

let disk: Disk;
/** The registry's part of the storage, so that it can be full alone. */
let registry: Disk;
let upstream: EchoUpstream;
let gateway: TestGateway;
/** Sees requests before their bodies have come, and talks with who opens a socket. */
let watched: Server;
let watch: (request: IncomingMessage) => void = () => undefined;
let sockets: WebSocketServer;
const messages: string[] = [];

beforeAll(async () => {
  if (!canMount) return;
  disk = mountDisk(64);
  registry = mountDisk(16, join(disk.path, "storage", "do", "sallyport-RegistryObject"));
  upstream = await startEchoUpstream();
  watched = createServer((request) => watch(request));
  sockets = new WebSocketServer({ server: watched });
  sockets.on("connection", (socket) => {
    socket.on("error", () => undefined);
    socket.on("message", (data: Buffer) => {
      messages.push(data.toString());
      socket.send(data, { binary: false });
    });
  });
  const url = await listen(watched);
  const policy = testPolicy({ tool: upstream.url, watched: url, chat: { protocol: "websocket", upstream: url } });
  gateway = await startGateway({ policy, state: disk.path });
});
beforeEach(({ skip }) => skip(!canMount, "a tmpfs cannot be mounted here: that takes root"));
afterEach(() => {
  disk?.free();
  registry?.free();
});
afterAll(async () => {
  try {
    await gateway?.stop();
    await upstream?.stop();
    if (watched !== undefined) await stopServer(watched);
  } finally {
    registry?.remove();
    disk?.remove();
  }
});

/** Somebody with a session of their own, so that what it holds is known to the last record. */
function somebody(subject: string): Person {
  return { subject, groups: ["engineers"] };
}

/** Opens the person's session. */
async function arrive(subject: string): Promise<Person> {
  const person = somebody(subject);
  expect((await call(person, "/first")).status).toBe(200);
  return person;
}

async function call(person: Person, path: string, init?: RequestInit): Promise<Response> {
  const answer = await gateway.fetch(person, `/c/tool${path}`, init);
  // Read whole, so that its outcome is recorded before the test goes on.
  return new Response(await answer.arrayBuffer(), answer);
}

/** What follows the session's opening and its first command, without the pieces of bodies, once `count` records of that are there. */
async function recordsOf(person: Person, count: number, milliseconds?: number): Promise<ReadRecord[]> {
  // Each look is a command, too: on the long run one a second.
  const pause = milliseconds === undefined ? 0 : 1_000;
  const look = (): Promise<ReadRecord[]> =>
    new Promise((resolve) => setTimeout(resolve, pause))
      .then(() => gateway.records(person, "tool"))
      .then((all) => all.filter(({ kind }) => kind !== "stream.chunk"));
  const records = await eventually(look, (all) => all.length >= count + FIRST.length, milliseconds);
  expect(records.slice(0, FIRST.length).map((one) => one.kind)).toEqual(FIRST);
  return records.slice(FIRST.length);
}

/** How many bytes the pieces of a body stand for that are recorded of the person's sessions. */
async function piecesOf(person: Person, side: "request" | "response"): Promise<number> {
  const pieces = (await gateway.records(person, "tool")).filter(
    ({ kind, classes }) => kind === "stream.chunk" && classes.side === side,
  );
  return pieces.reduce((sum, { classes }) => sum + Number(classes.length), 0);
}

const CALLED = ["command.requested", "command.completed"];
const FIRST = ["session.opened", ...CALLED];

const kinds = (records: readonly ReadRecord[]): string[] => records.map((one) => one.kind);

/** Afterwards a call works, in the same session, and all of it verifies. */
async function expectRecovered(person: Person): Promise<void> {
  expect((await call(person, "/afterwards")).status).toBe(200);
  const exports = await gateway.exports(person, "tool");
  expect(exports.length).toBe(1);
  for (const text of exports)
    expect(await verifyExport(text)).toMatchObject({
      integrity: { kind: "intact" },
      completeness: { kind: "shown", by: "head" },
    });
}

async function expectNotForwarded(person: Person): Promise<void> {
  const before = upstream.received.length;
  const answer = await call(person, "/x", { method: "POST", body: "do it" });
  expect(answer.status).toBe(503);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(answer.headers.get("retry-after")).toBe("2");
  expect(await answer.json()).toMatchObject({ status: 503, reason: "not_recordable" });
  expect(upstream.received.length).toBe(before);
}

interface Held {
  /** Resolves once the upstream has been asked. */
  readonly asked: Promise<void>;
  /** Lets it go on. */
  release(): void;
}

/** The upstream's answer to a path, in two parts: the second one waits until it is released. */
function hold(path: string, headers: Readonly<Record<string, string | number>>, first: string, last: string): Held {
  const asked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  upstream.handlers.set(path, (_, response) => {
    if (first !== "") response.writeHead(200, headers).write(first);
    asked.resolve();
    void released.promise.then(() => (first === "" ? response.writeHead(200, headers) : response).end(last));
  });
  return { asked: asked.promise, release: released.resolve };
}

test("before the intent: 503, nothing is forwarded, nothing is kept; then all goes on", async () => {
  const person = await arrive("before");
  disk.fill();
  for (let tries = 0; tries < 3; tries++) await expectNotForwarded(person);
  disk.free();
  await expectRecovered(person);
  expect(kinds(await recordsOf(person, 2))).toEqual(CALLED);
});

test("a refusal that cannot be recorded is 503, too, and not the refusal", async () => {
  const person: Person = { subject: "nobody" };
  expect((await call(person, "/x")).status).toBe(403);
  disk.fill();
  await expectNotForwarded(person);
  disk.free();
  expect((await call(person, "/x")).status).toBe(403);
  expect(kinds(await gateway.records(person, "tool"))).toEqual(["session.opened", "command.denied", "command.denied"]);
});

test("whoever has no valid identity is told so as ever: the perimeter's record does not hold the 401 up", async () => {
  disk.fill();
  const answer = await fetch(`${gateway.url}/c/tool/x`);
  expect(answer.status).toBe(401);
  expect(await answer.json()).toMatchObject({ reason: "unauthenticated" });
});

test("as a session opens: 503, and one session once there is space", async () => {
  const person = somebody("opens");
  disk.fill();
  await expectNotForwarded(person);
  await expectNotForwarded(person);
  disk.free();
  expect((await call(person, "/first")).status).toBe(200);
  await expectRecovered(person);
});

test("full for the registry alone: no session begins that it does not know, others go on", async () => {
  const known = await arrive("known");
  const person = somebody("unknown");
  registry.fill();
  await expectNotForwarded(person);
  await expectNotForwarded(person);
  expect((await call(known, "/x")).status).toBe(200);
  registry.free();
  expect((await call(person, "/first")).status).toBe(200);
  await expectRecovered(person);
  expect(kinds(await recordsOf(person, 2))).toEqual(CALLED);
});

/** The two records that follow an answer that was withheld or cut. */
function expectGap(records: readonly ReadRecord[], transport: string, bytes: unknown): void {
  const [gap, failed] = records;
  expect(records.map((one) => one.kind)).toEqual(["gap", "command.failed"]);
  expect(gap?.classes).toEqual({ reason: "outcome_not_recorded" });
  expect(failed?.classes).toMatchObject({
    transport,
    status: 200,
    reason: "answer_not_recordable",
    tool: "none",
    resp_bytes: bytes,
  });
  expect(failed?.command).toBe(gap?.command);
}

async function expectWithheld(answer: Response): Promise<void> {
  expect(answer.status).toBe(502);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  // The upstream may have acted: a client must not take this for safe to try again.
  expect(answer.headers.get("retry-after")).toBeNull();
  const text = await answer.text();
  expect(JSON.parse(text)).toMatchObject({ status: 502, reason: "answer_not_recordable" });
  expect(text).not.toContain(SECRET);
}

test("between intent and answer: the answer is withheld; a gap and the failure are recorded within seconds", async () => {
  const person = await arrive("between");
  const held = hold("/held", { "x-said": SECRET, "content-length": SECRET.length }, "", SECRET);
  const answer = call(person, "/held");
  await held.asked;
  disk.fill();
  held.release();
  await expectWithheld(await answer);
  expect((await answer).headers.get("x-said")).toBeNull();
  disk.free();
  const [intent, ...rest] = await recordsOf(person, 3);
  expect(intent?.kind).toBe("command.requested");
  expectGap(rest, "cut", SECRET.length);
  await expectRecovered(person);
});

test("before a stream's head: nothing of it is released", async () => {
  const person = await arrive("head");
  const held = hold("/stream", { "x-said": SECRET }, "", SECRET.repeat(10_000));
  const answer = call(person, "/stream");
  await held.asked;
  disk.fill();
  held.release();
  await expectWithheld(await answer);
  disk.free();
  const [intent, ...rest] = await recordsOf(person, 3);
  expect(intent?.kind).toBe("command.requested");
  expectGap(rest, "unknown", 0);
  await expectRecovered(person);
});

test("the upstream fails meanwhile: a gap, and that failure as it was", async () => {
  const person = await arrive("fails");
  const asked = Promise.withResolvers<() => void>();
  upstream.handlers.set("/dies", (request) => asked.resolve(() => request.socket.destroy()));
  const answer = call(person, "/dies");
  const die = await asked.promise;
  disk.fill();
  die();
  await expectWithheld(await answer);
  disk.free();
  const records = await recordsOf(person, 3);
  expect(kinds(records)).toEqual(["command.requested", "gap", "command.failed"]);
  expect(records.at(-1)?.classes).toMatchObject({ transport: "refused", reason: "upstream_unreachable" });
  await expectRecovered(person);
});

test.each([
  ["no length", {}, "first", SECRET],
  ["a stated length", { "content-length": 100_000 }, "a".repeat(50_000), "b".repeat(50_000)],
])(
  "in mid-stream with %s: what was recorded flows, and it is cut before its end",
  async (name, headers, first, last) => {
    const person = await arrive(`stream with ${name}`);
    const held = hold("/mid", headers, first, last);
    const seen = Promise.withResolvers<void>();
    const answered = rawExchange(
      gateway.port,
      rawRequest("GET /c/tool/mid HTTP/1.1", [
        `Host: 127.0.0.1:${gateway.port}`,
        `Authorization: Bearer ${await gateway.token(person)}`,
      ]),
      {
        until: (text) => {
          if (text.includes(first.slice(0, 5))) seen.resolve();
          return false;
        },
      },
    );
    await seen.promise;
    disk.fill();
    held.release();
    const answer = await answered;
    expect(answer.status).toBe(200);
    expect(answer.closed).toBe(true);
    expect(answer.text.endsWith("0\r\n\r\n")).toBe(false);
    expect(answer.body.length).toBeLessThan(100_000);
    disk.free();
    const [intent, started, ...rest] = await recordsOf(person, 4);
    expect([intent?.kind, started?.kind]).toEqual(["command.requested", "response.started"]);
    // As much as was read when the first of it could not be recorded.
    expectGap(
      rest,
      "cut",
      expect.toSatisfy((bytes: number) => bytes > 0 && bytes <= first.length + last.length),
    );
    // In chunks each has its size in front.
    const released = name === "no length" ? first.length : answer.body.length;
    expect(answer.body.split("bbb")[0]).toContain(first.slice(0, 5));
    expect(released).toBeGreaterThan(0);
    expect(await piecesOf(person, "response")).toBe(released);
    await expectRecovered(person);
  },
);

test("in the middle of an upload: what is not recorded never reaches the upstream", async () => {
  const person = await arrive("uploads");
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  let received = "";
  watch = (request) => {
    request.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      begun.resolve();
    });
    request.on("error", () => undefined);
    request.on("close", () => ended.resolve());
  };
  const more = Promise.withResolvers<void>();
  async function* body(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("recorded, ");
    await more.promise;
    yield Buffer.from("and not recorded");
  }
  const init = { method: "POST", body: body(), duplex: "half" } as unknown as RequestInit;
  const status = gateway.fetch(person, "/c/watched/upload", init).then(
    (answer) => answer.status,
    () => 0,
  );
  await begun.promise;
  disk.fill();
  more.resolve();
  await ended.promise;
  expect([0, 502]).toContain(await status);
  expect(received).toBe("recorded, ");
  disk.free();
  const all = await eventually(
    () => gateway.records(person, "watched"),
    (records) => records.some(({ kind }) => kind === "command.failed"),
  );
  expect(kinds(all)).toEqual(["session.opened", "command.requested", "stream.chunk", "gap", "command.failed"]);
  expect(all.find(({ kind }) => kind === "stream.chunk")?.classes).toMatchObject({ side: "request", length: 10 });
  await expectRecovered(person);
});

test("in the middle of a conversation: a message that is not recorded is not handed on, either way", async () => {
  const person = await arrive("talks");
  const headers = { authorization: `Bearer ${await gateway.token(person)}` };
  const socket = new WebSocket(`${gateway.url.replace("http", "ws")}/c/chat/`, { headers });
  const closed = Promise.withResolvers<void>();
  const came: string[] = [];
  const echoed = Promise.withResolvers<void>();
  socket.on("message", (data: Buffer) => {
    came.push(data.toString());
    echoed.resolve();
  });
  socket.on("error", () => undefined);
  socket.on("close", () => closed.resolve());
  socket.on("open", () => socket.send("recorded"));
  await echoed.promise;
  const [other] = sockets.clients;
  disk.fill();
  socket.send("not recorded");
  other?.send("not recorded, either");
  await closed.promise;
  expect(came).toEqual(["recorded"]);
  expect(messages).toEqual(["recorded"]);
  disk.free();
  // The socket's end could not be recorded either: its lease has to lapse.
  const all = await eventually(
    () => gateway.records(person, "chat"),
    (records) => records.some(({ kind }) => kind === "command.failed" || kind === "command.completed"),
    90_000,
  );
  expect(all.at(-1)).toMatchObject({ kind: "command.failed", classes: { reason: "outcome_unknown" } });
  expect(all.map(({ fields }) => fields.payload).filter((text) => text !== undefined)).toEqual([
    "recorded",
    "recorded",
  ]);
  await expectRecovered(person);
}, 120_000);

test("full in mid-stream and free again before its end: the stream goes on as if nothing had been", async () => {
  const person = await arrive("for a while");
  const held = hold("/while", {}, "first", "last");
  const answer = await gateway.fetch(person, "/c/tool/while");
  const body = answer.body?.getReader();
  // Recorded, then, and released.
  expect(Buffer.from((await body?.read())?.value ?? []).toString()).toBe("first");
  disk.fill();
  await expectNotForwarded(person);
  disk.free();
  held.release();
  expect(Buffer.from((await body?.read())?.value ?? []).toString()).toBe("last");
  expect((await body?.read())?.done).toBe(true);
  expect(kinds(await recordsOf(person, 3))).toEqual(["command.requested", "response.started", "command.completed"]);
  await expectRecovered(person);
});

/** Longer than the last try to record an ending can take; see ENDING_PAUSES_MS in workers/http/answer.ts. */
const TRIES_ARE_OVER_MS = 12_000;

test("free only after the last try: the outcomes lapse as if the process had died, and all goes on meanwhile", async () => {
  const [withheld, cut] = [await arrive("too late"), await arrive("too late for a stream")];
  // Of a stated length, so that it is read whole. What may be a stream begins with a head that is small
  // enough to find room on a disk that is full for all else.
  const heldBack = hold("/late", { "content-length": SECRET.length }, "", SECRET);
  const heldOff = hold("/late_stream", {}, "first", SECRET);
  const answer = call(withheld, "/late");
  const stream = (await gateway.fetch(cut, "/c/tool/late_stream")).body?.getReader();
  await stream?.read();
  await heldBack.asked;
  disk.fill();
  heldBack.release();
  heldOff.release();
  await expectWithheld(await answer);
  await expect(stream?.read()).rejects.toThrow();
  // Nothing tells that a try has failed, so that there is nothing else to wait for.
  await new Promise((resolve) => setTimeout(resolve, TRIES_ARE_OVER_MS));
  disk.free();
  await expectRecovered(withheld);
  await expectRecovered(cut);
  expect(kinds(await recordsOf(withheld, 3))).toEqual(["command.requested", ...CALLED]);
  expect(kinds(await recordsOf(cut, 4))).toEqual(["command.requested", "response.started", ...CALLED]);
  const [lapsed, cutLapsed] = await Promise.all([recordsOf(withheld, 4, 90_000), recordsOf(cut, 5, 90_000)]);
  expect(kinds(lapsed)).toEqual(["command.requested", ...CALLED, "command.failed"]);
  const unknown = { transport: "unknown", reason: "outcome_unknown", tool: "none" };
  expect(lapsed.at(-1)).toMatchObject({ classes: unknown, command: lapsed[0]?.command });
  expect(cutLapsed.at(-1)).toMatchObject({ kind: "command.failed", classes: unknown, command: cutLapsed[0]?.command });
}, 200_000);

test("the command line finds what was recorded around all this intact and complete", async () => {
  const person = await arrive("verified");
  const held = hold("/verified", { "content-length": SECRET.length }, "", SECRET);
  const answer = call(person, "/verified");
  await held.asked;
  disk.fill();
  held.release();
  await expectWithheld(await answer);
  await expectNotForwarded(person);
  disk.free();
  await recordsOf(person, 3);
  await expectRecovered(person);
  const [text = ""] = await gateway.exports(person, "tool");
  const cli = fileURLToPath(new URL("../../cli/sallyport.ts", import.meta.url).href);
  const verified = spawnSync(process.execPath, [cli, "verify-session", "-"], { input: text, encoding: "utf8" });
  expect(verified.stdout).toMatch(/^note: 1 record of something that could not be recorded: 4\nintact: .*\ncomplete: /);
  expect(verified.status).toBe(0);
});
