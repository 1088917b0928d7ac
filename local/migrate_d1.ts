// Applies migrations/d1 and migrations/search to the local D1 databases as `wrangler d1 migrations apply` does to a deployed one: in
// the order of their names, each once, recorded in wrangler's own table.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Miniflare } from "miniflare";

const folders = join(dirname(fileURLToPath(import.meta.url)), "..", "migrations");

/** History. The names of those it applied. */
export function migrateD1(miniflare: Miniflare): Promise<readonly string[]> {
  return migrate(miniflare, "DB", join(folders, "d1"));
}

/** The search database. */
export function migrateSearch(miniflare: Miniflare): Promise<readonly string[]> {
  return migrate(miniflare, "SEARCH", join(folders, "search"));
}

/** A migration and its entry in the table are one batch: both or neither. */
async function migrate(miniflare: Miniflare, binding: string, folder: string): Promise<readonly string[]> {
  const db = await miniflare.getD1Database(binding, "sallyport");
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
