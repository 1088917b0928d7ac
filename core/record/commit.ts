// Turns a masked record into what is appended: the classes as text, one Merkle root over salted
// commitments of the fields, and the disclosure that opens them. docs/record_format.md §3.

import { toBase64Url } from "../bytes.ts";
import type { Digest, FillRandom } from "../ids.ts";
import { digestText, EMPTY_ROOT, rootOf } from "../log/merkle.ts";
import { classesText } from "./classes.ts";
import type { Committed, Masked, Sha256 } from "./record.ts";

/** Domain separation: these bytes open no other hash of the format. */
const LABEL = new TextEncoder().encode("sallyport.field.v1");
const SALT_LENGTH = 32;
const FIELD_NAME = /^[a-z][a-z0-9_]{0,31}(?:\.b64)?$/;
const FIELD_LIMIT = 64;

const encoder = new TextEncoder();
let scratch = new Uint8Array(8192);

export function commit(record: Masked, fillRandom: FillRandom, sha256: Sha256): Committed {
  // Names are ASCII, so this order is the order of their bytes.
  const names = Object.keys(record.fields).sort();
  if (names.length > FIELD_LIMIT) throw new TypeError("too many fields");
  const salts = fillRandom(new Uint8Array(names.length * SALT_LENGTH));
  const leaves: Uint8Array[] = [];
  let disclosure = "[";
  for (let i = 0; i < names.length; i++) {
    const name = names[i] ?? "";
    const value = record.fields[name] ?? "";
    if (!FIELD_NAME.test(name)) throw new TypeError(`field name ${JSON.stringify(name)}`);
    // A lone surrogate has no UTF-8: the commitment would be to another text than the disclosure shows.
    if (!value.isWellFormed()) throw new TypeError(`field ${name} has a lone surrogate`);
    const salt = salts.subarray(i * SALT_LENGTH, (i + 1) * SALT_LENGTH);
    leaves.push(commitment(salt, name, value, sha256));
    disclosure += `${i === 0 ? "" : ","}[${JSON.stringify(name)},"${toBase64Url(salt)}",${JSON.stringify(value)}]`;
  }
  const root: Digest = leaves.length === 0 ? EMPTY_ROOT : digestText(rootOf(leaves, sha256));
  return {
    kind: record.kind,
    command: record.command,
    part: record.part,
    classes: classesText(record.classes),
    root,
    disclosure: `${disclosure}]`,
    payload: record.payload ?? null,
  };
}

/**
 * SHA-256(0x00 ‖ label ‖ u32(32) ‖ salt ‖ u32(|name|) ‖ name ‖ u32(|value|) ‖ value): an RFC 6962 leaf hash,
 * so one field and its audit path can be shown alone and any RFC 6962 code checks them.
 */
export function commitment(salt: Uint8Array, name: string, value: string, sha256: Sha256): Uint8Array {
  const bound = 1 + LABEL.length + 12 + SALT_LENGTH + 3 * (name.length + value.length);
  if (scratch.length < bound) scratch = new Uint8Array(bound);
  scratch[0] = 0;
  scratch.set(LABEL, 1);
  let at = 1 + LABEL.length;
  at = writeLength(at, SALT_LENGTH);
  scratch.set(salt, at);
  at = writeText(at + SALT_LENGTH, name);
  at = writeText(at, value);
  return sha256(scratch.subarray(0, at));
}

function writeLength(at: number, length: number): number {
  scratch[at] = length >>> 24;
  scratch[at + 1] = (length >>> 16) & 0xff;
  scratch[at + 2] = (length >>> 8) & 0xff;
  scratch[at + 3] = length & 0xff;
  return at + 4;
}

function writeText(at: number, text: string): number {
  const { written } = encoder.encodeInto(text, scratch.subarray(at + 4));
  writeLength(at, written);
  return at + 4 + written;
}
