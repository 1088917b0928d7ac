// append (answer), where it is large, of unstated length, or more than one record holds: a stream that
// is recorded as it passes.

import type { Header } from "../../core/mask/mask_headers.ts";
import type { Masked } from "../../core/record/record.ts";
import { problem, type ProblemReason } from "../problem.ts";
import { proceed, record, type Recorded } from "../session_client.ts";
import { BodyRecord } from "./body_record.ts";
import type { Cleared } from "./exchange.ts";
import type { Forwarded } from "./forward.ts";
import { cancelled, completed, type Ending, failed, gap, started, withheld } from "./outcome.ts";
import { pump, type PumpEnd } from "./pump.ts";
import { release } from "./release.ts";
import { statedBy } from "./sent_body.ts";
import { placeOfRecord, recordEnding, toldOf } from "./withhold.ts";

/** A stream: `response.started` before its first byte, each chunk before it is released, the outcome before its last. */
export async function answerStream(
  cleared: Cleared,
  forwarded: Forwarded,
  response: Response,
  headers: readonly Header[],
  source: ReadableStream<Uint8Array>,
  length: number | null,
): Promise<Response> {
  const { exchange, asked } = cleared;
  forwarded.untimed();
  const toCaller = forwarded.callerMask?.body(response.headers.get("content-type")) ?? null;
  const body = new BodyRecord(exchange.command, "response", asked.recording, statedBy(response.headers), toCaller);
  const { readable, writable } =
    length === null || toCaller !== null ? new IdentityTransformStream() : new FixedLengthStream(length);
  const beginning = Promise.withResolvers<ProblemReason | null>();
  const streaming = new Streaming({ cleared, forwarded, meter: body.meter }, response.status, () =>
    beginning.resolve(null),
  );
  const before = [started(cleared, response.status, headers)];
  const running = streaming.run(source, writable, body, before, length);
  // If it ends before it has begun, nothing was released yet.
  exchange.ctx.waitUntil(
    running.then(
      (told) => beginning.resolve(told),
      () => beginning.resolve("internal"),
    ),
  );
  const told = await beginning.promise;
  return told === null ? release(forwarded, response, headers, readable) : problem(told, placeOfRecord(cleared));
}

/** Runs until the outcome is durable, also after the headers have left. */
class Streaming {
  readonly #ending: Ending;
  readonly #status: number;
  readonly #begun: () => void;
  #hasBegun = false;
  #outcome: Masked | null = null;
  #isSettled = false;

  constructor(ending: Ending, status: number, begun: () => void) {
    this.#ending = ending;
    this.#status = status;
    this.#begun = begun;
  }

  /** What the caller is to be told if it ends before it has begun. */
  async run(
    source: ReadableStream<Uint8Array>,
    sink: WritableStream<Uint8Array>,
    body: BodyRecord,
    before: readonly Masked[],
    length: number | null,
  ): Promise<ProblemReason> {
    const { cleared, forwarded } = this.#ending;
    const end = await pump(source, sink, body, {
      length,
      before,
      begun: () => {
        this.#hasBegun = true;
        this.#begun();
      },
      append: (records) => this.#append(records),
      outcome: () => {
        this.#outcome = completed(this.#ending, this.#status, null);
        return [this.#outcome];
      },
      signal: forwarded.abort.signal,
    });
    forwarded.done();
    if (end !== "done") forwarded.abort.abort();
    if (!this.#isSettled) {
      const records = this.#endings(end);
      // A refusal waits for its record as any answer does; a client that saw the cut waits for nothing.
      const isRecorded = !this.#hasBegun && end !== "held_back" && (await proceed(cleared.begun.session, records));
      if (!isRecorded) recordEnding(cleared, records);
    }
    return this.#toldOf(end);
  }

  async #append(records: readonly Masked[]): Promise<Recorded> {
    const recorded = await record(this.#ending.cleared.begun.session, records);
    if (recorded === "recorded" && this.#outcome !== null && records.at(-1) === this.#outcome) this.#isSettled = true;
    return recorded;
  }

  /** Records of a stream that did not come to its end. */
  #endings(end: PumpEnd): Masked[] {
    const { cleared, forwarded } = this.#ending;
    const ending = this.#hasBegun ? this.#ending : { ...this.#ending, meter: null };
    const status = this.#status;
    const transport = this.#hasBegun ? "cut" : "invalid";
    switch (end) {
      case "held_back":
        return [gap(cleared), withheld(ending, status)];
      case "storage_full":
        return [failed(ending, { transport: "cut", status, reason: "storage_full" })];
      case "mask_failed":
        return [failed(ending, { transport, status, reason: "mask_failed" })];
      case "unreadable":
        return [failed(ending, { transport, status, reason: "answer_unreadable" })];
      case "sink_closed":
      case "source_cut":
      case "over":
      case "done":
        if (forwarded.broken !== null) return [failed(ending, { transport: "cut", status, reason: forwarded.broken })];
        if (end === "source_cut" && forwarded.cut === null)
          return [failed(ending, { transport: "cut", status, reason: "body_cut" })];
        forwarded.cut ??= "client_gone";
        return [cancelled(ending)];
    }
  }

  #toldOf(end: PumpEnd): ProblemReason {
    const { forwarded } = this.#ending;
    if (end === "mask_failed") return "mask_failed";
    if (end === "unreadable") return "answer_unreadable";
    if (end === "held_back" || end === "storage_full") return "answer_not_recordable";
    if (forwarded.cut !== null && forwarded.cut !== "timeout") return toldOf(forwarded.cut);
    return forwarded.broken ?? "body_cut";
  }
}
