// The gateway's own surfaces: who may read what of the trail, revocations, and what strangers hear.

import { afterAll, beforeAll, expect, test } from "vitest";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { eventually, readExport, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { verifyExport } from "../../core/verify/verify_session.ts";
import { rawExchange, rawRequest, rawUpload } from "../support/raw_http.ts";

let upstream: EchoUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startEchoUpstream();
  gateway = await startGateway({ policy: testPolicy({ tool: upstream.url }) });
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
});

interface Listed {
  readonly items: {
    readonly sid: string;
    readonly connection: string;
    readonly owner: { readonly subject: string };
  }[];
  readonly next: string | null;
}

async function list(person: string, query = ""): Promise<Listed> {
  return (await (await gateway.fetch(person, `/api/v1/sessions${query}`)).json()) as Listed;
}

async function json(
  person: string,
  path: string,
  init?: RequestInit,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await gateway.fetch(person, path, init);
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

test("health is told without identity", async () => {
  const answer = await fetch(`${gateway.url}/healthz`);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ status: "ok", region: "local" });
});

test("an unknown path is a 404 problem, an unknown host a 421 one", async () => {
  const nowhere = await fetch(`${gateway.url}/nowhere`);
  expect(nowhere.status).toBe(404);
  expect(nowhere.headers.get("content-type")).toBe("application/problem+json");
  const misdirected = await rawExchange(gateway.port, rawRequest("GET /healthz HTTP/1.1", ["Host: evil.example"]));
  expect(misdirected.status).toBe(421);
});

test("a call without a token is told where to get one, and nothing else", async () => {
  const answer = await fetch(`${gateway.url}/c/tool/x`);
  expect(answer.status).toBe(401);
  const challenge = answer.headers.get("www-authenticate") ?? "";
  expect(challenge).toMatch(/^Bearer realm="sallyport", resource_metadata="([^"]+)"/);
  expect(challenge).toContain('Basic realm="sallyport"');
  const metadata = (await (await fetch(/resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? "")).json()) as Record<
    string,
    unknown
  >;
  expect(metadata).toMatchObject({
    resource: `${gateway.url}/c/tool`,
    authorization_servers: [gateway.issuer.url],
    bearer_methods_supported: ["header"],
  });
  const madeUp = await fetch(`${gateway.url}/c/made-up/x`);
  expect(madeUp.status).toBe(401);
  expect(await madeUp.text()).toBe(await answer.text());
});

test("Basic with the token as password is a login for clients that know nothing else", async () => {
  const basic = Buffer.from(`anything:${await gateway.token("alice")}`).toString("base64");
  expect((await fetch(`${gateway.url}/c/tool/x`, { headers: { authorization: `Basic ${basic}` } })).status).toBe(200);
});

test("calls without a valid identity are kept at the perimeter, with their own reasons", async () => {
  await fetch(`${gateway.url}/c/tool/knock`, { headers: { authorization: "Bearer nonsense" } });
  const read = async (): Promise<string> => {
    const texts: string[] = [];
    for (let shard = 0; shard < 16; shard++) {
      const { sessions } = (await json("carol", `/api/v1/perimeter/${shard}`)).body as { sessions: string[] };
      for (const sid of sessions)
        texts.push(await (await gateway.fetch("carol", `/api/v1/perimeter/${shard}/${sid}/records`)).text());
    }
    return texts.join("");
  };
  const text = await eventually(read, (all) => all.includes("/knock"));
  const denied = text
    .split("\n")
    .filter((line) => line.includes('{"leaf"'))
    .flatMap((line) => readExport(`${line}\n{"head":{}}`));
  expect(denied.find((one) => one.fields.target === "GET /knock")?.classes).toMatchObject({
    reason: "token_malformed",
    status: 401,
    count: 1,
  });
  expect((await json("alice", "/api/v1/perimeter/0")).status).toBe(403);
});

test("whoami tells what the gateway believes of the caller", async () => {
  const { body } = await json("carol", "/api/v1/whoami");
  expect(body).toMatchObject({
    principal: { issuer: gateway.issuer.url, subject: "carol", groups: ["auditors"] },
    roles: ["auditor"],
  });
});

test("everybody lists their own sessions, an auditor all", async () => {
  await gateway.fetch("alice", "/c/tool/x");
  await gateway.fetch("bob", "/c/tool/x");
  const own = await list("alice");
  expect(new Set(own.items.map((one) => one.owner.subject))).toEqual(new Set(["alice"]));
  expect(own.items.map((one) => one.connection)).toContain("tool");
  const all = await list("carol");
  expect(all.items.map((one) => one.owner.subject)).toEqual(expect.arrayContaining(["alice", "bob", "carol"]));
});

test("lists go on page by page, each session once", async () => {
  const whole = (await list("carol")).items.map((one) => one.sid);
  const paged: string[] = [];
  for (let cursor: string | null = null; ;) {
    const page: Listed = await list("carol", `?limit=2${cursor === null ? "" : `&cursor=${cursor}`}`);
    paged.push(...page.items.map((one) => one.sid));
    cursor = page.next;
    if (cursor === null) break;
  }
  expect(paged).toEqual(whole);
  expect((await json("carol", "/api/v1/sessions?limit=0")).status).toBe(400);
  expect((await json("carol", "/api/v1/sessions?cursor=x")).status).toBe(400);
});

test("another's session looks like one that is not there", async () => {
  const sid = (await list("bob")).items.find((one) => one.connection === "tool")?.sid ?? "";
  const absent = "01890000-0000-7000-8000-000000000000";
  for (const part of ["", "/records"]) {
    const forbidden = await json("alice", `/api/v1/sessions/${sid}${part}`);
    const unknown = await json("alice", `/api/v1/sessions/${absent}${part}`);
    const malformed = await json("alice", `/api/v1/sessions/..%2f..${part}`);
    expect(forbidden.status).toBe(404);
    expect(forbidden).toEqual(unknown);
    expect([403, 404]).toContain(malformed.status);
    expect((await gateway.fetch("carol", `/api/v1/sessions/${sid}${part}`)).status).toBe(200);
  }
});

test("reading the trail is part of the trail", async () => {
  const sid = (await list("bob")).items.find((one) => one.connection === "tool")?.sid ?? "";
  await (await gateway.fetch("carol", `/api/v1/sessions/${sid}/records`)).text();
  const read = (await gateway.records("carol", "console")).filter(
    (one) => one.fields.target === `GET /api/v1/sessions/${sid}/records`,
  );
  expect(read.at(-1)?.classes).toMatchObject({ effect: "allow", rule: "console-session-records", verb: "read" });
});

test("an export of one's own console session ends before the read that asked for it", async () => {
  const [text] = await gateway.exports("dan", "console");
  const records = readExport(text ?? "");
  const { head } = JSON.parse((text ?? "").trimEnd().split("\n").at(-1) ?? "") as { head: { size: number } };
  expect(records.length).toBe(head.size);
  expect(records.at(-1)?.kind).toBe("command.completed");
  expect((text ?? "").includes("/records")).toBe(false);
  expect(await verifyExport(text ?? "")).toMatchObject({
    integrity: { kind: "intact" },
    completeness: { kind: "shown" },
  });
});

test("small API answers are recorded in one piece", async () => {
  await json("dan", "/api/v1/whoami");
  const all = await gateway.records("dan", "console");
  const asked = all.findLast((one) => one.fields.target === "GET /api/v1/whoami");
  expect(all.filter((one) => one.command === asked?.command).map((one) => one.kind)).toEqual([
    "command.requested",
    "command.completed",
  ]);
});

test("HEAD of an API route has no body and leaves nothing running", async () => {
  const sid = (await list("alice")).items[0]?.sid ?? "";
  const answer = await gateway.fetch("alice", `/api/v1/sessions/${sid}/records`, { method: "HEAD" });
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe("");
});

test("a revocation ends a token within a second, and only an admin makes one", async () => {
  const token = await gateway.token("mallory");
  const call = (): Promise<number> =>
    fetch(`${gateway.url}/api/v1/whoami`, { headers: { authorization: `Bearer ${token}` } }).then(
      (answer) => answer.status,
    );
  expect(await call()).toBe(200);
  const revocation = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ issuer: gateway.issuer.url, subject: "mallory", reason: "left the company" }),
  };
  expect((await json("alice", "/api/v1/revocations", revocation)).status).toBe(403);
  expect((await json("carol", "/api/v1/revocations", revocation)).status).toBe(403);
  expect(await call()).toBe(200);
  expect((await json("dan", "/api/v1/revocations", revocation)).status).toBe(201);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  expect(await call()).toBe(401);
});

test.each([
  ["", 400],
  ["{", 400],
  ["[]", 400],
  ['{"token":"x"}', 400],
  ['{"token":"x","reason":"y","more":1}', 400],
  ['{"token":"x","token":"y","reason":"z"}', 400],
  [`{"token":"${"x".repeat(20_000)}","reason":"y"}`, 413],
])("a revocation that is not one is refused: %.40s", async (body, status) => {
  const headers = { "content-type": "application/json" };
  expect((await json("dan", "/api/v1/revocations", { method: "POST", headers, body })).status).toBe(status);
});

test("an endless request body is read no further than its limit", async () => {
  const head = [
    "POST /api/v1/revocations HTTP/1.1",
    `Host: 127.0.0.1:${gateway.port}`,
    `Authorization: Bearer ${await gateway.token("dan")}`,
    "Content-Type: application/json",
    "Transfer-Encoding: chunked",
    "",
    "",
  ].join("\r\n");
  // Over the limit and then silence, so that no reset can overtake the answer.
  const answer = await rawExchange(gateway.port, `${head}8000\r\n${" ".repeat(0x8000)}\r\n`);
  expect(answer).toMatchObject({ status: 413, closed: true });
  expect(JSON.parse(answer.body)).toMatchObject({ reason: "body_too_large" });
  // Who goes on sending is cut, answer or no answer. What the two sockets buffer counts as sent.
  const piece = `10000\r\n${" ".repeat(0x10000)}\r\n`;
  const { sent, cut } = await rawUpload(gateway.port, head, piece, 500);
  expect(cut).toBe(true);
  expect(sent).toBeLessThan(400);
});

test("what the API does not have is refused, and an unknown method told which there are", async () => {
  for (const path of [
    "/api/v1/nothing",
    "/api/v1/sessions/x/y/z",
    "/api/v1/whoami/x",
    "/api/v1/",
    "/api/v1/%77hoami/..",
  ]) {
    expect(await json("alice", path), path).toMatchObject({ status: 404, body: { reason: "not_found" } });
  }
  const wrong = await gateway.fetch("alice", "/api/v1/whoami", { method: "DELETE" });
  expect(wrong.status).toBe(405);
  expect(wrong.headers.get("allow")).toBe("GET, HEAD");
  expect((await json("alice", `/api/v1/policies/${"0".repeat(64)}`)).status).toBe(403);
  expect((await json("carol", `/api/v1/policies/${"0".repeat(64)}`)).status).toBe(404);
});
