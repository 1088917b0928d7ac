// One side's body on its way into the record: masks what passes, and cuts it into `stream.chunk`
// records. Says what may be released once they are durable: nothing that they or earlier ones do not
// tell of, except where no more is to be recorded.
//
// Places are counted as docs/record_format.md §5.4 says: travelled, plain, masked.

import { createHash } from "node:crypto";
import type { CommandId } from "../../core/ids.ts";
import { chunkRecord } from "../../core/mask/mask_draft.ts";
import { payloadFields } from "../../core/mask/payload_fields.ts";
import { CHUNK_LIMIT, type Side } from "../../core/record/payload.ts";
import type { Masked } from "../../core/record/record.ts";
import { sha256 } from "../../durable/sha256.ts";
import type { Coding } from "./coding.ts";
import { MaskedPayload, type PayloadPart } from "./masked_payload.ts";
import { Meter } from "./meter.ts";
import type { Recording } from "./recording.ts";
import type { ToCaller } from "./to_caller.ts";

/** Masked bytes that make a chunk while what they were opened of is not complete: with another piece of 64 KiB they are CHUNK_LIMIT. */
export const ENOUGH: number = CHUNK_LIMIT - 64 * 1024;

/** What is to be made durable, and what may go on to the other side after that. */
export interface Step {
  readonly records: readonly Masked[];
  readonly release: readonly Uint8Array[];
  /** True if what was released is needed by nobody here any more. */
  readonly isReusable: boolean;
}

/** How far a step goes. `decided`: up to what is known to hold no secret or has it masked. `overdue`: all that came. `end`: all, and no more comes. `cut`: the same, but it broke off. */
export type Reach = "decided" | "overdue" | "end" | "cut";

/** A body as its headers state it. */
export interface Stated {
  readonly contentType: string | null;
  readonly coding: Coding | "unknown" | null;
}

export class BodyRecord {
  readonly meter: Meter;
  readonly #command: CommandId;
  readonly #side: Side;
  readonly #recording: Recording;
  readonly #toCaller: ToCaller | null;
  readonly #coding: Stated["coding"];
  /** Null where nothing is recorded in the clear. */
  #payload: MaskedPayload | null;
  /** In a coding that cannot be opened. */
  #isOpaque: boolean;
  /** Chunks so far; travelled bytes that they release; masked bytes that they hold. */
  #n = 0;
  #offset = 0;
  #at = 0;
  /** Travelled bytes that wait to be released, and how many. */
  #waiting: Uint8Array[] = [];
  #size = 0;
  /** Plain bytes up to the end of what waits, and of what was released. */
  #waitingUpto = 0;
  #releasedUpto = 0;
  /** What the caller gets in place of coded bytes: of those that wait, and of those whose rest is still to be opened. */
  #changed: Uint8Array[] = [];
  #changing: Uint8Array[] = [];

  constructor(command: CommandId, side: Side, recording: Recording, stated: Stated, toCaller: ToCaller | null = null) {
    const isRecorded = recording.extent !== "metadata";
    this.#command = command;
    this.#side = side;
    this.#recording = recording;
    this.#toCaller = toCaller;
    this.#coding = stated.coding;
    this.#isOpaque = stated.coding === "unknown" && (isRecorded || toCaller !== null);
    const masker = isRecorded && !this.#isOpaque ? recording.masker(stated.contentType) : null;
    this.#payload = masker === null ? null : new MaskedPayload(masker, recording.extent);
    this.meter = new Meter(recording.commitment);
    if (this.#payload === null || stated.coding !== null) this.meter.isShown = false;
  }

  get #isCoded(): boolean {
    return this.#coding !== null;
  }

  /** The coding that has to be opened, to record the body or because what is released is changed. */
  get opens(): Coding | null {
    if (this.#isOpaque || (this.#payload === null && this.#toCaller === null)) return null;
    return this.#coding === "unknown" ? null : this.#coding;
  }

  /** True if it cannot be read and may not pass so. */
  get isRefused(): boolean {
    return this.#isOpaque && (this.#recording.unreadable === "refuse" || this.#toCaller !== null);
  }

  /** Bytes that are held here, in whichever form they are more. */
  get size(): number {
    return Math.max(this.#size, this.#payload?.gathered ?? 0);
  }

  /** True if a step to what is decided would do something. */
  get isReady(): boolean {
    if ((this.#payload?.gathered ?? 0) >= ENOUGH) return true;
    if (this.#size === 0) return false;
    return this.#payload === null || this.#isCoded || this.#payload.decided > this.#releasedUpto;
  }

  /** True if all that waits is undecided, and may be released so when nothing follows in time. */
  get mayFallDue(): boolean {
    return this.#size > 0 && !this.isReady && this.#toCaller === null;
  }

  /** Travelled bytes that are not opened. Throws what a masker throws, as the others do. */
  add(chunk: Uint8Array): void {
    if (!this.#isCoded) {
      this.#payload?.push(chunk);
      this.#waitingUpto += chunk.length;
    }
    this.#wait(chunk);
  }

  /** Plain bytes that were opened of the travelled ones which `passed` gives after them. */
  addOpened(plain: Uint8Array): void {
    this.#payload?.push(plain);
    if (this.#toCaller !== null) this.#changing.push(this.#toCaller.take(plain));
  }

  /** Travelled bytes whose plain ones were added. */
  passed(chunk: Uint8Array): void {
    this.#waitingUpto = this.#payload?.plain ?? 0;
    this.#changed.push(...this.#changing.splice(0));
    this.#wait(chunk);
  }

  #wait(chunk: Uint8Array): void {
    this.#waiting.push(chunk);
    this.#size += chunk.length;
    this.meter.moved = Date.now();
  }

  /** It cannot be opened any further: what follows is recorded by commitment only. */
  turnOpaque(): void {
    this.#payload?.end();
    this.#isOpaque = true;
  }

  take(reach: Reach): Step {
    const payload = this.#payload;
    const toldBefore = payload?.told ?? 0;
    if ((reach === "end" || reach === "cut") && !this.#isOpaque) payload?.end();
    const parts = payload?.takeParts() ?? [];
    const recorded = this.#takeWaiting(this.#recordedLength(reach));
    const isRecordedOn = this.#isOpaque || (payload !== null && !payload.isFull);
    const cut = isRecordedOn ? [] : this.#takeWaiting(this.#size);
    const records = this.#records(parts, recorded, toldBefore);
    this.#count(recorded, cut);
    if (payload?.isFull === true || this.#isOpaque) this.#payload = null;
    const release = this.#changedFor([...recorded, ...cut], reach === "end");
    return { records, release, isReusable: this.#toCaller === null };
  }

  /** Travelled bytes that the records of this step release. */
  #recordedLength(reach: Reach): number {
    const payload = this.#payload;
    if (this.#isOpaque) return this.#size;
    if (payload === null) return 0;
    if (this.#isCoded) return payload.isFull ? 0 : this.#size;
    if (payload.isFull) return Math.max(0, payload.told - this.#releasedUpto);
    const upto = reach === "decided" ? payload.decided : payload.plain;
    return Math.max(0, upto - this.#releasedUpto);
  }

  #records(parts: readonly PayloadPart[], release: readonly Uint8Array[], toldBefore: number): Masked[] {
    const length = release.reduce((sum, one) => sum + one.length, 0);
    const releasedBefore = this.#releasedUpto;
    if (length > 0) this.#releasedUpto = this.#isCoded ? this.#waitingUpto : releasedBefore + length;
    const records: Masked[] = [];
    // What could be opened before the rest could not is told by itself, so that no record is half of either.
    const before = this.#isOpaque ? parts : parts.slice(0, -1);
    for (const part of before) records.push(this.#record(part, [], this.#isOpaque ? 0 : releasedBefore - part.upto));
    const last = (this.#isOpaque ? null : parts.at(-1)) ?? null;
    if (last === null && length === 0) return records;
    const told = last?.upto ?? this.#payload?.told ?? 0;
    const isAsItWas =
      !this.#isCoded &&
      parts.length === 1 &&
      last?.hasSpans === false &&
      toldBefore === releasedBefore &&
      told === this.#releasedUpto;
    const held = (length > 0 ? this.#releasedUpto : releasedBefore) - told;
    records.push(this.#record(last, release, this.#isOpaque ? 0 : held, isAsItWas));
    if (parts.some(({ hasSpans }) => hasSpans)) this.meter.isShown = false;
    this.meter.isHeld = held > 0;
    return records;
  }

  #record(part: PayloadPart | null, release: readonly Uint8Array[], held: number, isAsItWas = false): Masked {
    const length = release.reduce((sum, one) => sum + one.length, 0);
    const isTold = part !== null || !this.#isOpaque;
    const fields = payloadFields(
      part?.pieces ?? [],
      {
        format: isTold ? (this.#payload?.format ?? "opaque") : "opaque",
        coding: isTold && this.#coding !== null ? this.#coding : null,
        raw: isAsItWas || length === 0 ? null : this.#recording.commitment(digestOf(release)),
      },
      sha256,
    );
    const chunk = { side: this.#side, n: this.#n, offset: this.#offset, length, at: this.#at, held: Math.max(0, held) };
    this.#n += 1;
    this.#offset += length;
    this.#at += fields.size;
    return chunkRecord(this.#command, chunk, fields);
  }

  #count(recorded: readonly Uint8Array[], cut: readonly Uint8Array[]): void {
    for (const bytes of recorded) this.meter.add(bytes);
    for (const bytes of cut) {
      this.meter.add(bytes);
      this.meter.cut += bytes.length;
      this.#releasedUpto += bytes.length;
    }
    if (cut.length > 0 || this.#isOpaque) this.meter.isShown = false;
  }

  /** The first `length` bytes of what waits. What stays is of its own: the buffers of what goes are used again. */
  #takeWaiting(length: number): Uint8Array[] {
    const taken: Uint8Array[] = [];
    let left = length;
    this.#size -= length;
    while (left > 0) {
      const first = this.#waiting.shift();
      if (first === undefined) break;
      taken.push(first.length <= left ? first : first.subarray(0, left));
      if (first.length > left) this.#waiting.unshift(first.slice(left));
      left -= first.length;
    }
    return taken;
  }

  #changedFor(travelled: readonly Uint8Array[], isEnd: boolean): readonly Uint8Array[] {
    const toCaller = this.#toCaller;
    if (toCaller === null) return travelled;
    const changed = this.#isCoded ? this.#changed.splice(0) : travelled.map((one) => toCaller.take(one));
    if (isEnd) changed.push(...this.#changing.splice(0), toCaller.end());
    return changed.filter(({ length }) => length > 0);
  }
}

function digestOf(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return sha256(only);
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}
