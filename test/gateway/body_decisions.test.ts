// Rules that read the request's body: what is decided on is what is forwarded, to the byte; and nothing
// is read, recorded or forwarded beyond what that takes.

import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { actorsText } from "../../core/auth/revocation.ts";
import { type CommandId, type ConnectionName, newCommandId, type SessionId } from "../../core/ids.ts";
import type { ControlRpc } from "../../durable/control_rpc.ts";
import { applyPolicy } from "../../local/apply_policy.ts";
import { type EchoUpstream, sha256, startEchoUpstream } from "../support/echo_upstream.ts";
import { eventually, type ReadRecord, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { rawExchange, rawRequest } from "../support/raw_http.ts";

const LIMIT = 1024;

let upstream: EchoUpstream;
let gateway: TestGateway;

function policy(): { rules: unknown[] } {
  const usual = testPolicy({ tool: { upstream: upstream.url, json_limit: LIMIT } }) as { rules: unknown[] };
  const reading = {
    id: "no-secrets",
    effect: "deny",
    who: "anyone",
    connections: ["tool"],
    methods: ["POST"],
    routes: ["/json/**"],
    when: 'has(command.json) && command.json.kind == "secret"',
    message: "secrets stay where they are",
  };
  return { ...usual, rules: [reading, ...usual.rules] };
}

beforeAll(async () => {
  upstream = await startEchoUpstream();
  gateway = await startGateway({
    policy: policy(),
    people: Object.fromEntries(
      ["left", "changed", "revoked", "killed"].map((subject) => [subject, { subject, groups: ["engineers"] }]),
    ),
  });
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
});

function post(path: string, body: RequestInit["body"], type = "application/json"): Promise<Response> {
  return gateway.fetch("alice", `/c/tool${path}`, {
    method: "POST",
    headers: { "content-type": type },
    body: body ?? null,
    duplex: "half",
  } as RequestInit);
}

/** A body of unknown length, in pieces. */
function pieces(...texts: readonly string[]): ReadableStream {
  return new ReadableStream({
    start: (controller) => {
      for (const text of texts) controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });
}

async function headersOf(person: string, more: readonly string[]): Promise<readonly string[]> {
  return [
    `Host: 127.0.0.1:${gateway.port}`,
    `Authorization: Bearer ${await gateway.token(person)}`,
    "Content-Type: application/json",
    ...more,
  ];
}

async function denials(person: string): Promise<ReadRecord[]> {
  return (await gateway.records(person, "tool")).filter(({ kind }) => kind === "command.denied");
}

const reasonOf = async (answer: Response): Promise<string> => ((await answer.json()) as { reason: string }).reason;

describe("an allowed body", () => {
  // White space, escapes and order that no serializer would give back.
  const TEXT = '{ "kind" : "\\u0070lain",\n\t"n":1.50 , "a":[ ] }\r\n';

  test.each([
    ["with its length stated", [TEXT]],
    ["in chunks", [TEXT.slice(0, 7), TEXT.slice(7, 8), TEXT.slice(8)]],
  ])("%s is forwarded byte for byte, and recorded with its size and digest", async (_, parts) => {
    const answer = await post("/json/allowed", parts.length === 1 ? TEXT : pieces(...parts));
    expect(answer.status).toBe(200);
    expect(upstream.last().body.toString()).toBe(TEXT);
    expect(upstream.last().headers["content-length"]).toBe(String(TEXT.length));
    const records = await gateway.records("alice", "tool");
    const completed = records.findLast(({ kind }) => kind === "command.completed");
    expect(completed?.classes).toMatchObject({ req_bytes: TEXT.length });
    expect(JSON.parse(completed?.fields.digests ?? "{}")).toMatchObject({
      request: { complete: true, sha256: sha256(Buffer.from(TEXT)) },
    });
  });

  test("of exactly the limit is read, and one byte more is not", async () => {
    const exact = JSON.stringify({ kind: "x".repeat(LIMIT - '{"kind":""}'.length) });
    expect(exact.length).toBe(LIMIT);
    expect((await post("/json/exact", exact)).status).toBe(200);
    expect((await post("/json/exact", pieces(exact))).status).toBe(200);
    expect(await reasonOf(await post("/json/exact", `${exact} `))).toBe("body_too_large_to_decide");
    expect(await reasonOf(await post("/json/exact", pieces(exact, " ")))).toBe("body_too_large_to_decide");
  });

  test("whose sender waits for leave to send it is asked for it", async () => {
    const head = await headersOf("alice", ["Expect: 100-continue", `Content-Length: ${TEXT.length}`]);
    const socket = connect(gateway.port, "127.0.0.1");
    const heard = listen(socket);
    socket.write(rawRequest("POST /c/tool/json/expected HTTP/1.1", head));
    await heard.until("100 Continue");
    socket.write(TEXT);
    expect(await heard.until("HTTP/1.1 200")).toContain("HTTP/1.1 200");
    expect(upstream.last().body.toString()).toBe(TEXT);
    socket.destroy();
  });

  test("that no rule reads for this route streams on as ever, however large", async () => {
    const large = "x".repeat(1024 * 1024);
    expect((await post("/upload", pieces(large), "text/plain")).status).toBe(200);
    expect(upstream.last().body.length).toBe(large.length);
    expect(upstream.last().headers["transfer-encoding"]).toBe("chunked");
  });
});

describe("a body that is not allowed", () => {
  test.each([
    ["denied by what it says", '{"kind":"secret"}', 403, "rule_denies"],
    ["that says it twice", '{"kind":"secret","kind":"plain"}', 400, "body_ambiguous"],
    ["that is no JSON", "kind=plain", 415, "body_not_json"],
    ["that the rule fails on", "[1]", 403, "condition_failed"],
  ] as const)("%s: nothing is forwarded, and the caller and the record are told", async (_, body, status, reason) => {
    const before = upstream.received.length;
    for (const sent of [body, pieces(body)]) {
      const answer = await post("/json/refused", sent);
      expect([answer.status, await reasonOf(answer.clone())]).toEqual([status, reason]);
      expect(await answer.json()).toMatchObject({ rule: "no-secrets" });
    }
    expect(upstream.received.length).toBe(before);
    const denied = (await denials("alice")).at(-1);
    expect(denied?.classes).toMatchObject({ reason, status, rule: "no-secrets", effect: "deny" });
    expect(denied?.fields.decision).toMatch(/^denied by rule no-secrets \(line \d+\): /);
    // A rule had to read it, so it is there to be recorded.
    expect(denied?.fields.payload).toBe(body);
  });

  test("is refused for its stated length before any of it is sent, and in chunks before it ends", async () => {
    const line = "POST /c/tool/json/large HTTP/1.1";
    const stated = await rawExchange(
      gateway.port,
      rawRequest(line, await headersOf("alice", [`Content-Length: ${LIMIT + 1}`])),
      { until: (text) => text.includes("body_too_large_to_decide") },
    );
    expect(stated.status).toBe(413);
    const chunk = "x".repeat(LIMIT + 1);
    const chunked = await rawExchange(
      gateway.port,
      rawRequest(
        line,
        await headersOf("alice", ["Transfer-Encoding: chunked"]),
        `${chunk.length.toString(16)}\r\n${chunk}\r\n`,
      ),
      { until: (text) => text.includes("body_too_large_to_decide") },
    );
    expect(chunked.status).toBe(413);
    expect(upstream.received.filter(({ url }) => url === "/json/large")).toEqual([]);
  });
});

describe("a body that takes its time", () => {
  /** Sends the head and, once the gateway reads, half of the body, as somebody whose session on the connection is open. */
  async function half(person: string): Promise<{ socket: Socket; heard: Heard; rest(): void }> {
    expect((await gateway.fetch(person, "/c/tool/first")).status).toBe(200);
    const text = '{"kind":"plain"}';
    const socket = connect(gateway.port, "127.0.0.1");
    const heard = listen(socket);
    const head = await headersOf(person, ["Expect: 100-continue", `Content-Length: ${text.length}`]);
    socket.write(rawRequest(`POST /c/tool/json/${person} HTTP/1.1`, head));
    await heard.until("100 Continue");
    socket.write(text.slice(0, 8));
    return { socket, heard, rest: () => socket.write(text.slice(8)) };
  }

  async function expectRefused(person: string, status: number, reason: string): Promise<void> {
    const denied = await eventually(
      () => denials(person),
      (found) => found.length > 0,
    );
    expect(denied.map(({ classes }) => [classes.reason, classes.status])).toEqual([[reason, status]]);
    expect(upstream.received.filter(({ url }) => url === `/json/${person}`)).toEqual([]);
  }

  test("and never comes, because its caller leaves, is recorded as refused, and nothing is forwarded", async () => {
    const { socket } = await half("left");
    socket.destroy();
    await expectRefused("left", 400, "request_cut");
  });

  test("is not decided by a policy that is no longer in force", async () => {
    const { socket, heard, rest } = await half("changed");
    const other = { ...policy(), description: "another" };
    await applyPolicy({ gateway: gateway.url, token: await gateway.token("dan") }, JSON.stringify(other));
    rest();
    expect(await heard.until("policy_changed")).toMatch(/HTTP\/1\.1 503 [^]*retry-after: 1/i);
    socket.destroy();
    await expectRefused("changed", 503, "policy_changed");
  });

  test("does not keep a revoked token alive", async () => {
    const { socket, heard, rest } = await half("revoked");
    const revoked = await gateway.fetch("dan", "/api/v1/revocations", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ issuer: gateway.issuer.url, subject: "revoked", reason: "test" }),
    });
    expect(revoked.status).toBe(201);
    rest();
    expect(await heard.until("unauthenticated")).toMatch(/HTTP\/1\.1 401 /);
    socket.destroy();
    expect(upstream.received.filter(({ url }) => url === "/json/revoked")).toEqual([]);
  });

  test("does not keep a killed session alive", async () => {
    const { socket, heard, rest } = await half("killed");
    const objects = await gateway.runtime.miniflare.getDurableObjectNamespace("CONTROL", "sallyport");
    const control = objects.get(objects.idFromName("control")) as unknown as ControlRpc;
    await control.kill({
      sid: "0190b0c4-0000-7000-8000-000000000001" as SessionId,
      object: "00".repeat(32),
      issuer: gateway.issuer.url,
      subject: "killed",
      actors: actorsText([]),
      connection: "tool" as ConnectionName,
      before: Math.floor(Date.now() / 1000) + 1,
      reason: "test",
      command: newCommandId(Date.now(), (bytes) => crypto.getRandomValues(bytes)) satisfies CommandId,
    });
    await eventually(
      async () => (await gateway.fetch("killed", "/c/tool/other")).status,
      (status) => status === 403,
    );
    rest();
    expect(await heard.until("session_killed")).toMatch(/HTTP\/1\.1 403 /);
    socket.destroy();
    expect(upstream.received.filter(({ url }) => url === "/json/killed")).toEqual([]);
  });
});

interface Heard {
  /** All that came, once it includes the text or the connection has ended. */
  until(text: string): Promise<string>;
}

function listen(socket: Socket): Heard {
  let all = "";
  let wake: () => void = () => undefined;
  let ended = false;
  socket.setEncoding("latin1").on("data", (text: string) => {
    all += text;
    wake();
  });
  socket
    .on("error", () => undefined)
    .on("close", () => {
      ended = true;
      wake();
    });
  return {
    until: (text) =>
      new Promise((resolve) => {
        wake = () => {
          if (ended || all.includes(text)) resolve(all);
        };
        wake();
      }),
  };
}
