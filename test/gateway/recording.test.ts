// What is durable when: the intent before the upstream is called, the answer before the caller has it.

import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EchoUpstream, sha256, startEchoUpstream } from "../support/echo_upstream.ts";
import { eventually, type ReadRecord, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { perimeterRecords } from "../support/perimeter.ts";
import { rawRequest } from "../support/raw_http.ts";

let upstream: EchoUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startEchoUpstream();
  const policy = testPolicy({ tool: upstream.url, other: upstream.url }) as { rules: unknown[] };
  policy.rules.unshift({
    id: "no-admin",
    effect: "deny",
    who: { roles: ["engineer"] },
    connections: ["tool"],
    methods: ["*"],
    routes: ["/admin/**"],
  });
  gateway = await startGateway({ policy });
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
});

/** Records of the command whose target ends so, oldest first. */
async function recordsOf(target: string, person = "alice"): Promise<ReadRecord[]> {
  const all = await gateway.records(person, "tool");
  const asked = all.filter((one) => one.fields.target?.endsWith(target) === true).at(-1);
  return all.filter((one) => one.command !== null && one.command === asked?.command);
}

function kinds(records: readonly ReadRecord[]): string[] {
  return records.map((one) => one.kind);
}

test("the intent is durable before the upstream is called", async () => {
  let seen: string[] = [];
  upstream.handlers.set("/slow", (_, response) => {
    void recordsOf("/slow")
      .then((records) => (seen = kinds(records)))
      .finally(() => response.end("done"));
  });
  expect((await gateway.fetch("alice", "/c/tool/slow")).status).toBe(200);
  expect(seen).toEqual(["command.requested"]);
});

test("a small answer is one record, made before the caller has the answer", async () => {
  upstream.handlers.set("/small", (_, response) => response.writeHead(201, { "content-length": 5 }).end("small"));
  await (await gateway.fetch("alice", "/c/tool/small", { method: "POST", body: "ask" })).text();
  const [requested, completed] = await recordsOf("/small");
  expect(requested?.classes).toMatchObject({
    protocol: "http",
    verb: "write",
    effect: "allow",
    rule: "engineers-all",
    req_size: 3,
  });
  expect(completed?.kind).toBe("command.completed");
  expect(completed?.classes).toMatchObject({
    transport: "ok",
    status: 201,
    tool: "none",
    folded: 1,
    req_bytes: 3,
    resp_bytes: 5,
  });
  expect(JSON.parse(completed?.fields.digests ?? "")).toEqual({
    request: { complete: true, sha256: sha256(Buffer.from("ask")) },
    response: { complete: true, sha256: sha256(Buffer.from("small")) },
  });
});

test.each([true, false])(
  "a large answer has its outcome recorded before its last byte (length stated: %s)",
  async (isStated) => {
    const body = randomBytes(2_000_000);
    upstream.handlers.set("/large", (_, response) =>
      response.writeHead(200, isStated ? { "content-length": body.length } : {}).end(body),
    );
    const answer = await gateway.fetch("alice", "/c/tool/large");
    const received = Buffer.from(await answer.arrayBuffer());
    // No waiting here: whoever has the last byte finds the record.
    const records = await recordsOf("/large");
    expect(sha256(received)).toBe(sha256(body));
    const [requested, started, ...chunks] = kinds(records).slice(0, -1);
    expect([requested, started, kinds(records).at(-1)]).toEqual([
      "command.requested",
      "response.started",
      "command.completed",
    ]);
    expect(new Set(chunks)).toEqual(new Set(["stream.chunk"]));
    expect(records.at(-1)?.classes).toMatchObject({ folded: 0, resp_bytes: body.length });
    expect(records.at(-1)?.fields.digests).toContain(sha256(body));
  },
);

test("events reach the client as they come, and the stream's end is held until the outcome is durable", async () => {
  let more: (text: string | null) => void = () => undefined;
  upstream.handlers.set("/events", (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    more = (text) => (text === null ? response.end() : response.write(text));
    more("data: 1\n\n");
  });
  const answer = await gateway.fetch("alice", "/c/tool/events");
  const reader = answer.body?.getReader();
  const next = async (): Promise<string> => Buffer.from((await reader?.read())?.value ?? []).toString();
  expect(await next()).toBe("data: 1\n\n");
  const begun = ["command.requested", "response.started", "stream.chunk"];
  expect(kinds(await recordsOf("/events"))).toEqual(begun);
  // The second event is sent only once the first has arrived: nothing waits for a next chunk.
  more("data: 2\n\n");
  expect(await next()).toBe("data: 2\n\n");
  more(null);
  expect((await reader?.read())?.done).toBe(true);
  expect(kinds(await recordsOf("/events"))).toEqual([...begun, "stream.chunk", "command.completed"]);
});

test("a refusal of a known caller is a record with its own reason, and nothing is forwarded", async () => {
  const before = upstream.received.length;
  const denied = await gateway.fetch("alice", "/c/tool/admin/users");
  expect(denied.status).toBe(403);
  const { record } = (await denied.json()) as { record: string };
  const [found] = await recordsOf("/admin/users");
  expect(found?.kind).toBe("command.denied");
  expect(found?.classes).toMatchObject({ effect: "deny", rule: "no-admin", reason: "rule_denies", status: 403 });
  expect(`${found?.sid}/${found?.seq}`).toBe(record);
  const stranger = await gateway.fetch("mallory", "/c/tool/x");
  expect(stranger.status).toBe(403);
  expect((await recordsOf("/x", "mallory"))[0]?.classes).toMatchObject({ reason: "no_rule", effect: "deny" });
  await gateway.fetch("alice", "/c/made-up/x");
  const [madeUp] = (await gateway.records("alice", "console")).filter(
    (one) => one.fields.target === "GET /c/made-up/x",
  );
  expect(madeUp?.classes).toMatchObject({ reason: "unknown_connection", status: 403 });
  expect(upstream.received.length).toBe(before);
});

test("credentials in headers and queries are masked in the record and forwarded as they are", async () => {
  const token = await gateway.token("alice");
  await gateway.fetch("alice", "/c/tool/masked?access_token=querysecret&page=2", {
    headers: { "x-vault-token": "headersecret", cookie: "a=cookiesecret" },
  });
  expect(upstream.last().url).toContain("access_token=querysecret");
  expect(upstream.last().headers["x-vault-token"]).toBe("headersecret");
  const text = JSON.stringify(await gateway.records("alice", "tool"));
  expect(text).toContain("page=2");
  for (const secret of ["querysecret", "headersecret", "cookiesecret", token]) expect(text).not.toContain(secret);
});

test("parameters that carry secrets are masked also where the target is refused", async () => {
  const paths = ["/c/tool/..%2fx?token=secret-in-it&a=1", "/v2/c/tool/..%2fx?token=secret-in-it&a=1"];
  for (const path of paths) expect((await gateway.fetch("alice", path)).status).toBe(400);
  const targets = (await gateway.records("alice", "console")).map(({ fields }) => fields.target ?? "");
  for (const path of paths) expect(targets).toContain(`GET ${path.replace("secret-in-it", "[masked:query]")}`);
});

test.each([
  ["/c/tool/name?token=x", "tool", "GET /name?token=[masked:query]"],
  ["/v2/c/tool/name/tags/list", "tool", "GET /v2/name/tags/list"],
  ["/v2/", "none", "GET /v2/"],
  ["/api/v1/sessions?limit=1", "none", "GET /api/v1/sessions?limit=1"],
])("a call of nobody known stands at the perimeter with what it asked for: %s", async (path, connection, target) => {
  expect((await fetch(gateway.url + path)).status).toBe(401);
  const find = async (): Promise<ReadRecord | undefined> =>
    (await perimeterRecords(gateway)).find((one) => one.fields.target === target);
  const found = await eventually(find, (record) => record !== undefined);
  expect(found?.fields).toMatchObject({ connection });
});

test("the record says who, with which token, and by which policy", async () => {
  await gateway.fetch("bob", "/c/tool/who");
  const records = await gateway.records("bob", "tool");
  expect(records[0]?.kind).toBe("session.opened");
  expect(JSON.parse(records[0]?.fields.principal ?? "")).toMatchObject({
    issuer: gateway.issuer.url,
    subject: "bob",
    groups: ["engineers", "leads"],
  });
  const [requested] = await recordsOf("/who", "bob");
  expect(JSON.parse(requested?.fields.token ?? "")).toMatchObject({
    keyId: "test-key",
    algorithm: "ES256",
    client: "test",
  });
  const policy = await gateway.fetch("carol", `/api/v1/policies/${String(requested?.classes.policy)}`);
  expect(
    createHash("sha256")
      .update(await policy.text())
      .digest("hex"),
  ).toBe(requested?.classes.policy);
});

test("one person's commands on one connection are one session, on another connection another", async () => {
  await gateway.fetch("alice", "/c/other/x");
  const sids = (connection: string) =>
    gateway.records("alice", connection).then((all) => new Set(all.map((one) => one.sid)));
  const [tool, other] = [await sids("tool"), await sids("other")];
  expect(tool.size).toBe(1);
  expect(other.size).toBe(1);
  expect([...tool][0]).not.toBe([...other][0]);
});

test("a session's records are gap-free and chained, and its head is that of the export", async () => {
  const [text] = await gateway.exports("alice", "tool");
  const lines = (text ?? "")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { leaf?: string; head?: { size: number; tip: string } });
  let prev = "0".repeat(64);
  for (const [seq, { leaf }] of lines.slice(0, -1).entries()) {
    expect(JSON.parse(leaf ?? "")).toMatchObject({ seq, prev });
    prev = createHash("sha256")
      .update(Buffer.concat([Buffer.of(0), Buffer.from(leaf ?? "")]))
      .digest("hex");
  }
  expect(lines.at(-1)?.head).toMatchObject({ size: lines.length - 1, tip: prev });
});

test("many calls at once are all answered, and all recorded in one gap-free chain", async () => {
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, n) => gateway.fetch("bob", `/c/tool/many?n=${n}`).then((answer) => answer.status)),
  );
  expect(answers).toEqual(Array.from({ length: 200 }, () => 200));
  const records = await gateway.records("bob", "tool");
  const requested = records.filter((one) => one.fields.target?.startsWith("GET /many?") === true);
  expect(new Set(requested.map((one) => one.fields.target)).size).toBe(200);
  for (const { command } of requested) {
    expect(records.filter((one) => one.command === command).map((one) => one.kind)).toEqual([
      "command.requested",
      "command.completed",
    ]);
  }
  const bySession = Map.groupBy(records, (one) => one.sid);
  for (const session of bySession.values()) expect(session.map((one) => one.seq)).toEqual(session.map((_, seq) => seq));
});

test("a client that resets the connection cancels the upstream call, and the record says so", async () => {
  let closed = false;
  upstream.handlers.set("/stream", (_, response) => {
    response.writeHead(200, { "content-type": "text/plain" });
    const timer = setInterval(() => response.write("tick\n"), 50);
    response.on("close", () => {
      clearInterval(timer);
      closed = true;
    });
  });
  const socket = connect(gateway.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(
    rawRequest("GET /c/tool/stream HTTP/1.1", [
      `Host: 127.0.0.1:${gateway.port}`,
      `Authorization: Bearer ${await gateway.token("alice")}`,
    ]),
  );
  await new Promise((resolve) => socket.once("data", resolve));
  socket.resetAndDestroy();
  const records = await eventually(
    () => recordsOf("/stream"),
    (all) => all.at(-1)?.kind === "command.cancelled",
  );
  expect([...new Set(kinds(records))]).toEqual([
    "command.requested",
    "response.started",
    "stream.chunk",
    "command.cancelled",
  ]);
  expect(records.at(-1)?.classes).toMatchObject({ reason: "client_gone" });
  expect(Number(records.at(-1)?.classes.resp_bytes)).toBeGreaterThan(0);
  expect(closed).toBe(true);
});

test("a client that leaves while the upstream is still silent is recorded, and the call ends", async () => {
  let closed = false;
  upstream.handlers.set("/silent", (_, response) => response.on("close", () => (closed = true)));
  const socket = connect(gateway.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(
    rawRequest("GET /c/tool/silent HTTP/1.1", [
      `Host: 127.0.0.1:${gateway.port}`,
      `Authorization: Bearer ${await gateway.token("alice")}`,
    ]),
  );
  await eventually(
    () => recordsOf("/silent"),
    (all) => all.length === 1,
  );
  socket.resetAndDestroy();
  const records = await eventually(
    () => recordsOf("/silent"),
    (all) => all.length === 2,
  );
  expect(kinds(records)).toEqual(["command.requested", "command.cancelled"]);
  expect(records.at(-1)?.classes).toMatchObject({ reason: "client_gone", resp_bytes: 0 });
  expect(closed).toBe(true);
});
