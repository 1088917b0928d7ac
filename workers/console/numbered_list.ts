// Lists of the control object: rows numbered from 1, newest first.

import { ok, type Result } from "../../core/result.ts";
import { json, nextPage } from "./answers.ts";
import { Cursors, type CursorScope } from "./cursor.ts";
import type { Call, Prepared, Refusal } from "./route.ts";

const DEFAULT_LIMIT = 100;

type ListCall = Call<{ readonly limit?: number | undefined; readonly cursor?: string | undefined }, unknown>;

export interface NumberedPlace {
  readonly cursors: Cursors;
  readonly scope: CursorScope;
  readonly before: number | null;
}

export function numberedPlace(
  { query, caller, exchange }: ListCall,
  list: string,
): Result<Prepared<NumberedPlace>, Refusal> {
  const cursors = new Cursors(caller, exchange.gateway.config);
  const scope = { list: [list], filters: {} };
  const place = query.cursor === undefined ? null : cursors.read(query.cursor, scope);
  if (query.cursor !== undefined && place === null) return { ok: false, reason: "cursor_invalid" };
  return ok({ fields: {}, data: { cursors, scope, before: place === null ? null : Number(place) } });
}

export async function numberedPage<Row extends { readonly no: number }>(
  call: ListCall,
  { cursors, scope, before }: NumberedPlace,
  ask: (before: number | null, limit: number) => Promise<readonly Row[]>,
  shown: (row: Row) => unknown,
): Promise<Response> {
  const limit = call.query.limit ?? DEFAULT_LIMIT;
  // One more than wanted tells whether there is more.
  const rows = await ask(before, limit + 1);
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1)?.no : undefined;
  const { next, headers } = nextPage(call, cursors, scope, last === undefined ? null : String(last));
  return json({ items: items.map(shown), next }, 200, headers);
}
