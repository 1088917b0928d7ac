// Merkle tree hashing, RFC 6962 §2.1: leaf = SHA-256(0x00 ‖ data), node = SHA-256(0x01 ‖ left ‖ right),
// an n-leaf tree splits at the largest power of two below n. Digests are 32-byte arrays here;
// `Digest` (hex) is how they stand in text.

import { toHex } from "../bytes.ts";
import type { Digest } from "../ids.ts";
import type { Sha256 } from "../record/record.ts";

export const EMPTY_ROOT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" as Digest;
/** `prev` of a log's first record. */
export const NO_PREVIOUS = "0".repeat(64) as Digest;

const encoder = new TextEncoder();
let scratch = new Uint8Array(4096);

/** RFC 6962 leaf hash of a text's UTF-8 bytes. */
export function leafHash(text: string, sha256: Sha256): Uint8Array {
  // A UTF-16 unit takes at most three bytes of UTF-8.
  if (scratch.length < text.length * 3 + 1) scratch = new Uint8Array(text.length * 3 + 1);
  scratch[0] = 0;
  const { written } = encoder.encodeInto(text, scratch.subarray(1));
  return sha256(scratch.subarray(0, written + 1));
}

export function nodeHash(left: Uint8Array, right: Uint8Array, sha256: Sha256): Uint8Array {
  const bytes = new Uint8Array(65);
  bytes[0] = 1;
  bytes.set(left, 1);
  bytes.set(right, 33);
  return sha256(bytes);
}

export function digestText(hash: Uint8Array): Digest {
  return toHex(hash) as Digest;
}

/** Root of the tree over `leaves[from..to)`. */
export function rootOf(
  leaves: readonly Uint8Array[],
  sha256: Sha256,
  from = 0,
  to: number = leaves.length,
): Uint8Array {
  const size = to - from;
  if (size === 0) return sha256(new Uint8Array(0));
  const only = leaves[from];
  if (size === 1 && only !== undefined) return only;
  const split = from + splitPoint(size);
  return nodeHash(rootOf(leaves, sha256, from, split), rootOf(leaves, sha256, split, to), sha256);
}

/** The largest power of two below `size` (size ≥ 2). */
export function splitPoint(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

/** A tree that grows by one leaf at a time and keeps the roots of its perfect subtrees only: O(log n) state. */
export class TreeHead {
  #size = 0;
  readonly #edge: Uint8Array[] = [];
  readonly #sha256: Sha256;

  constructor(sha256: Sha256) {
    this.#sha256 = sha256;
  }

  get size(): number {
    return this.#size;
  }

  append(leaf: Uint8Array): void {
    let hash = leaf;
    // Each trailing 1 bit of the size is a perfect subtree that the new leaf completes.
    for (let bits = this.#size; bits % 2 === 1; bits = Math.floor(bits / 2)) {
      const left = this.#edge.pop();
      if (left === undefined) throw new Error("the tree's edge is shorter than its size says");
      hash = nodeHash(left, hash, this.#sha256);
    }
    this.#edge.push(hash);
    this.#size += 1;
  }

  root(): Digest {
    const last = this.#edge.at(-1);
    if (last === undefined) return EMPTY_ROOT;
    let hash = last;
    for (let i = this.#edge.length - 2; i >= 0; i--) hash = nodeHash(this.#edge[i] ?? hash, hash, this.#sha256);
    return digestText(hash);
  }
}

/** Audit path of leaf `index` among `leaves[from..to)`, RFC 6962 §2.1.1, nearest sibling first. */
export function inclusionProof(
  leaves: readonly Uint8Array[],
  index: number,
  sha256: Sha256,
  from = 0,
  to: number = leaves.length,
): Uint8Array[] {
  if (index < from || index >= to) throw new RangeError("no such leaf");
  if (to - from === 1) return [];
  const split = from + splitPoint(to - from);
  return index < split
    ? [...inclusionProof(leaves, index, sha256, from, split), rootOf(leaves, sha256, split, to)]
    : [...inclusionProof(leaves, index, sha256, split, to), rootOf(leaves, sha256, from, split)];
}

/** The root that a leaf and its audit path lead to (RFC 9162 §2.1.3.2), or null if the path has the wrong length. */
export function rootFromProof(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
  sha256: Sha256,
): Uint8Array | null {
  if (index >= size) return null;
  let position = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of path) {
    if (last === 0) return null;
    if (position % 2 === 1 || position === last) {
      hash = nodeHash(sibling, hash, sha256);
      while (position % 2 === 0 && position !== 0) {
        position = Math.floor(position / 2);
        last = Math.floor(last / 2);
      }
    } else {
      hash = nodeHash(hash, sibling, sha256);
    }
    position = Math.floor(position / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? hash : null;
}
