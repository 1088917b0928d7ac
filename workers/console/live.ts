// A session as it happens, as server-sent events (HTML Living Standard §9.2): its records from the place
// that the client names, and each further one as it comes.
//
// Invariant: `id` is the record's `seq`, so that a client that comes back says by it what it has. Only the
// last event has another one, by which a client says that it knows of the end, too.

import * as v from "valibot";
import type { StoredRecord } from "../../core/record/record.ts";
import type { SessionSummary } from "../../durable/session_rpc.ts";
import type { Exchange } from "../http/exchange.ts";
import { problem } from "../problem.ts";
import { headText, recordText } from "./export.ts";
import { follow, type Followed } from "./follow.ts";
import { followable } from "./records.ts";
import { type Route, route } from "./route.ts";
import { From } from "./schemas.ts";
import { findSession } from "./session_reader.ts";
import { written } from "./written.ts";

/** Milliseconds after which a client whose connection broke comes back. */
const RETRY_MS = 2_000;

const liveSession = route({
  id: "session-live",
  method: "GET",
  path: "/api/v1/sessions/{sid}/live",
  who: "anyone",
  summary: "Follow a session as server-sent events",
  description:
    "`record`: one record as an export has it, with its `seq` as the event's id. `head`: everything that there was is told, and this many records with this root; again each time that more came. `closed`: the session is closed and told to its end, where the stream ends. Comments tell that the connection lives. A client that comes back with the id of `closed` hears 204, which ends its coming back.",
  query: v.strictObject({ from: v.optional(From) }),
  headers: {
    "last-event-id": {
      description: "The id of the last event that the client has; goes before `from`",
      required: false,
    },
  },
  refusals: ["not_found"],
  answers: {
    200: { description: "The events", content: { "text/event-stream": null } },
    204: { description: "The session is closed, and the client has all of it" },
  },
  prepare: async ({ exchange: { request }, query }) => {
    const last = request.headers.get("last-event-id") ?? "";
    if (last === "") return { ok: true, value: { fields: {}, data: { from: query.from ?? 0, hasEnd: false } } };
    const [, seq, size] = /^(?:(\d{1,10})|closed:(\d{1,10}))$/.exec(last) ?? [];
    if (seq !== undefined) return { ok: true, value: { fields: {}, data: { from: Number(seq) + 1, hasEnd: false } } };
    if (size !== undefined) return { ok: true, value: { fields: {}, data: { from: Number(size), hasEnd: true } } };
    const errors = [{ parameter: "last-event-id", expected: "the id of an event" }];
    return { ok: false, reason: "request_invalid", more: { errors } };
  },
  answer: async ({ path }, cleared, signal, { from, hasEnd }) => {
    const found = await findSession(cleared, path.get("sid") ?? "");
    if (found === null) return problem("not_found", null);
    const { closed, size } = found.summary;
    // A late outcome may have come after the end.
    if (hasEnd && closed !== null && from >= size)
      return new Response(null, { status: 204, headers: { "cache-control": "no-store" } });
    return events(cleared.exchange, signal, followable(found), from);
  },
});

function events(exchange: Exchange, signal: AbortSignal, session: Followed, from: number): Response {
  // A proxy that buffers would hold an event until the next one.
  const headers = { "content-type": "text/event-stream", "x-accel-buffering": "no" };
  return written(exchange, signal, { headers }, async (write) => {
    await write(`retry: ${RETRY_MS}\n\n`);
    let seq = from;
    const summary = await follow(session, from, signal, {
      records: (records) => write(records.map((record) => event(record, seq++)).join("")),
      caughtUp: (reached) => write(headEvent(reached)),
      idle: () => write(":\n\n"),
    });
    const { closed, size } = summary;
    await write(`${headEvent(summary)}event: closed\nid: closed:${size}\ndata: ${JSON.stringify({ closed })}\n\n`);
  });
}

/** JSON text has no line break of its own: controls are escaped in it. */
function event(record: StoredRecord, seq: number): string {
  return `event: record\nid: ${seq}\ndata: ${recordText(record)}\n\n`;
}

function headEvent(summary: SessionSummary): string {
  return `event: head\ndata: ${headText(summary)}\n\n`;
}

export const LIVE_ROUTES: readonly Route[] = [liveSession];
