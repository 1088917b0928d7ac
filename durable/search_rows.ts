// Writes rows to the search database, many in one statement: each costs a fraction of a call of its own.
//
// Invariant: whatever is written twice, late or out of order, a row never comes to know less: of two
// the one that tells of the later record stays.

import { getTableColumns } from "drizzle-orm";
import type { IndexedCommand } from "../core/index/command_rows.ts";
import { command } from "../migrations/search_schema.ts";

/** Each has the name of its member in a row. */
const COLUMNS = Object.keys(getTableColumns(command)) as readonly (keyof typeof command.$inferSelect)[];

/** All rows of a statement are one value, a JSON text: a list of values takes at most 100. */
const UPSERT = `INSERT INTO command (${COLUMNS.join(", ")})
  SELECT ${COLUMNS.map((_, at) => `value ->> ${at}`).join(", ")} FROM json_each(?) WHERE true
  ON CONFLICT (id) DO UPDATE SET ${COLUMNS.filter((name) => name !== "id")
    .map((name) => `${name} = excluded.${name}`)
    .join(", ")}
  WHERE excluded.upto >= command.upto`;

/** A value has 2 MB (developers.cloudflare.com/d1/platform/limits); a UTF-16 unit takes 3 bytes at most: 3 × 512 Ki = 1.5 MiB. */
const VALUE_LENGTH: number = 512 * 1024;

/** All of them or, if it rejects, perhaps none: to be written again then. */
export async function writeRows(database: D1Database, rows: readonly IndexedCommand[]): Promise<void> {
  if (rows.length === 0) return;
  const statement = database.prepare(UPSERT);
  await database.batch(jsonLists(rows).map((list) => statement.bind(list)));
}

function jsonLists(rows: readonly IndexedCommand[]): string[] {
  const lists: string[] = [];
  let list = "";
  for (const row of rows) {
    const text = JSON.stringify(COLUMNS.map((name) => row[name]));
    if (list !== "" && list.length + text.length > VALUE_LENGTH) {
      lists.push(`[${list}]`);
      list = "";
    }
    list += list === "" ? text : `,${text}`;
  }
  if (list !== "") lists.push(`[${list}]`);
  return lists;
}
