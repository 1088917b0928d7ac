// Notices that are to be sent, and those that nobody took. Owns the table `notice_outbox`. What one says
// stands in its approval's row (approval_entries.ts), which comes with it and stays.

import type { ApprovalEntry, Notice, NoticeEvent, QueuedNotice } from "./approval_rpc.ts";
import { run, rows, type Sql } from "./migrate.ts";
import type { NoticeEntry, NoticeId, NoticeQuery, Sending } from "./notice_rpc.ts";

/** A page of a list, whatever was asked for. */
const LIST_LIMIT = 1000;
/** Whoever looks for what was given up does so within a month. */
export const DEAD_FOR_MS: number = 30 * 24 * 60 * 60_000;

/** One that waits, with how often it was tried. */
export interface Waiting {
  readonly sending: Sending;
  readonly tries: number;
}

/** In the transaction of the change that it tells of. */
export function queueNotice(
  sql: Sql,
  { id, requested, changed }: ApprovalEntry,
  notice: QueuedNotice,
  now: number,
): void {
  const { event, target } = notice;
  const time = event === "requested" || event === "break_glass" ? requested : changed;
  // A notice must never be the reason why an approval cannot be asked for.
  run(
    sql,
    `INSERT INTO notice_outbox (id, approval, target, event, time, tries, due) VALUES (?, ?, ?, ?, ?, 0, ?)
      ON CONFLICT (id) DO NOTHING`,
    `${id}_${event}_${target.name}`,
    id,
    JSON.stringify(target),
    event,
    time,
    now,
  );
}

interface Stored extends Record<string, SqlStorageValue> {
  readonly id: string;
  readonly target: string;
  readonly event: string;
  readonly time: number;
  readonly tries: number;
  readonly due: number | null;
  readonly tried: number | null;
  readonly failure: string | null;
  readonly entry: string;
}

const STORED =
  "SELECT n.id, n.target, n.event, n.time, n.tries, n.due, n.tried, n.failure, a.entry FROM notice_outbox n JOIN approval_entry a ON a.id = n.approval";

export class NoticeTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** When the next one is due of each target that has any, as its JSON. */
  due(): ReadonlyMap<string, number> {
    const text = "SELECT target, MIN(due) AS due FROM notice_outbox WHERE due IS NOT NULL GROUP BY target";
    return new Map(rows<{ target: string; due: number }>(this.#sql, text).map(({ target, due }) => [target, due]));
  }

  /** The one of a target that has been due for longest; null if none is. */
  next(target: string, now: number): Waiting | null {
    const text = `${STORED} WHERE n.target = ? AND n.due <= ? ORDER BY n.due, n.id LIMIT 1`;
    const [row] = rows<Stored>(this.#sql, text, target, now);
    return row === undefined ? null : { sending: sendingOf(row), tries: row.tries };
  }

  /** Unless somebody had it sent elsewhere meanwhile. */
  sent(id: NoticeId, target: string): void {
    run(this.#sql, "DELETE FROM notice_outbox WHERE id = ? AND target = ?", id, target);
  }

  /** `due` null gives it up. Changes nothing if somebody had it sent anew meanwhile. */
  failed(id: NoticeId, target: string, tries: number, due: number | null, failure: string, now: number): void {
    run(
      this.#sql,
      "UPDATE notice_outbox SET tries = ?, due = ?, tried = ?, failure = ? WHERE id = ? AND target = ? AND tries = ?",
      tries + 1,
      due,
      now,
      failure,
      id,
      target,
      tries,
    );
    if (due === null) run(this.#sql, "DELETE FROM notice_outbox WHERE due IS NULL AND tried < ?", now - DEAD_FOR_MS);
  }

  list({ state, before, limit }: NoticeQuery): NoticeEntry[] {
    const isState = state === "dead" ? "n.due IS NULL" : "n.due IS NOT NULL";
    // Ids begin with an approval's, which is UUIDv7: later ones sort later, and "~" sorts after every one of them.
    const text = `${STORED} WHERE ${isState} AND n.id < ? ORDER BY n.id DESC LIMIT ?`;
    return rows<Stored>(this.#sql, text, before ?? "~", Math.min(limit, LIST_LIMIT)).map(entryOf);
  }

  find(id: NoticeId): NoticeEntry | null {
    const [row] = rows<Stored>(this.#sql, `${STORED} WHERE n.id = ?`, id);
    return row === undefined ? null : entryOf(row);
  }

  again(id: NoticeId, target: Notice, now: number): NoticeEntry | null {
    run(
      this.#sql,
      "UPDATE notice_outbox SET tries = 0, due = ?, target = ? WHERE id = ?",
      now,
      JSON.stringify(target),
      id,
    );
    return this.find(id);
  }
}

/** This shard wrote it. */
function sendingOf({ id, event, time, target, entry }: Stored): Sending {
  return {
    id,
    event: event as NoticeEvent,
    time,
    target: JSON.parse(target) as Notice,
    entry: JSON.parse(entry) as ApprovalEntry,
  };
}

function entryOf(row: Stored): NoticeEntry {
  const { id, event, time, target, entry } = sendingOf(row);
  const { tries, due, tried, failure } = row;
  return {
    ...{ id, approval: entry.id, connection: entry.connection, title: entry.title, event, time },
    ...{ to: target.name, format: target.format, tries, due, tried, failure },
  };
}
