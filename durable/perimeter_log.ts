// What the perimeter keeps of calls without a valid identity: enough to see an attack, never so much
// that an attack can fill the storage. The first few of each kind in full, then counts.
//
// Invariant: however many calls come, a shard writes at most ROWS_A_MINUTE rows and BYTES_A_DAY bytes,
// and memory holds at most KEYS counters. Counts not written yet are lost in a crash; the bounds are
// not, since they are read back from the log.

import { newSessionId } from "../core/ids.ts";
import { ownRecord } from "../core/mask/mask_draft.ts";
import { commit } from "../core/record/commit.ts";
import type { Classes, Committed, Fields, Kind } from "../core/record/record.ts";
import { type Head, type RecordLog, timeOf } from "./record_log.ts";
import { fillRandom, sha256 } from "./sha256.ts";
import { isWellFormed } from "./well_formed.ts";

export const PERIMETER_SHARDS = 16;
/** In full for each (reason, address prefix, connection) and minute. */
export const FIRST_IN_FULL = 20;
/** 1,000 rows a minute and 10 MB a day for the region, shared by its shards. */
export const ROWS_A_MINUTE: number = Math.floor(1000 / PERIMETER_SHARDS);
export const BYTES_A_DAY: number = Math.floor(10_000_000 / PERIMETER_SHARDS);
/** Of a minute's rows: counts of the minute before come first, two are kept for a day's end and beginning. */
const ROWS_FOR_COUNTS = 20;
const ROWS_IN_FULL: number = ROWS_A_MINUTE - 2;
/** What a row takes beside its leaf and disclosure: its key, and the index over command, kind and part. */
const ROW_OVERHEAD = 96;
/** A count or gap: a leaf of 400 bytes, two short fields with their salts, the row. */
const NOTE_BYTES = 768;
/** Once a day's bytes are spent, gaps are this far apart; for them and the day's end and beginning 146 × 768 B are set aside. */
const GAP_EVERY_MS = 600_000;
const BYTES_FOR_GAPS: number = (86_400_000 / GAP_EVERY_MS + 2) * NOTE_BYTES;
/** Each some 200 bytes of memory. */
export const KEYS = 2048;
const MINUTE = 60_000;
const DAY = 86_400_000;

export interface PerimeterDenial {
  readonly reason: string;
  /** What the caller was answered; the reason decides it. */
  readonly status: number;
  /** Address prefix: /24 or /48. */
  readonly prefix: string;
  readonly connection: string;
  readonly record: Committed;
}

interface Counter {
  readonly reason: string;
  readonly status: number;
  readonly prefix: string;
  readonly connection: string;
  seen: number;
  written: number;
}

export class PerimeterLog {
  readonly #log: RecordLog;
  readonly #counters = new Map<string, Counter>();
  #minute = -1;
  #rows = 0;
  #day = -1;
  #bytes = 0;
  /** Calls that no row tells of yet and no counter holds. */
  #uncounted = 0;
  #lastGap = 0;

  constructor(log: RecordLog) {
    this.#log = log;
  }

  /** After a failed transaction: what this minute and day have written is read from the log again. Counts stay. */
  reload(): void {
    this.#log.reload();
    this.#day = -1;
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
    if (
      counter.seen <= FIRST_IN_FULL &&
      this.#rows < ROWS_IN_FULL &&
      this.#append(denial.record, this.#bytesLeft(), now)
    ) {
      counter.written += 1;
    }
    return counter.seen > counter.written || this.#uncounted > 0;
  }

  #counter({ reason, status, prefix, connection }: PerimeterDenial): Counter | null {
    const key = `${reason} ${prefix} ${connection}`;
    const known = this.#counters.get(key);
    if (known !== undefined) return known;
    if (this.#counters.size >= KEYS) return null;
    const counter: Counter = { reason, status, prefix, connection, seen: 0, written: 0 };
    this.#counters.set(key, counter);
    return counter;
  }

  /** Called by the alarm when the minute is over; true if something still waits. */
  flush(now: number): boolean {
    this.#turn(now);
    return this.#uncounted > 0 || this.#counters.size > 0;
  }

  /** Writes the counts of a minute that is over, into the day in which it is over. */
  #turn(now: number): void {
    if (this.#day !== Math.floor(now / DAY)) this.#readBounds(now);
    const minute = Math.floor(now / MINUTE);
    if (minute === this.#minute) return;
    this.#rows = 0;
    this.#writeCounts(now);
    this.#minute = minute;
  }

  /** What the running day and minute have written already: an instance that has just started must not write it all again. */
  #readBounds(now: number): void {
    const minute = Math.floor(now / MINUTE);
    this.#day = Math.floor(now / DAY);
    if (this.#minute === -1) this.#minute = minute;
    this.#rows = 0;
    this.#bytes = 0;
    const head = this.#log.newest();
    if (head === null || Math.floor(head.opened / DAY) !== this.#day) return;
    for (let from = 0; from < head.size;) {
      const page = this.#log.read(head, from, 500);
      for (const { leaf, disclosure } of page) {
        this.#bytes += leaf.length + disclosure.length + ROW_OVERHEAD;
        const time = timeOf(leaf);
        if (Math.floor(time / MINUTE) === minute) this.#rows += 1;
        if (leaf.includes('"kind":"gap"')) this.#lastGap = time;
      }
      from += page.length;
    }
  }

  #bytesLeft(): number {
    return BYTES_A_DAY - BYTES_FOR_GAPS - this.#bytes;
  }

  /** Changes what memory counts only once everything is written: a refused write loses no count. */
  #writeCounts(now: number): void {
    let dropped = this.#uncounted;
    const counted = [...this.#counters.values()]
      .filter((c) => c.seen > c.written)
      .sort((a, b) => b.seen - b.written - (a.seen - a.written));
    for (const { reason, status, prefix, connection, seen, written } of counted) {
      const count = seen - written;
      const isRoom = this.#rows < ROWS_FOR_COUNTS && this.#bytesLeft() >= NOTE_BYTES;
      const classes = { protocol: "http", reason, status, count };
      if (!isRoom || !this.#append(note("command.denied", classes, { prefix, connection }), NOTE_BYTES, now))
        dropped += count;
    }
    const mustWait =
      this.#bytesLeft() < NOTE_BYTES && Math.floor(this.#lastGap / GAP_EVERY_MS) === Math.floor(now / GAP_EVERY_MS);
    if (dropped > 0 && !mustWait) {
      this.#append(note("gap", { reason: "perimeter_bound", count: dropped }, {}), NOTE_BYTES, now);
      this.#lastGap = now;
      dropped = 0;
    }
    this.#counters.clear();
    this.#uncounted = dropped;
  }

  /** False if the record is larger than `room` or is none that a log can take. */
  #append(record: Committed, room: number, now: number): boolean {
    // A caller without an identity has nothing kept of its body.
    if (!isWellFormed(record) || record.payload !== null) return false;
    const size = record.classes.length + 400 + record.disclosure.length + ROW_OVERHEAD;
    const head = this.#today(now);
    if (size > room || !this.#log.fits(record, head, now)) return false;
    this.#log.append(head, record, now);
    this.#rows += 1;
    this.#bytes += size;
    return true;
  }

  /** One session a UTC day. */
  #today(now: number): Head {
    const live = this.#log.newest();
    if (live !== null && Math.floor(live.opened / DAY) === Math.floor(now / DAY)) return live;
    if (live !== null) {
      this.#log.append(live, note("session.closed", { reason: "day", size: live.size + 1 }, {}), now);
      this.#log.retire(live.no);
    }
    const head = this.#log.open(newSessionId(now, fillRandom), now);
    this.#log.append(head, note("session.opened", { protocol: "perimeter" }, {}), now);
    return head;
  }
}

function note(kind: Kind, classes: Classes, fields: Fields): Committed {
  return commit(ownRecord({ kind, command: null, part: 0, classes, fields }), fillRandom, sha256);
}
