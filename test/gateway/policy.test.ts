// Where the policy comes from: applied by an admin, kept by the control object, followed by every
// isolate; and what happens where none was applied or the one in force cannot be used.

import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { actorsText } from "../../core/auth/revocation.ts";
import { type CommandId, type ConnectionName, type Digest, newCommandId, type SessionId } from "../../core/ids.ts";
import { EMPTY_POLICY } from "../../core/policy/policy.ts";
import type { ControlRpc } from "../../durable/control_rpc.ts";
import { applyPolicy } from "../../local/apply_policy.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { eventually, freePort, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";

let upstream: EchoUpstream;
const gateways: TestGateway[] = [];

async function start(options: Parameters<typeof startGateway>[0]): Promise<TestGateway> {
  const gateway = await startGateway(options);
  gateways.push(gateway);
  return gateway;
}

beforeAll(async () => {
  upstream = await startEchoUpstream();
});
afterAll(async () => {
  for (const gateway of gateways) await gateway.stop();
  await upstream?.stop();
});

function hashOf(text: string): Digest {
  return createHash("sha256").update(text).digest("hex") as Digest;
}

function newCommand(): CommandId {
  return newCommandId(Date.now(), (bytes) => crypto.getRandomValues(bytes));
}

/** Denies `/closed` to everybody, with words of its author. */
function closing(parts: Readonly<Record<string, unknown>> = {}): unknown {
  const policy = testPolicy({ tool: upstream.url }) as { rules: unknown[] };
  const closed = {
    id: "closed-for-now",
    effect: "deny",
    who: { groups: ["engineers"] },
    connections: ["*"],
    methods: ["*"],
    routes: ["/closed/**"],
    ...parts,
  };
  return { ...policy, rules: [closed, ...policy.rules] };
}

async function apply(gateway: TestGateway, policy: unknown): Promise<string> {
  const text = JSON.stringify(policy);
  await applyPolicy({ gateway: gateway.url, token: await gateway.token("dan") }, text);
  return hashOf(text);
}

async function controlOf(gateway: TestGateway): Promise<ControlRpc> {
  const objects = await gateway.runtime.miniflare.getDurableObjectNamespace("CONTROL", "sallyport");
  return objects.get(objects.idFromName("control")) as unknown as ControlRpc;
}

describe("where no policy was applied", () => {
  test("nothing is allowed, the API is there, and what an admin applies holds from the next command on", async () => {
    const gateway = await start({ policy: null });
    const before = await gateway.fetch("alice", "/c/tool/x");
    expect([before.status, ((await before.json()) as { reason: string }).reason]).toEqual([403, "no_rule"]);
    expect((await gateway.fetch("alice", "/api/v1/whoami")).status).toBe(200);
    const hash = await apply(gateway, testPolicy({ tool: upstream.url }));
    expect((await gateway.fetch("alice", "/c/tool/x")).status).toBe(200);
    const denied = await gateway.records("alice", "console");
    expect(denied.find(({ kind }) => kind === "command.denied")?.classes).toMatchObject({
      policy: EMPTY_POLICY.hash,
      reason: "unknown_connection",
    });
    const allowed = await gateway.records("alice", "tool");
    expect(allowed.find(({ kind }) => kind === "command.requested")?.classes).toMatchObject({ policy: hash });
  });
});

describe("a policy in force", () => {
  test("outlasts a restart, and goes on without anybody applying it again", async () => {
    const state = mkdtempSync(join(tmpdir(), "sallyport-policy-"));
    try {
      const first = await startGateway({ policy: testPolicy({ tool: upstream.url }), state });
      expect((await first.fetch("alice", "/c/tool/x")).status).toBe(200);
      await first.stop();
      const second = await start({ policy: null, state });
      expect((await second.fetch("alice", "/c/tool/x")).status).toBe(200);
    } finally {
      rmSync(state, { recursive: true });
    }
  });

  test("says which rule decided, to the caller in its author's words, and in the record with its line", async () => {
    const gateway = await start({ policy: closing({ message: "closed until Monday" }) });
    const answer = await gateway.fetch("alice", "/c/tool/closed/x");
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({
      reason: "rule_denies",
      rule: "closed-for-now",
      detail: "closed until Monday",
    });
    await gateway.fetch("alice", "/c/tool/open");
    const records = await gateway.records("alice", "tool");
    expect(records.find(({ kind }) => kind === "command.denied")?.fields.decision).toMatch(
      /^denied by rule closed-for-now \(line \d+\): /,
    );
    expect(records.find(({ kind }) => kind === "command.requested")?.fields.decision).toMatch(
      /^allowed by rule engineers-all \(line \d+\)$/,
    );
  });

  test("decides real calls by who acts for whom, from where, and by priorities", async () => {
    const policy = closing({
      id: "closed-to-robots-and-one-network",
      routes: ["/**"],
      when: 'actor.subject == "robot" || request.address.inCidr("203.0.113.0/24")',
    }) as { rules: readonly object[] };
    const when = 'command.query["open"] == ["yes"]';
    const lifted = { ...policy.rules[0], id: "lifted", effect: "allow", priority: 1, when };
    const gateway = await start({ policy: { ...policy, rules: [...policy.rules, lifted] } });
    const agent = {
      subject: "alice",
      groups: ["engineers"],
      claims: { act: { sub: "robot", iss: gateway.issuer.url } },
    };
    const from = (address: string): RequestInit => ({ headers: { "cf-connecting-ip": address } });
    const status = async (person: string | typeof agent, path: string, init?: RequestInit): Promise<number> =>
      (await gateway.fetch(person, `/c/tool${path}`, init)).status;
    expect(await status("alice", "/x", from("198.51.100.7"))).toBe(200);
    expect(await status("alice", "/x", from("203.0.113.7"))).toBe(403);
    expect(await status(agent, "/x", from("198.51.100.7"))).toBe(403);
    expect(await status(agent, "/x?open=yes", from("203.0.113.7"))).toBe(200);
    expect(await status("alice", "/x?open=yes&open=no", from("203.0.113.7"))).toBe(403);
  });

  test.each(["127.0.0.1", "localhost", "localhost."])(
    "never has the gateway itself, as %s, for an upstream: it is refused, and nothing changes",
    async (name) => {
      const [gateway] = gateways;
      if (gateway === undefined) throw new Error("no gateway");
      const before = (await gateway.fetch("dan", "/api/v1/policy")).headers.get("etag") ?? "";
      const looping = testPolicy({ self: `http://${name}:${gateway.port}/c/tool` });
      const answer = await gateway.fetch("dan", "/api/v1/policy", {
        method: "PUT",
        headers: { "content-type": "application/yaml", "if-match": before },
        body: JSON.stringify(looping),
      });
      expect([answer.status, ((await answer.json()) as { reason: string }).reason]).toEqual([422, "policy_invalid"]);
      expect((await gateway.fetch("dan", "/api/v1/policy")).headers.get("etag")).toBe(before);
    },
  );
});

describe("a policy in force that cannot be used", () => {
  /** Tool calls and the trail are refused, recorded so, until an admin applies one that can be read. */
  async function expectMended(gateway: TestGateway, calls: number): Promise<void> {
    const tool = await gateway.fetch("alice", "/c/tool/x");
    expect([tool.status, ((await tool.json()) as { reason: string }).reason]).toEqual([503, "policy_unreadable"]);
    expect(tool.headers.get("retry-after")).not.toBe(null);
    expect((await gateway.fetch("dan", "/api/v1/registry/0/records")).status).toBe(503);
    expect(upstream.received.length).toBe(calls);
    expect((await gateway.fetch("dan", "/api/v1/policy")).status).toBe(200);
    await apply(gateway, closing());
    expect((await gateway.fetch("alice", "/c/tool/x")).status).toBe(200);
    const [denied] = (await gateway.records("alice", "console")).filter(({ kind }) => kind === "command.denied");
    expect(denied?.classes).toMatchObject({ reason: "policy_unreadable", status: 503, policy: EMPTY_POLICY.hash });
  }

  test("because this code does not understand it: nothing is decided, not even by the one before", async () => {
    const gateway = await start({ policy: testPolicy({ tool: upstream.url }) });
    expect((await gateway.fetch("alice", "/c/tool/x")).status).toBe(200);
    const text = '{"version": 2, "of": "a later release"}';
    const control = await controlOf(gateway);
    const expected = (await control.snapshot()).policy?.hash ?? EMPTY_POLICY.hash;
    const applied = await control.applyPolicy({
      hash: hashOf(text),
      text,
      expected,
      by: { issuer: "https://id.example", subject: "dan" },
      command: newCommand(),
      comment: "",
    });
    expect(applied).toMatchObject({ ok: true });
    await eventually(
      async () => (await gateway.fetch("alice", "/c/tool/x")).status,
      (status) => status === 503,
    );
    await expectMended(gateway, upstream.received.length);
  });

  test("because the configuration has changed since: an upstream that is now the gateway's own host", async () => {
    const state = mkdtempSync(join(tmpdir(), "sallyport-policy-"));
    try {
      const first = await startGateway({ policy: testPolicy({ tool: upstream.url }), state });
      expect((await first.fetch("alice", "/c/tool/x")).status).toBe(200);
      await first.stop();
      const port = await freePort();
      const second = await start({
        policy: null,
        state,
        port,
        bindings: { ORIGINS: `http://127.0.0.1:${port} ${upstream.url}` },
      });
      const answer = await second.fetch("alice", "/c/tool/x");
      expect([answer.status, ((await answer.json()) as { reason: string }).reason]).toEqual([503, "policy_unreadable"]);
    } finally {
      rmSync(state, { recursive: true });
    }
  });
});

describe("another isolate over the same objects", () => {
  let first: TestGateway;
  let second: string;

  beforeAll(async () => {
    const port = await freePort();
    first = await start({ policy: testPolicy({ tool: upstream.url }), beside: [port] });
    second = `http://127.0.0.1:${port}`;
  });

  /** A call through the second one, which hears of nothing but by asking. */
  async function call(person: string, path: string, token?: string): Promise<number> {
    const authorization = `Bearer ${token ?? (await first.token(person))}`;
    const answer = await fetch(second + path, { headers: { authorization } });
    await answer.arrayBuffer();
    return answer.status;
  }

  const becomes = (status: number, ask: () => Promise<number>): Promise<number> =>
    eventually(ask, (answer) => answer === status);

  test("follows a change without being told, roles of known tokens included, and records by which it decided", async () => {
    expect(await call("alice", "/c/tool/closed/1")).toBe(200);
    const closed = await apply(first, closing());
    expect(await becomes(403, () => call("alice", "/c/tool/closed/2"))).toBe(403);
    const leads = { ...(closing() as object), roles: { engineer: { groups: ["leads"] } } };
    const narrowed = await apply(first, leads);
    expect(await becomes(403, () => call("alice", "/c/tool/open"))).toBe(403);
    expect(await call("bob", "/c/tool/open")).toBe(200);
    // Each decision names the one that it was made by: the rule that denied is in it, or nobody had the role.
    const denied = (await first.records("alice", "tool")).filter(({ kind }) => kind === "command.denied");
    expect(denied.map(({ classes }) => [classes.policy, classes.reason])).toEqual([
      [closed, "rule_denies"],
      [narrowed, "no_rule"],
    ]);
    await apply(first, testPolicy({ tool: upstream.url }));
    expect(await becomes(200, () => call("alice", "/c/tool/closed/3"))).toBe(200);
  });

  test("refuses a killed session's tokens on its connection, says so, and no other ones", async () => {
    const [now, later] = [Math.floor(Date.now() / 1000), Math.floor(Date.now() / 1000) + 5];
    const people = {
      killed: { subject: "killed", groups: ["engineers"], claims: { iat: now - 10 } },
      again: { subject: "killed", groups: ["engineers"], claims: { iat: later } },
      agent: {
        subject: "killed",
        groups: ["engineers"],
        claims: { iat: now - 10, act: { iss: "https://id.example", sub: "agent" } },
      },
    };
    const [killed, agent] = await Promise.all([first.token(people.killed), first.token(people.agent)]);
    expect([await call("", "/c/tool/x", killed), await call("", "/c/tool/x", agent)]).toEqual([200, 200]);
    const control = await controlOf(first);
    await control.kill({
      sid: "0190b0c4-0000-7000-8000-000000000001" as SessionId,
      object: "00".repeat(32),
      issuer: first.issuer.url,
      subject: "killed",
      actors: actorsText([]),
      connection: "tool" as ConnectionName,
      before: now,
      reason: "test",
      command: newCommand(),
    });
    expect(await becomes(403, () => call("", "/c/tool/x", killed))).toBe(403);
    const answer = await fetch(`${second}/c/tool/x`, { headers: { authorization: `Bearer ${killed}` } });
    const { reason, record } = (await answer.json()) as { reason: string; record: string };
    expect([reason, record]).toEqual(["session_killed", expect.stringMatching(/^[0-9a-f-]{36}\/\d+$/)]);
    expect(await call("", "/api/v1/whoami", killed)).toBe(200);
    expect(await call("", "/c/tool/x", agent)).toBe(200);
    expect(await call("", "/c/tool/x", await first.token({ ...people.killed, claims: { iat: now } }))).toBe(200);
  });

  test("refuses a revoked token", async () => {
    const token = await first.token({ subject: "revoked", groups: ["engineers"], claims: { jti: "lost" } });
    expect(await call("", "/c/tool/x", token)).toBe(200);
    const control = await controlOf(first);
    await control.revoke({ token: "lost", subject: null, reason: "test", command: newCommand() });
    expect(await becomes(401, () => call("", "/c/tool/x", token))).toBe(401);
  });
});
