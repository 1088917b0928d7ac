// How a body stands in records: which side it belongs to, how its chunks are named, and up to where it
// stands in the record itself. docs/record_format.md §5.4.

/** A message of a socket is its command's request, whichever way it goes. */
export type Side = "request" | "response";

/** Bytes of payload that stand in the record's own fields; more are kept beside it. */
export const INLINE_LIMIT: number = 16 * 1024;

/** Bytes beside one record: half of what a row holds (2 MB, developers.cloudflare.com/durable-objects/platform/limits). */
export const DETACHED_LIMIT: number = 1024 * 1024;

/** Bytes of a body that one chunk should release at most: 64 streams of one isolate then hold 16 MiB. */
export const CHUNK_LIMIT: number = 256 * 1024;

/**
 * `part` of a side's n-th `stream.chunk`, n from 0: even for the request, odd for the response. Each side
 * counts for itself, because both can be under way at once.
 */
export function chunkPart(side: Side, n: number): number {
  return 2 * n + (side === "response" ? 1 : 0);
}
