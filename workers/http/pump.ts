// Moves a body at constant memory: reads, meters, writes, and waits for the reader of the other side.

import type { Meter } from "./meter.ts";

/** Bytes read at once. Two such pieces are all that is held. */
const PIECE: number = 64 * 1024;
/**
 * What a large body that fills its pieces is read in. Each turn of the loop leaves some KiB for the
 * collector, whatever it moves: after a gibibyte in pieces of 64 KiB a runtime holds about 80 MiB more,
 * in pieces of 512 KiB about 20. Not larger, because 64 such bodies (32 MiB) have to fit into an
 * isolate's 128 MB.
 */
const LARGE_PIECE: number = 8 * PIECE;
/** Bytes after which a body counts as large. */
const LARGE_BODY: number = 1024 * 1024;

export interface PumpOptions {
  /** Bytes the body must have, or null if only its end tells. */
  readonly length: number | null;
  /**
   * Called once all bytes have been read and before the last of them is released: the last chunk when
   * the length is known; otherwise the end itself, because a chunk of an interactive stream must not
   * wait for a next one that may never come. False stops the release.
   */
  readonly beforeEnd: () => Promise<boolean>;
  /** Ends both sides at once, also while one of them is waited for. */
  readonly signal?: AbortSignal;
  /** Called first when the body cannot be brought to its end. */
  readonly onCut?: (end: Exclude<PumpEnd, "done">) => void;
}

export type PumpEnd = "done" | "source_cut" | "sink_closed" | "held_back";

/** Never throws. After "done" the sink is closed, otherwise aborted, which the client sees as a broken body. */
export async function pump(
  source: ReadableStream<Uint8Array>,
  sink: WritableStream<Uint8Array>,
  meter: Meter,
  options: PumpOptions,
): Promise<PumpEnd> {
  const reader = source.getReader({ mode: "byob" });
  const writer = sink.getWriter();
  const { signal } = options;
  const stop = (): void => {
    // The reader waits for a source that may be silent, or the writer for a client that does not read.
    writer.abort(new Error("cut")).catch(() => undefined);
    reader.cancel().catch(() => undefined);
  };
  if (signal?.aborted === true) stop();
  else signal?.addEventListener("abort", stop);
  const end = await move(reader, writer, meter, options);
  signal?.removeEventListener("abort", stop);
  if (end !== "done") {
    options.onCut?.(end);
    await writer.abort(new Error(end)).catch(() => undefined);
    await reader.cancel().catch(() => undefined);
  }
  return end;
}

async function move(
  reader: ReadableStreamBYOBReader,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  meter: Meter,
  options: PumpOptions,
): Promise<PumpEnd> {
  // One buffer goes to and fro: a new one for each chunk would be garbage faster than it is collected.
  let buffer = new ArrayBuffer(PIECE);
  for (;;) {
    let chunk: Uint8Array<ArrayBuffer> | undefined;
    try {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      chunk = done ? undefined : value;
    } catch {
      return "source_cut";
    }
    // A source that was given up looks as if it had ended.
    if (options.signal?.aborted === true) return "source_cut";
    if (chunk === undefined) {
      if (options.length !== null && meter.bytes !== options.length) return "source_cut";
      meter.complete = true;
      if (options.length === null || options.length === 0) {
        if (!(await options.beforeEnd())) return "held_back";
      }
      return writer.close().then(
        () => "done" as const,
        () => "sink_closed" as const,
      );
    }
    meter.add(chunk);
    if (meter.bytes === options.length) {
      meter.complete = true;
      if (!(await options.beforeEnd())) return "held_back";
    }
    try {
      // Resolves once the other side has taken the bytes.
      await writer.write(chunk);
    } catch {
      return "sink_closed";
    }
    buffer = chunk.buffer;
    const isFull = chunk.byteLength === buffer.byteLength;
    if (isFull && buffer.byteLength === PIECE && meter.bytes >= LARGE_BODY) buffer = new ArrayBuffer(LARGE_PIECE);
  }
}
