// Open commands that go on only as long as something that was granted for a time. Owns the table
// `grant_use`; what memory holds of it is a cache.

import type { ApprovalId } from "../core/approval/approval.ts";
import type { CommandId } from "../core/ids.ts";
import { rows, run, type Sql } from "./migrate.ts";

export class GrantUses {
  readonly #sql: Sql;
  readonly #by = new Map<CommandId, ApprovalId>();

  constructor(sql: Sql) {
    this.#sql = sql;
    this.reload();
  }

  reload(): void {
    this.#by.clear();
    for (const { cmd, approval } of rows<{ cmd: string; approval: string }>(
      this.#sql,
      "SELECT cmd, approval FROM grant_use",
    ))
      this.#by.set(cmd as CommandId, approval as ApprovalId);
  }

  /** The approval under whose grant the command runs; null if it runs under none. */
  of(command: CommandId): ApprovalId | null {
    return this.#by.get(command) ?? null;
  }

  add(command: CommandId, approval: ApprovalId): void {
    run(this.#sql, "INSERT INTO grant_use (cmd, approval) VALUES (?, ?)", command, approval);
    this.#by.set(command, approval);
  }

  /** The command has ended. */
  drop(command: CommandId): void {
    if (!this.#by.delete(command)) return;
    run(this.#sql, "DELETE FROM grant_use WHERE cmd = ?", command);
  }
}
