// A session object's parts over real SQLite, without the object: with a clock, a size and faults of the
// test's choosing. Runs inside workerd.

import { newSessionId, type SessionId } from "../../core/ids.ts";
import type { Committed } from "../../core/record/record.ts";
import { GroupCommit } from "../../durable/group_commit.ts";
import type { Sql } from "../../durable/migrate.ts";
import { SessionLog } from "../../durable/session_log.ts";
import type { Appended } from "../../durable/session_rpc.ts";
import { fillRandom } from "../../durable/sha256.ts";
import { STORAGE_LIMITS, StorageBudget } from "../../durable/storage_budget.ts";
import { checkSession, OPENING, withStorage } from "./objects.ts";

/** What the next transactions do: one letter each, then they work. */
export type Fault =
  /** Rolled back, as on a full disk. */
  | "lost"
  /** Kept, but it looks as if it were lost. */
  | "persisted";

/** A session object's parts over real SQLite, with a clock and faults of the test's choosing. */
export class Bench {
  readonly faults: Fault[] = [];
  /** Bytes that the database seems to have. */
  size = 0;
  now = 1_800_000_000_000;
  /** Fails the statement that inserts the n-th record from now on, once. */
  failInsert = Infinity;
  /** Fails the next statement that inserts a payload. */
  failPayload = false;
  readable = true;
  /** After each transaction that was kept. */
  onCommit: () => void = () => undefined;
  /** Told of each statement. */
  onQuery: (query: string) => void = () => undefined;
  readonly log: SessionLog;
  readonly commits: GroupCommit;
  readonly storage: DurableObjectStorage;
  readonly sid: SessionId;

  constructor(storage: DurableObjectStorage) {
    this.storage = storage;
    const sql: Sql = {
      exec: (query, ...bindings) => {
        this.onQuery(query);
        if (!this.readable) throw new Error("disk I/O error");
        if (query.startsWith("INSERT INTO record") && this.#fails(bindings.length / 6)) throw new Error("disk is full");
        if (this.failPayload && query.startsWith("INSERT INTO payload")) {
          this.failPayload = false;
          throw new Error("disk is full");
        }
        return storage.sql.exec(query, ...bindings);
      },
    };
    this.log = new SessionLog(
      sql,
      this.now,
      new StorageBudget(
        () => this.size,
        STORAGE_LIMITS,
        () => this.now,
      ),
    );
    this.commits = new GroupCommit(
      (work) => {
        const fault = this.faults.shift();
        storage.transactionSync(() => {
          this.log.log.gather(work);
          if (fault === "lost") throw new Error("disk is full");
        });
        this.onCommit();
        if (fault === "persisted") throw new Error("nobody knows");
      },
      () => this.log.reload(this.now),
    );
    this.sid = newSessionId(this.now, fillRandom);
    storage.transactionSync(() => this.log.openSession(this.sid, OPENING, this.now));
  }

  /** Whether the record to fail is among the next ones. */
  #fails(records: number): boolean {
    const before = this.failInsert;
    this.failInsert -= records;
    return before > 0 && this.failInsert <= 0;
  }

  begin(record: Committed): Promise<Appended> {
    return this.commits.add({
      apply: (careful) => this.log.begin(record, this.now, careful),
      refused: () => ({ ok: false, reason: "storage_refused" }),
    });
  }

  proceed(records: readonly Committed[]): Promise<Appended> {
    return this.commits.add({
      apply: (careful) => this.log.proceed(records, this.now, careful),
      refused: () => ({ ok: false, reason: "storage_refused" }),
    });
  }

  check(): ReturnType<typeof checkSession> {
    return checkSession(this.log, this.sid);
  }
}

let objects = 0;
export function withBench<R>(work: (bench: Bench) => Promise<R>): Promise<R> {
  return withStorage(`bench ${++objects}`, (storage) => work(new Bench(storage)));
}

export const REFUSED: Appended = { ok: false, reason: "storage_refused" };
