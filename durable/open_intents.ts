// Commands whose outcome is awaited, and their leases. Owns the table `open_intent`; what memory holds
// of it is a cache, and of leases more than the table has: most renewals are not written.

import type { CommandId } from "../core/ids.ts";
import { run, rows, type Sql } from "./migrate.ts";
import { LEASE_MS } from "./session_life.ts";

export interface OpenIntent {
  /** Its session. */
  readonly no: number;
  /** Milliseconds since 1970 at which the forwarder counts as gone. */
  lease: number;
  /** The same as storage has it: behind by less than a lease. */
  stored: number;
}

export class OpenIntents {
  readonly #sql: Sql;
  readonly #open = new Map<CommandId, OpenIntent>();

  constructor(sql: Sql, now: number) {
    this.#sql = sql;
    this.reload(now);
  }

  /**
   * An object that has just started knows nothing of the renewals that were not written, so a lease goes
   * on for as long as they can have brought it. Not for longer: an object that nobody calls is put away
   * between two alarms, and a fresh lease each time would never lapse.
   */
  reload(now: number): void {
    const before = new Map(this.#open);
    this.#open.clear();
    for (const { cmd, no, lease: stored } of rows<{ cmd: string; no: number; lease: number }>(
      this.#sql,
      "SELECT cmd, no, lease FROM open_intent",
    )) {
      const command = cmd as CommandId;
      const lease = before.get(command)?.lease ?? Math.min(now, stored) + LEASE_MS;
      this.#open.set(command, { no, lease, stored });
    }
  }

  get size(): number {
    return this.#open.size;
  }

  get(command: CommandId): OpenIntent | undefined {
    return this.#open.get(command);
  }

  /** Whether a session has any. */
  isBusy(no: number): boolean {
    for (const intent of this.#open.values()) if (intent.no === no) return true;
    return false;
  }

  of(no: number): CommandId[] {
    return [...this.#open].filter(([, intent]) => intent.no === no).map(([command]) => command);
  }

  add(command: CommandId, no: number, now: number): void {
    const lease = now + LEASE_MS;
    run(this.#sql, "INSERT INTO open_intent (cmd, no, lease) VALUES (?, ?, ?)", command, no, lease);
    this.#open.set(command, { no, lease, stored: lease });
  }

  settle(command: CommandId): void {
    run(this.#sql, "DELETE FROM open_intent WHERE cmd = ?", command);
    this.#open.delete(command);
  }

  /** False if the command is not open. */
  renew(command: CommandId, now: number): boolean {
    const intent = this.#open.get(command);
    if (intent === undefined) return false;
    intent.lease = now + LEASE_MS;
    if (intent.stored > now) return true;
    try {
      run(this.#sql, "UPDATE open_intent SET lease = ? WHERE cmd = ?", intent.lease, command);
      intent.stored = intent.lease;
    } catch {
      // This instance knows of the renewal; the next one is written, too.
    }
    return true;
  }

  /** Those whose forwarder is gone. */
  lapsed(now: number): [CommandId, OpenIntent][] {
    return [...this.#open].filter(([, { lease }]) => lease <= now);
  }

  /** When the next lease ends; Infinity if none is open. */
  nextLapse(): number {
    let due = Infinity;
    for (const { lease } of this.#open.values()) due = Math.min(due, lease);
    return due;
  }
}
