// One long file, because each costs a second of the runtime's start: tables that only grow, migrations
// that only append, and the objects beside the session's (registry, perimeter).

import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { newSessionId, type ConnectionName, type Digest, type SessionId } from "../../core/ids.ts";
import { canonicalText } from "../../core/record/canonical.ts";
import { INLINE_LIMIT } from "../../core/record/payload.ts";
import { migrate, rows, run } from "../../durable/migrate.ts";
import type { PerimeterObject } from "../../durable/perimeter.ts";
import {
  BYTES_A_DAY,
  FIRST_IN_FULL,
  KEYS,
  type PerimeterDenial,
  PerimeterLog,
  ROWS_A_MINUTE,
} from "../../durable/perimeter_log.ts";
import { RecordLog } from "../../durable/record_log.ts";
import { findEntry, listEntries, recordClosing, recordOpening } from "../../durable/registry_entries.ts";
import type { RegistryObject } from "../../durable/registry.ts";
import type { SessionOpening } from "../../durable/registry_rpc.ts";
import { SessionLog } from "../../durable/session_log.ts";
import { fillRandom } from "../../durable/sha256.ts";
import { CONTROL_MIGRATIONS } from "../../migrations/objects/control.ts";
import { LOG_MIGRATIONS } from "../../migrations/objects/log.ts";
import { REGISTRY_MIGRATIONS } from "../../migrations/objects/registry.ts";
import { noise, withBody } from "../support/bodies.ts";
import {
  bindings,
  checkLog,
  classesOf,
  completed,
  kindsOf,
  newCommand,
  OPENING,
  record,
  requested,
  withStorage,
} from "../support/objects.ts";

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;

function withRegistry<R>(
  name: string,
  work: (storage: DurableObjectStorage, object: RegistryObject) => R | Promise<R>,
): Promise<R> {
  const stub = bindings.REGISTRY.get(bindings.REGISTRY.idFromName(name));
  return runInDurableObject(stub, (object: RegistryObject, state: DurableObjectState) => work(state.storage, object));
}

describe("tables that only grow", () => {
  /** Each way to change a row of `table`; `again` are inserts that meet one of its unique keys. */
  function expectAppendOnly(sql: SqlStorage, table: string, again: readonly string[]): void {
    const before = [...sql.exec(`SELECT * FROM ${table}`)];
    expect(before.length).toBeGreaterThan(0);
    const [column] = Object.keys(before[0] ?? {});
    const attempts = [
      `UPDATE ${table} SET ${column} = ${column}`,
      `DELETE FROM ${table}`,
      ...again.flatMap((values) => [
        `INSERT INTO ${values}`,
        `INSERT OR REPLACE INTO ${values}`,
        `REPLACE INTO ${values}`,
        `INSERT OR IGNORE INTO ${values}`,
      ]),
    ];
    for (const attempt of attempts) expect(() => run(sql, attempt), attempt).toThrow(/append-only/);
    expect([...sql.exec(`SELECT * FROM ${table}`)]).toEqual(before);
  }

  test("a log's sessions and records", () =>
    withStorage("triggers", (storage) => {
      const log = new SessionLog(storage.sql, NOW);
      const command = newCommand();
      const sid = newSessionId(NOW, fillRandom);
      log.openSession(sid, OPENING, NOW);
      log.begin(requested(command), NOW, false);
      log.proceed([completed(command)], NOW, false);
      const id = 2 ** 32;
      expectAppendOnly(storage.sql, "session", [
        `session (no, sid, opened) VALUES (1, 'other', 1)`,
        `session (no, sid, opened) VALUES (9, '${sid}', 1)`,
      ]);
      expectAppendOnly(storage.sql, "record", [
        `record (id, cmd, kind, part, leaf, disclosure) VALUES (${id}, NULL, 'gap', 0, '', '')`,
        `record (id, cmd, kind, part, leaf, disclosure) VALUES (${id + 9}, '${command}', 'command.requested', 0, '', '')`,
        `record (id, cmd, kind, part, leaf, disclosure) VALUES (${id + 9}, '${command}', 'command.denied', 0, '', '')`,
        `record (id, cmd, kind, part, leaf, disclosure) VALUES (${id + 9}, '${command}', 'command.completed', 0, '', '')`,
      ]);
    }));

  test("payloads beside records, of which each has a record", () =>
    withStorage("payload triggers", (storage) => {
      const log = new SessionLog(storage.sql, NOW);
      log.openSession(newSessionId(NOW, fillRandom), OPENING, NOW);
      log.begin(withBody("command.requested", newCommand(), {}, noise(INLINE_LIMIT + 1)), NOW, false);
      const id = 2 ** 32 + 1;
      expectAppendOnly(storage.sql, "payload", [`payload (id, bytes) VALUES (${id}, x'00')`]);
      expect(() => run(storage.sql, "INSERT INTO payload (id, bytes) VALUES (7, x'00')")).toThrow("no such record");
    }));

  test("the registry's entries", () =>
    withRegistry("triggers", (storage) => {
      const log = new RecordLog(storage.sql);
      const sid = newSessionId(NOW, fillRandom);
      recordOpening(
        storage.sql,
        log,
        { sid, object: "00", connection: "c" as ConnectionName, owner: OPENING.owner, time: NOW },
        NOW,
      );
      recordClosing(
        storage.sql,
        log,
        { sid, time: NOW, size: 2, root: "00" as Digest, tip: "00" as Digest, reason: "idle" },
        NOW,
      );
      expectAppendOnly(storage.sql, "opened", [
        `opened (sid, object, connection, issuer, subject, time) VALUES ('${sid}', '', '', '', '', 0)`,
      ]);
      expectAppendOnly(storage.sql, "closed", [`closed (sid, time, size) VALUES ('${sid}', 0, 0)`]);
    }));

  test("what a command's path looks up is found by a key, never by reading a table", () =>
    withStorage("plans", (storage) => {
      const lookups = [
        "SELECT 1 FROM record WHERE id = 1",
        "SELECT 1 FROM record WHERE cmd = ? AND kind = ? AND part = ?",
        "SELECT 1 FROM record WHERE cmd = ?",
        "SELECT id, leaf FROM record WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1",
        "SELECT 1 FROM session WHERE sid = ?",
        "DELETE FROM open_intent WHERE cmd = ?",
        "SELECT 1 FROM record WHERE cmd = ? AND kind = 'stream.chunk' AND part % 2 = ? ORDER BY part DESC LIMIT 1",
        "SELECT bytes FROM payload WHERE id = ?",
      ];
      for (const lookup of lookups) {
        const plan = rows<{ detail: string }>(
          storage.sql,
          `EXPLAIN QUERY PLAN ${lookup}`,
          ...lookup
            .split("?")
            .slice(1)
            .map(() => "x"),
        );
        expect(plan.map(({ detail }) => detail).join("; "), lookup).toMatch(/^SEARCH /);
      }
    }));
});

describe("migrations", () => {
  const [first = ""] = LOG_MIGRATIONS;

  test("run once, and an object refuses a history that was edited", () =>
    withStorage("migrations", (storage) => {
      migrate(storage.sql, LOG_MIGRATIONS);
      expect(() => migrate(storage.sql, [`${first} `, ...LOG_MIGRATIONS.slice(1)])).toThrow("edited");
      expect(() => migrate(storage.sql, [first])).toThrow("newer");
      migrate(storage.sql, [...LOG_MIGRATIONS, "CREATE TABLE added (id INTEGER PRIMARY KEY)"]);
      expect(rows(storage.sql, "SELECT * FROM added")).toEqual([]);
    }));

  test("one that fails leaves the object as it was", () =>
    withStorage("failing migration", (storage) => {
      const bad = [...LOG_MIGRATIONS, "CREATE TABLE half (id INTEGER PRIMARY KEY)", "CREATE TABLE session (x)"];
      expect(() => storage.transactionSync(() => migrate(storage.sql, bad))).toThrow();
      expect(rows(storage.sql, "SELECT name FROM sqlite_master WHERE name = 'half'")).toEqual([]);
      migrate(storage.sql, LOG_MIGRATIONS);
    }));

  test("of the log are all in the registry's, in their order", () => {
    expect(REGISTRY_MIGRATIONS.filter((one) => LOG_MIGRATIONS.includes(one))).toEqual(LOG_MIGRATIONS);
    expect(CONTROL_MIGRATIONS.length).toBeGreaterThan(0);
  });
});

describe("a log that is large", () => {
  test("is read in pages that stay under RPC's limit", () =>
    withStorage("pages", (storage) => {
      const log = new RecordLog(storage.sql);
      const head = log.open(newSessionId(NOW, fillRandom), NOW);
      const big = { ...record("gap", null, { reason: "x" }), disclosure: JSON.stringify("x".repeat(400_000)) };
      for (let i = 0; i < 30; i++) log.append(head, big, NOW);
      const page = log.read(head, 0, 1000);
      expect(page.length).toBeGreaterThan(1);
      expect(page.length).toBeLessThan(30);
      expect(log.read(head, 29, 1000).length).toBe(1);
      for (const [from, limit] of [
        [30, 1],
        [-1, 5],
        [0.5, 5],
        [0, 0],
        [0, NaN],
      ] as const)
        expect(log.read(head, from, limit)).toEqual([]);
    }));

  test("says the same root to whoever asks early or late", () =>
    withStorage("roots", (storage) => {
      const log = new RecordLog(storage.sql);
      const head = log.open(newSessionId(NOW, fillRandom), NOW);
      for (let i = 0; i < 70; i++) {
        log.append(head, record("gap", null, { reason: "x", count: i }), NOW);
        expect(log.root(head)).toBe(new RecordLog(storage.sql).root(head));
      }
    }));
});

describe("a log whose transaction was rolled back", () => {
  test("remembers nothing of it: neither head nor tree", () =>
    withStorage("rolled back", (storage) => {
      const log = new RecordLog(storage.sql);
      const sid = newSessionId(NOW, fillRandom);
      storage.transactionSync(() => log.append(log.open(sid, NOW), record("gap", null, { count: 0 }), NOW));
      const lost = (): void =>
        storage.transactionSync(() => {
          const head = log.newest();
          if (head === null) throw new Error("no session");
          log.append(head, record("gap", null, { count: 1 }), NOW);
          log.root(head);
          throw new Error("disk is full");
        });
      expect(lost).toThrow("disk is full");
      log.reload();
      const head = log.newest();
      if (head === null) throw new Error("no session");
      expect(head.size).toBe(1);
      log.append(head, record("gap", null, { count: 2 }), NOW);
      expect(log.root(head)).toBe(new RecordLog(storage.sql).root(head));
    }));
});

describe("the registry", () => {
  const entry = (subject: string, time = NOW): SessionOpening => ({
    sid: newSessionId(time, fillRandom),
    object: "00",
    connection: "c" as ConnectionName,
    owner: { issuer: "i", subject },
    time,
  });

  test("takes an entry once, ignores the end of a session it never heard of, and keeps a chain of its own", () =>
    withRegistry("entries", async (storage, object) => {
      const [known, unknown] = [entry("alice"), entry("alice")];
      await object.opened(known);
      await object.opened(known);
      const closing = { time: NOW + 5, size: 7, root: "00" as Digest, tip: "00" as Digest, reason: "idle" };
      await object.closed({ sid: unknown.sid, ...closing });
      await object.closed({ sid: known.sid, ...closing });
      await object.closed({ sid: known.sid, ...closing });
      expect(await object.find(unknown.sid)).toBe(null);
      expect(await object.find(known.sid)).toEqual({
        sid: known.sid,
        object: "00",
        connection: "c",
        owner: known.owner,
        opened: NOW,
        closed: NOW + 5,
        size: 7,
        reason: "idle",
      });
      const { records } = await checkLog({
        describe: () => object.describe(),
        read: (from, limit) => object.read(from, limit),
      });
      expect(kindsOf(records)).toEqual(["session.opened", "session.closed"]);
      // Evidence and list say the same.
      expect(rows(storage.sql, "SELECT sid FROM opened")).toEqual([{ sid: known.sid }]);
    }));

  test("keeps neither entry nor record if one of the two is refused", () =>
    withRegistry("atomic", async (storage, object) => {
      const one = entry("alice");
      await object.opened(one);
      const other = entry("bob");
      // The list's row is there already, so the entry's second write fails.
      run(storage.sql, "INSERT INTO closed (sid, time, size) VALUES (?, 1, 1)", other.sid);
      const log = new RecordLog(storage.sql);
      const size = log.newest()?.size;
      expect(() =>
        storage.transactionSync(() =>
          recordOpening(storage.sql, log, { ...other, object: undefined as unknown as string }, NOW),
        ),
      ).toThrow();
      log.reload();
      expect(log.newest()?.size).toBe(size);
      await checkLog({ describe: () => object.describe(), read: (from, limit) => object.read(from, limit) });
    }));

  test("lists newest first, page by page, all or one owner's", () =>
    withRegistry("list", (storage) => {
      const log = new RecordLog(storage.sql);
      const entries = Array.from({ length: 25 }, (_, i) => entry(i % 5 === 0 ? "bob" : "alice", NOW + i * 1000));
      storage.transactionSync(() => {
        for (const one of entries) recordOpening(storage.sql, log, one, NOW);
      });
      const newestFirst = entries.map(({ sid }) => sid).toReversed();
      const listed: SessionId[] = [];
      for (let before: SessionId | null = null; ;) {
        const page: SessionId[] = listEntries(storage.sql, { owner: null, before, limit: 10 }).map(({ sid }) => sid);
        listed.push(...page);
        before = page.at(-1) ?? null;
        if (page.length < 10) break;
      }
      expect(listed).toEqual(newestFirst);
      const owned = listEntries(storage.sql, { owner: { issuer: "i", subject: "bob" }, before: null, limit: 100 });
      expect(owned.map(({ owner }) => owner.subject)).toEqual(["bob", "bob", "bob", "bob", "bob"]);
      expect(
        listEntries(storage.sql, { owner: { issuer: "other", subject: "bob" }, before: null, limit: 100 }),
      ).toEqual([]);
      expect(findEntry(storage.sql, newestFirst[0] ?? ("" as SessionId))?.opened).toBe(NOW + 24_000);
    }));
});

describe("the perimeter", () => {
  const MINUTE = 60_000;
  /** The beginning of a day and minute. */
  const START = Math.ceil(NOW / DAY) * DAY;

  function denial(prefix: string, reason = "expired", size = 10): PerimeterDenial {
    const fields = { target: `GET /${"x".repeat(size)}`, connection: "c", prefix };
    const status = reason === "issuer_unavailable" ? 503 : 401;
    const classes = { protocol: "http", reason, status, count: 1 };
    return { reason, status, prefix, connection: "c", record: record("command.denied", newCommand(), classes, fields) };
  }

  function withPerimeter<R>(name: string, work: (storage: DurableObjectStorage) => Promise<R>): Promise<R> {
    const stub = bindings.PERIMETER.get(bindings.PERIMETER.idFromName(name));
    return runInDurableObject(stub, (_: PerimeterObject, state: DurableObjectState) => work(state.storage));
  }

  /** All sessions of a shard, verified, and their records in order. */
  async function allOf(log: RecordLog, storage: DurableObjectStorage): Promise<Record<string, unknown>[]> {
    const found: Record<string, unknown>[] = [];
    for (const { sid } of rows<{ sid: string }>(storage.sql, "SELECT sid FROM session ORDER BY no")) {
      const head = log.findSession(sid as SessionId);
      if (head === null) throw new Error("no such session");
      const { records } = await checkLog({
        describe: () => ({
          sid: head.sid,
          opened: head.opened,
          closed: null,
          size: head.size,
          tip: head.tip,
          root: log.root(head),
          openCommands: [],
        }),
        read: (from, limit) => {
          const page = log.read(head, from, limit);
          return { records: page, next: from + page.length < head.size ? from + page.length : null };
        },
      });
      found.push(...records.map((one) => ({ kind: kindsOf([one])[0], ...classesOf(one) })));
    }
    return found;
  }

  const countOf = (classes: readonly Record<string, unknown>[]): number =>
    classes.reduce((sum, one) => sum + (typeof one.count === "number" ? one.count : 0), 0);

  test("keeps the first of each kind in full and counts the others when the minute is over", () =>
    withPerimeter("counts", async (storage) => {
      const log = new RecordLog(storage.sql);
      const perimeter = new PerimeterLog(log);
      for (let i = 0; i < 500; i++) perimeter.denied(denial("192.0.2.0/24"), START + i);
      perimeter.denied(denial("198.51.100.0/24"), START + 600);
      expect(perimeter.flush(START + MINUTE - 1)).toBe(true);
      expect(perimeter.flush(START + MINUTE)).toBe(false);
      const found = await allOf(log, storage);
      expect(found.filter(({ count }) => count === 1).length).toBe(FIRST_IN_FULL + 1);
      expect(found.at(-1)).toEqual({
        kind: "command.denied",
        protocol: "http",
        reason: "expired",
        status: 401,
        count: 500 - FIRST_IN_FULL,
      });
    }));

  test("counts calls with the status that they got", () =>
    withPerimeter("status", async (storage) => {
      const log = new RecordLog(storage.sql);
      const perimeter = new PerimeterLog(log);
      for (let i = 0; i < 2 * FIRST_IN_FULL; i++) perimeter.denied(denial("192.0.2.0/24", "issuer_unavailable"), START);
      perimeter.flush(START + MINUTE);
      expect((await allOf(log, storage)).at(-1)).toMatchObject({ status: 503, count: FIRST_IN_FULL });
    }));

  test(
    "writes a bounded number of rows a minute however many kinds of calls come, and loses no count",
    () =>
      withPerimeter("rows", async (storage) => {
        const log = new RecordLog(storage.sql);
        const perimeter = new PerimeterLog(log);
        let sent = 0;
        let before = 0;
        for (let minute = 0; minute < 5; minute++) {
          for (let i = 0; i < KEYS + 500; i++, sent++) perimeter.denied(denial(`${i}`), START + minute * MINUTE + i);
          const size = log.newest()?.size ?? 0;
          expect(size - before).toBeLessThanOrEqual(ROWS_A_MINUTE);
          before = size;
        }
        perimeter.flush(START + 5 * MINUTE);
        const found = await allOf(log, storage);
        expect(countOf(found)).toBe(sent);
        expect(found.some(({ kind }) => kind === "gap")).toBe(true);
      }),
    60_000,
  );

  test(
    "writes a bounded number of bytes a day, says what is missing, and takes up again the next day",
    () =>
      withPerimeter("bytes", async (storage) => {
        const log = new RecordLog(storage.sql);
        const perimeter = new PerimeterLog(log);
        let sent = 0;
        for (let minute = 0; minute < 1440; minute++) {
          for (let i = 0; i < 30; i++, sent++)
            perimeter.denied(denial(`${i % 3}`, "expired", 2000), START + minute * MINUTE + i);
        }
        const [bytes] = rows<{ n: number }>(
          storage.sql,
          "SELECT SUM(LENGTH(leaf) + LENGTH(disclosure) + 96) AS n FROM record",
        );
        expect(bytes?.n).toBeLessThanOrEqual(BYTES_A_DAY);
        expect(bytes?.n).toBeGreaterThan(BYTES_A_DAY / 2);
        perimeter.denied(denial("new day"), START + DAY);
        sent++;
        const found = await allOf(log, storage);
        expect(countOf(found)).toBe(sent);
        expect(found.filter(({ kind }) => kind === "session.opened").length).toBe(2);
        expect(found.filter(({ kind, reason }) => kind === "session.closed" && reason === "day").length).toBe(1);
        expect(found.at(-1)).toMatchObject({ kind: "command.denied", count: 1 });
      }),
    60_000,
  );

  test("keeps its bounds over a restart", () =>
    withPerimeter("restart", async (storage) => {
      for (let restart = 0; restart < 10; restart++) {
        const perimeter = new PerimeterLog(new RecordLog(storage.sql));
        for (let i = 0; i < 30; i++) perimeter.denied(denial(`${restart}-${i}`), START + restart);
      }
      const log = new RecordLog(storage.sql);
      expect(log.newest()?.size).toBeLessThanOrEqual(ROWS_A_MINUTE);
      await allOf(log, storage);
    }));

  test("a write that is refused loses no count", () =>
    withPerimeter("refused", async (storage) => {
      const log = new RecordLog(storage.sql);
      const perimeter = new PerimeterLog(log);
      for (let i = 0; i < 100; i++) storage.transactionSync(() => perimeter.denied(denial("p"), START + i));
      const lost = (work: () => unknown): void => {
        expect(() =>
          storage.transactionSync(() => {
            work();
            throw new Error("disk is full");
          }),
        ).toThrow("disk is full");
        perimeter.reload();
      };
      lost(() =>
        perimeter.denied({ ...denial("p"), record: { ...denial("p").record, classes: "not classes" } }, START + 200),
      );
      storage.transactionSync(() => perimeter.flush(START + MINUTE));
      expect(countOf(await allOf(log, storage))).toBe(101);
    }));

  test("an object takes denials, and what it cannot take makes no noise", async () => {
    const stub = bindings.PERIMETER.get(bindings.PERIMETER.idFromName("object"));
    await stub.denied(denial("p"));
    await stub.denied({ ...denial("p"), record: { ...denial("p").record, classes: "not classes" } });
    const same = denial("p");
    await stub.denied(same);
    await stub.denied(same);
    const [sid] = await stub.list();
    if (sid === undefined) throw new Error("no session");
    const { records } = await checkLog({
      describe: () => stub.describe(sid),
      read: (from, limit) => stub.read(sid, from, limit),
    });
    expect(kindsOf(records)).toEqual(["session.opened", "command.denied", "command.denied"]);
    expect(await stub.describe(newSessionId(NOW, fillRandom))).toBe(null);
  });
});

test("classes with every character that a leaf may have are taken as they are", () =>
  withStorage("classes", (storage) => {
    const log = new SessionLog(storage.sql, NOW);
    log.openSession(newSessionId(NOW, fillRandom), OPENING, NOW);
    const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join("");
    const one = record("command.denied", newCommand(), {
      reason: printable,
      status: -401,
      count: Number.MAX_SAFE_INTEGER,
    });
    expect(one.classes).toBe(canonicalText({ reason: printable, status: -401, count: Number.MAX_SAFE_INTEGER }));
    expect(log.begin(one, NOW, false)).toMatchObject({ ok: true });
  }));
