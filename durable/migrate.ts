// Brings an object's SQLite to the newest schema. Append-only: a migration that ran is kept by its
// hash, and an object whose history was edited refuses to start rather than run on a schema nobody knows.

import { digestText, leafHash } from "../core/log/merkle.ts";
import { sha256 } from "./sha256.ts";

/** What the objects' code needs of SQLite: `ctx.storage.sql`, or node:sqlite behind the same call in tests. */
export interface Sql {
  exec<T extends Record<string, SqlStorageValue>>(query: string, ...bindings: unknown[]): Iterable<T>;
}

/** Throws if a migration that ran differs from the one in the code. */
export function migrate(sql: Sql, migrations: readonly string[]): void {
  run(sql, "CREATE TABLE IF NOT EXISTS migration (no INTEGER PRIMARY KEY, hash TEXT NOT NULL)");
  const done = rows<{ no: number; hash: string }>(sql, "SELECT no, hash FROM migration ORDER BY no");
  if (done.length > migrations.length) throw new Error("this object was written by a newer version");
  migrations.forEach((text, no) => {
    const hash = digestText(leafHash(text, sha256));
    const before = done[no];
    if (before === undefined) {
      run(sql, text);
      run(sql, "INSERT INTO migration (no, hash) VALUES (?, ?)", no, hash);
    } else if (before.hash !== hash) {
      throw new Error(`migration ${no} was edited after it ran; add a new one instead`);
    }
  });
}

export function rows<T extends Record<string, SqlStorageValue>>(sql: Sql, query: string, ...bindings: unknown[]): T[] {
  return [...sql.exec<T>(query, ...bindings)];
}

/** Runs a statement to its end; a cursor that nobody reads may not have run. */
export function run(sql: Sql, query: string, ...bindings: unknown[]): void {
  for (const _ of sql.exec(query, ...bindings));
}
