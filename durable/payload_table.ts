// Payloads that stand beside their records. Owns the table `payload`, whose rows come with their record
// in one transaction and never change.

import { run, rows, type Sql } from "./migrate.ts";

export class PayloadTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** `id` is the record's; the caller has written it. */
  add(id: number, bytes: Uint8Array): void {
    run(this.#sql, "INSERT INTO payload (id, bytes) VALUES (?, ?)", id, bytes);
  }

  /** Null if the record has none. */
  read(id: number): Uint8Array | null {
    const [row] = rows<{ bytes: ArrayBuffer }>(this.#sql, "SELECT bytes FROM payload WHERE id = ?", id);
    return row === undefined ? null : new Uint8Array(row.bytes);
  }

  size(id: number): number | null {
    const [row] = rows<{ size: number }>(this.#sql, "SELECT length(bytes) AS size FROM payload WHERE id = ?", id);
    return row?.size ?? null;
  }
}
