// An answer that is written as it comes: the reader's pace is the writer's, and who leaves is noticed.
//
// Invariant: what breaks off breaks off visibly, without the end of the body.

import type { Exchange } from "../http/exchange.ts";

/** Resolves once the reader has taken it; rejects once they have left. */
export type Sink = (bytes: string | Uint8Array) => Promise<void>;

export interface Written {
  readonly status?: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes that will be written, where that is known. */
  readonly length?: number;
}

export function written(
  { request, ctx }: Exchange,
  signal: AbortSignal,
  { status = 200, headers, length }: Written,
  work: (write: Sink) => Promise<void>,
): Response {
  const all = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...headers,
    ...(length === undefined ? {} : { "content-length": String(length) }),
  };
  if (request.method === "HEAD") return new Response(null, { status, headers: all });
  const { readable, writable } = length === undefined ? new IdentityTransformStream() : new FixedLengthStream(length);
  ctx.waitUntil(run(writable, signal, work));
  return new Response(readable, { status, headers: all });
}

/** Never throws. */
async function run(
  sink: WritableStream<Uint8Array>,
  signal: AbortSignal,
  work: (write: Sink) => Promise<void>,
): Promise<void> {
  const writer = sink.getWriter();
  const encoder = new TextEncoder();
  const write: Sink = async (bytes) => {
    signal.throwIfAborted();
    await orAborted(writer.write(typeof bytes === "string" ? encoder.encode(bytes) : bytes), signal);
  };
  try {
    await work(write);
    await writer.close();
  } catch (error) {
    await writer.abort(error).catch(() => undefined);
  }
}

/** The promise, unless the signal comes first: a caller who left waits for nothing. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new Error("aborted"));
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
