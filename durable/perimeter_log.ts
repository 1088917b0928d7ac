// What the perimeter keeps of calls without a valid identity: enough to see an attack, never so much
// that an attack can fill the storage. The first few of each kind in full, then counts.
//
// Invariant: however many calls come, a shard writes at most ROWS_A_MINUTE rows and BYTES_A_DAY bytes,
// and memory holds at most KEYS counters. Counts of the running minute are lost in a crash.

import { newSessionId } from "../core/ids.ts";
import { ownRecord } from "../core/mask/mask_draft.ts";
import { commit } from "../core/record/commit.ts";
import type { Classes, Committed, Fields, Kind } from "../core/record/record.ts";
import { type Head, RecordLog } from "./record_log.ts";
import { fillRandom, sha256 } from "./sha256.ts";

export const PERIMETER_SHARDS = 16;
/** In full for each (reason, address prefix, connection) and minute. */
export const FIRST_IN_FULL = 20;
/** 1,000 rows a minute and 10 MB a day for the region, shared by its shards. */
export const ROWS_A_MINUTE: number = Math.floor(1000 / PERIMETER_SHARDS);
export const BYTES_A_DAY: number = Math.floor(10_000_000 / PERIMETER_SHARDS);
/** Of a minute's rows: some are kept for counts and one for the gap. */
const ROWS_FOR_COUNTS = 20;
const ROWS_IN_FULL: number = ROWS_A_MINUTE - ROWS_FOR_COUNTS - 1;
const KEYS = 2048;
const MINUTE = 60_000;
const DAY = 86_400_000;

export interface PerimeterDenial {
  readonly reason: string;
  /** Address prefix: /24 or /48. */
  readonly prefix: string;
  readonly connection: string;
  readonly record: Committed;
}

interface Counter {
  readonly reason: string;
  readonly prefix: string;
  readonly connection: string;
  seen: number;
  written: number;
}

export class PerimeterLog {
  readonly #log: RecordLog;
  readonly #counters = new Map<string, Counter>();
  #minute = 0;
  #rows = 0;
  #day = 0;
  #bytes = 0;
  /** Calls that no counter had room for. */
  #uncounted = 0;

  constructor(log: RecordLog) {
    this.#log = log;
  }

  /** Takes one denied call; true if counts wait for the minute's end. */
  denied(denial: PerimeterDenial, now: number): boolean {
    this.#turn(now);
    const counter = this.#counter(denial);
    if (counter === null) {
      this.#uncounted += 1;
      return true;
    }
    counter.seen += 1;
    const size = denial.record.disclosure.length + 1024;
    if (counter.seen <= FIRST_IN_FULL && this.#rows < ROWS_IN_FULL && this.#bytes + size <= BYTES_A_DAY) {
      this.#append(denial.record, now);
      counter.written += 1;
    }
    return counter.seen > counter.written;
  }

  #counter({ reason, prefix, connection }: PerimeterDenial): Counter | null {
    const key = `${reason} ${prefix} ${connection}`;
    const known = this.#counters.get(key);
    if (known !== undefined) return known;
    if (this.#counters.size >= KEYS) return null;
    const counter: Counter = { reason, prefix, connection, seen: 0, written: 0 };
    this.#counters.set(key, counter);
    return counter;
  }

  /** Writes the counts of a minute that is over. */
  #turn(now: number): void {
    const minute = Math.floor(now / MINUTE);
    if (minute === this.#minute) return;
    if (this.#minute !== 0) this.#writeCounts(now);
    this.#minute = minute;
    this.#rows = 0;
  }

  /** Called by the alarm when the minute is over. */
  flush(now: number): void {
    this.#turn(now);
  }

  #writeCounts(now: number): void {
    let rows = 0;
    let unwritten = this.#uncounted;
    const busiest = [...this.#counters.values()].filter((c) => c.seen > c.written).sort((a, b) => b.seen - b.written - (a.seen - a.written));
    for (const counter of busiest) {
      const count = counter.seen - counter.written;
      if (rows < ROWS_FOR_COUNTS && this.#bytes + 1024 <= BYTES_A_DAY) {
        rows += 1;
        const { reason, prefix, connection } = counter;
        this.#note("command.denied", { protocol: "http", reason, status: 401, count }, { prefix, connection }, now);
      } else {
        unwritten += count;
      }
    }
    if (unwritten > 0) this.#note("gap", { reason: "perimeter_bound", count: unwritten }, {}, now);
    this.#counters.clear();
    this.#uncounted = 0;
  }

  #note(kind: Kind, classes: Classes, fields: Fields, now: number): void {
    this.#append(commit(ownRecord({ kind, command: null, part: 0, classes, fields }), fillRandom, sha256), now);
  }

  #append(record: Committed, now: number): void {
    const head = this.#today(now);
    const leafBefore = head.size;
    if (!this.#log.fits(record, head, now)) return;
    this.#log.append(head, record, now);
    this.#rows += head.size - leafBefore;
    this.#bytes += record.disclosure.length + 1024;
  }

  /** One session a UTC day. */
  #today(now: number): Head {
    const day = Math.floor(now / DAY);
    const live = this.#log.live().at(-1);
    if (live !== undefined && Math.floor(live.opened / DAY) === day) return live;
    if (live !== undefined) {
      const closing = ownRecord({ kind: "session.closed", command: null, part: 0, classes: { reason: "day", size: live.size + 1 }, fields: {} });
      this.#log.append(live, commit(closing, fillRandom, sha256), now);
      this.#log.retire(live.no);
    }
    if (day !== this.#day) this.#bytes = 0;
    this.#day = day;
    const head = this.#log.open(newSessionId(now, fillRandom), now);
    const opening = ownRecord({ kind: "session.opened", command: null, part: 0, classes: { protocol: "perimeter" }, fields: {} });
    this.#log.append(head, commit(opening, fillRandom, sha256), now);
    return head;
  }
}
