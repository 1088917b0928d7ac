// index: keeps the region's search database up with this object's records, in its own time. Owns the
// table `indexed`. Never on a command's path: a search database that is slow or away makes it late.
//
// Invariant: what `indexed` says is in the search database was written there before; a crash between
// the two writes rows again, which changes nothing. Of a session without a row in `indexed` nothing is
// written yet while it is live, and everything once it is closed.

import { commandRow, type IndexedCommand, type SessionFacts, sessionFacts } from "../core/index/command_rows.ts";
import { run, rows, type Sql } from "./migrate.ts";
import type { Head, RecordLog } from "./record_log.ts";
import { writeRows } from "./search_rows.ts";

/** From a commit to the writing of it: what comes meanwhile travels along. */
export const FLUSH_AFTER_MS = 1_000;
/** Records read at once; a command has two or three. */
const PAGE = 256;
/** A flush begins no further page after this: it may run in the alarm, which has other things to do. */
const FLUSH_FOR_MS = 5_000;
/** The search database has this long for one page. */
const WRITE_FOR_MS = 10_000;
/** Between tries while it cannot be written: 2 s, doubled up to 256 s. */
const RETRY_MS = 2_000;
const RETRY_DOUBLINGS = 7;
/** While a timer waits, the alarm need not: it is for what a crash leaves behind. */
const NET_MS = 30_000;

interface Page {
  readonly no: number;
  readonly from: number;
  readonly to: number;
  readonly rows: readonly IndexedCommand[];
}

export class CommandIndex {
  readonly #sql: Sql;
  readonly #log: RecordLog;
  readonly #database: D1Database;
  /** Sets the object's alarm. */
  readonly #wakeBy: (time: number) => void;
  /** `indexed` as storage has it: by session, the number of its first records that need no writing. */
  readonly #done = new Map<number, number>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #running: Promise<void> | null = null;
  #failures = 0;
  #retryAt = 0;

  constructor(sql: Sql, log: RecordLog, database: D1Database, wakeBy: (time: number) => void) {
    this.#sql = sql;
    this.#log = log;
    this.#database = database;
    this.#wakeBy = wakeBy;
    this.reload();
  }

  /** After a failed transaction: what memory knew may not be true. */
  reload(): void {
    this.#done.clear();
    for (const { no, size } of rows<{ no: number; size: number }>(this.#sql, "SELECT no, size FROM indexed"))
      this.#done.set(no, size);
  }

  /** In the transaction that closes sessions or adds to closed ones: from then on no live head tells that they are to be looked at. */
  mark(left: ReadonlyMap<number, number>): void {
    for (const [no, from] of left) if (!this.#done.has(no)) this.#keep(no, from);
  }

  /** After a commit, and in an instance that has just started: writes what is new, in a moment. Never throws: it would fail the commit. */
  changed(): void {
    if (this.#timer !== null || this.#running !== null) return;
    if (this.#retryAt > Date.now()) return this.#wakeBy(this.#retryAt);
    if (!this.#isBehind()) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.flush();
    }, FLUSH_AFTER_MS);
  }

  /** How many records the search database lacks of this object. */
  get lag(): number {
    return this.#behind().reduce((sum, { head, from }) => sum + head.size - from, 0);
  }

  /** When the alarm has something to do here at the latest; null if nothing is behind. */
  nextDue(now: number): number | null {
    return this.#isBehind() ? Math.max(this.#retryAt, now + NET_MS) : null;
  }

  /** Storage that cannot be read is a reason to look again. */
  #isBehind(): boolean {
    try {
      return this.#behind().length > 0;
    } catch {
      return true;
    }
  }

  /** Has a session written again from its beginning. The caller has it in one transaction. */
  again(no: number): void {
    this.#keep(no, 0);
    this.changed();
  }

  /** One at a time; never rejects. */
  flush(): Promise<void> {
    this.#running ??= this.#flush().finally(() => {
      this.#running = null;
      this.changed();
    });
    return this.#running;
  }

  async #flush(): Promise<void> {
    const started = Date.now();
    if (this.#retryAt > started) return;
    try {
      while (Date.now() - started < FLUSH_FOR_MS) {
        const page = this.#nextPage();
        if (page === null) break;
        await within(WRITE_FOR_MS, writeRows(this.#database, page.rows));
        this.#advance(page);
      }
      this.#failures = 0;
    } catch {
      this.#failed();
    }
  }

  #failed(): void {
    this.#retryAt = Date.now() + RETRY_MS * 2 ** this.#failures;
    this.#failures = Math.min(this.#failures + 1, RETRY_DOUBLINGS);
    this.#wakeBy(this.#retryAt);
  }

  #behind(): { readonly head: Head; readonly from: number }[] {
    const heads = this.#log.live();
    for (const no of this.#done.keys()) {
      const head = this.#log.isLive({ no }) ? null : this.#log.head(no);
      if (head !== null) heads.push(head);
    }
    return heads
      .map((head) => ({ head, from: this.#done.get(head.no) ?? 0 }))
      .filter(({ head, from }) => from < head.size);
  }

  #nextPage(): Page | null {
    const [next] = this.#behind();
    if (next === undefined) return null;
    const { head, from } = next;
    return { no: head.no, from, to: Math.min(from + PAGE, head.size), rows: this.#rowsOf(head, from) };
  }

  /** The rows of every command that has one of a page's records: whole, from all of its records. */
  #rowsOf(head: Head, from: number): IndexedCommand[] {
    const [opened] = this.#log.read(head, 0, 1);
    const facts: SessionFacts | null = opened === undefined ? null : sessionFacts(opened);
    if (facts === null) return [];
    const commands = this.#log.commandsIn(head, from, PAGE);
    return [...commands].flatMap((command) => commandRow(facts, this.#log.outlineOf(head, command)) ?? []);
  }

  /** Not if the session was set back meanwhile. */
  #advance({ no, from, to }: Page): void {
    if ((this.#done.get(no) ?? 0) !== from) return;
    const isOver = !this.#log.isLive({ no }) && to >= (this.#log.head(no)?.size ?? 0);
    if (!isOver) return this.#keep(no, to);
    run(this.#sql, "DELETE FROM indexed WHERE no = ?", no);
    this.#done.delete(no);
  }

  #keep(no: number, size: number): void {
    run(
      this.#sql,
      "INSERT INTO indexed (no, size) VALUES (?, ?) ON CONFLICT (no) DO UPDATE SET size = excluded.size",
      no,
      size,
    );
    this.#done.set(no, size);
  }
}

/** Rejects when the time is up; what the work then still does is done twice and changes nothing. */
async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the search database takes too long")), milliseconds);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
