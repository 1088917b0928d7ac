// From a masked record to the bytes that are hashed: commitments, leaves and their exact text.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { sha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromBase64Url, fromHex, toHex } from "../../../core/bytes.ts";
import type { CommandId, Digest } from "../../../core/ids.ts";
import { inclusionProof, rootFromProof } from "../../../core/log/merkle.ts";
import { ownRecord } from "../../../core/mask/mask_draft.ts";
import { canonicalText } from "../../../core/record/canonical.ts";
import { commit } from "../../../core/record/commit.ts";
import { LEAF_LIMIT, leafText, parseLeaf } from "../../../core/record/leaf.ts";
import { type Classes, type Fields, KINDS } from "../../../core/record/record.ts";
import { hashOfLeaf, rootOfFields } from "../../../core/verify/hashes.ts";
import { BODIES, DOWNLOAD } from "../../support/sample_bodies.ts";
import { commandId, countingRandom, exportOf, SAMPLE, SID, withheldExport } from "../../support/sample_session.ts";

interface Vectors {
  readonly fields: readonly { readonly disclosure: string; readonly root: string }[];
  readonly leaves: readonly { readonly leaf: string; readonly hash: string }[];
  readonly roots: readonly string[];
}

const read = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../vectors/record/${name}`, import.meta.url).href), "utf8");
const vectors = JSON.parse(read("vectors.json")) as Vectors;
const committed = (fields: Fields, classes: Classes = {}) =>
  commit(ownRecord({ kind: "gap", command: null, part: 0, classes, fields }), countingRandom(), sha256);

describe("the vectors", () => {
  it("are what the format's code writes", () => {
    for (const { disclosure, root } of vectors.fields) {
      const fields = Object.fromEntries(
        (JSON.parse(disclosure) as [string, string, string][]).map(([name, , value]) => [name, value]),
      );
      expect(committed(fields)).toMatchObject({ disclosure, root });
    }
  });

  it("are what the sample session gives, byte for byte", () => {
    const sample = exportOf(SAMPLE, countingRandom(), sha256);
    expect(sample.text).toBe(read("session.ndjson"));
    expect(sample.records.map(({ leaf }) => leaf)).toEqual(vectors.leaves.map(({ leaf }) => leaf));
    expect(vectors.leaves.map(({ leaf }) => toHex(hashOfLeaf(leaf, sha256)))).toEqual(
      vectors.leaves.map(({ hash }) => hash),
    );
    expect(sample.root).toBe(vectors.roots.at(-1));
  });

  it("of bodies are what the session with bodies gives, byte for byte", () => {
    const bodies = exportOf(BODIES, countingRandom(), sha256);
    expect(bodies.text).toBe(read("bodies.ndjson"));
    expect(withheldExport(bodies, new Set(["pseudonyms"]), sha256)).toBe(read("withheld.ndjson"));
    expect(new TextDecoder().decode(DOWNLOAD)).toBe(read("payload.bin"));
  });
});

const fieldNames = fc.stringMatching(/^[a-z][a-z0-9_]{0,31}(\.b64)?$/);
const fieldSets = fc.dictionary(fieldNames, fc.string({ unit: "binary" }), { maxKeys: 12 });
const classSets = fc.dictionary(
  fc.stringMatching(/^[a-z_]{1,32}$/),
  fc.oneof(fc.maxSafeInteger(), fc.stringMatching(/^[\x20-\x7e]{0,40}$/)),
  { maxKeys: 8 },
);
const digests = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toHex(bytes) as Digest);

describe("commit", () => {
  it("commits to what it discloses, as the verifier reads it", () => {
    fc.assert(
      fc.property(fieldSets, (fields) => {
        const { root, disclosure } = committed(fields);
        const opened = JSON.parse(disclosure) as [string, string, string][];
        expect(JSON.stringify(opened)).toBe(disclosure);
        expect(Object.fromEntries(opened.map(([name, , value]) => [name, value]))).toEqual(fields);
        expect(
          rootOfFields(
            {
              fields: opened.map(([name, salt, value]) => ({
                name,
                salt: fromBase64Url(salt) ?? new Uint8Array(0),
                value,
              })),
              withheld: [],
            },
            sha256,
          ),
        ).toBe(root);
      }),
    );
  });

  it("lets one field be shown alone", () => {
    const { root, disclosure } = committed({ a: "1", b: "2", c: "3" });
    const opened = (JSON.parse(disclosure) as [string, string, string][]).map(([name, salt, value]) => ({
      name,
      salt: fromBase64Url(salt) ?? new Uint8Array(0),
      value,
    }));
    const commitments = opened.map(
      (field) => fromHex(rootOfFields({ fields: [field], withheld: [] }, sha256)) ?? new Uint8Array(0),
    );
    const path = inclusionProof(commitments, 1, sha256);
    expect(toHex(rootFromProof(commitments[1] ?? new Uint8Array(0), 1, 3, path, sha256) ?? new Uint8Array(0))).toBe(
      root,
    );
  });

  it("gives every field a salt of its own", () => {
    const salts = (JSON.parse(committed({ a: "x", b: "x", c: "x" }).disclosure) as string[][]).map(([, salt]) => salt);
    expect(new Set(salts).size).toBe(3);
  });

  it.each<[string, Fields, Classes]>([
    ["a field name with capitals", { Name: "" }, {}],
    ["a field name of another script", { é: "" }, {}],
    ["a field name of 33 letters", { ["a".repeat(33)]: "" }, {}],
    ["a lone surrogate", { a: "\ud800" }, {}],
    ["65 fields", Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`f${i}`, ""])), {}],
    ["a class with content of another script", {}, { a: "ü" }],
    ["a class with a line feed", {}, { a: "a\n" }],
    ["a class of 129 characters", {}, { a: "x".repeat(129) }],
    ["a class that is no integer", {}, { a: 1.5 }],
    ["a class past 2^53", {}, { a: 2 ** 53 }],
    ["a class name with a digit", {}, { a1: 1 }],
  ])("refuses %s", (_, fields, classes) => {
    expect(() => committed(fields, classes)).toThrow(TypeError);
  });
});

describe("a leaf's text", () => {
  const leaves = fc.record({
    kind: fc.constantFrom(...KINDS),
    command: fc.option(fc.nat().map(commandId), { nil: null }),
    part: fc.nat(),
    classes: classSets,
    prev: digests,
    root: digests,
    seq: fc.nat(),
    time: fc.maxSafeNat(),
  });
  const textOf = ({
    kind,
    command,
    part,
    classes,
    prev,
    root,
    seq,
    time,
  }: {
    kind: (typeof KINDS)[number];
    command: CommandId | null;
    part: number;
    classes: Classes;
    prev: Digest;
    root: Digest;
    seq: number;
    time: number;
  }): string =>
    leafText({ kind, command, part, classes: committed({}, classes).classes, root }, { sid: SID, seq, prev, time });

  it("is the RFC 8785 text of its object", () => {
    fc.assert(
      fc.property(leaves, (leaf) => {
        const { kind, command, part, classes, prev, root, seq, time } = leaf;
        expect(textOf(leaf)).toBe(
          canonicalText({
            v: 1,
            sid: SID,
            seq,
            prev,
            time,
            kind,
            ...(command === null ? {} : { cmd: command }),
            part,
            class: classes,
            root,
          }),
        );
      }),
    );
  });

  it("is read back to what was written", () => {
    fc.assert(
      fc.property(leaves, (leaf) => {
        const text = textOf(leaf);
        fc.pre(text.length <= LEAF_LIMIT);
        expect(parseLeaf(text)).toEqual({ ok: true, value: { ...leaf, sid: SID } });
      }),
    );
  });

  it("is refused in any other form", () => {
    const text = textOf({
      kind: "gap",
      command: commandId(1),
      part: 0,
      classes: { a: 1, b: "x" },
      prev: "0".repeat(64) as Digest,
      root: "1".repeat(64) as Digest,
      seq: 3,
      time: 5,
    });
    expect(parseLeaf(text).ok).toBe(true);
    const others = [
      text.replace('{"class"', '{ "class"'),
      text.replace('"a":1,"b":"x"', '"b":"x","a":1'),
      text.replace('"a":1', '"a":1.0'),
      text.replace('"a":1', '"a":[]'),
      text.replace('"x"', '"\\u0078"'),
      text.replace('"v":1', '"v":1,"v":1'),
      text.replace('"v":1', '"v":2'),
      text.replace('"kind":"gap"', '"kind":"other"'),
      text.replace('"seq":3', '"seq":-3'),
      text.replace(SID, SID.toUpperCase()),
      text.replace('"part":0,', ""),
      text.replace('"v":1', '"v":1,"w":1'),
      `${text} `,
      `${text.slice(0, -1)},"${"x".repeat(2048)}":1}`,
      "[".repeat(2000),
      "null",
      "",
    ];
    for (const other of others) expect([other, parseLeaf(other).ok]).toEqual([other, false]);
  });
});

describe("canonical text", () => {
  it("follows the sorting example of RFC 8785 §3.2.3", () => {
    const value = {
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis",
    };
    const keys = Object.keys(JSON.parse(canonicalText(value)) as object).filter((key) => key !== "1");
    expect(keys).toEqual(["\r", "\u0080", "\u00f6", "\u20ac", "\ud83d\ude00", "\ufb33"]);
  });

  it("refuses what has no canonical text", () => {
    for (const value of ["\ud800", Number.NaN, Number.POSITIVE_INFINITY]) expect(() => canonicalText(value)).toThrow();
  });

  it("refuses numbers that are not safe integers, on which readers could differ", () => {
    for (const value of [1.5, 2 ** 53, [1e21], { a: { b: 0.1 } }]) expect(() => canonicalText(value)).toThrow();
  });
});
