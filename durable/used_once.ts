// What may be used once: the states and tickets of logins. An id stands here until the thing it names
// is over by itself.

import { rows, run, type Sql } from "./migrate.ts";

/** Rows that are let go with each use: more than come with it, so that the table does not grow. */
const FORGOTTEN_AT_ONCE = 16;

/** False if the id was used before. `until` and `now` in milliseconds since 1970. */
export function useOnce(sql: Sql, id: string, until: number, now: number): boolean {
  run(
    sql,
    "DELETE FROM used_once WHERE id IN (SELECT id FROM used_once WHERE until < ? ORDER BY until LIMIT ?)",
    now,
    FORGOTTEN_AT_ONCE,
  );
  if (rows(sql, "SELECT id FROM used_once WHERE id = ?", id).length > 0) return false;
  run(sql, "INSERT INTO used_once (id, until) VALUES (?, ?)", id, until);
  return true;
}
