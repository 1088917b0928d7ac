// Writes the vectors and exports beside it anew. The vectors are checked by readers that share no code
// with this: read_vectors.py here, and core/verify.

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { digestText, inclusionProof, rootOf } from "../../../core/log/merkle.ts";
import { consistencyProof } from "../../../core/log/consistency.ts";
import { ownRecord } from "../../../core/mask/mask_draft.ts";
import { commit } from "../../../core/record/commit.ts";
import type { Fields, Sha256 } from "../../../core/record/record.ts";
import { APPROVALS } from "../../support/sample_approvals.ts";
import { BODIES, DOWNLOAD } from "../../support/sample_bodies.ts";
import { countingRandom, exportOf, SAMPLE, withheldExport } from "../../support/sample_session.ts";

const sha256: Sha256 = (bytes) => createHash("sha256").update(bytes).digest();
const hex = (hash: Uint8Array): string => digestText(hash);

const FIELD_SETS: readonly Fields[] = [
  {},
  { empty: "" },
  { target: "GET /" },
  { b: "2", a: "1", "a.b64": "AAE=", a_b: "order: a, a.b64, a0, a_b, b", a0: "0" },
  { text: 'quote " backslash \\ tab \t newline \n null \u0000 delete \u007f é € 🦆 \u2028 \ufeff' },
  { long: "0123456789abcdef".repeat(1024) },
  Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`f${String(i).padStart(2, "0")}`, "x".repeat(i)])),
];

const sample = exportOf(SAMPLE, countingRandom(), sha256);
const size = sample.leaves.length;
const vectors = {
  about: "Vectors of docs/record_format.md, version 1. Salts count 0, 1, 2, … and are no secret.",
  fields: FIELD_SETS.map((fields) => {
    const { root, disclosure } = commit(ownRecord({ kind: "gap", command: null, part: 0, classes: {}, fields }), countingRandom(), sha256);
    return { disclosure, root };
  }),
  leaves: sample.records.map(({ leaf }, i) => ({ leaf, hash: hex(sample.leaves[i] ?? new Uint8Array(0)) })),
  roots: Array.from({ length: size + 1 }, (_, n) => hex(rootOf(sample.leaves, sha256, 0, n))),
  inclusion: Array.from({ length: size }, (_, index) => ({ index, size, path: inclusionProof(sample.leaves, index, sha256).map(hex) })),
  consistency: Array.from({ length: size }, (_, n) => ({ from: n + 1, to: size, path: consistencyProof(sample.leaves, n + 1, size, sha256).map(hex) })),
};

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url).href);
writeFileSync(file("vectors.json"), `${JSON.stringify(vectors, null, 1)}\n`);
writeFileSync(file("session.ndjson"), sample.text);

// The same session as an auditor reads it, and as everybody else does; and one of its bodies.
const bodies = exportOf(BODIES, countingRandom(), sha256);
writeFileSync(file("bodies.ndjson"), bodies.text);
writeFileSync(file("withheld.ndjson"), withheldExport(bodies, new Set(["pseudonyms"]), sha256));
writeFileSync(file("payload.bin"), DOWNLOAD);

// A session whose commands wait for people.
writeFileSync(file("approvals.ndjson"), exportOf(APPROVALS, countingRandom(), sha256).text);
