// The search database as tests of the runtime look at it.

import type { IndexedCommand } from "../../core/index/command_rows.ts";
import type { SessionId } from "../../core/ids.ts";
import { bindings } from "./objects.ts";

const { SEARCH } = bindings;
if (SEARCH === undefined) throw new Error("wrangler.toml binds no search database");
export const database: D1Database = SEARCH;

/** Of one session, oldest first, as they stand in the database. */
export async function indexedRows(sid: SessionId): Promise<IndexedCommand[]> {
  const { results } = await database
    .prepare("SELECT * FROM command WHERE sid = ? ORDER BY seq")
    .bind(sid)
    .all<IndexedCommand>();
  return results;
}
