// One command as it stands in a log, without the bulk of it: a stream can have thousands of chunks, of
// which the first, the last, their number and what was masked in them tell what there is to tell.
//
// Invariant: what is read and answered is bounded, whatever a command has.

import type { CommandId } from "../core/ids.ts";
import { chunkPart, type Side } from "../core/record/payload.ts";
import type { Disclosed, StoredRecord } from "../core/record/record.ts";
import { rows, type Sql } from "./migrate.ts";

/** Records that are no chunks. A command has a handful; gaps are the only ones that can be many. */
const RECORDS = 100;
/** Chunks of a side in which masked spans are looked for: 16 MiB of payload in fields to pass over. */
const LOOKED_AT = 1024;
/** Characters of `spans` that are told of a side. */
const SPANS_LENGTH: number = 1024 * 1024;

export interface SideOutline {
  readonly chunks: number;
  /** Leaves of the first and the last chunk; null where there is none. */
  readonly first: string | null;
  readonly last: string | null;
  /** The field `spans` of each chunk that has one, in order. */
  readonly spans: readonly string[];
  /** Some chunks were not looked at for spans. */
  readonly isCut: boolean;
}

export interface CommandOutline {
  /** All but chunks. */
  readonly records: readonly StoredRecord[];
  readonly sides: Readonly<Record<Side, SideOutline>>;
}

/** Null if the session has no such command. `start` and `end` are the session's ids of records. */
export function outlineOf(
  sql: Sql,
  command: CommandId,
  [start, end]: readonly [start: number, end: number],
): CommandOutline | null {
  const records = rows<{ leaf: string; disclosure: string }>(
    sql,
    "SELECT leaf, disclosure FROM record WHERE cmd = ? AND id >= ? AND id < ? AND kind <> 'stream.chunk' ORDER BY id LIMIT ?",
    command,
    start,
    end,
    RECORDS,
  );
  if (records.length === 0) return null;
  return { records, sides: { request: sideOf(sql, command, "request"), response: sideOf(sql, command, "response") } };
}

function sideOf(sql: Sql, command: CommandId, side: Side): SideOutline {
  const parity = chunkPart(side, 0);
  const [last] = rows<{ part: number; leaf: string }>(
    sql,
    "SELECT part, leaf FROM record WHERE cmd = ? AND kind = 'stream.chunk' AND part % 2 = ? ORDER BY part DESC LIMIT 1",
    command,
    parity,
  );
  if (last === undefined) return { chunks: 0, first: null, last: null, spans: [], isCut: false };
  const [first] = rows<{ leaf: string }>(
    sql,
    "SELECT leaf FROM record WHERE cmd = ? AND kind = 'stream.chunk' AND part = ?",
    command,
    parity,
  );
  const chunks = (last.part - parity) / 2 + 1;
  return { chunks, first: first?.leaf ?? null, last: last.leaf, ...spansOf(sql, command, parity, chunks) };
}

function spansOf(sql: Sql, command: CommandId, parity: number, chunks: number): Pick<SideOutline, "spans" | "isCut"> {
  const spans: string[] = [];
  let length = 0;
  for (const { disclosure } of sql.exec<{ disclosure: string }>(
    // A quotation mark inside a value is escaped, so this is found only where an element begins.
    `SELECT disclosure FROM record WHERE cmd = ? AND kind = 'stream.chunk' AND part % 2 = ? AND part < ?
      AND instr(disclosure, '["spans","') > 0 ORDER BY part`,
    command,
    parity,
    2 * LOOKED_AT,
  )) {
    const text = (JSON.parse(disclosure) as readonly Disclosed[]).find(([name]) => name === "spans")?.[2] ?? "[]";
    length += text.length;
    if (length > SPANS_LENGTH) return { spans, isCut: true };
    spans.push(text);
  }
  return { spans, isCut: chunks > LOOKED_AT };
}
