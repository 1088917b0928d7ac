// The verifier's own hashing: commitments, leaf hashes and trees, written from docs/record_format.md
// §3 and §4 (RFC 6962 §2.1) and not with the code that builds them.

import { toHex } from "../bytes.ts";
import type { Sha256 } from "../record/record.ts";
import type { ReadField, ReadFields } from "./read_line.ts";

const encoder = new TextEncoder();
const LABEL = encoder.encode("sallyport.field.v1");

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function withLength(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length);
  return concat(length, bytes);
}

export function hashOfLeaf(text: string, sha256: Sha256): Uint8Array {
  return sha256(concat(Uint8Array.of(0), encoder.encode(text)));
}

function commitmentOf({ name, salt, value }: ReadField, sha256: Sha256): Uint8Array {
  return sha256(
    concat(
      Uint8Array.of(0),
      LABEL,
      withLength(salt),
      withLength(encoder.encode(name)),
      withLength(encoder.encode(value)),
    ),
  );
}

/** Of a withheld field the commitment stands in its place. */
export function rootOfFields({ fields, withheld }: ReadFields, sha256: Sha256): string {
  const commitments = [
    ...fields.map((field) => ({ name: field.name, commitment: commitmentOf(field, sha256) })),
    ...withheld,
  ];
  // Names are ASCII, so this order is the order of their bytes.
  commitments.sort((a, b) => (a.name < b.name ? -1 : 1));
  const tree = new Tree(sha256);
  for (const { commitment } of commitments) tree.add(commitment);
  return tree.root();
}

/** Roots of perfect subtrees by height: like a binary counter, so memory grows with the logarithm of the size. */
export class Tree {
  readonly #sha256: Sha256;
  readonly #byHeight: (Uint8Array | null)[] = [];

  constructor(sha256: Sha256) {
    this.#sha256 = sha256;
  }

  add(hash: Uint8Array): void {
    let carry = hash;
    let height = 0;
    for (let left = this.#byHeight[height] ?? null; left !== null; left = this.#byHeight[height] ?? null) {
      carry = this.#node(left, carry);
      this.#byHeight[height] = null;
      height += 1;
    }
    this.#byHeight[height] = carry;
  }

  /** Higher subtrees stand further left, so they are joined from the lowest upwards. */
  root(): string {
    let root: Uint8Array | null = null;
    for (const subtree of this.#byHeight) {
      if (subtree !== null) root = root === null ? subtree : this.#node(subtree, root);
    }
    return toHex(root ?? this.#sha256(new Uint8Array(0)));
  }

  #node(left: Uint8Array, right: Uint8Array): Uint8Array {
    return this.#sha256(concat(Uint8Array.of(1), left, right));
  }
}
