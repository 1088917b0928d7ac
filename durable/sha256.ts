import { createHash } from "node:crypto";
import type { Sha256 } from "../core/record/record.ts";

/** The platform's SHA-256. Synchronous, so that a chain's order needs no lock; about 2 µs a call whatever the size. */
export const sha256: Sha256 = (bytes) => createHash("sha256").update(bytes).digest();

export function fillRandom(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return bytes.length === 0 ? bytes : crypto.getRandomValues(bytes);
}
