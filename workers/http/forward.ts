// forward: calls the upstream, with its own credential and never the caller's. A body that the intent's
// record does not hold is recorded as it passes; what the upstream sends is handed on as it is, codings
// included.

import type { CommandId } from "../../core/ids.ts";
import type { Masked } from "../../core/record/record.ts";
import type { ProblemReason } from "../problem.ts";
import { record, type Recorded } from "../session_client.ts";
import { BodyRecord } from "./body_record.ts";
import type { CutByWord } from "./cut_watch.ts";
import { Deadlines } from "./deadlines.ts";
import type { Cleared } from "./exchange.ts";
import type { Meter } from "./meter.ts";
import { pump, type PumpEnd } from "./pump.ts";
import { statedBy } from "./sent_body.ts";
import { CallerMask } from "./to_caller.ts";
import { openSocket } from "./socket.ts";

/** Why a command ended before its answer did. */
export type Cut = "client_gone" | "token_expired" | "timeout" | CutByWord;

/** An exchange with whoever answers that is under way. */
export interface Forwarded {
  readonly response: Response | null;
  /** Meter of the request's body; null if there was none. */
  readonly sent: Meter | null;
  /** What the caller gets in place of what the upstream sent; null where that is the same. */
  readonly callerMask: CallerMask | null;
  /** Set when this side ended it. */
  cut: Cut | null;
  /** The admin's command that said so, where one did. */
  cutBy: CommandId | null;
  /** Set when the request could not be recorded, and was therefore broken off. */
  readonly broken: ProblemReason | null;
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
    callerMask: asked.callerPlan === undefined ? null : new CallerMask(asked.callerPlan),
    cut: null,
    cutBy: null,
    broken: null,
    abort,
    untimed: () => deadlines.untime(),
    done: () => {
      deadlines.stop();
      signal.removeEventListener("abort", clientGone);
      // Answered before it was all sent: what no outcome tells of must not reach the upstream any more.
      if (forwarded.sent?.complete === false) abort.abort();
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
    const body = bodyOf(cleared, forwarded, stopFor);
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

/** The request's body for the upstream: whole if the intent's record holds it, else a stream that is recorded as it passes. */
function bodyOf(
  { exchange: { request, ctx, command }, asked: { recording }, sent, begun }: Cleared,
  forwarded: { sent: Meter | null; broken: ProblemReason | null; readonly abort: AbortController },
  stopFor: (cut: Cut) => void,
): Uint8Array | ReadableStream | null {
  if (request.body === null) return null;
  if (sent.bytes !== null && sent.whole !== null) {
    forwarded.sent = sent.whole.meter;
    forwarded.sent.moved = Date.now();
    return sent.bytes;
  }
  const source = sent.bytes === null ? request.body : new Response(sent.bytes).body;
  if (source === null) return sent.bytes;
  const body = new BodyRecord(command, "request", recording, statedBy(request.headers));
  forwarded.sent = body.meter;
  const declared = sent.bytes?.length ?? request.headers.get("content-length");
  const length = declared === null ? null : Number(declared);
  const { readable, writable } = length === null ? new IdentityTransformStream() : new FixedLengthStream(length);
  const append = (records: readonly Masked[]): Promise<Recorded> => record(begun.session, records);
  // A body that broke off, or whose chunks are malformed, must break off for the upstream, too. Aborting
  // the stream alone would make the runtime write the terminating chunk, and half an upload look whole:
  // the fetch has to be aborted, and first.
  const onCut = (end: PumpEnd): void => {
    if (end === "source_cut") return stopFor("client_gone");
    forwarded.broken = brokenBy(end);
    if (forwarded.broken !== null) forwarded.abort.abort();
  };
  ctx.waitUntil(pump(source, writable, body, { length, append, onCut, signal: forwarded.abort.signal }));
  return readable;
}

/** Null where the upstream took no more of it, or has answered already. */
function brokenBy(end: PumpEnd): ProblemReason | null {
  switch (end) {
    case "held_back":
    case "storage_full":
      return "request_not_recordable";
    case "mask_failed":
      return "mask_failed";
    case "unreadable":
      return "request_unreadable";
    case "done":
    case "source_cut":
    case "sink_closed":
    case "over":
      return null;
  }
}
