// A session's records from a place on, and then each as it comes, until the session is closed and read
// to its end: history and what comes are one reading, so that nothing is missed or told twice.

import type { StoredRecord } from "../../core/record/record.ts";
import type { RecordPage, SessionSummary } from "../../durable/session_rpc.ts";
import { orAborted } from "./written.ts";

/** Records a page between the object and the Worker; the object sends fewer where they are large. */
const PAGE = 500;
/** How long one call waits for more, so that a caller who has left is noticed by then. */
const WAIT_MS = 15_000;
const PAUSE_MS = 1_000;

export type Read = (from: number, limit: number) => Promise<RecordPage | null>;

/** What can be followed: a session that grows, or has come to its end. */
export interface Followed {
  read: Read;
  describe(): Promise<SessionSummary | null>;
  waitForMore(size: number, ms: number): Promise<number>;
}

/** Each is awaited: a slow reader slows the reading. */
export interface Follower {
  records(records: readonly StoredRecord[]): Promise<void>;
  /** Everything that there was is read; `summary` counts it. Called again after each time that more came. */
  caughtUp(summary: SessionSummary): Promise<void>;
  /** Nothing came for a while. */
  idle(): Promise<void>;
}

/** The session as it was closed. Throws if the signal comes first, or the session cannot be read. */
export async function follow(
  session: Followed,
  from: number,
  signal: AbortSignal,
  { records, caughtUp, idle }: Follower,
): Promise<SessionSummary> {
  let at = from;
  for (let told = -1; ;) {
    const summary = await session.describe();
    if (summary === null) throw new Error("a session that was there is gone");
    await readUpTo(session.read, at, summary.size, records);
    at = Math.max(at, summary.size);
    if (summary.closed !== null) return summary;
    if (told !== summary.size) await caughtUp(summary);
    told = summary.size;
    const asked = Date.now();
    const size = await orAborted(session.waitForMore(at, WAIT_MS), signal);
    if (size > at) continue;
    await idle();
    // Answered at once and for nothing where too many wait already.
    if (Date.now() - asked < PAUSE_MS) await orAborted(pause(PAUSE_MS), signal);
  }
}

export async function readUpTo(read: Read, from: number, size: number, take: Follower["records"]): Promise<void> {
  for (let at = from; at < size;) {
    const page = await read(at, Math.min(PAGE, size - at));
    if (page === null || page.records.length === 0) throw new Error("records that were there are gone");
    await take(page.records);
    at += page.records.length;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
