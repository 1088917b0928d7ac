// Opens content codings (RFC 9110 §8.4.1) so that what is inside can be masked and recorded. What
// travels stays as it is. Anybody can send a few bytes that open to gibibytes: every step is bounded.

import {
  type BrotliDecompress,
  brotliDecompressSync,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  type Gunzip,
  gunzipSync,
  type Inflate,
  type InflateRaw,
  inflateRawSync,
  inflateSync,
} from "node:zlib";

export type Coding = "gzip" | "deflate" | "br";

/** Null for no coding; `unknown` for one that is not opened here, several in a row among them. */
export function codingOf(contentEncoding: string | null): Coding | "unknown" | null {
  switch ((contentEncoding ?? "").trim().toLowerCase()) {
    case "":
    case "identity":
      return null;
    case "gzip":
    case "x-gzip":
      return "gzip";
    case "deflate":
      return "deflate";
    case "br":
      return "br";
    default:
      return "unknown";
  }
}

/**
 * A body may open to OPENED_FREE bytes and OPENED_RATIO times what has travelled of it, and to
 * OPENED_LIMIT at most: text seldom goes below a twentieth and logs that repeat themselves below a
 * hundredth, while deflate can reach 1,032 and Brotli has no bound. What a few bytes can cost is the
 * masking of 8 MiB, a fraction of a second; a gibibyte is a ninth of what a session object stores.
 */
export const OPENED_FREE: number = 8 * 1024 * 1024;
export const OPENED_RATIO = 128;
export const OPENED_LIMIT: number = 1024 * 1024 * 1024;
/** Bytes opened at once. */
const PIECE: number = 64 * 1024;
/**
 * Given to the decompressor at once. For Brotli it does not wait for its reader in the midst of one
 * (workerd 1.20261023): slices are small then, and what one may open to is all the memory it costs, a
 * mebibyte of one kibibyte.
 */
const SLICE: Readonly<Record<Coding, number>> = { gzip: PIECE, deflate: PIECE, br: 1024 };
const SLICE_LIMIT: number = 1024 * 1024;

/** It is malformed, ends too early, or opens to too much. Carries nothing of the body. */
export class NotOpened extends Error {}

type Decompressor = Gunzip | Inflate | InflateRaw | BrotliDecompress;

/** Raw deflate is what some servers call `deflate` (RFC 9110 §8.4.1.2, note); the first byte of zlib's header tells (RFC 1950 §2.2). */
function isZlib(first: number): boolean {
  return (first & 0x0f) === 8 && first >> 4 <= 7;
}

function decompressor(coding: Coding, first: number): Decompressor {
  const options = { chunkSize: PIECE };
  switch (coding) {
    case "gzip":
      return createGunzip(options);
    case "deflate":
      return isZlib(first) ? createInflate(options) : createInflateRaw(options);
    case "br":
      return createBrotliDecompress(options);
  }
}

/** Opens a body as it passes. One call at a time, each read to its end. */
export class Opener {
  readonly #coding: Coding;
  #stream: Decompressor | null = null;
  #failed = false;
  #over = false;
  #wake: () => void = () => undefined;
  #travelled = 0;
  #opened = 0;
  #inSlice = 0;

  constructor(coding: Coding) {
    this.#coding = coding;
  }

  /** What became readable with the next bytes, in pieces. Throws NotOpened. */
  async *open(chunk: Uint8Array): AsyncGenerator<Uint8Array, void> {
    const size = SLICE[this.#coding];
    for (let at = 0; at < chunk.length; at += size) yield* this.#openSlice(chunk.subarray(at, at + size));
  }

  async *#openSlice(slice: Uint8Array): AsyncGenerator<Uint8Array, void> {
    this.#travelled += slice.length;
    this.#inSlice = 0;
    const stream = this.#streamFor(slice[0] ?? 0);
    if (this.#over) throw new NotOpened();
    let isTaken = false;
    stream.write(slice, () => {
      isTaken = true;
      this.#wake();
    });
    for (;;) {
      const piece = this.#read(stream);
      if (piece !== null) yield piece;
      else if (isTaken) return;
      // It takes no more, and does not say so.
      else if (this.#over) return;
      else await this.#woken();
    }
  }

  /** The body has ended. Throws NotOpened if it cannot have. */
  async *end(): AsyncGenerator<Uint8Array, void> {
    const stream = this.#stream;
    if (stream === null) return;
    this.#inSlice = 0;
    stream.end();
    for (;;) {
      const piece = this.#read(stream);
      if (piece !== null) yield piece;
      else if (this.#over) break;
      else await this.#woken();
    }
    if (leavesSome(this.#coding, stream.bytesWritten, this.#travelled)) throw new NotOpened();
  }

  /** Lets go of the decompressor's memory. */
  close(): void {
    this.#stream?.destroy();
  }

  #streamFor(first: number): Decompressor {
    if (this.#stream !== null) return this.#stream;
    const stream = decompressor(this.#coding, first);
    this.#stream = stream;
    const push = stream.push.bind(stream);
    stream.push = (piece: Uint8Array | null): boolean => {
      this.#inSlice += piece?.length ?? 0;
      // Where it does not wait for its reader it must not go on for ever.
      if (this.#coding === "br" && this.#inSlice > SLICE_LIMIT) this.#fail();
      return this.#failed ? false : push(piece);
    };
    stream.on("readable", () => this.#wake());
    stream.on("end", () => {
      this.#over = true;
      this.#wake();
    });
    stream.on("error", () => this.#fail());
    return stream;
  }

  #fail(): void {
    this.#failed = true;
    this.#stream?.destroy();
    this.#wake();
  }

  #read(stream: Decompressor): Uint8Array | null {
    const piece = this.#failed ? null : (stream.read() as Uint8Array | null);
    this.#opened += piece?.length ?? 0;
    const allowed = Math.min(OPENED_FREE + this.#travelled * OPENED_RATIO, OPENED_LIMIT);
    if (this.#failed || this.#opened > allowed) {
      this.#fail();
      throw new NotOpened();
    }
    return piece;
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/**
 * Whether something stands behind the coding's own end, which no reader of what was opened would see:
 * zlib stops there and says nothing. Behind gzip's end it takes another member, or fails (RFC 1952 §2.2).
 */
function leavesSome(coding: Coding, read: number, size: number): boolean {
  return coding !== "gzip" && read !== size;
}

/** The same for a body that is there whole. Null if it opens to more than `limit`; throws NotOpened. */
export function openWhole(coding: Coding, body: Uint8Array, limit: number): Uint8Array | null {
  if (body.length === 0) return body;
  let opened: Opened;
  try {
    opened = openSync(coding, body, limit);
  } catch (error) {
    // Node's own error has a code (ERR_BUFFER_TOO_LARGE), the runtime's has not; both are of this class.
    if (error instanceof RangeError) return null;
    throw new NotOpened();
  }
  if (leavesSome(coding, opened.engine.bytesWritten, body.length)) throw new NotOpened();
  return opened.buffer;
}

/** What node:zlib returns with `info`, which its types do not tell. */
interface Opened {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

function openSync(coding: Coding, body: Uint8Array, limit: number): Opened {
  const options = { maxOutputLength: limit, info: true };
  return openBy(coding, body[0] ?? 0)(body, options) as unknown as Opened;
}

function openBy(coding: Coding, first: number): (body: Uint8Array, options: { maxOutputLength: number }) => unknown {
  switch (coding) {
    case "gzip":
      return gunzipSync;
    case "deflate":
      return isZlib(first) ? inflateSync : inflateRawSync;
    case "br":
      return brotliDecompressSync;
  }
}
