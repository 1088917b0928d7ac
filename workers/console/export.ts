// A session's records as NDJSON: one line a record, then the head; docs/record_format.md. Whole, from a
// place on, or followed while it grows.

import type { StoredRecord } from "../../core/record/record.ts";
import type { SessionSummary } from "../../durable/session_rpc.ts";
import type { Exchange } from "../http/exchange.ts";
import { follow, type Followed, type Read, readUpTo } from "./follow.ts";
import { type Sink, written } from "./written.ts";

const HEADERS = { "content-type": "application/x-ndjson", vary: "accept" } as const;

/** Reads up to the size that `summary` names: records that come while it runs belong to the next export. */
export function exported(
  exchange: Exchange,
  signal: AbortSignal,
  summary: SessionSummary,
  read: Read,
  from = 0,
): Response {
  return written(exchange, signal, { headers: HEADERS }, async (write) => {
    await readUpTo(read, from, summary.size, linesTo(write));
    await write(`${headText(summary)}\n`);
  });
}

/** Each record as it comes, until the session is closed and read to its end. The head comes then, and not before. */
export function followed(exchange: Exchange, signal: AbortSignal, session: Followed, from: number): Response {
  return written(exchange, signal, { headers: HEADERS }, async (write) => {
    const nothing = async (): Promise<void> => undefined;
    const summary = await follow(session, from, signal, { records: linesTo(write), caughtUp: nothing, idle: nothing });
    await write(`${headText(summary)}\n`);
  });
}

function linesTo(write: Sink): (records: readonly StoredRecord[]) => Promise<void> {
  return (records) => write(records.map((record) => `${recordText(record)}\n`).join(""));
}

/** The disclosure is JSON text already, in the exact form that JSON.stringify gives. */
export function recordText({ leaf, disclosure }: StoredRecord): string {
  return `{"leaf":${JSON.stringify(leaf)},"fields":${disclosure}}`;
}

export function headText({ sid, size, root, tip }: SessionSummary): string {
  return JSON.stringify({ head: { sid, size, root, tip } });
}
