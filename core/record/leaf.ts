// A leaf's text: RFC 8785 JSON of a fixed shape, written by template because it is made for every
// record, and read back with every check. docs/record_format.md §2.

import type { CommandId, Digest, Seq, SessionId } from "../ids.ts";
import { parseCommandId, parseDigest, parseSeq, parseSessionId } from "../ids.ts";
import { ok, refuse, type Result } from "../result.ts";
import { classesText, isClasses } from "./classes.ts";
import { type Classes, type Committed, type Kind, KINDS } from "./record.ts";

/** Bytes a leaf may have; leaves are ASCII, so its length in characters is the same. */
export const LEAF_LIMIT = 2048;
const KEYS: ReadonlySet<string> = new Set(["class", "cmd", "kind", "part", "prev", "root", "seq", "sid", "time", "v"]);

export interface LeafPosition {
  readonly sid: SessionId;
  readonly seq: number;
  readonly prev: Digest;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** The exact text that is hashed and stored. Keys in RFC 8785 order; every value is ASCII without need of escapes, or escaped in `classes` already. */
export function leafText(
  record: Pick<Committed, "kind" | "command" | "part" | "classes" | "root">,
  at: LeafPosition,
): string {
  const command = record.command === null ? "" : `"cmd":"${record.command}",`;
  return (
    `{"class":${record.classes},${command}"kind":"${record.kind}","part":${record.part},` +
    `"prev":"${at.prev}","root":"${record.root}","seq":${at.seq},"sid":"${at.sid}","time":${at.time},"v":1}`
  );
}

export interface Leaf {
  readonly classes: Classes;
  readonly command: CommandId | null;
  readonly kind: Kind;
  readonly part: number;
  readonly prev: Digest;
  readonly root: Digest;
  readonly seq: Seq;
  readonly sid: SessionId;
  readonly time: number;
}

export type LeafRefusal = { readonly reason: "leaf_malformed"; readonly what: string };

/** Reads a leaf that this format wrote. Refuses anything that is not its canonical text, so two readers never differ. */
export function parseLeaf(text: string): Result<Leaf, LeafRefusal> {
  const malformed = (what: string): Result<Leaf, LeafRefusal> => refuse({ reason: "leaf_malformed", what });
  if (text.length > LEAF_LIMIT) return malformed(`over ${LEAF_LIMIT} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return malformed("not JSON");
  }
  if (!isObject(value)) return malformed("not an object");
  const unknown = Object.keys(value).find((key) => !KEYS.has(key));
  if (unknown !== undefined) return malformed(`unknown key ${JSON.stringify(unknown)}`);
  const kind = KINDS.find((name) => name === value.kind);
  const prev = typeof value.prev === "string" ? parseDigest(value.prev) : null;
  const root = typeof value.root === "string" ? parseDigest(value.root) : null;
  const seq = typeof value.seq === "number" ? parseSeq(value.seq) : null;
  const sid = typeof value.sid === "string" ? parseSessionId(value.sid) : null;
  const command = typeof value.cmd === "string" ? parseCommandId(value.cmd) : null;
  if (value.v !== 1) return malformed("unknown version");
  if (kind === undefined) return malformed("kind");
  if (prev === null || root === null) return malformed("digest");
  if (seq === null) return malformed("seq");
  if (sid === null) return malformed("sid");
  if (command === null && value.cmd !== undefined) return malformed("cmd");
  if (!isCount(value.part) || !isCount(value.time)) return malformed("part or time");
  if (!isObject(value.class) || !isClasses(value.class)) return malformed("class");
  const leaf: Leaf = { classes: value.class, command, kind, part: value.part, prev, root, seq, sid, time: value.time };
  const written = leafText({ kind, command, part: leaf.part, classes: classesText(leaf.classes), root }, leaf);
  return written === text ? ok(leaf) : malformed("not in canonical form");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
