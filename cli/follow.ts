// A session's records as they come: from a place on, again from the next one when the connection
// breaks, until the session is closed or nothing can be read any more.

import type { SessionId } from "../core/ids.ts";
import { ok, refuse, type Result } from "../core/result.ts";
import { linesOf } from "../core/verify/lines.ts";
import { readLine, type ReadLine } from "../core/verify/read_line.ts";
import type { Access } from "./access.ts";
import { call } from "./gateway_client.ts";
import type { CliRefusal } from "./refusal.ts";
import { NO_SESSION } from "./session_source.ts";

export type ReadRecordLine = Extract<ReadLine, { kind: "record" }>;

export interface Following {
  /** A token of now: a login may be renewed meanwhile. */
  access(): Promise<Result<Access, CliRefusal>>;
  /** `text` is the line as it came. */
  onRecord(record: ReadRecordLine, text: string): Promise<void>;
  /** The connection broke; tried again after so many milliseconds. */
  onBreak(milliseconds: number): void;
}

export type Ended = "closed" | "read";

const WAITS_MS = [250, 500, 1000, 2000, 5000, 10_000] as const;

/** With `isFollowed` until the session is closed, else what there is. */
export async function follow(
  sid: SessionId,
  from: number,
  isFollowed: boolean,
  { access, onRecord, onBreak }: Following,
): Promise<Result<Ended, CliRefusal>> {
  let next = from;
  let hasBegun = false;
  for (let tries = 0; ; tries++) {
    const as = await access();
    const path = `/api/v1/sessions/${sid}/records?from=${next}${isFollowed ? "&follow=true" : ""}`;
    const got = as.ok ? await call(as.value, { path, missing: NO_SESSION }) : as;
    // A gateway that cannot be reached may come back; a refusal stays one.
    if (!got.ok && (!hasBegun || got.reason !== "unreachable" || got.problem?.status === 404)) return got;
    if (got.ok) {
      hasBegun = true;
      const read = await readAll(got.value, next, async (record, text) => {
        tries = 0;
        next += 1;
        await onRecord(record, text);
      });
      if (!read.ok) return read;
      if (read.value === "whole") return ok(isFollowed ? "closed" : "read");
    }
    const wait = WAITS_MS[Math.min(tries, WAITS_MS.length - 1)] ?? 1000;
    onBreak(wait);
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

async function readAll(
  response: Response,
  from: number,
  onRecord: (record: ReadRecordLine, text: string) => Promise<void>,
): Promise<Result<"whole" | "broken", CliRefusal>> {
  const decoder = new TextDecoder();
  let next = from;
  const lines = linesOf((response.body ?? []) as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  for (;;) {
    let step;
    try {
      step = await lines.next();
    } catch {
      return ok("broken");
    }
    if (step.done === true || step.value.kind === "cut") return ok("broken");
    if (step.value.kind === "too_long") return refuse(wrong(next, "a line that is longer than any record"));
    const line = readLine(step.value.bytes);
    if (line.kind === "head") return ok("whole");
    if (line.kind === "wrong") return refuse(wrong(next, line.detail));
    if (line.leaf.seq !== next) return refuse(wrong(next, `record ${line.leaf.seq} stands in its place`));
    next += 1;
    await onRecord(line, decoder.decode(step.value.bytes));
  }
}

function wrong(seq: number, detail: string): CliRefusal {
  return { reason: "different", what: `what the gateway sends for record ${seq} is no such record: ${detail}.` };
}
