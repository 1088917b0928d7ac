// Reads a body for the pump, in buffers that are used again, and opens its content coding where that
// has to be.

import { UNDECIDED_LIMIT } from "../../core/mask/payload_masker.ts";
import { CHUNK_LIMIT, DETACHED_LIMIT } from "../../core/record/payload.ts";
import { type BodyRecord, ENOUGH } from "./body_record.ts";
import { type Coding, NotOpened, Opener } from "./coding.ts";
import { giveLargestBack, takeLargest } from "./largest_pieces.ts";

/** Bytes read at once. */
const PIECE: number = 64 * 1024;
/**
 * What a large body that fills its pieces is read in. Each turn of the loop leaves some KiB for the
 * collector, whatever it moves, and costs an append. Not larger, because with what was undecided before
 * it makes a chunk, and because 64 such bodies have to fit into an isolate's 128 MB: one piece that is
 * read and one that is on its way out are 32 MiB.
 */
const LARGE_PIECE: number = CHUNK_LIMIT - UNDECIDED_LIMIT;
/** Bytes after which a body counts as large. */
const LARGE_BODY: number = 1024 * 1024;
/**
 * What a few very large bodies at a time are read in (largest_pieces.ts): two of them make a chunk of as
 * much as stands beside one record, so that half as many turns and appends are needed. A body comes to it
 * that is long and fills its pieces.
 */
const LARGEST_PIECE: number = DETACHED_LIMIT / 2 - UNDECIDED_LIMIT;
/** Bytes after which a body counts as very large. */
const VERY_LARGE_BODY: number = 4 * 1024 * 1024;
/** Buffers that are kept to be used again. */
const KEPT = 3;

interface Opening {
  readonly pieces: AsyncGenerator<Uint8Array, void>;
  /** What travelled; null for what comes with the body's end. */
  readonly chunk: Uint8Array | null;
}

/** `taken`: there is more in the body's record now. `end`: no more comes. */
export type Took = "taken" | "end" | "source_cut" | "mask_failed" | "unreadable";

export class Intake {
  readonly #reader: ReadableStreamBYOBReader;
  readonly #body: BodyRecord;
  /** Bytes the body must have, or null if only its end tells. */
  readonly #length: number | null;
  #read = 0;
  #size: number = PIECE;
  readonly #free: ArrayBuffer[] = [];
  #opener: Opener | null = null;
  #opening: Opening | null = null;

  constructor(source: ReadableStream<Uint8Array>, body: BodyRecord, length: number | null) {
    this.#reader = source.getReader({ mode: "byob" });
    this.#body = body;
    this.#length = length;
  }

  /** True if a chunk has room for another piece. */
  get hasRoom(): boolean {
    if (this.#body.opens !== null) return this.#body.size < ENOUGH;
    return this.#body.size + this.#size <= (this.#size === LARGEST_PIECE ? DETACHED_LIMIT : CHUNK_LIMIT);
  }

  /** Takes the next piece. Never throws; not to be called again after anything but `taken`. */
  async next(): Promise<Took> {
    if (this.#opening !== null) return this.#open(this.#opening);
    // With all of a stated length here, nothing more is waited for.
    if (this.#read === this.#length) return this.#end();
    let chunk: Uint8Array<ArrayBuffer> | undefined;
    try {
      const { done, value } = await this.#reader.read(new Uint8Array(this.#free.pop() ?? new ArrayBuffer(this.#size)));
      chunk = done ? undefined : value;
    } catch {
      return "source_cut";
    }
    if (chunk === undefined) return this.#length === null ? this.#end() : "source_cut";
    this.#read += chunk.length;
    if (chunk.length === chunk.buffer.byteLength && this.#body.opens === null) this.#grow();
    if (this.#body.opens !== null) return this.#begin(this.#body.opens, chunk);
    try {
      this.#body.add(chunk);
    } catch {
      return "mask_failed";
    }
    // So that the last bytes are released together with the end.
    return this.#read === this.#length ? this.#end() : "taken";
  }

  /** It fills its pieces. */
  #grow(): void {
    if (this.#size === PIECE && this.#read >= LARGE_BODY) this.#readBy(LARGE_PIECE);
    else if (this.#size === LARGE_PIECE && this.#read >= VERY_LARGE_BODY && takeLargest(this))
      this.#readBy(LARGEST_PIECE);
  }

  #readBy(size: number): void {
    this.#size = size;
    this.#free.length = 0;
  }

  #begin(coding: Coding, chunk: Uint8Array): Promise<Took> {
    this.#opener ??= new Opener(coding);
    this.#opening = { pieces: this.#opener.open(chunk), chunk };
    return this.#open(this.#opening);
  }

  async #open({ pieces, chunk }: Opening): Promise<Took> {
    let plain: Uint8Array | null = null;
    let isOpened = true;
    try {
      const next = await pieces.next();
      plain = next.done === true ? null : next.value;
    } catch (error) {
      if (!(error instanceof NotOpened)) return "mask_failed";
      isOpened = false;
    }
    try {
      if (plain !== null) {
        this.#body.addOpened(plain);
        return "taken";
      }
      if (!isOpened) this.#body.turnOpaque();
    } catch {
      return "mask_failed";
    }
    if (this.#body.isRefused) return "unreadable";
    this.#opening = null;
    if (chunk === null) return "end";
    this.#body.passed(chunk);
    return this.#read === this.#length ? this.#end() : "taken";
  }

  #end(): Took | Promise<Took> {
    const isOpening = this.#body.opens !== null && this.#opener !== null;
    if (!isOpening || this.#opener === null) return "end";
    this.#opening = { pieces: this.#opener.end(), chunk: null };
    return this.#open(this.#opening);
  }

  /** A buffer whose bytes nobody needs any more. */
  giveBack(bytes: Uint8Array): void {
    const { buffer } = bytes;
    if (buffer instanceof ArrayBuffer && buffer.byteLength === this.#size && this.#free.length < KEPT)
      this.#free.push(buffer);
  }

  /** With a stated length the end itself is still to be read, so that the connection can be used again. */
  async readEnd(): Promise<void> {
    await this.#reader.read(new Uint8Array(1)).catch(() => undefined);
  }

  cancel(): void {
    giveLargestBack(this);
    this.#opener?.close();
    this.#reader.cancel().catch(() => undefined);
  }
}
