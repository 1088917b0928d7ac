// Sends notices: when, how often, and which are given up. Never on an approval's path: whoever tells the
// shard of a change does not wait for any of it, and what a receiver does, or does not, is its own affair.
//
// Invariant: a notice leaves the table only once its receiver has taken it. A crash in between sends it
// again, under the same id.

import type { Notice } from "./approval_rpc.ts";
import type { Delivery, NoticePorts } from "./notice_rpc.ts";
import type { NoticeTable, Waiting } from "./notice_table.ts";

const MINUTE = 60_000;
/** After the first failed try, the second, and so on; the one after the last is the end. */
export const RETRY_AFTER_MS: readonly number[] = [5_000, 30_000, 2 * MINUTE, 10 * MINUTE, 60 * MINUTE, 6 * 60 * MINUTE];
/** What a receiver may ask for at most. */
const LONGEST_RETRY_MS = 6 * 60 * MINUTE;
/** A receiver that cannot be reached, or asks for a pause, is left alone for so long with all that is for it. */
const REST_MS = 5_000;
/** Targets that are sent to at once: the platform gives six connections, and others need some. */
const LANES = 4;
/** One alarm begins nothing more after this; the next goes on. */
const LANE_FOR_MS = 60_000;
/** While sending is under way the alarm need not ring: it is for what a crash leaves behind. */
const NET_MS = 30_000;
/** Where the Worker is not configured, or the storage refuses. */
const UNABLE_MS = MINUTE;

export interface NoticesHost {
  readonly table: NoticeTable;
  /** Null where the Worker is not configured: then they wait. */
  ports(): NoticePorts | null;
  /** Sets the object's alarm. */
  wakeBy(time: number): void;
}

export class Notices {
  readonly #host: NoticesHost;
  /** By target: each has one at a time, so that a slow one holds up nobody else. */
  readonly #lanes = new Map<string, Promise<void>>();
  /** By target, until when it is left alone. */
  readonly #rests = new Map<string, number>();

  constructor(host: NoticesHost) {
    this.#host = host;
  }

  /** After a change, and in an instance that has just started. Begins what is due, and has the alarm come for what is not. Never throws: it would fail the change. */
  changed(): void {
    const now = Date.now();
    let due: ReadonlyMap<string, number>;
    try {
      due = this.#host.table.due();
    } catch {
      // Storage that cannot be read: the alarm looks again.
      return this.#host.wakeBy(now + UNABLE_MS);
    }
    // Those that were well first, so that ones that hang do not take all lanes among themselves.
    for (const [target, time] of [...due].sort(([a], [b]) => this.#restOf(a) - this.#restOf(b))) {
      if (this.#lanes.size >= LANES) break;
      if (!this.#lanes.has(target) && Math.max(time, this.#restOf(target)) <= now) this.#begin(target);
    }
    const next = this.#nextOf(due, now);
    if (next !== null) this.#host.wakeBy(next);
  }

  /** When the alarm has something to do at the latest; null if nothing waits. */
  #nextOf(due: ReadonlyMap<string, number>, now: number): number | null {
    let next = Infinity;
    for (const [target, time] of due) {
      // One that is due and not begun waits for a lane, which goes on to it by itself.
      const isBegun = this.#lanes.has(target) || this.#lanes.size >= LANES;
      next = Math.min(next, isBegun ? now + NET_MS : Math.max(time, this.#restOf(target)));
    }
    return next === Infinity ? null : next;
  }

  /** What is under way now. Never rejects. */
  async settled(): Promise<void> {
    await Promise.all(this.#lanes.values());
  }

  /** Somebody wants this target to be tried now. */
  again(target: Notice): void {
    this.#rests.delete(JSON.stringify(target));
    this.changed();
  }

  #restOf(target: string): number {
    return this.#rests.get(target) ?? 0;
  }

  #begin(target: string): void {
    const lane = this.#run(target)
      .catch(() => this.#rest(target, UNABLE_MS))
      .finally(() => {
        this.#lanes.delete(target);
        this.changed();
      });
    this.#lanes.set(target, lane);
  }

  async #run(target: string): Promise<void> {
    const { table, ports } = this.#host;
    const deliverer = ports();
    if (deliverer === null) return this.#rest(target, UNABLE_MS);
    for (const ends = Date.now() + LANE_FOR_MS; Date.now() < ends;) {
      const waiting = table.next(target, Date.now());
      if (waiting === null) return;
      const delivery = await deliverer.deliver(waiting.sending);
      this.#settle(target, waiting, delivery);
      if (!delivery.ok && needsRest(delivery)) return this.#rest(target, delivery.retryAfterMs ?? 0);
    }
  }

  #rest(target: string, ms: number): void {
    this.#rests.set(target, Date.now() + Math.min(Math.max(ms, REST_MS), LONGEST_RETRY_MS));
  }

  #settle(target: string, { sending: { id }, tries }: Waiting, delivery: Delivery): void {
    const { table } = this.#host;
    if (delivery.ok) return table.sent(id, target);
    const { failure, isFinal, retryAfterMs } = delivery;
    const wait = isFinal ? undefined : RETRY_AFTER_MS[tries];
    const now = Date.now();
    const asked = Math.min(retryAfterMs ?? 0, LONGEST_RETRY_MS);
    table.failed(id, target, tries, wait === undefined ? null : now + Math.max(wait, asked), failure, now);
  }
}

/** Nothing that is sent next would fare better. */
function needsRest({ failure, retryAfterMs }: Extract<Delivery, { ok: false }>): boolean {
  return failure === "timeout" || failure === "unreachable" || retryAfterMs !== null;
}
