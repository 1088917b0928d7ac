// Finding commands by the index, and reading one with its records, which are the session object's.

import * as v from "valibot";
import { type CommandId, parseCommandId } from "../../core/ids.ts";
import type { Side } from "../../core/record/payload.ts";
import type { Caller } from "../caller.ts";
import { problem } from "../problem.ts";
import { findCommand, findCommands } from "../search.ts";
import { json, nextPage } from "./answers.ts";
import { Cursors } from "./cursor.ts";
import { payloadFacts } from "./payload_facts.ts";
import { opened } from "./records.ts";
import { type Route, route } from "./route.ts";
import {
  Command,
  Connection,
  Cursor,
  Limit,
  MethodName,
  Moment,
  Outcome,
  page,
  Payload,
  RecordLine,
  RouteText,
  Status,
  Subject,
} from "./schemas.ts";
import { shownTo } from "./shown.ts";
import { findEntry, isOwn, sessionObject } from "./session_reader.ts";

const DEFAULT_LIMIT = 100;

const listCommands = route({
  id: "commands",
  method: "GET",
  path: "/api/v1/commands",
  who: "anyone",
  summary: "Find commands",
  description:
    "Newest first: one's own, or everybody's for an auditor; all conditions must hold. The index is some seconds behind and proves nothing: the records do. A page can have fewer items than asked for, or none, and still a next one.",
  query: v.strictObject({
    actor: v.optional(Subject),
    subject: v.optional(Subject),
    connection: v.optional(Connection),
    outcome: v.optional(Outcome),
    method: v.optional(MethodName),
    route: v.optional(RouteText),
    status: v.optional(Status),
    since: v.optional(Moment),
    until: v.optional(Moment),
    limit: v.optional(Limit),
    cursor: v.optional(Cursor),
  }),
  refusals: ["cursor_invalid", "search_unavailable"],
  answers: {
    200: { description: "A page of commands", content: { "application/json": page(Command) }, headers: ["link"] },
  },
  prepare: async ({ query, caller, exchange }) => {
    const { cursor, limit: _, ...filters } = query;
    const cursors = new Cursors(caller, exchange.gateway.config);
    const scope = { list: ["commands"], filters };
    const place = cursor === undefined ? null : cursors.read(cursor, scope);
    const before = place === null ? null : parseCommandId(place);
    if (cursor !== undefined && before === null) return { ok: false, reason: "cursor_invalid" };
    return { ok: true, value: { fields: {}, data: { cursors, scope, filters, before } } };
  },
  answer: async (call, { exchange, caller }, _signal, { cursors, scope, filters, before }) => {
    const { SEARCH } = exchange.gateway.env;
    if (SEARCH === undefined) return problem("search_unavailable", null);
    const limit = call.query.limit ?? DEFAULT_LIMIT;
    const asked = { ...filters, owner: ownerOf(caller), before, limit };
    const found = await findCommands(SEARCH, asked).catch(() => null);
    if (found === null) return problem("search_unavailable", null);
    // Who looks for their own commands is not shown the looking.
    const items = found.items.filter(({ id }) => id !== exchange.command);
    const { next, headers } = nextPage(call, cursors, scope, found.next);
    return json({ items, next }, 200, headers);
  },
});

const readCommand = route({
  id: "command",
  method: "GET",
  path: "/api/v1/commands/{id}",
  who: "anyone",
  summary: "Read a command",
  description:
    "One's own, or any for an auditor, with its records as the session's log has them, and what they say of its two bodies. Chunks of bodies are counted and not listed.",
  refusals: ["not_found", "search_unavailable"],
  answers: {
    200: {
      description: "The command",
      content: {
        "application/json": v.object({
          ...Command.entries,
          records: v.array(RecordLine),
          payloads: v.object({ request: Payload, response: Payload }),
        }),
      },
    },
  },
  answer: async ({ path }, { exchange, caller }) => {
    const { env } = exchange.gateway;
    const id: CommandId | null = parseCommandId(path.get("id") ?? "");
    if (env.SEARCH === undefined) return problem("search_unavailable", null);
    if (id === null || id === exchange.command) return problem("not_found", null);
    let row;
    try {
      row = await findCommand(env.SEARCH, id);
    } catch {
      return problem("search_unavailable", null);
    }
    // The index says where to look; whose it is, the registry, and what it was, the session.
    const entry = row === null ? null : await findEntry(env, row.sid);
    if (row === null || entry === null || (!isOwn(entry, caller) && !caller.roles.has("auditor")))
      return problem("not_found", null);
    const session = sessionObject(env, entry);
    const outline = await session.outlineOf(entry.sid, id);
    if (outline === null) return problem("not_found", null);
    const now = (side: Side): ReturnType<typeof session.payloadOf> => session.payloadOf(entry.sid, id, side, 0, 1);
    const [request, response] = await Promise.all([now("request"), now("response")]);
    if (request === null || response === null) return problem("not_found", null);
    const payloads = {
      request: payloadFacts(outline, "request", request),
      response: payloadFacts(outline, "response", response),
    };
    return json({ ...row, records: outline.records.map(shownTo(caller)).map(opened), payloads });
  },
});

/** Null for those who read everybody's. */
function ownerOf({ authenticated, roles }: Caller): { readonly issuer: string; readonly subject: string } | null {
  const { issuer, subject } = authenticated.principal;
  return roles.has("auditor") ? null : { issuer, subject };
}

export const COMMAND_ROUTES: readonly Route[] = [listCommands, readCommand];
