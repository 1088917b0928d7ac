// A session's records as NDJSON: one line a record, then the head; docs/record_format.md. Whole, from a
// place on, or followed while it grows.

import { type SessionId } from "../../core/ids.ts";
import type { StoredRecord } from "../../core/record/record.ts";
import type { RecordPage, SessionSummary } from "../../durable/session_rpc.ts";
import type { Exchange } from "../http/exchange.ts";

/** Records a page between the object and the Worker; the object sends fewer where they are large. */
const PAGE = 500;
/** How long one call waits for more, so that a caller who has left is noticed by then. */
const WAIT_MS = 20_000;
const PAUSE_MS = 1_000;

type Read = (from: number, limit: number) => Promise<RecordPage | null>;
type Sink = (text: string) => Promise<void>;

/** What can be followed: a session that grows, or has come to its end. */
export interface Followed {
  readonly sid: SessionId;
  read: Read;
  describe(): Promise<SessionSummary | null>;
  waitForMore(size: number, ms: number): Promise<number>;
}

/** Reads up to the size that `summary` names: records that come while it runs belong to the next export. */
export function exported(
  exchange: Exchange,
  signal: AbortSignal,
  summary: SessionSummary,
  read: Read,
  from = 0,
): Response {
  return streamed(exchange, signal, async (write) => {
    await copy(read, from, summary.size, write);
    await write(headLine(summary));
  });
}

/** Each record as it comes, until the session is closed and read to its end. The head comes then, and not before. */
export function followed(exchange: Exchange, signal: AbortSignal, session: Followed, from: number): Response {
  return streamed(exchange, signal, async (write) => {
    let at = from;
    for (;;) {
      const summary = await session.describe();
      if (summary === null) throw new Error("a session that was there is gone");
      await copy(session.read, at, summary.size, write);
      at = Math.max(at, summary.size);
      if (summary.closed !== null) return write(headLine(summary));
      const asked = Date.now();
      const size = await orAborted(session.waitForMore(at, WAIT_MS), signal);
      // Answered at once and for nothing where too many wait already.
      if (size <= at && Date.now() - asked < PAUSE_MS) await orAborted(pause(PAUSE_MS), signal);
    }
  });
}

function streamed(exchange: Exchange, signal: AbortSignal, work: (write: Sink) => Promise<void>): Response {
  const { readable, writable } = new IdentityTransformStream();
  exchange.ctx.waitUntil(run(writable, signal, work));
  return new Response(readable, {
    headers: {
      "content-type": "application/x-ndjson",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      vary: "accept",
    },
  });
}

/** Never throws. What breaks off breaks off visibly: without the head line, and without the stream's end. */
async function run(
  sink: WritableStream<Uint8Array>,
  signal: AbortSignal,
  work: (write: Sink) => Promise<void>,
): Promise<void> {
  const writer = sink.getWriter();
  const encoder = new TextEncoder();
  const write: Sink = async (text) => {
    signal.throwIfAborted();
    await orAborted(writer.write(encoder.encode(text)), signal);
  };
  try {
    await work(write);
    await writer.close();
  } catch (error) {
    await writer.abort(error).catch(() => undefined);
  }
}

async function copy(read: Read, from: number, size: number, write: Sink): Promise<void> {
  for (let at = from; at < size;) {
    const page = await read(at, Math.min(PAGE, size - at));
    if (page === null || page.records.length === 0) throw new Error("records that were there are gone");
    await write(page.records.map(line).join(""));
    at += page.records.length;
  }
}

/** The promise, unless the signal comes first: a caller who left waits for nothing. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new Error("aborted"));
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The disclosure is JSON text already, in the exact form that JSON.stringify gives. */
function line({ leaf, disclosure }: StoredRecord): string {
  return `{"leaf":${JSON.stringify(leaf)},"fields":${disclosure}}\n`;
}

function headLine({ sid, size, root, tip }: SessionSummary): string {
  return `${JSON.stringify({ head: { sid, size, root, tip } })}\n`;
}
