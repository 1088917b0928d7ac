// Counts and digests what passes, without keeping it.

import { createHash, type Hash } from "node:crypto";
import { toHex } from "../../core/bytes.ts";
import { sha256 } from "../../durable/sha256.ts";

export class Meter {
  bytes = 0;
  /** True once the whole body has passed. */
  complete = false;
  /** When bytes last passed, milliseconds since 1970. */
  moved: number = Date.now();
  /** Made when a first chunk comes: a body that is there whole does without. */
  #hash: Hash | null = null;
  #digest: string | null = null;

  add(chunk: Uint8Array): void {
    // An upstream may answer before it has read everything: what is still under way then belongs to no digest.
    if (this.#digest !== null) return;
    this.bytes += chunk.byteLength;
    this.moved = Date.now();
    this.#hash ??= createHash("sha256");
    this.#hash.update(chunk);
  }

  /** In place of `add` for a body that was read whole. */
  whole(body: Uint8Array): void {
    this.bytes = body.byteLength;
    this.moved = Date.now();
    this.complete = true;
    this.#digest = toHex(sha256(body));
  }

  /** SHA-256 in hex over what passed; what comes afterwards is not counted. */
  digest(): string {
    this.#digest ??= this.#hash === null ? toHex(sha256(new Uint8Array(0))) : this.#hash.digest("hex");
    return this.#digest;
  }
}

/** RFC 8785 text of what passed both ways. A cut body is digested as far as it went, and says so. */
export function digestsText(request: Meter | null, response: Meter | null): string {
  const one = (meter: Meter | null): string =>
    meter === null ? "null" : `{"complete":${meter.complete},"sha256":"${meter.digest()}"}`;
  return `{"request":${one(request)},"response":${one(response)}}`;
}
