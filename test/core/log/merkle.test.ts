// Leaf inputs, roots and proofs of Certificate Transparency's reference tests, as published in
// github.com/transparency-dev/merkle, testonly/constants.go and testonly/reference_test.go.

import { sha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../core/bytes.ts";
import { consistencyProof, isConsistent } from "../../../core/log/consistency.ts";
import {
  digestText,
  inclusionProof,
  leafHash,
  nodeHash,
  rootFromProof,
  rootOf,
  TreeHead,
} from "../../../core/log/merkle.ts";
import { Tree } from "../../../core/verify/hashes.ts";

const INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
const INCLUSION: [index: number, size: number, path: string[]][] = [
  [0, 1, []],
  [0, 2, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"]],
  [1, 2, ["6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"]],
  [2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]],
  [
    1,
    5,
    [
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
  ],
  [
    0,
    8,
    [
      "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
  ],
  [
    5,
    8,
    [
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
  ],
];
const CONSISTENCY: [from: number, to: number, path: string[]][] = [
  [1, 1, []],
  [
    1,
    8,
    [
      "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
  ],
  [
    2,
    5,
    [
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
  ],
  [
    6,
    8,
    [
      "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
  ],
];

const bytes = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array(0);
const leaves = INPUTS.map((input) => sha256(Uint8Array.of(0, ...bytes(input))));
const root = (hashes: readonly Uint8Array[], size: number = hashes.length): Uint8Array =>
  rootOf(hashes, sha256, 0, size);

describe("Certificate Transparency's published vectors", () => {
  it("give the published roots, from the tree, from the accumulator and from the verifier's own", () => {
    const head = new TreeHead(sha256);
    const tree = new Tree(sha256);
    ROOTS.forEach((expected, size) => {
      expect([toHex(root(leaves, size)), head.root(), tree.root(), head.size]).toEqual([
        expected,
        expected,
        expected,
        size,
      ]);
      const next = leaves[size];
      if (next !== undefined) head.append(next);
      if (next !== undefined) tree.add(next);
    });
  });

  it.each(INCLUSION)("give the published inclusion proof of leaf %i among %i", (index, size, path) => {
    expect(inclusionProof(leaves.slice(0, size), index, sha256).map(toHex)).toEqual(path);
    expect(toHex(rootFromProof(leaves[index] ?? bytes(""), index, size, path.map(bytes), sha256) ?? bytes(""))).toBe(
      ROOTS[size],
    );
  });

  it.each(CONSISTENCY)("give the published consistency proof from %i to %i", (from, to, path) => {
    expect(consistencyProof(leaves, from, to, sha256).map(toHex)).toEqual(path);
    expect(isConsistent(from, bytes(ROOTS[from] ?? ""), to, bytes(ROOTS[to] ?? ""), path.map(bytes), sha256)).toBe(
      true,
    );
  });
});

const trees = fc
  .integer({ min: 1, max: 70 })
  .map((size) => Array.from({ length: size }, (_, i) => leafHash(`leaf ${i}`, sha256)));

describe("Merkle trees", () => {
  it("grow to the root that RFC 6962 defines for every size", () => {
    const all = Array.from({ length: 130 }, (_, i) => leafHash(String(i), sha256));
    const head = new TreeHead(sha256);
    const tree = new Tree(sha256);
    all.forEach((leaf, i) => {
      head.append(leaf);
      tree.add(leaf);
      const expected = digestText(root(all, i + 1));
      expect([head.root(), tree.root()]).toEqual([expected, expected]);
    });
  });

  it("prove each leaf, and no other leaf, place, size or path", () => {
    fc.assert(
      fc.property(trees, fc.nat(), fc.nat(), (all, a, b) => {
        const index = a % all.length;
        const leaf = all[index] ?? bytes("");
        const path = inclusionProof(all, index, sha256);
        const expected = toHex(root(all));
        const leads = (hash: Uint8Array, at: number, size: number, by: readonly Uint8Array[]): boolean =>
          toHex(rootFromProof(hash, at, size, by, sha256) ?? bytes("")) === expected;
        expect(leads(leaf, index, all.length, path)).toBe(true);
        expect(leads(leafHash("another", sha256), index, all.length, path)).toBe(false);
        expect(leads(leaf, index, all.length, [...path, leaf])).toBe(false);
        expect(leads(leaf, all.length, all.length, path)).toBe(false);
        const other = b % all.length;
        if (other !== index) expect(leads(leaf, other, all.length, path)).toBe(false);
        if (path.length > 0) expect(leads(leaf, index, all.length, path.slice(1))).toBe(false);
      }),
    );
  });

  it("prove that they begin with each of their earlier states, and with nothing else", () => {
    fc.assert(
      fc.property(trees, fc.nat(), (all, a) => {
        const from = 1 + (a % all.length);
        const path = consistencyProof(all, from, all.length, sha256);
        const consistent = (old: Uint8Array, by: readonly Uint8Array[] = path, size = from): boolean =>
          isConsistent(size, old, all.length, root(all), by, sha256);
        expect(consistent(root(all, from))).toBe(true);
        const rewritten = [...all.slice(0, from - 1), leafHash("rewritten", sha256)];
        expect(consistent(root(rewritten))).toBe(false);
        expect(consistent(root(all, from), [...path, root(all)])).toBe(false);
        if (path.length > 0) expect(consistent(root(all, from), path.slice(1))).toBe(false);
        expect(consistent(root(all, from), path, from + 1)).toBe(false);
        expect(consistent(root(all, from), path, 0)).toBe(false);
      }),
    );
  });

  it("never take a node for a leaf", () => {
    const [a = bytes(""), b = bytes("")] = leaves;
    expect(toHex(nodeHash(a, b, sha256))).not.toBe(toHex(sha256(Uint8Array.of(0, ...a, ...b))));
  });
});
