import { createHash } from "node:crypto";
import type { Sha256 } from "../core/record/record.ts";
import { SHORT_INPUT, sha256OfShort } from "../core/sha256.ts";

/** Synchronous, so that a chain's order needs no lock. The platform's costs about 2 µs a call whatever the size, and garbage: short inputs go without it. */
export const sha256: Sha256 = (bytes) =>
  bytes.length <= SHORT_INPUT ? sha256OfShort(bytes) : createHash("sha256").update(bytes).digest();

export function fillRandom(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return bytes.length === 0 ? bytes : crypto.getRandomValues(bytes);
}
