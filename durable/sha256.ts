import { createHash } from "node:crypto";
import { sha256 as noble } from "@noble/hashes/sha2.js";
import type { Sha256 } from "../core/record/record.ts";

/**
 * Up to here a digest in JavaScript is the faster one. The platform's takes 2.5 µs for anything of a
 * record's size; one in JavaScript 1 µs a block of 64 bytes, and a leaf has a dozen of them.
 */
const SHORT = 96;
/** One state, used again and again for the same reason; nothing runs between its steps. */
const fresh = noble.create();
const running = noble.create();

/** Synchronous, so that a chain's order needs no lock. */
export const sha256: Sha256 = (bytes) => {
  if (bytes.length > SHORT) return createHash("sha256").update(bytes).digest();
  const digest = new Uint8Array(32);
  // oxlint-disable-next-line no-underscore-dangle -- noble's public name for taking over a state
  fresh._cloneInto(running).update(bytes).digestInto(digest);
  return digest;
};

export function fillRandom(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return bytes.length === 0 ? bytes : crypto.getRandomValues(bytes);
}
