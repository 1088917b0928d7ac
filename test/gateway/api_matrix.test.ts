// Who may do what with the API, long because every route of the table is here with every role, against a
// running gateway. The outcomes are written down by hand, so that a change of the table is a change of this file.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROUTES } from "../../workers/console/route_table.ts";
import { ApiDocument } from "../support/api_document.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import type { Person } from "../support/issuer.ts";
import { WrittenSession } from "../support/written_session.ts";
import { eventually, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";

const ROLES = ["nobody", "caller", "auditor", "admin", "both"] as const;
type Role = (typeof ROLES)[number];
type Outcomes = readonly [nobody: number, caller: number, auditor: number, admin: number, both: number];

/** Ids that a request is made of: alice's session and what is in it. */
interface World {
  readonly sid: string;
  /** Of a stranger, and over: what follows it comes to its end. */
  readonly closed: string;
  readonly command: string;
  /** Of a stranger's body that is recorded. */
  readonly payload: string;
  readonly policy: string;
  readonly text: string;
  /** Sessions that each role may end for this test, of a stranger's and of their own. */
  readonly strangers: Readonly<Record<Role, string>>;
  readonly own: Readonly<Record<Role, string>>;
}
interface Case {
  readonly route: string;
  readonly of: string;
  readonly outcomes: Outcomes;
  readonly path: (world: World, role: Role) => string;
  readonly init?: (world: World, role: Role) => RequestInit;
  /** Of HEAD, where they are others. */
  readonly head?: Outcomes;
}

const EVERYBODY: Outcomes = [200, 200, 200, 200, 200];
const ANYONE: Outcomes = [401, 200, 200, 200, 200];
const AUDITORS: Outcomes = [401, 403, 200, 403, 200];
const READERS: Outcomes = [401, 403, 200, 200, 200];
/** What is another's: not there for those who may not read it. */
const NOBODYS: Outcomes = [401, 404, 404, 404, 404];
const ANOTHERS: Outcomes = [401, 404, 200, 404, 200];

const CASES: readonly Case[] = [
  { route: "GET /api/v1/openapi.json", of: "the document", outcomes: EVERYBODY, path: () => "/api/v1/openapi.json" },
  { route: "GET /api/v1/whoami", of: "oneself", outcomes: ANYONE, path: () => "/api/v1/whoami" },
  { route: "GET /api/v1/connections", of: "connections", outcomes: ANYONE, path: () => "/api/v1/connections" },
  { route: "GET /api/v1/sessions", of: "sessions", outcomes: ANYONE, path: () => "/api/v1/sessions" },
  {
    route: "GET /api/v1/sessions/{sid}",
    of: "another's session",
    outcomes: ANOTHERS,
    path: ({ sid }) => `/api/v1/sessions/${sid}`,
  },
  {
    route: "GET /api/v1/sessions/{sid}/records",
    of: "another's session",
    outcomes: ANOTHERS,
    path: ({ sid }) => `/api/v1/sessions/${sid}/records`,
  },
  {
    route: "GET /api/v1/sessions/{sid}/records",
    of: "another's session, as JSON",
    outcomes: ANOTHERS,
    path: ({ sid }) => `/api/v1/sessions/${sid}/records?limit=1`,
    init: () => ({ headers: { accept: "application/json" } }),
  },
  {
    route: "GET /api/v1/sessions/{sid}/live",
    of: "another's session",
    outcomes: ANOTHERS,
    path: ({ closed }) => `/api/v1/sessions/${closed}/live`,
  },
  {
    route: "GET /api/v1/sessions/{sid}/live",
    of: "another's session, of which one has all",
    outcomes: [401, 404, 204, 404, 204],
    path: ({ closed }) => `/api/v1/sessions/${closed}/live`,
    init: () => ({ headers: { "last-event-id": "closed:400" } }),
  },
  {
    route: "GET /api/v1/sessions/{sid}/payload/{command}/{side}",
    of: "another's body",
    outcomes: ANOTHERS,
    path: ({ payload }) => payload,
  },
  {
    route: "GET /api/v1/sessions/{sid}/payload/{command}/{side}",
    of: "a part of another's body",
    outcomes: [401, 404, 206, 404, 206],
    path: ({ payload }) => payload,
    init: () => ({ headers: { range: "bytes=0-0" } }),
    head: ANOTHERS,
  },
  {
    route: "GET /api/v1/sessions/{sid}/payload/{command}/{side}",
    of: "what is beyond another's body",
    outcomes: [401, 404, 416, 404, 416],
    path: ({ payload }) => payload,
    init: () => ({ headers: { range: "bytes=9999-" } }),
    head: ANOTHERS,
  },
  {
    route: "GET /api/v1/sessions/{sid}/payload/{command}/{side}",
    of: "another's body that is none",
    outcomes: [401, 404, 404, 404, 404],
    path: ({ sid, command }) => `/api/v1/sessions/${sid}/payload/${command}/request`,
  },
  {
    route: "GET /api/v1/registry/{shard}/records",
    of: "the registry's log",
    outcomes: AUDITORS,
    path: ({ sid }) => `/api/v1/registry/${sid.slice(-1)}/records`,
  },
  {
    route: "GET /api/v1/perimeter/{shard}",
    of: "the perimeter",
    outcomes: AUDITORS,
    path: () => "/api/v1/perimeter/0",
  },
  {
    route: "GET /api/v1/perimeter/{shard}/{sid}/records",
    of: "a day that was not",
    outcomes: [401, 403, 404, 403, 404],
    path: ({ sid }) => `/api/v1/perimeter/0/${sid}/records`,
  },
  {
    route: "GET /api/v1/policies/{hash}",
    of: "a policy",
    outcomes: READERS,
    path: ({ policy }) => `/api/v1/policies/${policy}`,
  },
  { route: "GET /api/v1/policy", of: "the policy", outcomes: READERS, path: () => "/api/v1/policy" },
  {
    route: "PUT /api/v1/policy",
    of: "the policy, without the tag of the one before",
    outcomes: [401, 403, 403, 428, 428],
    path: () => "/api/v1/policy",
    init: ({ text }) => yaml("PUT", text),
  },
  {
    route: "PUT /api/v1/policy",
    of: "the policy, with another's tag",
    outcomes: [401, 403, 403, 412, 412],
    path: () => "/api/v1/policy",
    init: ({ text }) => yaml("PUT", text, { "if-match": '"another"' }),
  },
  {
    route: "PUT /api/v1/policy",
    of: "what is none",
    outcomes: [401, 403, 403, 422, 422],
    path: () => "/api/v1/policy",
    init: ({ policy }) => yaml("PUT", "version: 0", { "if-match": `"${policy}"` }),
  },
  {
    route: "PUT /api/v1/policy",
    of: "the policy",
    outcomes: [401, 403, 403, 200, 200],
    path: () => "/api/v1/policy?comment=again",
    init: ({ policy, text }) => yaml("PUT", text, { "if-match": `"${policy}"` }),
  },
  {
    route: "POST /api/v1/policy/check",
    of: "a policy",
    outcomes: READERS,
    path: () => "/api/v1/policy/check",
    init: ({ text }) => yaml("POST", `# another\n${text}`),
  },
  {
    route: "POST /api/v1/policy/check",
    of: "what is none",
    outcomes: READERS,
    path: () => "/api/v1/policy/check",
    init: () => yaml("POST", "rules: [{}]"),
  },
  {
    route: "POST /api/v1/policy/rollback",
    of: "the policy in force",
    outcomes: [401, 403, 403, 200, 200],
    path: () => "/api/v1/policy/rollback",
    init: ({ policy }) => sent("POST", { hash: policy }, { "if-match": `"${policy}"` }),
  },
  { route: "GET /api/v1/policies", of: "the policies", outcomes: READERS, path: () => "/api/v1/policies?limit=1" },
  { route: "GET /api/v1/health", of: "the gateway", outcomes: ANYONE, path: () => "/api/v1/health" },
  { route: "GET /api/v1/commands", of: "commands", outcomes: ANYONE, path: () => "/api/v1/commands" },
  {
    route: "GET /api/v1/commands/{id}",
    of: "another's command",
    outcomes: ANOTHERS,
    path: ({ command }) => `/api/v1/commands/${command}`,
  },
  {
    route: "POST /api/v1/sessions/{sid}/kill",
    of: "another's session",
    outcomes: [401, 404, 403, 202, 202],
    path: ({ strangers }, role) => `/api/v1/sessions/${strangers[role]}/kill`,
    init: () => sent("POST", { reason: "a test" }),
  },
  {
    route: "POST /api/v1/sessions/{sid}/kill",
    of: "one's own session",
    outcomes: [401, 202, 202, 202, 202],
    path: ({ own }, role) => `/api/v1/sessions/${own[role]}/kill`,
    init: () => sent("POST", { reason: "a test" }),
  },
  {
    route: "POST /api/v1/search/rebuild",
    of: "the search database",
    outcomes: [401, 403, 403, 202, 202],
    path: () => "/api/v1/search/rebuild?limit=5",
    init: () => ({ method: "POST" }),
  },
  {
    route: "GET /api/v1/revocations",
    of: "revocations",
    outcomes: READERS,
    path: () => "/api/v1/revocations",
  },
  {
    route: "POST /api/v1/revocations",
    of: "a token",
    outcomes: [401, 403, 403, 201, 201],
    path: () => "/api/v1/revocations",
    init: (_, role) => sent("POST", { token: `made-up-${role}`, reason: "a test" }),
  },
  { route: "GET /api/v1/approvals", of: "one's own", outcomes: ANYONE, path: () => "/api/v1/approvals" },
  {
    route: "GET /api/v1/approvals",
    of: "all of them",
    outcomes: [401, 403, 200, 200, 200],
    path: () => "/api/v1/approvals?view=all",
  },
  {
    route: "GET /api/v1/inbox/live",
    of: "one's inbox",
    outcomes: ANYONE,
    path: () => "/api/v1/inbox/live?events=1",
  },
  {
    route: "GET /api/v1/approvals/{id}",
    of: "one that is none",
    outcomes: NOBODYS,
    path: ({ command }) => `/api/v1/approvals/${command}`,
  },
  {
    route: "POST /api/v1/approvals/{id}/decision",
    of: "one that is none",
    outcomes: NOBODYS,
    path: ({ command }) => `/api/v1/approvals/${command}/decision`,
    init: () => sent("POST", { decision: "approve", seen: "0.0.pending" }),
  },
  ...["cancel", "revoke", "review"].map((act) => ({
    route: `POST /api/v1/approvals/{id}/${act}`,
    of: "one that is none",
    outcomes: NOBODYS,
    path: ({ command }: World) => `/api/v1/approvals/${command}/${act}`,
    init: () => sent("POST", {}),
  })),
  { route: "GET /api/v1/notices", of: "those that nobody took", outcomes: READERS, path: () => "/api/v1/notices" },
  {
    route: "POST /api/v1/notices/{id}/retry",
    of: "one that is none",
    outcomes: [401, 403, 403, 404, 404],
    path: ({ command }) => `/api/v1/notices/${command}_requested_ops/retry`,
    init: () => ({ method: "POST" }),
  },
];

function sent(method: string, body: unknown, headers: Record<string, string> = {}): RequestInit {
  return { method, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
}

function yaml(method: string, body: string, headers: Record<string, string> = {}): RequestInit {
  return { method, headers: { "content-type": "application/yaml", ...headers }, body };
}

let upstream: EchoUpstream;
let gateway: TestGateway;
let api: ApiDocument;
let world: World;

beforeAll(async () => {
  upstream = await startEchoUpstream();
  const policy = testPolicy({ tool: upstream.url }) as { roles: Record<string, unknown> };
  gateway = await startGateway({
    policy: { ...policy, roles: { ...policy.roles, admin: { groups: ["admins"] } } },
    people: {
      caller: { subject: "caller" },
      auditor: { subject: "auditor", groups: ["auditors"] },
      admin: { subject: "admin", groups: ["admins"] },
      both: { subject: "both", groups: ["auditors", "admins"] },
    },
  });
  api = new ApiDocument(await (await fetch(`${gateway.url}/api/v1/openapi.json`)).json());
  world = await makeWorld();
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
});

async function makeWorld(): Promise<World> {
  const sid = await sessionOf("alice");
  const [requested] = (await gateway.records("alice", "tool")).filter((one) => one.kind === "command.requested");
  const command = requested?.command ?? "";
  await eventually(
    async () => (await gateway.fetch("alice", `/api/v1/commands/${command}`)).status,
    (status) => status === 200,
  );
  const text = await (await gateway.fetch("admin", "/api/v1/policy")).text();
  const each = async (of: (role: Role) => string | Person) =>
    Object.fromEntries(
      await Promise.all(ROLES.map(async (role) => [role, await sessionOf(of(role))] as const)),
    ) as Readonly<Record<Role, string>>;
  const closed = await sessionOf({ subject: "left" });
  await gateway.fetch("dan", `/api/v1/sessions/${closed}/kill`, sent("POST", { reason: "a test" }));
  const written = await WrittenSession.open(gateway, "writer", "matrix");
  const payload = (await written.request({ body: { bytes: new TextEncoder().encode("what was sent") } })).path(
    "request",
  );
  const strangers = await each((role) => ({ subject: `victim-of-${role}` }));
  const own = await each((role) => (role === "nobody" ? "mallory" : role));
  return { sid, closed, command, payload, policy: String(requested?.classes.policy), text, strangers, own };
}

/** A session on the tool, opened by a call, be it denied. */
async function sessionOf(person: string | Person): Promise<string> {
  await (await gateway.fetch(person, "/c/tool/x")).arrayBuffer();
  const subject = typeof person === "string" ? person : person.subject;
  const list = await gateway.fetch(person, `/api/v1/sessions?connection=tool&subject=${subject}`);
  return ((await list.json()) as { items: { sid: string }[] }).items[0]?.sid ?? "";
}

function ask(role: Role, path: string, init: RequestInit = {}): Promise<Response> {
  return role === "nobody" ? fetch(gateway.url + path, init) : gateway.fetch(role, path, init);
}

test("every route has a row here, and every row its route", () => {
  const routes = ROUTES.map(({ method, path }) => `${method} ${path}`);
  expect(new Set(CASES.map(({ route }) => route))).toEqual(new Set(routes));
  expect(new Set(routes).size).toBe(routes.length);
});

describe.each(CASES)("$route, of $of", ({ route, outcomes, path, init }) => {
  const [method = "", pattern = ""] = route.split(" ");

  test.each(ROLES.map((role, index): [Role, number] => [role, outcomes[index] ?? 0]))(
    "for %s is %i, as the document says",
    async (role, status) => {
      const answer = await ask(role, path(world, role), init?.(world, role));
      expect(answer.status, await answer.clone().text()).toBe(status);
      expect(await api.problems(method, pattern, answer)).toEqual([]);
    },
  );
});

const READS = CASES.filter(({ route }) => route.startsWith("GET "));

test.each(READS)(
  "HEAD for $route, of $of, is the same without a body",
  async ({ outcomes, path, init, head = outcomes }) => {
    for (const [index, role] of ROLES.entries()) {
      const answer = await ask(role, path(world, role), { ...init?.(world, role), method: "HEAD" });
      expect([answer.status, await answer.text()]).toEqual([head[index], ""]);
    }
  },
);

describe.each([...new Set(ROUTES.map(({ path }) => path))])("%s", (pattern) => {
  const here = ROUTES.filter(({ path }) => path === pattern).flatMap(({ method }) =>
    method === "GET" ? ["GET", "HEAD"] : [method],
  );
  const others = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"].filter(
    (method) => !here.includes(method),
  );

  test.each(others)("has no %s for anybody, and says what it has", async (method) => {
    const path = pattern.replace(/\{\w+\}/g, "x");
    for (const role of ROLES) {
      const answer = await ask(role, path, { method });
      expect(answer.status).toBe(role === "nobody" ? 401 : 405);
      if (role !== "nobody") expect(answer.headers.get("allow")?.split(", ").sort()).toEqual(here.toSorted());
    }
  });
});

test("a refusal by the API is a record with its reason, its route's rule and its status", async () => {
  const answer = await gateway.fetch("caller", "/api/v1/perimeter/0");
  const { record } = (await answer.json()) as { record: string };
  const records = await gateway.records("caller", "console");
  const denied = records.find(({ sid, seq }) => `${sid}/${seq}` === record);
  expect(denied).toMatchObject({
    kind: "command.denied",
    classes: { reason: "role_needed", rule: "console-perimeter", status: 403, effect: "deny" },
    fields: { target: "GET /api/v1/perimeter/0" },
  });
});
