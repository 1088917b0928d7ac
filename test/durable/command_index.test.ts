// The index of commands: what a session object writes to the search database, when, and that it can be
// thrown away.

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { commandRows, type IndexedCommand, sessionFacts } from "../../core/index/command_rows.ts";
import { type CommandId, newSessionId, type SessionId } from "../../core/ids.ts";
import { CommandIndex } from "../../durable/command_index.ts";
import type { Sql } from "../../durable/migrate.ts";
import { writeRows } from "../../durable/search_rows.ts";
import type { SessionObject } from "../../durable/session.ts";
import { IDLE_MS, LEASE_MS } from "../../durable/session_life.ts";
import { SessionLog } from "../../durable/session_log.ts";
import { fillRandom } from "../../durable/sha256.ts";
import { rebuildSearch } from "../../workers/search_rebuild.ts";
import {
  bindings,
  checkSession,
  completed,
  denied,
  newCommand,
  OPENING,
  record,
  requested,
  ring,
  sessionObject,
  setClock,
  sidOf,
  withStorage,
} from "../support/objects.ts";
import { database, indexedRows } from "../support/search_rows.ts";

afterEach(() => {
  vi.useRealTimers();
});

function lag(session: ReturnType<typeof sessionObject>): Promise<number | null> {
  return session.indexLag();
}

/** Waits until the object says that nothing is behind. */
async function settled(session: ReturnType<typeof sessionObject>): Promise<void> {
  await expect.poll(() => lag(session), { timeout: 30_000 }).toBe(0);
}

/** What the records say, by the pure code. */
async function expectedOf(session: ReturnType<typeof sessionObject>, sid: SessionId): Promise<IndexedCommand[]> {
  const { records } = await checkSession(session, sid);
  const [opened] = records;
  const facts = opened === undefined ? null : sessionFacts(opened);
  return facts === null ? [] : commandRows(facts, records);
}

describe("a session object", () => {
  test("writes each command within seconds, its outcome when it comes, and nothing twice", async () => {
    const session = sessionObject("index");
    const [command, refused] = [newCommand(), newCommand()];
    const sid = sidOf(await session.begin(requested(command), OPENING));
    await session.begin(denied(refused), null);
    expect(await lag(session)).toBe(3);
    await settled(session);
    expect(await indexedRows(sid)).toMatchObject([
      {
        id: command,
        subject: "alice",
        connection: "registry",
        method: "GET",
        path: "/x",
        outcome: "open",
        ended: null,
      },
      { id: refused, outcome: "denied", reason: "no_rule", status: 403 },
    ]);
    await session.proceed([completed(command)]);
    await settled(session);
    const rows = await indexedRows(sid);
    expect(rows).toEqual(await expectedOf(session, sid));
    expect(rows[0]).toMatchObject({ outcome: "completed", status: 200, ms: 3, resp_bytes: 2 });
    // Its answer was lost, so the outcome is sent again.
    await session.proceed([completed(command)]);
    await settled(session);
    expect(await indexedRows(sid)).toEqual(rows);
  });

  test("goes on in a new instance where the old one ended, also with what it had not written", async () => {
    const session = sessionObject("index evicted");
    const commands = Array.from({ length: 3 }, newCommand);
    const sid = sidOf(await session.begin(requested(commands[0] ?? newCommand()), OPENING));
    await settled(session);
    await runInDurableObject(session, (_: SessionObject, { storage }) => {
      expect([...storage.sql.exec("SELECT size FROM indexed")]).toEqual([{ size: 2 }]);
    });
    await session.begin(requested(commands[1] ?? newCommand()), null);
    await evictDurableObject(session);
    await session.begin(requested(commands[2] ?? newCommand()), null);
    await settled(session);
    expect((await indexedRows(sid)).map(({ id }) => id)).toEqual(commands);
  });

  test("writes what the alarm writes: a lapse, and what came late to a closed session", async () => {
    const start = Date.now();
    setClock(start);
    const session = sessionObject("index late");
    const command = newCommand();
    const sid = sidOf(await session.begin(requested(command), OPENING));
    setClock(start + LEASE_MS);
    await ring(session);
    expect(await indexedRows(sid)).toMatchObject([
      { outcome: "unknown", reason: "outcome_unknown", ended: start + LEASE_MS },
    ]);
    setClock(start + LEASE_MS + IDLE_MS);
    await ring(session);
    expect((await session.describe(sid))?.closed).not.toBe(null);
    const marks = (): Promise<unknown[]> =>
      runInDurableObject(session, (_: SessionObject, { storage }) => [...storage.sql.exec("SELECT * FROM indexed")]);
    expect(await marks()).toEqual([]);
    await session.proceed([completed(command)]);
    expect(await marks()).toEqual([{ no: 1, size: 4 }]);
    await evictDurableObject(session);
    await settled(session);
    expect(await indexedRows(sid)).toMatchObject([{ outcome: "completed", status: 200, reason: null }]);
    expect(await indexedRows(sid)).toEqual(await expectedOf(session, sid));
    expect(await marks()).toEqual([]);
  });

  test("writes the outcomes of a killed session", async () => {
    const session = sessionObject("index killed");
    const command = newCommand();
    const sid = sidOf(await session.begin(requested(command), OPENING));
    await session.kill(sid, { command: newCommand(), reason: "" });
    await session.proceed([record("command.cancelled", command, { reason: "killed", tool: "none", resp_bytes: 9 })]);
    await ring(session);
    await settled(session);
    expect(await indexedRows(sid)).toMatchObject([{ outcome: "cancelled", reason: "killed", resp_bytes: 9 }]);
  });
});

/** A log and its index over real SQLite, with a database and a clock of the test's choosing. */
function withIndex(name: string, work: (bench: Bench) => Promise<void>): Promise<void> {
  return withStorage(name, async (storage) => {
    const bench = new Bench(storage);
    storage.transactionSync(() => bench.log.openSession(bench.sid, OPENING, Date.now()));
    await work(bench);
  });
}

class Bench {
  readonly storage: DurableObjectStorage;
  readonly log: SessionLog;
  readonly sid: SessionId = newSessionId(Date.now(), fillRandom);
  readonly index: CommandIndex;
  readonly alarms: number[] = [];
  /** What the next writes do: throw before, or after they were kept. */
  readonly faults: ("lost" | "kept")[] = [];
  batches = 0;
  isReadable = true;

  constructor(storage: DurableObjectStorage) {
    this.storage = storage;
    const sql: Sql = {
      exec: (query, ...values) => {
        if (!this.isReadable) throw new Error("disk I/O error");
        return storage.sql.exec(query, ...values);
      },
    };
    this.log = new SessionLog(sql, Date.now());
    const faulty = {
      prepare: (text: string) => database.prepare(text),
      batch: async (statements: D1PreparedStatement[]) => {
        this.batches += 1;
        const fault = this.faults.shift();
        if (fault === "lost") throw new Error("D1 is down");
        const answer = await database.batch(statements);
        if (fault === "kept") throw new Error("the answer was lost");
        return answer;
      },
    } as unknown as D1Database;
    this.index = new CommandIndex(sql, this.log.log, faulty, (time) => this.alarms.push(time));
  }

  /** As the object's commits do. */
  commit(work: () => void): void {
    this.storage.transactionSync(() => {
      this.log.log.gather(work);
      this.index.mark(this.log.log.left);
    });
  }

  begin(): CommandId {
    const command = newCommand();
    this.commit(() => this.log.begin(requested(command), Date.now(), false));
    return command;
  }

  end(command: CommandId): void {
    this.commit(() => this.log.proceed([completed(command)], Date.now(), false));
  }

  get marks(): unknown[] {
    return [...this.storage.sql.exec("SELECT no, size FROM indexed ORDER BY no")];
  }
}

test("while the database is away nothing is lost, tries are ever further apart, and it catches up", () =>
  withIndex("index away", async (bench) => {
    const start = Date.now();
    setClock(start);
    const commands = [bench.begin(), bench.begin()];
    bench.faults.push("lost", "lost", "lost");
    let now = start;
    for (const pause of [2_000, 4_000, 8_000]) {
      await bench.index.flush();
      expect(bench.marks).toEqual([]);
      expect(bench.alarms.at(-1)).toBe(now + pause);
      // Not before the pause is over, however many commits there are.
      const { batches } = bench;
      await bench.index.flush();
      expect(bench.batches).toBe(batches);
      expect(bench.index.nextDue(now)).toBeGreaterThanOrEqual(now + pause);
      now += pause;
      setClock(now);
    }
    expect(bench.index.lag).toBe(3);
    await bench.index.flush();
    expect(bench.index.lag).toBe(0);
    expect(bench.index.nextDue(now)).toBe(null);
    expect((await indexedRows(bench.sid)).map(({ id }) => id)).toEqual(commands);
  }));

test("rows that were kept although it seemed not are written again, and are the same", () =>
  withIndex("index kept", async (bench) => {
    const start = Date.now();
    setClock(start);
    const command = bench.begin();
    bench.end(command);
    bench.faults.push("kept");
    await bench.index.flush();
    const rows = await indexedRows(bench.sid);
    expect(rows.length).toBe(1);
    expect(bench.marks).toEqual([]);
    setClock(start + 60_000);
    await bench.index.flush();
    expect(bench.marks).toEqual([{ no: 1, size: 3 }]);
    expect(await indexedRows(bench.sid)).toEqual(rows);
  }));

test("storage that cannot be read makes the index late, and fails nobody's commit", () =>
  withIndex("index unreadable", async (bench) => {
    const start = Date.now();
    setClock(start);
    bench.end(bench.begin());
    bench.commit(() => bench.log.kill(bench.sid, newCommand(), Date.now()));
    bench.isReadable = false;
    bench.index.changed();
    expect(bench.index.nextDue(start)).toBeGreaterThan(start);
    await bench.index.flush();
    expect(bench.alarms).toContain(start + 2_000);
    bench.isReadable = true;
    setClock(start + 60_000);
    await bench.index.flush();
    expect(bench.marks).toEqual([]);
    expect(await indexedRows(bench.sid)).toMatchObject([{ outcome: "completed" }]);
  }));

test("of two writings of a command the one that knows more stays, whichever comes last", () =>
  withIndex("index order", async (bench) => {
    const command = bench.begin();
    await bench.index.flush();
    const older = await indexedRows(bench.sid);
    bench.end(command);
    await bench.index.flush();
    const newer = await indexedRows(bench.sid);
    expect(newer).toMatchObject([{ outcome: "completed" }]);
    await writeRows(database, older);
    expect(await indexedRows(bench.sid)).toEqual(newer);
    // The same again, written by newer code, may say more.
    await writeRows(
      database,
      newer.map((row) => ({ ...row, reason: "better" })),
    );
    expect(await indexedRows(bench.sid)).toMatchObject([{ reason: "better" }]);
  }));

test("nothing is written where nothing is new, and many records take many pages", () =>
  withIndex("index pages", async (bench) => {
    await bench.index.flush();
    const { batches } = bench;
    await bench.index.flush();
    await bench.index.flush();
    expect(bench.batches).toBe(batches);
    const commands = Array.from({ length: 400 }, () => bench.begin());
    for (const command of commands) bench.end(command);
    await Promise.all([bench.index.flush(), bench.index.flush()]);
    expect(bench.index.lag).toBe(0);
    expect(bench.batches).toBe(batches + 4);
    const rows = await indexedRows(bench.sid);
    expect(rows.length).toBe(400);
    expect(rows.every(({ outcome }) => outcome === "completed")).toBe(true);
  }));

test("a session that is set back while its page is written is written from its beginning all the same", () =>
  withIndex("index again", async (bench) => {
    const first = bench.begin();
    await bench.index.flush();
    const second = bench.begin();
    await database.prepare("DELETE FROM command WHERE sid = ?").bind(bench.sid).run();
    const running = bench.index.flush();
    bench.storage.transactionSync(() => bench.index.again(1));
    await running;
    await bench.index.flush();
    expect((await indexedRows(bench.sid)).map(({ id }) => id)).toEqual([first, second]);
    expect(bench.index.lag).toBe(0);
  }));

test("a transaction that is rolled back leaves no mark", () =>
  withIndex("index rolled back", async (bench) => {
    const command = bench.begin();
    bench.end(command);
    await bench.index.flush();
    const before = bench.marks;
    expect(() =>
      bench.storage.transactionSync(() => {
        bench.log.log.gather(() => bench.log.kill(bench.sid, newCommand(), Date.now()));
        bench.index.mark(bench.log.log.left);
        throw new Error("disk is full");
      }),
    ).toThrow();
    bench.log.reload(Date.now());
    bench.index.reload();
    expect(bench.marks).toEqual(before);
    expect(bench.index.lag).toBe(0);
    bench.commit(() => bench.log.kill(bench.sid, newCommand(), Date.now()));
    expect(bench.index.lag).toBe(1);
    await bench.index.flush();
    expect(bench.marks).toEqual([]);
  }));

test("an index that was thrown away is built again by the registry and the session objects", async () => {
  const sessions = ["rebuild a", "rebuild b", "rebuild c"].map(sessionObject);
  const sids: SessionId[] = [];
  for (const session of sessions) {
    const [command, open] = [newCommand(), newCommand()];
    sids.push(sidOf(await session.begin(requested(command), OPENING)));
    await session.proceed([completed(command)]);
    await session.begin(requested(open), null);
    await settled(session);
  }
  const [first, closedSid] = [sessions[0], sids[0]];
  if (first === undefined || closedSid === undefined) throw new Error("no session");
  const open = (await first.describe(closedSid))?.openCommands[0] ?? newCommand();
  await first.proceed([completed(open)]);
  await first.kill(closedSid, { command: newCommand(), reason: "" });
  await settled(first);
  const before = await Promise.all(sids.map(indexedRows));
  await database.exec("DELETE FROM command");
  let next: SessionId | null = null;
  let asked = 0;
  do {
    const page: { asked: number; next: SessionId | null } = await rebuildSearch(bindings, next, 2);
    asked += page.asked;
    next = page.next;
  } while (next !== null);
  expect(asked).toBeGreaterThanOrEqual(3);
  await Promise.all(sessions.map(settled));
  expect(await Promise.all(sids.map(indexedRows))).toEqual(before);
});
