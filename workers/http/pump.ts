// Moves a body at constant memory and records it on the way: reads, masks, makes the records durable,
// releases, and waits for the reader of the other side. While one piece is being recorded and
// released, the next one is read and masked.
//
// Invariant: nothing is released before the record that tells of it is durable.

import type { Masked } from "../../core/record/record.ts";
import type { Recorded } from "../session_client.ts";
import type { BodyRecord, Reach, Step } from "./body_record.ts";
import { Intake, type Took } from "./intake.ts";

/**
 * How long an undecided end of what has come waits for more. Then it is recorded as such and released, and
 * its masked text comes with the next chunk: an interactive stream must not stall.
 */
const OVERDUE_MS = 50;

export interface PumpOptions {
  /** Bytes the body must have, or null if only its end tells. */
  readonly length: number | null;
  /** Makes records durable, in order, all or none. */
  readonly append: (records: readonly Masked[]) => Promise<Recorded>;
  /** Records that stand before the body's; `begun` is called once they are durable. */
  readonly before?: readonly Masked[];
  readonly begun?: () => void;
  /**
   * What is recorded once all bytes have been read: with a stated length before the last of them is
   * released, otherwise before the end itself, because a chunk of an interactive stream must not wait for
   * a next one that may never come.
   */
  readonly outcome?: () => readonly Masked[];
  /** Ends both sides at once, also while one of them is waited for. */
  readonly signal?: AbortSignal;
  /** Called first when the body cannot be brought to its end. */
  readonly onCut?: (end: Exclude<PumpEnd, "done">) => void;
}

/** `held_back`, `storage_full`: it could not be recorded. `over`: the command's outcome was recorded meanwhile. */
export type PumpEnd =
  | "done"
  | "source_cut"
  | "sink_closed"
  | "held_back"
  | "storage_full"
  | "mask_failed"
  | "unreadable"
  | "over";

/** Never throws. After "done" the sink is closed, otherwise aborted, which the client sees as a broken body. */
export async function pump(
  source: ReadableStream<Uint8Array>,
  sink: WritableStream<Uint8Array>,
  body: BodyRecord,
  options: PumpOptions,
): Promise<PumpEnd> {
  const intake = new Intake(source, body, options.length);
  const writer = sink.getWriter();
  const { signal } = options;
  const stop = (): void => {
    // The reader waits for a source that may be silent, or the writer for a client that does not read.
    writer.abort(new Error("cut")).catch(() => undefined);
    intake.cancel();
  };
  if (signal?.aborted === true) stop();
  else signal?.addEventListener("abort", stop);
  const end = await new Pumping(intake, writer, body, options).run();
  signal?.removeEventListener("abort", stop);
  if (end !== "done") {
    options.onCut?.(end);
    await writer.abort(new Error(end)).catch(() => undefined);
  }
  intake.cancel();
  return end;
}

type Event =
  | { readonly of: "took"; readonly took: Took }
  | { readonly of: "sent"; readonly end: PumpEnd | null }
  | "due";

class Pumping {
  readonly #intake: Intake;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #body: BodyRecord;
  readonly #options: PumpOptions;
  #before: readonly Masked[];
  #taking: Promise<Event> | null = null;
  #sending: Promise<Event> | null = null;
  /** Set once no more comes. */
  #ended: "end" | "source_cut" | null = null;
  #isFinal = false;
  /** Turns once it is time to go on with what there is. */
  #due: Promise<Event> | null = null;
  #isDue = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(intake: Intake, writer: WritableStreamDefaultWriter<Uint8Array>, body: BodyRecord, options: PumpOptions) {
    this.#intake = intake;
    this.#writer = writer;
    this.#body = body;
    this.#options = options;
    this.#before = options.before ?? [];
    // What is there at once, the end among it, is recorded in one call with what stands before it.
    if (this.#before.length > 0) this.#setDue(0);
  }

  async run(): Promise<PumpEnd> {
    for (;;) {
      if (this.#body.isRefused) return this.#over("unreadable");
      this.#takeMore();
      this.#sendWhatIsReady();
      if (this.#isFinal && this.#sending === null) return this.#over(await this.#close());
      const event = await this.#next();
      if (this.#options.signal?.aborted === true) return this.#over("source_cut");
      if (event === "due") this.#isDue = true;
      else if (event.of === "sent") {
        this.#sending = null;
        if (event.end !== null) return this.#over(event.end);
      } else {
        this.#taking = null;
        if (event.took === "mask_failed" || event.took === "unreadable") return this.#over(event.took);
        if (event.took !== "taken") this.#ended = event.took;
      }
      if (this.#body.meter.isOver && !this.#isFinal) return this.#over("over");
    }
  }

  #over(end: PumpEnd): PumpEnd {
    clearTimeout(this.#timer);
    return end;
  }

  /** Whichever comes first of: a next piece, the release of the last one, the time to go on with what there is. */
  #next(): Promise<Event> {
    const waited = [this.#taking, this.#sending, this.#isDue ? null : this.#due].filter((one) => one !== null);
    return Promise.race(waited);
  }

  #takeMore(): void {
    if (this.#taking !== null || this.#ended !== null || !this.#intake.hasRoom) return;
    this.#taking = this.#intake.next().then((took) => ({ of: "took", took }));
  }

  #sendWhatIsReady(): void {
    if (this.#sending !== null || this.#isFinal) return;
    const reach = this.#reach();
    if (reach === null) return;
    let step: Step;
    try {
      step = this.#body.take(reach);
    } catch {
      this.#sending = Promise.resolve({ of: "sent", end: "mask_failed" });
      return;
    }
    const before = this.#before;
    this.#before = [];
    this.#isFinal = reach === "end" || reach === "cut";
    if (reach === "end") this.#body.meter.complete = true;
    let outcome: readonly Masked[];
    try {
      outcome = reach === "end" ? (this.#options.outcome?.() ?? []) : [];
    } catch {
      // As with any record: one that cannot even be made is one that is not there.
      this.#body.meter.complete = false;
      this.#sending = Promise.resolve({ of: "sent", end: "held_back" });
      return;
    }
    this.#unsetDue();
    const records = [...before, ...step.records, ...outcome];
    this.#sending = this.#send(records, step, before.length > 0).then((end) => ({ of: "sent", end }));
  }

  /** How far the next step goes; null if there is none yet. */
  #reach(): Reach | null {
    if (this.#ended === "end") return "end";
    if (this.#ended === "source_cut") return "cut";
    if (this.#before.length > 0) return this.#isDue || !this.#intake.hasRoom ? "decided" : null;
    if (this.#body.isReady) return "decided";
    if (!this.#body.mayFallDue) return null;
    if (this.#isDue) return "overdue";
    if (this.#due === null) this.#setDue(OVERDUE_MS);
    return null;
  }

  async #send(records: readonly Masked[], step: Step, isBeginning: boolean): Promise<PumpEnd | null> {
    const { meter } = this.#body;
    if (records.length > 0) {
      meter.isPending = true;
      // A record that cannot even be made is one that is not there.
      const recorded = await this.#options.append(records).catch(() => "not_recorded" as const);
      if (recorded === "storage_full") return recorded;
      if (recorded === "not_recorded") return "held_back";
      meter.isPending = false;
    }
    if (isBeginning) this.#options.begun?.();
    for (const bytes of step.release) {
      try {
        // Resolves once the other side has taken the bytes.
        await this.#writer.write(bytes);
      } catch {
        return "sink_closed";
      }
      meter.moved = Date.now();
      if (step.isReusable) this.#intake.giveBack(bytes);
    }
    return null;
  }

  async #close(): Promise<PumpEnd> {
    if (this.#ended !== "end") return "source_cut";
    if (this.#options.length !== null) await this.#intake.readEnd();
    return this.#writer.close().then(
      () => "done" as const,
      () => "sink_closed" as const,
    );
  }

  #setDue(ms: number): void {
    this.#isDue = false;
    this.#due = new Promise((resolve) => {
      this.#timer = setTimeout(() => resolve("due"), ms);
    });
  }

  #unsetDue(): void {
    clearTimeout(this.#timer);
    this.#due = null;
    this.#isDue = false;
  }
}
