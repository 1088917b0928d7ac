// Counts and digests what passes of a body, without keeping it.

import { createHash, type Hash } from "node:crypto";
import { toHex } from "../../core/bytes.ts";
import { sha256 } from "../../durable/sha256.ts";

export class Meter {
  bytes = 0;
  /** Of these: bytes that passed and are in no record, because no more was to be recorded. */
  cut = 0;
  /** True once the whole body has passed. */
  complete = false;
  /** False once the records do not show what passed as it was: then its digest is keyed, because a short secret could be guessed by it. */
  isShown = true;
  /** True while some of what passed is not in the records yet, or is on its way there. */
  isHeld = false;
  isPending = false;
  /** When bytes last passed, milliseconds since 1970. */
  moved: number = Date.now();
  readonly #commitment: (digest: Uint8Array) => string;
  /** Made when a first chunk comes: a body that is there whole does without. */
  #hash: Hash | null = null;
  #text: string | null = null;
  #whole: Uint8Array | null = null;

  constructor(commitment: (digest: Uint8Array) => string) {
    this.#commitment = commitment;
  }

  /** True once its digest was asked for: an outcome says what passed until then, and nothing more may. */
  get isOver(): boolean {
    return this.#text !== null;
  }

  add(chunk: Uint8Array): void {
    this.bytes += chunk.byteLength;
    this.#hash ??= createHash("sha256");
    this.#hash.update(chunk);
  }

  /** In place of `add` for a body that was read whole. */
  whole(body: Uint8Array): void {
    this.bytes = body.byteLength;
    this.moved = Date.now();
    this.complete = true;
    this.#whole = sha256(body);
  }

  /** RFC 8785 text of the digest of what passed. */
  text(): string {
    this.#text ??= this.#writeText();
    return this.#text;
  }

  /** SHA-256 of what passed. To be asked for once it has. */
  digest(): Uint8Array {
    this.#whole ??= this.#hash?.digest() ?? sha256(new Uint8Array(0));
    return this.#whole;
  }

  #writeText(): string {
    const digest = this.digest();
    // What is on its way to the records may come too late for them: until it is there, the body is not.
    const complete = this.complete && !this.isPending;
    return this.isShown && !this.isHeld && !this.isPending
      ? `{"complete":${complete},"sha256":"${toHex(digest)}"}`
      : `{"complete":${complete},"keyed":"${this.#commitment(digest)}"}`;
  }
}

/** RFC 8785 text of what passed both ways. A cut body is digested as far as it went, and says so. */
export function digestsText(request: Meter | null, response: Meter | null): string {
  return `{"request":${request?.text() ?? "null"},"response":${response?.text() ?? "null"}}`;
}
