// Finding commands by the API, and reading one with its records.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { eventually, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import type { Person } from "../support/issuer.ts";

let upstream: EchoUpstream;
let gateway: TestGateway;

interface Command {
  readonly id: string;
  readonly sid: string;
  readonly seq: number;
  readonly time: number;
  readonly subject: string;
  readonly connection: string;
  readonly method: string;
  readonly path: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly status: number | null;
}
interface Page {
  readonly items: readonly Command[];
  readonly next: string | null;
}

/** Acts for alice. */
let agent: Person;

beforeAll(async () => {
  upstream = await startEchoUpstream();
  upstream.handlers.set("/gone", (_, response) => response.writeHead(410, { "content-length": 0 }).end());
  gateway = await startGateway({ policy: testPolicy({ tool: upstream.url, other: upstream.url }) });
  agent = { subject: "alice", groups: ["engineers"], claims: { act: { sub: "robot", iss: gateway.issuer.url } } };
  await call("alice", "/c/tool/packages/one");
  await call("alice", "/c/tool/packages/two", "DELETE");
  await call("alice", "/c/other/gone");
  await call("mallory", "/c/tool/packages/one");
  await call(agent, "/c/tool/packages/three");
  await eventually(
    () => find("carol", "limit=100"),
    ({ items }) =>
      ["/packages/one", "/packages/three", "/gone"].every((path) => items.some((one) => one.path === path)),
  );
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
});

async function call(person: string | Person, path: string, method = "GET"): Promise<void> {
  await (await gateway.fetch(person, path, { method })).arrayBuffer();
}

async function find(person: string | Person, query: string): Promise<Page> {
  const answer = await gateway.fetch(person, `/api/v1/commands?${query}`);
  expect([query, answer.status]).toEqual([query, 200]);
  return (await answer.json()) as Page;
}

async function pathsOf(person: string, query: string): Promise<string[]> {
  const { items } = await find(person, query);
  return items.filter(({ connection }) => connection !== "console").map(({ method, path }) => `${method} ${path}`);
}

test.each([
  ["connection=other", ["GET /gone"]],
  ["method=DELETE", ["DELETE /packages/two"]],
  ["status=410", ["GET /gone"]],
  ["outcome=denied&subject=mallory", ["GET /packages/one"]],
  [
    "subject=alice&route=/packages/{name}&outcome=completed",
    ["GET /packages/three", "DELETE /packages/two", "GET /packages/one"],
  ],
  ["actor=robot", ["GET /packages/three"]],
  ["subject=alice&connection=tool&method=GET&route=/packages/one", ["GET /packages/one"]],
  ["subject=nobody", []],
  ["until=2020-01-01T00:00:00Z", []],
])("an auditor finds by %s", async (query, expected) => {
  expect(
    await eventually(
      () => pathsOf("carol", query),
      (found) => found.length === expected.length,
    ),
  ).toEqual(expected);
});

test("everybody finds their own and no other's, whoever they ask for", async () => {
  const own = await find("mallory", "connection=tool");
  expect(own.items).toMatchObject([{ subject: "mallory", outcome: "denied", reason: "no_rule", status: 403 }]);
  expect((await find("mallory", "subject=alice")).items).toEqual([]);
  expect((await find("dan", "subject=alice")).items).toEqual([]);
});

test("a time stands for itself, both ends included", async () => {
  const [gone] = (await find("carol", "connection=other")).items;
  const time = gone?.time ?? 0;
  const iso = encodeURIComponent(new Date(time).toISOString());
  expect((await find("carol", `connection=other&since=${time}&until=${iso}`)).items).toEqual([gone]);
  expect((await find("carol", `connection=other&since=${time + 1}`)).items).toEqual([]);
});

test.each([1, 2, 5])("in pages of %i, what was there is found once and in order while more arrives", async (limit) => {
  const query = "subject=alice&route=/**";
  const before = await everything(`${query}&limit=100`);
  let isOver = false;
  const arriving = (async (): Promise<void> => {
    while (!isOver) await call("alice", "/c/tool/later");
  })();
  const paged = await everything(`${query}&limit=${limit}`);
  isOver = true;
  await arriving;
  expect(new Set(paged).size).toBe(paged.length);
  expect(paged).toEqual(paged.toSorted().toReversed());
  expect(paged.filter((id) => before.includes(id))).toEqual(before);
});

async function everything(query: string): Promise<string[]> {
  const found: string[] = [];
  for (let cursor: string | null = null; ;) {
    const page: Page = await find("carol", `${query}${cursor === null ? "" : `&cursor=${cursor}`}`);
    found.push(...page.items.map(({ id }) => id));
    cursor = page.next;
    if (cursor === null) return found;
  }
}

describe("one command", () => {
  const read = (person: string | Person, id: string): Promise<Response> =>
    gateway.fetch(person, `/api/v1/commands/${id}`);

  test("is what the list says, with its records as the session's export has them", async () => {
    const [gone] = (await find("alice", "connection=other")).items;
    const answer = (await (await read("alice", gone?.id ?? "")).json()) as Command & {
      records: { leaf: string; fields: unknown }[];
      payloads: unknown;
    };
    const { records, payloads: _, ...row } = answer;
    expect(row).toEqual(gone);
    const lines = (await gateway.exports("alice", "other")).join("").split("\n");
    expect(records.length).toBe(2);
    for (const record of records) expect(lines).toContain(JSON.stringify(record));
  });

  test("of another's is not there, for an auditor it is", async () => {
    const [gone] = (await find("carol", "connection=other")).items;
    const absent = await read("mallory", "01890000-0000-7000-8000-000000000000");
    for (const person of ["mallory", "dan", "bob"]) {
      const answer = await read(person, gone?.id ?? "");
      expect([person, answer.status]).toEqual([person, 404]);
      expect([...answer.headers.keys()]).toEqual([...absent.headers.keys()]);
    }
    expect((await read("carol", gone?.id ?? "")).status).toBe(200);
  });
});

test("who looks for their own commands on the console is not shown the looking", async () => {
  for (let n = 0; n < 3; n++) {
    const query = `connection=console&until=${Date.now() + 1_000_000 + n}`;
    const { items } = await find("alice", query);
    const looking = (await gateway.records("alice", "console")).find(
      (one) => one.fields.target === `GET /api/v1/commands?${query}`,
    );
    expect(looking?.kind).toBe("command.requested");
    expect(items.map(({ id }) => id)).not.toContain(looking?.command);
  }
});

test("an admin has all of it written anew, page after page, after it was thrown away", async () => {
  const wanted = async (): Promise<string[]> =>
    (await find("carol", "limit=100")).items
      .map(({ id, outcome }) => `${id} ${outcome}`)
      .filter((one) => before.has(one));
  const before = new Set<string>();
  for (const { id, connection, outcome } of (await find("carol", "limit=100")).items)
    if (connection !== "console") before.add(`${id} ${outcome}`);
  expect(before.size).toBeGreaterThan(3);
  const database = await gateway.runtime.miniflare.getD1Database("SEARCH", "sallyport");
  await database.prepare("DELETE FROM command").run();
  expect(await wanted()).toEqual([]);
  let cursor: string | null = null;
  let pages = 0;
  do {
    const query = `limit=2${cursor === null ? "" : `&cursor=${cursor}`}`;
    const answer: Response = await gateway.fetch("dan", `/api/v1/search/rebuild?${query}`, { method: "POST" });
    expect(answer.status).toBe(202);
    cursor = ((await answer.json()) as { next: string | null }).next;
    pages += 1;
  } while (cursor !== null);
  expect(pages).toBeGreaterThan(2);
  expect(new Set(await eventually(wanted, (found) => found.length === before.size))).toEqual(before);
});
