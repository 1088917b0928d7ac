// Reads one line of an export: the bytes' exact form, and nothing about its neighbours. Written from
// docs/record_format.md §2, §3 and §6, and on purpose not with the code that writes records.

import { fromBase64Url, fromHex } from "../bytes.ts";
import type { WrongReason } from "./verdict.ts";

const KINDS: ReadonlySet<string> = new Set(
  (
    "session.opened session.closed command.requested command.denied command.completed command.failed command.cancelled response.started " +
    "stream.chunk approval.requested approval.decided approval.expired approval.revoked outcome.late erasure gap"
  ).split(" "),
);
const UUID7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const DIGEST = /^[0-9a-f]{64}$/;
const CLASS_KEY = /^[a-z_]{1,32}$/;
const CLASS_TEXT = /^[\x20-\x7e]{0,128}$/;
const FIELD_NAME = /^[a-z][a-z0-9_]{0,31}(?:\.b64)?$/;
const LEAF_KEYS = "class,cmd,kind,part,prev,root,seq,sid,time,v";
const LEAF_KEYS_WITHOUT_COMMAND = "class,kind,part,prev,root,seq,sid,time,v";
const LEAF_BYTES = 2048;
const FIELDS = 64;

export interface ReadLeaf {
  readonly text: string;
  readonly classes: Readonly<Record<string, string | number>>;
  readonly command: string | null;
  readonly kind: string;
  readonly part: number;
  readonly prev: string;
  readonly root: string;
  readonly seq: number;
  readonly sid: string;
  readonly time: number;
}

export interface ReadField {
  readonly name: string;
  readonly salt: Uint8Array;
  readonly value: string;
}

/** A field that this reader is not shown. Its commitment is enough to come to the root. */
export interface WithheldField {
  readonly name: string;
  readonly commitment: Uint8Array;
}

/** A record's fields, both lists in the byte order of their names. */
export interface ReadFields {
  readonly fields: readonly ReadField[];
  readonly withheld: readonly WithheldField[];
}

export interface ReadHead {
  readonly sid: string;
  readonly size: number;
  readonly root: string;
  readonly tip: string;
}

export type ReadLine =
  | ({ readonly kind: "record"; readonly leaf: ReadLeaf } & ReadFields)
  | { readonly kind: "head"; readonly head: ReadHead }
  | { readonly kind: "wrong"; readonly reason: WrongReason; readonly detail: string };

type Wrong = Extract<ReadLine, { kind: "wrong" }>;

// A byte order mark is a changed byte like any other, so the decoder must not swallow it.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function readLine(bytes: Uint8Array): ReadLine {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return wrong("not_utf8", "bytes that are not UTF-8");
  }
  const value = parsed(text);
  if (!isObject(value)) return wrong("line_malformed", "not a JSON object");
  const keys = Object.keys(value).join();
  if (keys === "head") return readHead(text, value.head);
  if (keys !== "leaf,fields") return wrong("line_malformed", "neither a record nor a head");
  const { leaf: leafText, fields } = value;
  // The shape is known before anything is written anew: JSON.stringify recurses, and the text may be deeply nested.
  if (typeof leafText !== "string" || !isDisclosure(fields))
    return wrong("line_malformed", "not a leaf and its fields");
  if (JSON.stringify({ leaf: leafText, fields }) !== text)
    return wrong("line_malformed", "not in the exact form of an export");
  const leaf = readLeaf(leafText);
  if ("reason" in leaf) return leaf;
  const read = readFields(fields);
  return "reason" in read ? read : { kind: "record", leaf, ...read };
}

function readHead(text: string, head: unknown): ReadLine {
  if (!isObject(head) || Object.keys(head).join() !== "sid,size,root,tip") return wrong("line_malformed", "not a head");
  const { sid, size, root, tip } = head;
  if (typeof sid !== "string" || !UUID7.test(sid) || !isCount(size) || !isDigest(root) || !isDigest(tip))
    return wrong("line_malformed", "not a head");
  if (JSON.stringify({ head: { sid, size, root, tip } }) !== text)
    return wrong("line_malformed", "not in the exact form of an export");
  return { kind: "head", head: { sid, size, root, tip } };
}

function readLeaf(text: string): ReadLeaf | Wrong {
  if (text.length > LEAF_BYTES || !/^[\x20-\x7e]*$/.test(text)) return wrong("leaf_malformed", "too long or not ASCII");
  const value = parsed(text);
  if (!isObject(value)) return wrong("leaf_malformed", "not a JSON object");
  const { class: classes, cmd, kind, part, prev, root, seq, sid, time, v } = value;
  if (v !== 1) return wrong("leaf_malformed", "another version of the format than 1");
  const keys = Object.keys(value).join();
  if (keys !== (cmd === undefined ? LEAF_KEYS_WITHOUT_COMMAND : LEAF_KEYS))
    return wrong("leaf_malformed", "keys missing, unknown or out of order");
  if (!isClasses(classes)) return wrong("leaf_malformed", "class");
  if (cmd !== undefined && (typeof cmd !== "string" || !UUID7.test(cmd))) return wrong("leaf_malformed", "cmd");
  if (typeof kind !== "string" || !KINDS.has(kind)) return wrong("leaf_malformed", "kind");
  if (!isCount(part) || !isCount(seq) || !isCount(time)) return wrong("leaf_malformed", "part, seq or time");
  if (!isDigest(prev) || !isDigest(root)) return wrong("leaf_malformed", "prev or root");
  if (typeof sid !== "string" || !UUID7.test(sid)) return wrong("leaf_malformed", "sid");
  // Keys are sorted, numbers are integers, strings are ASCII: here JSON.stringify writes RFC 8785.
  if (JSON.stringify(value) !== text) return wrong("leaf_malformed", "not in canonical form");
  return { text, classes, command: cmd ?? null, kind, part, prev, root, seq, sid, time };
}

function readFields(disclosure: Disclosure): ReadFields | Wrong {
  if (disclosure.length > FIELDS) return wrong("fields_malformed", "too many");
  const fields: ReadField[] = [];
  const withheld: WithheldField[] = [];
  let before = "";
  for (const [name, second, value] of disclosure) {
    if (!FIELD_NAME.test(name)) return wrong("fields_malformed", "a field's name");
    // Names are ASCII, so this order is the order of their bytes.
    if (name <= before) return wrong("fields_malformed", `${name} is out of order or doubled`);
    before = name;
    if (value === undefined) {
      const commitment = isDigest(second) ? fromHex(second) : null;
      if (commitment === null) return wrong("fields_malformed", `the commitment of ${name}`);
      withheld.push({ name, commitment });
      continue;
    }
    const salt = fromBase64Url(second);
    if (salt === null || salt.length !== 32) return wrong("fields_malformed", `the salt of ${name}`);
    if (!value.isWellFormed()) return wrong("fields_malformed", `${name} has a lone surrogate`);
    fields.push({ name, salt, value });
  }
  return { fields, withheld };
}

function wrong(reason: WrongReason, detail: string): Wrong {
  return { kind: "wrong", reason, detail };
}

/** Undefined for what is no JSON, also for what is nested too deeply for this engine. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `[name, salt, value]`, or `[name, commitment]` of a field that is withheld. */
type Disclosure = readonly (readonly [string, string] | readonly [string, string, string])[];

function isDisclosure(value: unknown): value is Disclosure {
  return (
    Array.isArray(value) &&
    value.every(
      (one) =>
        Array.isArray(one) && (one.length === 2 || one.length === 3) && one.every((part) => typeof part === "string"),
    )
  );
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isDigest(value: unknown): value is string {
  return typeof value === "string" && DIGEST.test(value);
}

function isClasses(value: unknown): value is Record<string, string | number> {
  if (!isObject(value)) return false;
  let before = "";
  for (const [key, one] of Object.entries(value)) {
    if (!CLASS_KEY.test(key) || key <= before) return false;
    if (typeof one === "number" ? !Number.isSafeInteger(one) : typeof one !== "string" || !CLASS_TEXT.test(one))
      return false;
    before = key;
  }
  return true;
}
