// forward: calls the upstream, with its own credential and never the caller's. The body passes
// through metered; what the upstream sends is handed on as it is, codings included.

import type { CommandId } from "../../core/ids.ts";
import type { CutByWord } from "./cut_watch.ts";
import { Deadlines } from "./deadlines.ts";
import type { Cleared, Exchange } from "./exchange.ts";
import { Meter } from "./meter.ts";
import { pump, type PumpEnd } from "./pump.ts";
import { openSocket } from "./socket.ts";

/** Bodies up to this are read whole: cheaper than stream machinery, and small enough for 64 at once. */
export const WHOLE_BODY_LIMIT: number = 64 * 1024;

/** Why a command ended before its answer did. */
export type Cut = "client_gone" | "token_expired" | "timeout" | CutByWord;

/** An exchange with whoever answers that is under way. */
export interface Forwarded {
  readonly response: Response | null;
  /** Meter of the request's body; null if there was none. */
  readonly sent: Meter | null;
  /** Set when this side ended it. */
  cut: Cut | null;
  /** The admin's command that said so, where one did. */
  cutBy: CommandId | null;
  /** Stops the upstream's side. */
  readonly abort: AbortController;
  /** The answer has begun and may take its time: no timeout ends it any more. */
  untimed(): void;
  /** Releases timers and listeners. */
  done(): void;
}

/** `callerLeft` is called at once when the caller goes away. */
export async function forward(cleared: Cleared, callerLeft: () => void): Promise<Forwarded> {
  const { exchange, asked } = cleared;
  const abort = new AbortController();
  const { signal } = exchange.request;
  const stopFor = (cut: Cut, by: CommandId | null = null): void => {
    if (forwarded.cut === null) Object.assign(forwarded, { cut, cutBy: by });
    abort.abort();
  };
  const clientGone = (): void => {
    callerLeft();
    stopFor("client_gone");
  };
  signal.addEventListener("abort", clientGone);
  const forwarded: { -readonly [Key in keyof Forwarded]: Forwarded[Key] } = {
    response: null,
    sent: null,
    cut: null,
    cutBy: null,
    abort,
    untimed: () => deadlines.untime(),
    done: () => {
      deadlines.stop();
      signal.removeEventListener("abort", clientGone);
    },
  };
  const deadlines = new Deadlines(cleared, forwarded, stopFor);
  if (signal.aborted) queueMicrotask(clientGone);
  const { answerer } = asked;
  if (answerer === null) throw new Error("a cleared command without an answerer");
  if (answerer.kind === "local") {
    deadlines.start(null);
    // An object of the gateway's own that cannot be reached: an outcome like any other.
    forwarded.response = await answerer.answer(cleared, abort.signal).catch(() => null);
    return forwarded;
  }
  deadlines.start(answerer.timeoutMs);
  if (answerer.socket !== undefined) {
    forwarded.response = await openSocket(cleared, answerer, abort.signal).catch(() => null);
    return forwarded;
  }
  try {
    const body = await bodyOf(exchange, asked.body ?? null, forwarded, stopFor);
    const headers = new Headers();
    for (const [name, value] of answerer.headers) headers.append(name, value);
    // Without this the runtime would ask for gzip itself and hand a coding to a client that wants none.
    if (!headers.has("accept-encoding")) headers.set("accept-encoding", "identity");
    forwarded.response = await fetch(answerer.url, {
      method: asked.method,
      headers,
      body,
      redirect: "manual",
      cache: "no-store",
      signal: abort.signal,
      encodeResponseBody: "manual",
    });
  } catch {
    forwarded.response = null;
  }
  return forwarded;
}

/** The request's body for the upstream: whole if it is small or `read` already, else a stream that is metered as it passes. */
async function bodyOf(
  { request, ctx }: Exchange,
  read: Uint8Array | null,
  forwarded: { sent: Meter | null },
  stopFor: (cut: Cut) => void,
): Promise<Uint8Array | ReadableStream | null> {
  if (request.body === null) return null;
  const meter = new Meter();
  forwarded.sent = meter;
  if (read !== null) {
    meter.whole(read);
    return read;
  }
  const declared = request.headers.get("content-length");
  const length = declared === null ? null : Number(declared);
  if (length !== null && length <= WHOLE_BODY_LIMIT) {
    const bytes = new Uint8Array(
      await request.arrayBuffer().catch((error: unknown) => {
        stopFor("client_gone");
        throw error;
      }),
    );
    meter.whole(bytes);
    return bytes;
  }
  const { readable, writable } = length === null ? new IdentityTransformStream() : new FixedLengthStream(length);
  // A body that broke off, or whose chunks are malformed, must break off for the upstream, too. Aborting
  // the stream alone would make the runtime write the terminating chunk, and half an upload look whole:
  // the fetch has to be aborted, and first.
  const onCut = (end: PumpEnd): void => (end === "source_cut" ? stopFor("client_gone") : undefined);
  ctx.waitUntil(pump(request.body, writable, meter, { length, beforeEnd: async () => true, onCut }));
  return readable;
}
