// Consistency proofs, RFC 6962 §2.1.2: that a tree of `to` leaves begins with the tree of `from`
// leaves that somebody saw before. Making follows the RFC, checking RFC 9162 §2.1.4.2.

import type { Sha256 } from "../record/record.ts";
import { nodeHash, rootOf, splitPoint } from "./merkle.ts";

/** 0 < from ≤ to ≤ leaves.length. Empty where both sizes are equal. */
export function consistencyProof(
  leaves: readonly Uint8Array[],
  from: number,
  to: number,
  sha256: Sha256,
): Uint8Array[] {
  if (!(from > 0 && from <= to && to <= leaves.length)) throw new RangeError("no such sizes");
  return subproof(leaves, from, 0, to, true, sha256);
}

/** `isWhole`: the verifier knows the root of `start..start+from` already, because it is the old tree. */
function subproof(
  leaves: readonly Uint8Array[],
  from: number,
  start: number,
  end: number,
  isWhole: boolean,
  sha256: Sha256,
): Uint8Array[] {
  const size = end - start;
  if (from === size) return isWhole ? [] : [rootOf(leaves, sha256, start, end)];
  const split = splitPoint(size);
  return from <= split
    ? [...subproof(leaves, from, start, start + split, isWhole, sha256), rootOf(leaves, sha256, start + split, end)]
    : [
        ...subproof(leaves, from - split, start + split, end, false, sha256),
        rootOf(leaves, sha256, start, start + split),
      ];
}

/** True if the path shows that the tree of `to` leaves with root `newRoot` begins with the one of `from` leaves with `oldRoot`. */
export function isConsistent(
  from: number,
  oldRoot: Uint8Array,
  to: number,
  newRoot: Uint8Array,
  path: readonly Uint8Array[],
  sha256: Sha256,
): boolean {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 1 || from > to) return false;
  if (from === to) return path.length === 0 && isEqual(oldRoot, newRoot);
  // If the old tree is a perfect one, its root is a node of the new tree and the path leaves it out.
  const isPerfect = splitPoint(from * 2) === from;
  const [first, ...rest] = isPerfect ? [oldRoot, ...path] : path;
  if (first === undefined || path.length === 0) return false;
  let node = from - 1;
  let last = to - 1;
  while (node % 2 === 1) {
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  let oldHash = first;
  let newHash = first;
  for (const sibling of rest) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      oldHash = nodeHash(sibling, oldHash, sha256);
      newHash = nodeHash(sibling, newHash, sha256);
      while (node % 2 === 0 && node !== 0) {
        node = Math.floor(node / 2);
        last = Math.floor(last / 2);
      }
    } else {
      newHash = nodeHash(newHash, sibling, sha256);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && isEqual(oldHash, oldRoot) && isEqual(newHash, newRoot);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
