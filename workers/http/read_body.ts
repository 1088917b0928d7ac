// Reads a request's body up to a limit, for whoever has to see it before anything is done with it.

/** For at most a mebibyte; until then nothing is recorded and no upstream waits. */
export const BODY_MS = 30_000;

export type BodyRead =
  | { readonly kind: "whole"; readonly bytes: Uint8Array }
  /** More than the limit. What lies beyond it was not read. */
  | { readonly kind: "too_large" }
  /** It broke off, is malformed, or the caller left. */
  | { readonly kind: "cut" }
  | { readonly kind: "late" };

/** Never throws. Nobody else may read the body afterwards, unless it is "too_large" by its stated length. */
export async function readBody(request: Request, limit: number, milliseconds: number): Promise<BodyRead> {
  if (request.body === null) return { kind: "whole", bytes: new Uint8Array(0) };
  const declared = request.headers.get("content-length");
  const length = declared === null ? null : Number(declared);
  if (length !== null && !(length <= limit)) return { kind: "too_large" };
  const reader = request.body.getReader({ mode: "byob" });
  const ends = new Ends(request.signal, milliseconds);
  const read = await readAll(reader, length ?? limit, ends);
  ends.stop();
  if (read.kind === "whole" && (length === null || read.bytes.byteLength === length)) return read;
  reader.cancel().catch(() => undefined);
  return read.kind === "whole" ? { kind: "cut" } : read;
}

/**
 * One read for all of it, into one buffer that has room for a byte too many: a body in chunks of a byte
 * each would otherwise cost a hundred times its size.
 */
async function readAll(reader: ReadableStreamBYOBReader, limit: number, { ended }: Ends): Promise<BodyRead> {
  const read = reader.readAtLeast(limit + 1, new Uint8Array(limit + 1)).catch(() => "cut" as const);
  const first = await Promise.race([read, ended]);
  if (first === "cut" || first === "late") return { kind: first };
  const bytes = first.value ?? new Uint8Array(0);
  return bytes.byteLength > limit ? { kind: "too_large" } : { kind: "whole", bytes };
}

/** What ends the reading before the body does: its time, or the caller. */
class Ends {
  readonly ended: Promise<"late" | "cut">;
  stop: () => void = () => undefined;

  constructor(signal: AbortSignal, milliseconds: number) {
    this.ended = new Promise((resolve) => {
      const gone = (): void => resolve("cut");
      const timer = setTimeout(() => resolve("late"), milliseconds);
      signal.addEventListener("abort", gone);
      this.stop = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", gone);
      };
    });
  }
}
