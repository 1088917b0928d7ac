// Finding commands: the search database's shape, what a query finds in it, and at what price.

import { getTableColumns } from "drizzle-orm";
import { getTableConfig } from "drizzle-orm/sqlite-core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CommandQuery, CommandRow } from "../../core/index/command_row.ts";
import type { IndexedCommand } from "../../core/index/command_rows.ts";
import { type CommandId, type ConnectionName, newSessionId } from "../../core/ids.ts";
import { writeRows } from "../../durable/search_rows.ts";
import { fillRandom } from "../../durable/sha256.ts";
import { command as table } from "../../migrations/search_schema.ts";
import { findCommand, findCommands } from "../../workers/search.ts";
import { newCommand } from "../support/objects.ts";
import { database, indexedRows } from "../support/search_rows.ts";

const ALL: CommandQuery = { owner: null, before: null, limit: 1_000 };

test("the table and its indexes are those of the schema", async () => {
  const { results: columns } = await database.prepare("PRAGMA table_info(command)").all();
  expect(columns.map(({ name, type, notnull, pk }) => ({ name, type, notnull, pk }))).toEqual(
    Object.entries(getTableColumns(table)).map(([key, one]) => {
      expect(one.name).toBe(key);
      return { name: key, type: one.getSQLType().toUpperCase(), notnull: one.notNull ? 1 : 0, pk: one.primary ? 1 : 0 };
    }),
  );
  for (const { config } of getTableConfig(table).indexes) {
    const { results } = await database.prepare(`PRAGMA index_info(${config.name})`).all();
    const names = config.columns.map((one) => ("name" in one ? one.name : ""));
    expect(results.map(({ name }) => name)).toEqual(names);
  }
  const { results: indexes } = await database.prepare("PRAGMA index_list(command)").all();
  const made = indexes.filter(({ origin }) => origin === "c");
  expect(new Set(made.map(({ name }) => name))).toEqual(
    new Set(getTableConfig(table).indexes.map(({ config }) => config.name)),
  );
  expect(made.filter(({ partial }) => partial === 1).map(({ name }) => name)).toEqual(["command_by_actor"]);
});

describe("a search", () => {
  const people = ["alice", "bob"];
  const made: CommandRow[] = [];
  const sid = newSessionId(Date.now(), fillRandom);

  /** Rows like those of a busy day; `at` places them in time. */
  function row(at: number, more: Partial<CommandRow> = {}): IndexedCommand {
    return {
      id: `${at
        .toString(16)
        .padStart(12, "0")
        .replace(/^(.{8})/, "$1-")}-7000-8000-${String(made.length).padStart(12, "0")}` as CommandId,
      sid,
      seq: made.length,
      time: at + 1,
      issuer: "https://id.example",
      subject: people[made.length % 2] ?? "",
      actor: null,
      connection: "registry" as ConnectionName,
      protocol: "http",
      method: "GET",
      path: "/left-pad",
      query: null,
      rule: "r",
      policy: "5d".repeat(32),
      effect: "allow",
      outcome: "completed",
      reason: null,
      status: 200,
      ms: 3,
      req_bytes: 0,
      resp_bytes: 2,
      ended: at + 4,
      upto: 2,
      ...more,
    };
  }

  async function fill(rows: readonly (readonly [number, Partial<CommandRow>])[]): Promise<void> {
    await database.exec("DELETE FROM command");
    made.length = 0;
    const written: IndexedCommand[] = [];
    for (const [at, more] of rows) {
      const one = row(at, more);
      written.push(one);
      const { upto: _, ...shown } = one;
      made.push(shown);
    }
    await writeRows(database, written);
  }

  /** All pages of a query, to the end. */
  async function pages(query: CommandQuery): Promise<CommandRow[]> {
    const found: CommandRow[] = [];
    let before: CommandId | null = null;
    do {
      const page: Awaited<ReturnType<typeof findCommands>> = await findCommands(database, { ...query, before });
      expect(page.items.length).toBeLessThanOrEqual(query.limit);
      found.push(...page.items);
      before = page.next;
    } while (before !== null);
    return found;
  }

  const newestFirst = (keep: (row: CommandRow) => boolean): CommandRow[] => made.filter(keep).reverse();
  const NOW = 1_800_000_000_000;

  test("finds by each filter what a reading of all rows finds, newest first, page by page", async () => {
    const outcomes = ["open", "completed", "failed", "cancelled", "denied", "unknown"] as const;
    const paths = [
      "",
      "/",
      "/a",
      "/a/b",
      "/%61/b",
      "/a%2Fb",
      "/@acme%2fthing",
      "/@acme%2Fthing",
      "/a/b/c",
      "/A/b",
      "/a//b",
    ];
    const one = fc.record({
      subject: fc.constantFrom("alice", "bob", "o'brien\"; --", "%"),
      issuer: fc.constantFrom("https://id.example", "https://other.example"),
      actor: fc.constantFrom(null, "agent", "_"),
      connection: fc.constantFrom("registry" as ConnectionName, "git" as ConnectionName),
      method: fc.constantFrom("GET", "PUT"),
      outcome: fc.constantFrom(...outcomes),
      status: fc.constantFrom(null, 200, 404),
      path: fc.constantFrom(...paths),
    });
    // Most are not asked for: all of them together find nothing.
    const maybe = <T>(...values: T[]) =>
      fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom(...values) });
    const query = fc.record({
      owner: fc.constantFrom(null, { issuer: "https://id.example", subject: "alice" }),
      subject: maybe("alice", "o'brien\"; --", "%", "nobody"),
      actor: maybe("agent", "_"),
      connection: maybe("registry", "git"),
      outcome: maybe(...outcomes),
      method: maybe("GET", "PUT"),
      status: maybe(200, 404),
      route: fc.option(
        fc.constantFrom("/**", "/", "/a", "/a/{x}", "/a/**", "/*/b", "/@acme%2Fthing", "/{x}", "/a/b/c", "/A/**"),
        { nil: undefined },
      ),
      since: maybe(NOW + 11, NOW - 5),
      until: maybe(NOW + 30, NOW + 900),
      limit: fc.constantFrom(1, 3, 100),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(one, { maxLength: 40 }),
        fc.array(query, { minLength: 1, maxLength: 6 }),
        async (rows, queries) => {
          await fill(rows.map((more, at) => [NOW + at, more] as const));
          for (const asked of queries) {
            const { owner, subject, actor, connection, outcome, method, status, route, since, until } = asked;
            const matches = route === undefined ? () => true : MATCHES[route];
            expect(await pages({ ...asked, before: null })).toEqual(
              newestFirst(
                (row) =>
                  (owner === null || (row.issuer === owner.issuer && row.subject === owner.subject)) &&
                  (subject === undefined || row.subject === subject) &&
                  (actor === undefined || row.actor === actor) &&
                  (connection === undefined || row.connection === connection) &&
                  (outcome === undefined || row.outcome === outcome) &&
                  (method === undefined || row.method === method) &&
                  (status === undefined || row.status === status) &&
                  (since === undefined || row.time >= since) &&
                  (until === undefined || row.time <= until) &&
                  matches?.(row.path) === true,
              ),
            );
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  /** Said once more, by hand: what each pattern of the test above finds. */
  const MATCHES: Readonly<Record<string, (path: string) => boolean>> = {
    "/**": () => true,
    "/": (path) => path === "/" || path === "",
    "/a": (path) => path === "/a",
    "/a/{x}": (path) => path === "/a/b" || path === "/%61/b",
    "/a/**": (path) => ["/a", "/a/b", "/%61/b", "/a/b/c", "/a//b"].includes(path),
    "/*/b": (path) => ["/a/b", "/%61/b", "/A/b"].includes(path),
    "/@acme%2Fthing": (path) => path.toLowerCase() === "/@acme%2fthing",
    "/{x}": (path) => ["/a", "/a%2Fb", "/@acme%2fthing", "/@acme%2Fthing"].includes(path),
    "/a/b/c": (path) => path === "/a/b/c",
    "/A/**": (path) => path === "/A/b",
  };

  test("looks at a bounded number of rows a call, says so with a cursor, and gets to the end", async () => {
    await fill(Array.from({ length: 12_000 }, (_, at) => [NOW + at, at === 7 ? { method: "DELETE" } : {}] as const));
    const calls: number[] = [];
    let before: CommandId | null = null;
    const found: CommandRow[] = [];
    do {
      const page: Awaited<ReturnType<typeof findCommands>> = await findCommands(database, {
        ...ALL,
        method: "DELETE",
        before,
      });
      calls.push(page.items.length);
      found.push(...page.items);
      before = page.next;
    } while (before !== null);
    expect(calls).toEqual([0, 0, 1]);
    expect(found.map(({ method }) => method)).toEqual(["DELETE"]);
    // A route lets at most a thousand rows through to be matched.
    expect((await findCommands(database, { ...ALL, route: "/*/x" })).next).not.toBe(null);
    expect(await pages({ ...ALL, route: "/*/x" })).toEqual([]);
    expect((await pages({ ...ALL, route: "/left-pad", subject: "alice" })).length).toBe(6_000);
    const plan = async (where: string): Promise<string> =>
      JSON.stringify(
        (
          await database
            .prepare(`EXPLAIN QUERY PLAN SELECT * FROM command WHERE ${where} ORDER BY id DESC LIMIT 9`)
            .all()
        ).results,
      );
    for (const [where, name] of [
      ["subject = 'a' AND id < 'x' AND id >= 'a'", "command_by_subject"],
      ["actor = 'a' AND id < 'x'", "command_by_actor"],
      ["connection = 'a' AND id < 'x'", "command_by_connection"],
      ["outcome = 'a' AND id < 'x'", "command_by_outcome"],
      ["id < 'x' AND id >= 'a'", "PRIMARY KEY"],
    ] as const) {
      expect(await plan(where)).toContain(name);
      expect(await plan(where)).not.toContain("TEMP B-TREE");
    }
  });

  test("takes no pattern that is none, and finds one command by its id", async () => {
    await fill([[NOW, {}]]);
    expect(await findCommands(database, { ...ALL, route: "no slash" })).toEqual({ items: [], next: null });
    const [one] = made;
    expect(await findCommand(database, one?.id ?? newCommand())).toEqual(one);
    expect(await findCommand(database, newCommand())).toBe(null);
  });
});

test("rows that together pass what a value can hold are written all the same", async () => {
  const sid = newSessionId(Date.now(), fillRandom);
  const long = "\u0001\u4e00".repeat(128);
  const rows: IndexedCommand[] = Array.from({ length: 256 }, (_, seq) => ({
    id: newCommand(),
    sid,
    seq,
    time: 1,
    issuer: long,
    subject: long,
    actor: long,
    connection: "c" as ConnectionName,
    protocol: long,
    method: long,
    path: long.repeat(4),
    query: long.repeat(4),
    rule: long,
    policy: long,
    effect: long,
    outcome: "open",
    reason: long,
    status: null,
    ms: Number.MAX_SAFE_INTEGER,
    req_bytes: null,
    resp_bytes: null,
    ended: null,
    upto: seq,
  }));
  await writeRows(database, rows);
  expect(await indexedRows(sid)).toEqual(rows);
});
