// Lists of the control object: rows numbered from 1, newest first, for auditors and admins.

import * as v from "valibot";
import { json, nextPage } from "./answers.ts";
import { Cursors } from "./cursor.ts";
import { type Route, route } from "./route.ts";
import { Cursor, Limit, page } from "./schemas.ts";
import type { Gateway } from "../gateway.ts";

const DEFAULT_LIMIT = 100;

export interface NumberedList<Item, Row extends { readonly no: number }> {
  /** The route's id, and the last part of its path. */
  readonly id: string;
  readonly summary: string;
  readonly description: string;
  /** What a page is of. */
  readonly what: string;
  readonly item: v.GenericSchema<unknown, Item>;
  readonly ask: (
    gateway: Gateway,
    page: { readonly before: number | null; readonly limit: number },
  ) => Promise<readonly Row[]>;
  readonly shown: (row: Row) => Item;
}

export function numberedList<Item, Row extends { readonly no: number }>(list: NumberedList<Item, Row>): Route {
  const { id, summary, description, what, item, ask, shown } = list;
  const scope = { list: [id], filters: {} };
  return route({
    id,
    method: "GET",
    path: `/api/v1/${id}`,
    who: ["admin", "auditor"],
    summary,
    description,
    query: v.strictObject({ limit: v.optional(Limit), cursor: v.optional(Cursor) }),
    refusals: ["cursor_invalid"],
    answers: {
      200: { description: `A page of ${what}`, content: { "application/json": page(item) }, headers: ["link"] },
    },
    prepare: async ({ query, caller, exchange }) => {
      const cursors = new Cursors(caller, exchange.gateway.config);
      const place = query.cursor === undefined ? null : cursors.read(query.cursor, scope);
      if (query.cursor !== undefined && place === null) return { ok: false, reason: "cursor_invalid" };
      return { ok: true, value: { fields: {}, data: { cursors, before: place === null ? null : Number(place) } } };
    },
    answer: async (call, { exchange }, _signal, { cursors, before }) => {
      const limit = call.query.limit ?? DEFAULT_LIMIT;
      // One more than wanted tells whether there is more.
      const rows = await ask(exchange.gateway, { before, limit: limit + 1 });
      const items = rows.slice(0, limit);
      const last = rows.length > limit ? items.at(-1)?.no : undefined;
      const { next, headers } = nextPage(call, cursors, scope, last === undefined ? null : String(last));
      return json({ items: items.map(shown), next }, 200, headers);
    },
  });
}
