// Moves a body at constant memory: reads, meters, writes, and waits for the reader of the other side.

import type { Meter } from "./meter.ts";

/** Bytes read at once. Larger reads mean fewer turns of the loop; two of them are all that is held. */
const CHUNK: number = 64 * 1024;

export interface PumpOptions {
  /** Bytes the body must have, or null if only its end tells. */
  readonly length: number | null;
  /**
   * Called once all bytes have been read and before the last of them is released: the last chunk when
   * the length is known; otherwise the end itself, because a chunk of an interactive stream must not
   * wait for a next one that may never come. False stops the release.
   */
  readonly beforeEnd: () => Promise<boolean>;
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
  const end = await move(reader, writer, meter, options);
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
  let buffer = new ArrayBuffer(CHUNK);
  for (;;) {
    let chunk: Uint8Array<ArrayBuffer> | undefined;
    try {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      chunk = done ? undefined : value;
    } catch {
      return "source_cut";
    }
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
      buffer = chunk.buffer;
    } catch {
      return "sink_closed";
    }
  }
}
