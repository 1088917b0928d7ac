// Approvals as a session object keeps them: the newest state of each, whose way there its records tell,
// and what the registry has not been told of yet. Owns the tables `approval` and `approval_outbox`. What
// memory holds are those that are live: a cache, like the heads of record_log.ts.

import type { Approval, ApprovalId } from "../core/approval/approval.ts";
import type { CommandId } from "../core/ids.ts";
import { nextDue } from "../core/approval/step.ts";
import type { News, Notice, NoticeEvent } from "./approval_rpc.ts";
import { rows, run, type Sql } from "./migrate.ts";

export interface ApprovalRow {
  readonly approval: Approval;
  /** Its session. */
  readonly no: number;
  /** Counts changes, from 1. */
  readonly version: number;
  /** Milliseconds since 1970 of the last of them. */
  readonly changed: number;
  readonly title: string;
  /** Who is told. */
  readonly notices: readonly Notice[];
  /** The command that opened the socket over which it came; null for anything but a message. */
  readonly socket: CommandId | null;
}

interface Stored extends Record<string, SqlStorageValue> {
  readonly no: number;
  readonly version: number;
  readonly changed: number;
  readonly title: string;
  readonly notices: string;
  readonly approval: string;
  readonly socket: string | null;
}

const COLUMNS = "no, version, changed, title, notices, approval, socket";

export class ApprovalTable {
  readonly #sql: Sql;
  /** Those that time changes, the oldest first. */
  readonly #live = new Map<ApprovalId, ApprovalRow>();
  /** Changes whenever one of them does, also by a transaction that failed. */
  #changes = 0;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.reload();
  }

  reload(): void {
    this.#changes += 1;
    this.#live.clear();
    const text = `SELECT ${COLUMNS} FROM approval WHERE due IS NOT NULL ORDER BY id`;
    for (const stored of rows<Stored>(this.#sql, text)) {
      const row = rowOf(stored);
      this.#live.set(row.approval.id, row);
    }
  }

  get changes(): number {
    return this.#changes;
  }

  find(id: ApprovalId): ApprovalRow | null {
    const known = this.#live.get(id);
    if (known !== undefined) return known;
    const [stored] = rows<Stored>(this.#sql, `SELECT ${COLUMNS} FROM approval WHERE id = ?`, id);
    return stored === undefined ? null : rowOf(stored);
  }

  /** Those that somebody can still decide, use, or use what they grant; the oldest first. */
  live(): ApprovalRow[] {
    return [...this.#live.values()];
  }

  hasLive(no: number): boolean {
    for (const row of this.#live.values()) if (row.no === no) return true;
    return false;
  }

  pending(no: number): number {
    let count = 0;
    for (const row of this.#live.values()) if (row.no === no && row.approval.state.kind === "pending") count += 1;
    return count;
  }

  nextDue(): number {
    let due = Infinity;
    for (const { approval } of this.#live.values()) due = Math.min(due, nextDue(approval) ?? Infinity);
    return due;
  }

  /** Writes what it is now, and that the registry is to hear of it; `events` are for those who are told. */
  keep(row: ApprovalRow, events: readonly NoticeEvent[]): void {
    const { approval, no, version, changed, title, notices, socket } = row;
    const due = nextDue(approval);
    run(
      this.#sql,
      `INSERT INTO approval (id, no, version, changed, due, title, notices, approval, socket) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET version = excluded.version, changed = excluded.changed, due = excluded.due,
          approval = excluded.approval`,
      approval.id,
      no,
      version,
      changed,
      due,
      title,
      JSON.stringify(notices),
      JSON.stringify(approval),
      socket,
    );
    this.#tell(row, notices.length === 0 ? [] : events);
    if (due === null) this.#live.delete(approval.id);
    else this.#live.set(approval.id, row);
    this.#changes += 1;
  }

  #tell({ approval: { id }, version }: ApprovalRow, events: readonly NoticeEvent[]): void {
    const untold = this.untold(id)?.news ?? [];
    const news: readonly News[] = [...untold, ...events.map((event) => ({ event, version }))];
    run(
      this.#sql,
      `INSERT INTO approval_outbox (id, version, news) VALUES (?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET version = excluded.version, news = excluded.news`,
      id,
      version,
      JSON.stringify(news),
    );
  }

  /** What the registry has not been told of one; null if it knows all. */
  untold(id: ApprovalId): { readonly news: readonly News[] } | null {
    const [row] = rows<{ news: string }>(this.#sql, "SELECT news FROM approval_outbox WHERE id = ?", id);
    return row === undefined ? null : { news: JSON.parse(row.news) as readonly News[] };
  }

  /** Some that the registry is to be told of. */
  toTell(limit: number): ApprovalId[] {
    return rows<{ id: string }>(this.#sql, "SELECT id FROM approval_outbox LIMIT ?", limit).map(
      ({ id }) => id as ApprovalId,
    );
  }

  /** The registry knows this version. */
  told(id: ApprovalId, version: number): void {
    run(this.#sql, "DELETE FROM approval_outbox WHERE id = ? AND version <= ?", id, version);
  }
}

/** This object wrote it. */
function rowOf({ no, version, changed, title, notices, approval, socket }: Stored): ApprovalRow {
  return {
    approval: JSON.parse(approval) as Approval,
    no,
    version,
    changed,
    title,
    notices: JSON.parse(notices) as readonly Notice[],
    socket: socket as CommandId | null,
  };
}
