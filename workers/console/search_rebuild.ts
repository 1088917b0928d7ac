// Having the search database written anew from the sessions, which are what it says.

import * as v from "valibot";
import { parseSessionId } from "../../core/ids.ts";
import { rebuildSearch } from "../search_rebuild.ts";
import { json } from "./answers.ts";
import { Cursors } from "./cursor.ts";
import { type Route, route } from "./route.ts";
import { Cursor, Limit } from "./schemas.ts";

const DEFAULT_LIMIT = 100;
const SCOPE = { list: ["search-rebuild"], filters: {} };

const rebuild = route({
  id: "search-rebuild",
  method: "POST",
  path: "/api/v1/search/rebuild",
  who: ["admin"],
  summary: "Have commands written to the search database once more",
  description:
    "A page of sessions, newest first: their objects write what they know within seconds, and go on trying. Go on with `next` until there is none. For a database that was thrown away; what is in it stays right meanwhile.",
  query: v.strictObject({ limit: v.optional(Limit), cursor: v.optional(Cursor) }),
  refusals: ["cursor_invalid"],
  answers: {
    202: {
      description: "They were asked",
      content: {
        "application/json": v.object({
          asked: v.pipe(v.number(), v.integer(), v.description("Sessions")),
          next: v.nullable(v.string()),
        }),
      },
    },
  },
  prepare: async ({ caller, exchange, query }) => {
    const cursors = new Cursors(caller, exchange.gateway.config);
    const place = query.cursor === undefined ? null : cursors.read(query.cursor, SCOPE);
    const before = place === null ? null : parseSessionId(place);
    if (query.cursor !== undefined && before === null) return { ok: false, reason: "cursor_invalid" };
    return { ok: true, value: { fields: {}, data: { cursors, before } } };
  },
  answer: async ({ query }, { exchange }, _signal, { cursors, before }) => {
    const { asked, next } = await rebuildSearch(exchange.gateway.env, before, query.limit ?? DEFAULT_LIMIT);
    return json({ asked, next: next === null ? null : cursors.write(next, SCOPE) }, 202);
  },
});

export const SEARCH_ROUTES: readonly Route[] = [rebuild];
