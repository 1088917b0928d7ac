// A policy that comes into force ends what it would not have allowed, wherever it runs, and leaves the
// rest alone. Every call here is held by the second of two Workers; policies are applied through the first.

import type { Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { applyPolicy } from "../../local/apply_policy.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import {
  eventually,
  freePort,
  type ReadRecord,
  startGateway,
  testPolicy,
  type TestGateway,
} from "../support/gateway.ts";
import { endless, lastingCall, type LastingCall } from "../support/lasting_calls.ts";
import { type RawUpstream, startRawUpstream } from "../support/raw_http.ts";

type Parts = Readonly<Record<string, unknown>>;

let upstream: EchoUpstream;
let raw: RawUpstream;
let gateway: TestGateway;
let second: number;
/** What uploads reach: takes their bytes and never answers. */
const uploads: Socket[] = [];
const NAMES = ["alice", "bob", "eve", "finn", "gus", "hal", "ida", "joe", "kim", "lea", "max"];

beforeAll(async () => {
  raw = await startRawUpstream((socket) => uploads.push(socket));
  upstream = await startEchoUpstream();
  second = await freePort();
  gateway = await startGateway({
    policy: policy(),
    beside: [second],
    people: Object.fromEntries(NAMES.map((name) => [name, { subject: name, groups: ["engineers", name] }])),
  });
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
  await raw?.stop();
});

/** Engineers may do anything, but for what `rules` deny. */
function policy(rules: readonly Parts[] = [], parts: Parts = {}, connection: Parts = {}): Parts {
  const base = testPolicy({ tool: { upstream: upstream.url, ...connection }, raw: raw.url }) as { rules: unknown[] };
  return { ...base, ...parts, rules: [...rules, ...base.rules] };
}

function denied(name: string, parts: Parts = {}): Parts {
  const rule = { id: `no-${name}`, effect: "deny", who: { groups: [name] }, connections: ["*"] };
  return { ...rule, methods: ["*"], routes: ["/**"], ...parts };
}

/** In force in the second Worker, too: a call must be allowed by the policy that the test has for it. */
async function settle(value: Parts): Promise<void> {
  const id = `probe-${++probes}`;
  const probe = denied("bob", { id, routes: [`/${id}`] });
  await apply({ ...value, rules: [probe, ...(value.rules as unknown[])] });
  const authorization = `Bearer ${await gateway.token("bob")}`;
  await eventually(
    async () => (await fetch(`http://127.0.0.1:${second}/c/tool/${id}`, { headers: { authorization } })).text(),
    (text) => text.includes(`"rule":"${id}"`),
  );
}
let probes = 0;

/** The admin's command by which it was applied. */
async function apply(value: Parts): Promise<string> {
  const text = JSON.stringify(value);
  await applyPolicy({ gateway: gateway.url, token: await gateway.token("dan") }, text);
  const answer = await gateway.fetch("dan", "/api/v1/policies?limit=1");
  const { items } = (await answer.json()) as { items: readonly { command: string }[] };
  return items[0]?.command ?? "";
}

async function streaming(
  name: string,
  headers: readonly string[] = [],
): Promise<LastingCall & { tick(): void; tool: Promise<unknown> }> {
  const tool = endless(upstream, `/${name}`);
  const client = await lastingCall(gateway, name, `GET /c/tool/${name} HTTP/1.1`, headers, second);
  await client.hears("tick");
  return { ...client, tick: tool.tick, tool: tool.closed };
}

async function endOf(name: string, connection = "tool"): Promise<ReadRecord | undefined> {
  const ends = (records: ReadRecord[]): ReadRecord | undefined =>
    records.find(({ kind }) => kind === "command.cancelled");
  return ends(
    await eventually(
      () => gateway.records(name, connection),
      (records) => ends(records) !== undefined,
    ),
  );
}

async function goesOn(call: LastingCall & { tick(): void }): Promise<void> {
  const before = call.heard().length;
  call.tick();
  await eventually(
    async () => call.heard().length,
    (length) => length > before,
  );
  expect(call.heard().length).toBeGreaterThan(before);
}

test("a stream that a new policy denies is cut for tool and client, others go on; the record says which policy", async () => {
  const [mine, others] = [await streaming("alice"), await streaming("bob")];
  const by = await apply(policy([denied("alice")]));
  await Promise.all([mine.tool, mine.closed]);
  // A chunked answer that has no last chunk is a broken one.
  expect(mine.heard()).not.toMatch(/\r\n0\r\n\r\n$/);
  expect(await endOf("alice")).toMatchObject({ classes: { reason: "policy_changed" }, fields: { by } });
  await goesOn(others);
  await apply(policy([], { description: "Says the same." }));
  await goesOn(others);
  others.socket.destroy();
});

test.each([
  ["records another part of it", "eve", { record: "metadata" }, {}],
  ["masks more of it", "finn", {}, { masks: { "staff-number": { fields: ["staff"] } } }],
  ["leads elsewhere", "gus", { upstream: "http://127.0.0.1:9" }, {}],
])("a stream is cut by a policy that allows it and %s", async (_, name, connection, parts) => {
  await settle(policy());
  const mine = await streaming(name);
  const by = await apply(policy([], parts, connection));
  await Promise.all([mine.tool, mine.closed]);
  expect(await endOf(name)).toMatchObject({ classes: { reason: "policy_changed" }, fields: { by } });
});

test("a stream is cut by the policy that takes the role which allowed it", async () => {
  await settle(policy());
  const mine = await streaming("hal");
  await apply(policy([], { roles: { engineer: { groups: ["bob"] }, auditor: { groups: ["auditors"] } } }));
  await Promise.all([mine.tool, mine.closed]);
  expect(await endOf("hal")).toMatchObject({ classes: { reason: "policy_changed" } });
});

test("an upload is cut for the tool, and its caller is told", async () => {
  await settle(policy());
  const headers = ["Content-Length: 1000000"];
  const client = await lastingCall(gateway, "ida", "PUT /c/raw/upload HTTP/1.1", headers, second);
  client.socket.write("x".repeat(70_000));
  const tool = await eventually(
    async () => uploads.at(-1),
    (socket) => socket !== undefined,
  );
  await apply(policy([denied("ida")]));
  await new Promise((resolve) => (tool?.destroyed === true ? resolve(null) : tool?.once("close", resolve)));
  await client.hears("allowed_no_more");
  expect(client.heard()).toMatch(/^HTTP\/1\.1 403 /);
  expect(await endOf("ida", "raw")).toMatchObject({ classes: { reason: "policy_changed" } });
  client.socket.destroy();
});

test("what a body says is judged by the new policy as well, though the upstream is silent by now", async () => {
  const reads = (name: string, op: string): Parts =>
    denied(name, { when: `has(command.json) && command.json.op == "${op}"` });
  const asked = [reads("joe", "drop"), reads("kim", "drop")];
  await settle(policy(asked));
  let arrived = 0;
  upstream.handlers.set("/ops", () => void arrived++);
  const call = async (name: string): Promise<LastingCall> => {
    const body = '{"op":"list"}';
    const headers = ["Content-Type: application/json", `Content-Length: ${body.length}`];
    const client = await lastingCall(gateway, name, "POST /c/tool/ops HTTP/1.1", headers, second);
    client.socket.write(body);
    return client;
  };
  const [joe, kim] = [await call("joe"), await call("kim")];
  await eventually(
    async () => arrived,
    (count) => count === 2,
  );
  await apply(policy([reads("joe", "list"), reads("kim", "show")]));
  await joe.hears("allowed_no_more");
  expect(kim.heard()).toBe("");
  expect(await endOf("joe")).toMatchObject({ classes: { reason: "policy_changed" } });
  kim.socket.destroy();
});

test("a small body that no rule had read is judged by the policy that reads it", async () => {
  await settle(policy());
  let arrived = 0;
  upstream.handlers.set("/ops", () => void arrived++);
  const call = async (name: string, op: string): Promise<LastingCall> => {
    const body = JSON.stringify({ op });
    const headers = ["Content-Type: application/json", `Content-Length: ${body.length}`];
    const client = await lastingCall(gateway, name, "POST /c/tool/ops HTTP/1.1", headers, second);
    client.socket.write(body);
    return client;
  };
  const [bad, good] = [await call("lea", "drop"), await call("max", "list")];
  await eventually(
    async () => arrived,
    (count) => count === 2,
  );
  const when = 'has(command.json) && command.json.op == "drop"';
  await apply(policy([denied("lea", { when }), denied("max", { when })]));
  await bad.hears("allowed_no_more");
  expect(good.heard()).toBe("");
  good.socket.destroy();
});

test("an auditor who is none any more follows nobody's session any more", async () => {
  await settle(policy());
  const records = await gateway.records("bob", "tool");
  const path = `/api/v1/sessions/${records[0]?.sid}/live`;
  const client = await lastingCall(gateway, "carol", `GET ${path} HTTP/1.1`, [], second);
  await client.hears("event: head");
  await apply(policy([], { roles: { engineer: { groups: ["engineers"] } } }));
  await client.closed;
  const told = await endOf("carol", "console");
  expect(told).toMatchObject({ classes: { reason: "policy_changed" } });
});
