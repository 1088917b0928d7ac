// Where open commands stand: whether their answer has begun, and what the next chunk of a side must say to
// follow the last one.
// Nothing but a cache of the log: forgotten after a failed transaction, and read again when it is asked for.
//
// Invariant: of each side, chunks count from 0, their bytes follow each other without gap or overlap, and
// so do their payloads; docs/record_format.md §5.2, rules 7 and 8.

import type { CommandId } from "../core/ids.ts";
import { chunkPart, type Side } from "../core/record/payload.ts";
import type { Classes, Committed } from "../core/record/record.ts";
import { payloadSize } from "./inline_payload.ts";
import type { Existing, RecordLog } from "./record_log.ts";

/** What the next chunk says: how many there are, bytes that travelled, bytes of payload. */
interface SideEnd {
  readonly n: number;
  readonly offset: number;
  readonly at: number;
}

/** What a chunk says of its place. */
export interface ChunkPlace extends SideEnd {
  readonly side: Side;
  readonly length: number;
}

const SIDES: readonly Side[] = ["request", "response"];
const NOTHING: SideEnd = { n: 0, offset: 0, at: 0 };
/** No chunk says this: the body was recorded whole when an approval was asked for. */
const WHOLE: SideEnd = { n: Infinity, offset: 0, at: 0 };

/** Null if the record does not say it, or not as a chunk must. */
export function chunkPlace({ classes, part }: Pick<Committed, "classes" | "part">): ChunkPlace | null {
  return place(JSON.parse(classes) as Classes, part);
}

/** The same of a chunk that is recorded. */
export function recordedPlace({ leaf }: Existing): ChunkPlace {
  const { class: classes, part } = JSON.parse(leaf) as { readonly class: Classes; readonly part: number };
  const found = place(classes, part);
  if (found === null) throw new Error("a recorded chunk without its place");
  return found;
}

function place({ side, offset, length, at }: Classes, part: number): ChunkPlace | null {
  if ((side !== "request" && side !== "response") || !isCount(offset) || !isCount(length) || !isCount(at)) return null;
  const n = (part - chunkPart(side, 0)) / 2;
  return Number.isInteger(n) && n >= 0 ? { side, n, offset, length, at } : null;
}

export class ChunkOrder {
  readonly #log: RecordLog;
  readonly #ends = new Map<CommandId, Map<Side, SideEnd>>();
  /** Whether an answer has begun. */
  readonly #started = new Map<CommandId, boolean>();

  constructor(log: RecordLog) {
    this.#log = log;
  }

  reload(): void {
    this.#ends.clear();
    this.#started.clear();
  }

  /** A command was appended. All of it is known from here on, so that a call in two records costs no look-up. */
  begun(command: CommandId): void {
    this.#started.set(command, false);
    this.#ends.set(command, new Map(SIDES.map((side) => [side, NOTHING])));
  }

  /** The command has come to its end. */
  drop(command: CommandId): void {
    this.#ends.delete(command);
    this.#started.delete(command);
  }

  /** To judge the records of one call by, of which none is written yet. */
  ahead(): ChunksAhead {
    return new ChunksAhead(this);
  }

  end(command: CommandId, side: Side): SideEnd {
    const known = this.#ends.get(command)?.get(side);
    if (known !== undefined) return known;
    const end = this.#read(command, side);
    this.keep(command, side, end);
    return end;
  }

  #read(command: CommandId, side: Side): SideEnd {
    if (side === "request" && this.#log.find(command, "approval.requested", 0) !== null) return WHOLE;
    const last = this.#log.lastChunk(command, side);
    return last === null ? NOTHING : this.#after(last);
  }

  keep(command: CommandId, side: Side, end: SideEnd): void {
    const sides = this.#ends.get(command) ?? new Map<Side, SideEnd>();
    this.#ends.set(command, sides.set(side, end));
  }

  #after(last: Existing): SideEnd {
    return after(recordedPlace(last), this.#log.payloads.size(last.id) ?? payloadSize(last.disclosure));
  }

  hasStarted(command: CommandId): boolean {
    const started = this.#started.get(command) ?? this.#log.find(command, "response.started", 0) !== null;
    this.#started.set(command, started);
    return started;
  }

  keepStarted(command: CommandId): void {
    this.#started.set(command, true);
  }

  /** Whether a side's first chunk may come: the answer has begun; the request does not stand in its own record. */
  mayBegin(command: CommandId, side: Side): boolean {
    if (side === "response") return this.hasStarted(command);
    const requested = this.#log.find(command, "command.requested", 0);
    return (
      requested !== null && payloadSize(requested.disclosure) === 0 && this.#log.payloads.size(requested.id) === null
    );
  }
}

export class ChunksAhead {
  readonly #order: ChunkOrder;
  readonly #ends = new Map<string, readonly [CommandId, Side, SideEnd]>();
  readonly #started = new Set<CommandId>();
  /** Commands whose request follows what asks for an approval. */
  readonly #asking = new Set<CommandId>();

  constructor(order: ChunkOrder) {
    this.#order = order;
  }

  /** An earlier record of the call begins the answer. */
  started(command: CommandId): void {
    this.#started.add(command);
  }

  /** An earlier record of the call asks for an approval: of its request nothing is recorded yet. */
  asks(command: CommandId): void {
    this.#asking.add(command);
    this.#ends.set(`${command}request`, [command, "request", NOTHING]);
  }

  /** A record of the request of one that asks; false if it does not follow. */
  takes(command: CommandId, record: Committed): boolean {
    const chunk = chunkPlace(record);
    if (chunk === null || chunk.side !== "request" || !this.follows(command, chunk)) return false;
    this.add(command, chunk, record);
    return true;
  }

  hasStarted(command: CommandId): boolean {
    return this.#started.has(command) || this.#order.hasStarted(command);
  }

  end(command: CommandId, side: Side): SideEnd {
    return this.#ends.get(command + side)?.[2] ?? this.#order.end(command, side);
  }

  follows(command: CommandId, { side, n, offset, at }: ChunkPlace): boolean {
    const end = this.end(command, side);
    if (end.n !== n || end.offset !== offset || end.at !== at) return false;
    if (n > 0 || this.#asking.has(command)) return true;
    return (side === "response" && this.#started.has(command)) || this.#order.mayBegin(command, side);
  }

  /** A chunk that follows is to be appended. */
  add(command: CommandId, chunk: ChunkPlace, { payload, disclosure }: Committed): void {
    const size = payload === null ? payloadSize(disclosure) : payload.length;
    this.#ends.set(command + chunk.side, [command, chunk.side, after(chunk, size)]);
  }

  /** All of the call is appended. */
  keep(): void {
    for (const command of this.#started) this.#order.keepStarted(command);
    for (const [command, side, end] of this.#ends.values()) this.#order.keep(command, side, end);
  }
}

function after({ n, offset, length, at }: ChunkPlace, size: number): SideEnd {
  return { n: n + 1, offset: offset + length, at: at + size };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
