// A command's bodies as they are recorded: masked, and opened of their coding. What an upstream or a caller
// once sent comes back as bytes to keep, never as a page of this origin.

import { parseCommandId, type CommandId } from "../../core/ids.ts";
import { rangeHolds, type Wanted, wantedRange } from "../../core/protocol/http/range.ts";
import type { Side } from "../../core/record/payload.ts";
import type { Exchange } from "../http/exchange.ts";
import { problem, type ProblemReason } from "../problem.ts";
import { entityTag, hasTag } from "./answers.ts";
import { type PayloadFacts, payloadFacts, type PayloadState } from "./payload_facts.ts";
import { type Route, route } from "./route.ts";
import { findSession, type Found } from "./session_reader.ts";
import { written } from "./written.ts";

/** Bytes that one call of the object brings: two of them are all that is held of a large body. */
const PIECE: number = 256 * 1024;

const readPayload = route({
  id: "session-payload",
  method: "GET",
  path: "/api/v1/sessions/{sid}/payload/{command}/{side}",
  who: "anyone",
  summary: "Read what a command sent or received",
  description:
    "`side` is `request` or `response`. The body as it is recorded, masked and without its content coding, also in part (Range). `Sallyport-Payload-…` says what it is: `Type`, the media type that it was sent with; `Format`, as what it was read to mask it; `Coding`, the content coding that was opened; `Masked`, how many places were masked, with a `+` if there can be more; `Cut`, how many bytes of it are in no record; `Complete`, whether more can come. Until it is complete it has no length and no entity tag.",
  headers: {
    range: { description: "One range of bytes; several are answered with the whole", required: false },
    "if-range": { description: "The entity tag with which the range holds", required: false },
  },
  refusals: ["not_found", "payload_none", "payload_not_recorded", "payload_opaque", "range_unsatisfiable"],
  answers: {
    200: { description: "The body", content: { "application/octet-stream": null }, headers: ["etag"] },
    206: {
      description: "The part of it that was asked for",
      content: { "application/octet-stream": null },
      headers: ["etag"],
    },
    304: { description: "It is the one that the caller has" },
  },
  answer: async ({ path }, cleared, signal) => {
    const command = parseCommandId(path.get("command") ?? "");
    const side = sideOf(path.get("side") ?? "");
    const found = command === null || side === null ? null : await findSession(cleared, path.get("sid") ?? "");
    if (command === null || side === null || found === null) return problem("not_found", null);
    const { session, summary } = found;
    const outline = await session.outlineOf(summary.sid, command);
    if (outline === null) return problem("not_found", null);
    // What is asked for is small: this is for its size.
    const now = await session.payloadOf(summary.sid, command, side, 0, 1);
    if (now === null) return problem("not_found", null);
    const facts = payloadFacts(outline, side, now);
    const missing = MISSING[facts.state];
    if (missing !== null) return problem(missing, null);
    return answered(cleared.exchange, signal, { found, command, side, facts });
  },
});

const MISSING: Readonly<Record<PayloadState, ProblemReason | null>> = {
  recorded: null,
  none: "payload_none",
  metadata: "payload_not_recorded",
  opaque: "payload_opaque",
};

function sideOf(text: string): Side | null {
  return text === "request" || text === "response" ? text : null;
}

interface Payload {
  readonly found: Found;
  readonly command: CommandId;
  readonly side: Side;
  readonly facts: PayloadFacts;
}

function answered(exchange: Exchange, signal: AbortSignal, payload: Payload): Response {
  const { method, headers: sent } = exchange.request;
  const { size, complete } = payload.facts;
  // What is complete never changes.
  const etag = complete ? entityTag(`${payload.command} ${payload.side} ${size}`) : null;
  const headers = headersOf(payload, etag);
  if (etag !== null && hasTag(sent.get("if-none-match"), etag)) return new Response(null, { status: 304, headers });
  // Range means something with GET alone (RFC 9110 §14.2).
  const range = method === "GET" && rangeHolds(sent.get("if-range"), etag) ? sent.get("range") : null;
  const wanted: Wanted = wantedRange(range, size, !complete);
  if (wanted.kind === "unsatisfiable")
    return problem("range_unsatisfiable", null, complete ? [["content-range", `bytes */${size}`]] : []);
  const { from, to } = wanted.kind === "part" ? wanted : { from: 0, to: size };
  const isPart = wanted.kind === "part";
  return written(
    exchange,
    signal,
    {
      status: isPart ? 206 : 200,
      headers: isPart ? { ...headers, "content-range": `bytes ${from}-${to - 1}/${complete ? size : "*"}` } : headers,
      ...(complete || isPart ? { length: to - from } : {}),
    },
    async (write) => {
      for (let at = from; at < to;) {
        const page = await pageOf(payload, at, Math.min(PIECE, to - at));
        await write(page);
        at += page.byteLength;
      }
    },
  );
}

async function pageOf({ found, command, side }: Payload, from: number, limit: number): Promise<Uint8Array> {
  const page = await found.session.payloadOf(found.summary.sid, command, side, from, limit);
  if (page === null || page.bytes.byteLength === 0 || page.bytes.byteLength > limit)
    throw new Error("a payload that was there is gone");
  return page.bytes;
}

/** Not to be shown, sniffed, transformed or kept by what others share; and who sees it anyway runs nothing of it. */
function headersOf({ command, side, facts }: Payload, etag: string | null): Record<string, string> {
  const { type, format, coding, cut, masked } = facts;
  return {
    "content-type": "application/octet-stream",
    "content-disposition": `attachment; filename="${command}-${side}"`,
    "content-security-policy": "sandbox; default-src 'none'",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cache-control": "private, no-cache, no-transform",
    "accept-ranges": "bytes",
    ...(etag === null ? {} : { etag }),
    ...(type === null ? {} : { "sallyport-payload-type": type }),
    ...(format === null ? {} : { "sallyport-payload-format": format }),
    ...(coding === null ? {} : { "sallyport-payload-coding": coding }),
    "sallyport-payload-masked": `${masked.count}${masked.isCut ? "+" : ""}`,
    "sallyport-payload-cut": String(cut),
    "sallyport-payload-complete": String(facts.complete),
  };
}

export const PAYLOAD_ROUTES: readonly Route[] = [readPayload];
