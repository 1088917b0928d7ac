// Reads what the gateway kept, from its objects' SQLite files and without its code: as many records
// as there were answers, and every chain unbroken.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { digestText, leafHash, NO_PREVIOUS } from "../../core/log/merkle.ts";
import { sha256 } from "../../durable/sha256.ts";

export interface Kept {
  readonly sessions: number;
  readonly requested: number;
  readonly completed: number;
  /** Answers that were streams. */
  readonly started: number;
  /** Bytes of answers that records of their parts stand for. */
  readonly chunked: number;
  /** Of any other kind but session.opened. */
  readonly others: number;
  /** Records whose `prev` or `seq` is not what the record before asks for. */
  readonly broken: number;
}

/** `folder` holds the session objects' files of a runtime that has ended. */
export function readKept(folder: string): Kept {
  const kept = { sessions: 0, requested: 0, completed: 0, started: 0, chunked: 0, others: 0, broken: 0 };
  if (!existsSync(folder)) return kept;
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".sqlite") && name !== "metadata.sqlite"))
    count(join(folder, file), kept);
  return kept;
}

function count(file: string, kept: { -readonly [Key in keyof Kept]: Kept[Key] }): void {
  const database = new DatabaseSync(file);
  let session = "";
  let prev: string = NO_PREVIOUS;
  let seq = 0;
  // The admin who applied the policy has a session on the gateway's own connection: checked, and not counted.
  let isCounted = false;
  for (const row of database.prepare("SELECT kind, leaf, disclosure FROM record ORDER BY id").iterate()) {
    const text = String(row.leaf);
    const leaf = JSON.parse(text) as {
      sid: string;
      seq: number;
      prev: string;
      class: { side?: string; length?: number };
    };
    if (leaf.sid !== session) {
      isCounted = !isOnConsole(String(row.disclosure));
      if (isCounted) kept.sessions += 1;
      session = leaf.sid;
      prev = NO_PREVIOUS;
      seq = 0;
    }
    if (leaf.prev !== prev || leaf.seq !== seq) kept.broken += 1;
    prev = digestText(leafHash(text, sha256));
    seq += 1;
    if (!isCounted) continue;
    if (row.kind === "command.requested") kept.requested += 1;
    else if (row.kind === "command.completed") kept.completed += 1;
    else if (row.kind === "response.started") kept.started += 1;
    else if (row.kind === "stream.chunk" && leaf.class.side === "response") kept.chunked += leaf.class.length ?? 0;
    else if (row.kind !== "session.opened") kept.others += 1;
  }
  database.close();
}

/** `disclosure` of a session's first record; docs/record_format.md. */
function isOnConsole(disclosure: string): boolean {
  const fields = JSON.parse(disclosure) as [name: string, salt: string, value: string][];
  return fields.some(([name, , value]) => name === "connection" && value === "console");
}

/** What is wrong with the records for so many answers, `downloads` of them streams of so many bytes in all; empty if nothing is. */
export function problemsOf(
  kept: Kept,
  answered: number,
  callers: number,
  downloads: { readonly answers: number; readonly bytes: number },
): string[] {
  const problems: string[] = [];
  if (kept.requested !== answered) problems.push(`${kept.requested} intents for ${answered} answers`);
  if (kept.completed !== answered) problems.push(`${kept.completed} outcomes for ${answered} answers`);
  if (kept.sessions < callers) problems.push(`${kept.sessions} sessions for ${callers} callers`);
  if (kept.started !== downloads.answers) problems.push(`${kept.started} beginnings of ${downloads.answers} streams`);
  if (kept.chunked !== downloads.bytes) problems.push(`${kept.chunked} of ${downloads.bytes} bytes recorded`);
  if (kept.others > 0) problems.push(`${kept.others} records of other kinds`);
  if (kept.broken > 0) problems.push(`${kept.broken} records out of their chain`);
  return problems;
}
