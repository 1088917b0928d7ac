// The records of a session: as an export that can be verified, as pages of JSON, or followed.

import * as v from "valibot";
import type { StoredRecord } from "../../core/record/record.ts";
import { problem } from "../problem.ts";
import { json, nextPage } from "./answers.ts";
import { preferred } from "./accept.ts";
import { Cursors } from "./cursor.ts";
import { exported, followed } from "./export.ts";
import type { Followed } from "./follow.ts";
import { type Call, type Route, route } from "./route.ts";
import { Cursor, Flag, From, Head, Limit, page, RecordLine } from "./schemas.ts";
import { findSession, type Found } from "./session_reader.ts";

const NDJSON = "application/x-ndjson";
const JSON_TYPE = "application/json";
const DEFAULT_LIMIT = 100;

const readRecords = route({
  id: "session-records",
  method: "GET",
  path: "/api/v1/sessions/{sid}/records",
  who: "anyone",
  summary: "Read a session's records",
  description:
    "NDJSON (the default): one line a record, then the head; what `sallyport verify-session` reads. With `follow` it stays open and sends each record as it comes; the head comes when the session is closed. JSON: a page of records. Of the session in which this command is recorded, what was there before it.",
  query: v.strictObject({
    from: v.optional(From),
    follow: v.optional(Flag),
    limit: v.optional(Limit),
    cursor: v.optional(Cursor),
  }),
  headers: { accept: { description: `\`${NDJSON}\` or \`${JSON_TYPE}\``, required: false } },
  refusals: ["not_found", "cursor_invalid", "not_acceptable"],
  answers: {
    200: {
      description: "The records",
      content: {
        [NDJSON]: null,
        [JSON_TYPE]: v.object({ ...page(RecordLine).entries, head: Head }),
      },
      headers: ["link"],
    },
  },
  prepare: async (call) => {
    const { query, exchange, path } = call;
    const type = preferred(exchange.request.headers.get("accept"), [NDJSON, JSON_TYPE]);
    if (type === null) return { ok: false, reason: "not_acceptable" };
    const wrong = type === NDJSON ? ndjsonOnly(query) : jsonOnly(query);
    if (wrong !== null) return { ok: false, reason: "request_invalid", more: { errors: [wrong] } };
    const scope = { list: ["session-records", path.get("sid") ?? ""], filters: {} };
    const cursors = new Cursors(call.caller, exchange.gateway.config);
    const place = query.cursor === undefined ? null : cursors.read(query.cursor, scope);
    if (query.cursor !== undefined && place === null) return { ok: false, reason: "cursor_invalid" };
    const from = place === null ? (query.from ?? 0) : Number(place);
    return { ok: true, value: { fields: {}, data: { type, from, cursors, scope } } };
  },
  answer: async (call, cleared, signal, { type, from, cursors, scope }) => {
    const found = await findSession(cleared, call.path.get("sid") ?? "");
    if (found === null) return problem("not_found", null);
    if (type === NDJSON)
      return call.query.follow === "true"
        ? followed(cleared.exchange, signal, followable(found), from)
        : exported(cleared.exchange, signal, found.summary, found.read, from);
    return recordPage(call, found, from, (place) => nextPage(call, cursors, scope, place));
  },
});

function ndjsonOnly(query: { readonly limit?: unknown; readonly cursor?: unknown }) {
  const parameter = query.limit !== undefined ? "limit" : query.cursor !== undefined ? "cursor" : null;
  return parameter === null ? null : { parameter, expected: `no such parameter for ${NDJSON}` };
}

function jsonOnly(query: { readonly follow?: unknown; readonly from?: unknown; readonly cursor?: unknown }) {
  if (query.follow === "true") return { parameter: "follow", expected: `no such parameter for ${JSON_TYPE}` };
  if (query.from !== undefined && query.cursor !== undefined)
    return { parameter: "from", expected: "either from or cursor" };
  return null;
}

/** Everything of it: who follows their own session sees this command begin, and nothing more of it while it runs. */
export function followable({ session, read, summary: { sid } }: Found): Followed {
  return {
    read,
    describe: () => session.describe(sid),
    waitForMore: (size, ms) => session.waitForMore(sid, size, ms),
  };
}

async function recordPage(
  { query }: Call<{ readonly limit?: number | undefined }, unknown>,
  { summary, read }: Found,
  from: number,
  next: (place: string | null) => ReturnType<typeof nextPage>,
): Promise<Response> {
  const { sid, size, root, tip } = summary;
  const wanted = Math.min(query.limit ?? DEFAULT_LIMIT, Math.max(0, size - from));
  const records = wanted === 0 ? [] : ((await read(from, wanted))?.records ?? []);
  const at = from + records.length;
  const { next: cursor, headers } = next(at < size && records.length > 0 ? String(at) : null);
  const body = { items: records.map(opened), next: cursor, head: { sid, size, root, tip } };
  return json(body, 200, { ...headers, vary: "accept" });
}

export function opened({ leaf, disclosure }: StoredRecord): { readonly leaf: string; readonly fields: unknown } {
  return { leaf, fields: JSON.parse(disclosure) as unknown };
}

export const RECORD_ROUTES: readonly Route[] = [readRecords];
