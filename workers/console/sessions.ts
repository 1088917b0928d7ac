// Lists of sessions from the registry, and one session's summary.

import * as v from "valibot";
import { parseSessionId } from "../../core/ids.ts";
import { REGISTRY_SHARDS, registryShard } from "../../durable/registry_client.ts";
import type { SessionEntry } from "../../durable/registry_rpc.ts";
import { problem } from "../problem.ts";
import { nextPage, taggedJson } from "./answers.ts";
import { Cursors } from "./cursor.ts";
import { type Route, route } from "./route.ts";
import { Connection, Cursor, Limit, Moment, page, SessionItem, SessionSummary, Subject } from "./schemas.ts";
import { findSession } from "./session_reader.ts";

const DEFAULT_LIMIT = 100;

const listSessions = route({
  id: "sessions",
  method: "GET",
  path: "/api/v1/sessions",
  who: "anyone",
  summary: "List sessions",
  description:
    "Newest first: one's own, or everybody's for an auditor. Sessions that are opened meanwhile come before the first page, so a cursor stays where it is.",
  query: v.strictObject({
    connection: v.optional(Connection),
    subject: v.optional(Subject),
    state: v.optional(v.picklist(["open", "closed"], "open or closed")),
    since: v.optional(Moment),
    until: v.optional(Moment),
    limit: v.optional(Limit),
    cursor: v.optional(Cursor),
  }),
  refusals: ["cursor_invalid"],
  answers: {
    200: {
      description: "A page of sessions",
      content: { "application/json": page(SessionItem) },
      headers: ["etag", "link"],
    },
    304: { description: "The page is the one that the caller has" },
  },
  prepare: async (call) => {
    const { cursor, limit: _, ...filters } = call.query;
    const scope = { list: ["sessions"], filters };
    const cursors = new Cursors(call.caller, call.exchange.gateway.config);
    const place = cursor === undefined ? null : cursors.read(cursor, scope);
    const before = place === null ? null : parseSessionId(place);
    if (cursor !== undefined && before === null) return { ok: false, reason: "cursor_invalid" };
    return { ok: true, value: { fields: {}, data: { cursors, scope, filters, before } } };
  },
  answer: async (call, { exchange, caller }, _signal, { cursors, scope, filters, before }) => {
    const { issuer, subject } = caller.authenticated.principal;
    const owner = caller.roles.has("auditor") ? null : { issuer, subject };
    const limit = call.query.limit ?? DEFAULT_LIMIT;
    // One more than wanted tells whether there is more.
    const asked = { owner, before, limit: limit + 1, ...filters };
    const shards = await Promise.all(
      REGISTRY_SHARDS.map((shard) => registryShard(exchange.gateway.env, shard).list(asked)),
    );
    const all = shards.flat().sort((a, b) => (a.sid < b.sid ? 1 : -1));
    const items = all.slice(0, limit);
    const last = all.length > limit ? (items.at(-1)?.sid ?? null) : null;
    const { next, headers } = nextPage(call, cursors, scope, last);
    return taggedJson(exchange.request, { items: items.map(itemOf), next }, headers);
  },
});

function itemOf({
  sid,
  connection,
  owner,
  opened,
  closed,
  size,
  reason,
}: SessionEntry): v.InferOutput<typeof SessionItem> {
  return { sid, connection, owner, opened, closed, size, ...(reason === null ? {} : { reason }) };
}

const readSession = route({
  id: "session",
  method: "GET",
  path: "/api/v1/sessions/{sid}",
  who: "anyone",
  summary: "Read a session's summary",
  description:
    "One's own, or any for an auditor. Of the session in which this command is recorded, what was there before it.",
  refusals: ["not_found"],
  answers: {
    200: { description: "The session", content: { "application/json": SessionSummary }, headers: ["etag"] },
    304: { description: "It is as the caller knows it" },
  },
  answer: async ({ path }, cleared) => {
    const found = await findSession(cleared, path.get("sid") ?? "");
    if (found === null) return problem("not_found", null);
    const { connection, owner } = found.entry;
    return taggedJson(cleared.exchange.request, { ...found.summary, connection, owner });
  },
});

export const SESSION_ROUTES: readonly Route[] = [listSessions, readSession];
