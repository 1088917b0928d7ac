// replay: puts a command's body together again from its records: what the log holds of it, masked, from
// any place on. Reads as many records as the piece needs, and never changes anything.

import type { CommandId } from "../core/ids.ts";
import { chunkPart, type Side } from "../core/record/payload.ts";
import { recordedPlace } from "./chunk_order.ts";
import { inlinePayload, payloadSize } from "./inline_payload.ts";
import type { Existing, Head, RecordLog } from "./record_log.ts";
import { PAYLOAD_PAGE } from "./session_rpc.ts";

/** Bytes of a side from a place on, and how many there are. Null if the session has no such command. */
export function readPayload(
  log: RecordLog,
  head: Head,
  command: CommandId,
  side: Side,
  from: number,
  limit: number,
): { readonly bytes: Uint8Array; readonly size: number } | null {
  const begun = beginningOf(log, command);
  if (begun === null || begun.no !== head.no) return null;
  const last = log.lastChunk(command, side);
  const most = Math.min(limit, PAYLOAD_PAGE);
  if (last !== null) return chunked(log, command, side, last, from, most);
  const whole = side === "request" ? begun : foldedAnswer(log, command);
  const bytes = whole === null ? new Uint8Array(0) : payloadOfRecord(log, whole);
  return { bytes: bytes.slice(from, from + most), size: bytes.length };
}

/** Where a command asked for an approval, its request stands there. */
function beginningOf(log: RecordLog, command: CommandId): Existing | null {
  return (
    log.find(command, "approval.requested", 0) ??
    log.find(command, "command.requested", 0) ??
    log.find(command, "command.denied", 0)
  );
}

/** The outcome that can hold an answer, also one that came after the lease had lapsed. */
function foldedAnswer(log: RecordLog, command: CommandId): Existing | null {
  return log.find(command, "command.completed", 0) ?? log.find(command, "outcome.late", 0);
}

function payloadOfRecord(log: RecordLog, { id, disclosure }: Existing): Uint8Array {
  return log.payloads.read(id) ?? inlinePayload(disclosure);
}

function chunked(
  log: RecordLog,
  command: CommandId,
  side: Side,
  last: Existing,
  from: number,
  limit: number,
): { readonly bytes: Uint8Array; readonly size: number } {
  const end = recordedPlace(last);
  const size = end.at + (log.payloads.size(last.id) ?? payloadSize(last.disclosure));
  const to = Math.min(from + limit, size);
  const bytes = new Uint8Array(Math.max(0, to - from));
  for (let n = chunkAt(log, command, side, end.n, from); n <= end.n; n++) {
    const chunk = nth(log, command, side, n);
    const { at } = recordedPlace(chunk);
    if (at >= to) break;
    const payload = payloadOfRecord(log, chunk);
    if (at + payload.length <= from) continue;
    bytes.set(payload.subarray(Math.max(0, from - at), to - at), Math.max(0, at - from));
  }
  return { bytes, size };
}

/** The last of the chunks 0 … `last` that begins at or before a place. Their places grow with their numbers, so halves are enough. */
function chunkAt(log: RecordLog, command: CommandId, side: Side, last: number, place: number): number {
  let low = 0;
  let high = last;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (recordedPlace(nth(log, command, side, middle)).at <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}

function nth(log: RecordLog, command: CommandId, side: Side, n: number): Existing {
  const found = log.find(command, "stream.chunk", chunkPart(side, n));
  if (found === null) throw new Error("a chunk is missing before the last one");
  return found;
}
