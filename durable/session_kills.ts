// Sessions that an admin has ended and that are not closed yet, because a command of theirs is open.
// Owns the table `killed`; what memory holds of it is a cache, like the heads of record_log.ts.

import type { CommandId } from "../core/ids.ts";
import { run, rows, type Sql } from "./migrate.ts";

export class SessionKills {
  readonly #sql: Sql;
  readonly #by = new Map<number, CommandId>();

  constructor(sql: Sql) {
    this.#sql = sql;
    this.reload();
  }

  reload(): void {
    this.#by.clear();
    for (const { no, by } of rows<{ no: number; by: string }>(this.#sql, "SELECT no, by FROM killed"))
      this.#by.set(no, by as CommandId);
  }

  get size(): number {
    return this.#by.size;
  }

  /** The command by which an admin ended the session; null if none did. */
  by(no: number): CommandId | null {
    return this.#by.get(no) ?? null;
  }

  /** The first one counts. */
  add(no: number, by: CommandId): void {
    if (this.#by.has(no)) return;
    run(this.#sql, "INSERT INTO killed (no, by) VALUES (?, ?)", no, by);
    this.#by.set(no, by);
  }

  /** Once the session is closed its last record says it. */
  drop(no: number): void {
    if (!this.#by.delete(no)) return;
    run(this.#sql, "DELETE FROM killed WHERE no = ?", no);
  }
}
