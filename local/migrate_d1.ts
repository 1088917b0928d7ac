// Applies migrations/d1 to the local D1 as `wrangler d1 migrations apply` does to a deployed one: in
// the order of their names, each once, recorded in wrangler's own table.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Miniflare } from "miniflare";

const folder = join(dirname(fileURLToPath(import.meta.url)), "..", "migrations", "d1");

/** The names of those it applied. A migration and its entry in the table are one batch: both or neither. */
export async function migrateD1(miniflare: Miniflare): Promise<readonly string[]> {
  const db = await miniflare.getD1Database("DB", "sallyport");
  await db
    .prepare(
      "CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
    )
    .run();
  const { results } = await db.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
  const applied = new Set(results.map((row) => row.name));
  const missing = readdirSync(folder)
    .filter((name) => name.endsWith(".sql") && !applied.has(name))
    .toSorted();
  for (const name of missing) {
    const statements = readFileSync(join(folder, name), "utf8").split("--> statement-breakpoint");
    await db.batch([
      ...statements.map((text) => db.prepare(text)),
      db.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name),
    ]);
  }
  return missing;
}
