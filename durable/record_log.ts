// A chained, append-only log in an object's SQLite, holding one session after another. Owns the
// tables `session` and `record` and the heads of the sessions still written to. Payloads that stand
// beside records are written here and never read in passing: see payload_reader.ts.
//
// Invariant: `seq` is gap-free from 0 and `prev` is the hash of the record before, per session.
// Everything here is synchronous, so one call is one implicit transaction and no lock is needed.
// The heads in memory are a cache: after any failed transaction the owner calls `reload`.

import type { CommandId, Digest, SessionId } from "../core/ids.ts";
import { digestText, leafHash, NO_PREVIOUS, TreeHead } from "../core/log/merkle.ts";
import { LEAF_LIMIT, leafText, parseLeaf } from "../core/record/leaf.ts";
import { chunkPart, type Side } from "../core/record/payload.ts";
import type { Committed, Kind, StoredRecord } from "../core/record/record.ts";
import { run, rows, type Sql } from "./migrate.ts";
import { PayloadTable } from "./payload_table.ts";
import { LONGEST, type SessionTimes } from "./session_life.ts";
import type { RecordPage } from "./session_rpc.ts";
import { sha256 } from "./sha256.ts";

/** Records a session can have: the low half of `record.id`. */
const SEQ_SPAN = 2 ** 32;

const COLUMNS = 6;
/** A statement takes 100 values (developers.cloudflare.com/durable-objects/platform/limits). */
const ROWS_AT_ONCE: number = Math.floor(100 / COLUMNS);

/** Characters of `classes` with which a leaf certainly fits: keys and punctuation 107, cmd 36, kind 18, part and time 16 each, prev and root 64 each, seq 10, sid 36 make 367. */
const CLASSES_FIT = LEAF_LIMIT - 512;

/**
 * Characters of a page. A caller can make records of some hundred KiB with long, much-escaped headers;
 * 500 of them would pass the 32 MiB that an RPC's answer may have, and nobody could read that session.
 */
const PAGE_LENGTH: number = 4 * 1024 * 1024;

/** Records of one command that are read at once unless another number is asked for. A command without chunks has a handful. */
export const COMMAND_PAGE = 100;

/** First id of a session's records, and the first one past them. */
export function idRange(session: { readonly no: number }): [number, number] {
  return [session.no * SEQ_SPAN, (session.no + 1) * SEQ_SPAN];
}

/** The end of a session that is still written to. */
export interface Head {
  readonly no: number;
  readonly sid: SessionId;
  readonly opened: number;
  readonly maxMs: number;
  readonly idleMs: number;
  size: number;
  tip: Digest;
  /** Time of the last record, milliseconds since 1970. */
  lastTime: number;
}

/** What is known of a record that exists already. */
export interface Existing {
  readonly id: number;
  readonly no: number;
  readonly seq: number;
  readonly leaf: string;
  readonly disclosure: string;
}

export class RecordLog {
  readonly #sql: Sql;
  readonly #heads = new Map<number, Head>();
  /** Values of appended records that no statement has written yet; empty outside `gather`. */
  #unwritten: (string | number | null)[] = [];
  /** Payloads of those records, by their id. */
  #unwrittenPayloads: (readonly [id: number, bytes: Uint8Array])[] = [];
  readonly payloads: PayloadTable;
  #isGathering = false;
  #left = new Map<number, number>();
  /** Trees caught up only when somebody asks for a root. */
  readonly #trees = new Map<number, TreeHead>();

  constructor(sql: Sql) {
    this.#sql = sql;
    this.payloads = new PayloadTable(sql);
    this.reload();
  }

  /** Forgets what memory knows and reads the heads of live sessions from storage. */
  reload(): void {
    this.#unwritten = [];
    this.#unwrittenPayloads = [];
    this.#heads.clear();
    this.#trees.clear();
    for (const { no } of rows<{ no: number }>(this.#sql, "SELECT no FROM live_session")) this.head(no);
  }

  /** Heads of live sessions, oldest first. */
  live(): Head[] {
    return [...this.#heads.values()].sort((a, b) => a.no - b.no);
  }

  /** The newest of them. */
  newest(): Head | null {
    let newest: Head | null = null;
    for (const head of this.#heads.values()) if (newest === null || head.no > newest.no) newest = head;
    return newest;
  }

  /**
   * Sessions that the running or last `gather` closed, or added to after their end, and from which record
   * on: nothing in memory tells of them any more.
   */
  get left(): ReadonlyMap<number, number> {
    return this.#left;
  }

  isLive(head: { readonly no: number }): boolean {
    return this.#heads.has(head.no);
  }

  /** Starts a session's log; its first record follows in the same turn. */
  open(sid: SessionId, opened: number, { maxMs, idleMs }: SessionTimes = LONGEST): Head {
    const [last] = rows<{ no: number | null }>(this.#sql, "SELECT MAX(no) AS no FROM session");
    const no = (last?.no ?? 0) + 1;
    const columns = "INSERT INTO session (no, sid, opened, max_ms, idle_ms) VALUES (?, ?, ?, ?, ?)";
    run(this.#sql, columns, no, sid, opened, maxMs, idleMs);
    run(this.#sql, "INSERT INTO live_session (no) VALUES (?)", no);
    const head: Head = { no, sid, opened, maxMs, idleMs, size: 0, tip: NO_PREVIOUS, lastTime: opened };
    this.#heads.set(no, head);
    return head;
  }

  /** Takes a session off the list of live ones. Its log can still take a late outcome. */
  retire(no: number): void {
    run(this.#sql, "DELETE FROM live_session WHERE no = ?", no);
    this.#heads.delete(no);
    if (this.#isGathering && !this.#left.has(no)) this.#left.set(no, 0);
  }

  /** The head of any session of this object, live or closed; null if there is none. */
  head(no: number): Head | null {
    const known = this.#heads.get(no);
    if (known !== undefined) return known;
    this.#write();
    const [session] = rows<{ sid: string; opened: number; max_ms: number; idle_ms: number }>(
      this.#sql,
      "SELECT sid, opened, max_ms, idle_ms FROM session WHERE no = ?",
      no,
    );
    if (session === undefined) return null;
    const [last] = rows<{ id: number; leaf: string }>(
      this.#sql,
      "SELECT id, leaf FROM record WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1",
      ...idRange({ no }),
    );
    const head: Head = {
      no,
      sid: session.sid as SessionId,
      opened: session.opened,
      maxMs: session.max_ms,
      idleMs: session.idle_ms,
      size: last === undefined ? 0 : last.id - no * SEQ_SPAN + 1,
      tip: last === undefined ? NO_PREVIOUS : digestText(leafHash(last.leaf, sha256)),
      lastTime: last === undefined ? session.opened : timeOf(last.leaf),
    };
    if (rows(this.#sql, "SELECT 1 AS one FROM live_session WHERE no = ?", no).length > 0) this.#heads.set(no, head);
    return head;
  }

  findSession(sid: SessionId): Head | null {
    const [found] = rows<{ no: number }>(this.#sql, "SELECT no FROM session WHERE sid = ?", sid);
    return found === undefined ? null : this.head(found.no);
  }

  /** True if the leaf this record would become fits the format's limit. */
  fits(record: Committed, head: Head, time: number): boolean {
    return (
      record.classes.length <= CLASSES_FIT ||
      leafText(record, { sid: head.sid, seq: head.size, prev: head.tip, time }).length <= LEAF_LIMIT
    );
  }

  /**
   * Runs work in whose course appended records become rows many at a time: a statement costs as much as
   * the row it writes. To be called inside one transaction, which a throw must roll back.
   */
  gather<T>(work: () => T): T {
    this.#isGathering = true;
    this.#unwritten = [];
    this.#unwrittenPayloads = [];
    this.#left = new Map();
    try {
      const result = work();
      this.#write();
      return result;
    } finally {
      this.#isGathering = false;
    }
  }

  #write(): void {
    const values = this.#unwritten;
    if (values.length === 0) return;
    this.#unwritten = [];
    for (let from = 0; from < values.length; from += ROWS_AT_ONCE * COLUMNS) {
      const some = values.slice(from, from + ROWS_AT_ONCE * COLUMNS);
      const places = `(?, ?, ?, ?, ?, ?)${", (?, ?, ?, ?, ?, ?)".repeat(some.length / COLUMNS - 1)}`;
      run(this.#sql, `INSERT INTO record (id, cmd, kind, part, leaf, disclosure) VALUES ${places}`, ...some);
    }
    const payloads = this.#unwrittenPayloads;
    this.#unwrittenPayloads = [];
    for (const [id, bytes] of payloads) this.payloads.add(id, bytes);
  }

  /** Appends one record. Throws if the storage refuses it: then nothing of the transaction may be kept. */
  append(head: Head, record: Committed, time: number): { seq: number; leaf: Digest } {
    const seq = head.size;
    const leaf = leafText(record, { sid: head.sid, seq, prev: head.tip, time });
    const { command, kind, part, disclosure, payload } = record;
    const id = head.no * SEQ_SPAN + seq;
    this.#unwritten.push(id, command, kind, part, leaf, disclosure);
    if (payload !== null) this.#unwrittenPayloads.push([id, payload]);
    if (!this.#isGathering) this.#write();
    else if (!this.#heads.has(head.no) && !this.#left.has(head.no)) this.#left.set(head.no, seq);
    head.tip = digestText(leafHash(leaf, sha256));
    head.size = seq + 1;
    head.lastTime = time;
    return { seq, leaf: head.tip };
  }

  find(command: CommandId, kind: Kind, part: number): Existing | null {
    this.#write();
    const [row] = rows<Row>(
      this.#sql,
      "SELECT id, leaf, disclosure FROM record WHERE cmd = ? AND kind = ? AND part = ?",
      command,
      kind,
      part,
    );
    return row === undefined ? null : existing(row);
  }

  /** The last chunk of a side: their parts are even or odd (docs/record_format.md §5.3). */
  lastChunk(command: CommandId, side: Side): Existing | null {
    this.#write();
    const [row] = rows<Row>(
      this.#sql,
      "SELECT id, leaf, disclosure FROM record WHERE cmd = ? AND kind = 'stream.chunk' AND part % 2 = ? ORDER BY part DESC LIMIT 1",
      command,
      chunkPart(side, 0),
    );
    return row === undefined ? null : existing(row);
  }

  /** Commands that have one of `limit` records from `from` on, in the order of these. */
  commandsIn(head: Head, from: number, limit: number): Set<CommandId> {
    this.#write();
    const [start] = idRange(head);
    const found = rows<{ cmd: string }>(
      this.#sql,
      "SELECT cmd FROM record WHERE id >= ? AND id < ? AND cmd IS NOT NULL ORDER BY id",
      start + from,
      start + Math.min(from + limit, head.size),
    );
    return new Set(found.map(({ cmd }) => cmd as CommandId));
  }

  /** Of one command, from a `seq` on. A page goes at least one record further, and ends early where they are large. */
  recordsOf(head: Head, command: CommandId, from: number, limit: number): RecordPage {
    if (!Number.isSafeInteger(from) || from < 0 || !(limit >= 1)) return { records: [], next: null };
    this.#write();
    const [start, end] = idRange(head);
    const records: StoredRecord[] = [];
    let size = 0;
    for (const { id, leaf, disclosure } of this.#sql.exec<{ id: number; leaf: string; disclosure: string }>(
      // Inside, ids of the index alone are put in order: a command can have thousands of records.
      `SELECT id, leaf, disclosure FROM record WHERE id IN
        (SELECT id FROM record WHERE cmd = ? AND id >= ? AND id < ? ORDER BY id LIMIT ?) ORDER BY id`,
      command,
      start + from,
      end,
      limit + 1,
    )) {
      if (records.length >= limit || size >= PAGE_LENGTH) return { records, next: id - start };
      records.push({ leaf, disclosure });
      size += leaf.length + disclosure.length;
    }
    return { records, next: null };
  }

  /** The same for whoever wants to know what became of it: what was asked for is opened, the rest is leaves. */
  outlineOf(head: Head, command: string): StoredRecord[] {
    return rows<{ leaf: string; disclosure: string }>(
      this.#sql,
      `SELECT leaf, CASE WHEN kind IN ('command.requested', 'command.denied', 'approval.requested') THEN disclosure ELSE '[]' END AS disclosure
        FROM record WHERE cmd = ? AND id >= ? AND id < ? AND kind <> 'stream.chunk' ORDER BY id LIMIT 100`,
      command,
      ...idRange(head),
    );
  }

  hashOf(leaf: string): Digest {
    return digestText(leafHash(leaf, sha256));
  }

  /** Root over the first `size` records of a session. Reads and hashes what came since it was last asked. */
  root(head: Head): Digest {
    this.#write();
    const tree = this.#trees.get(head.no) ?? new TreeHead(sha256);
    this.#trees.set(head.no, tree);
    const from = head.no * SEQ_SPAN + tree.size;
    const to = head.no * SEQ_SPAN + head.size;
    for (const { leaf } of this.#sql.exec<{ leaf: string }>(
      "SELECT leaf FROM record WHERE id >= ? AND id < ? ORDER BY id",
      from,
      to,
    )) {
      tree.append(leafHash(leaf, sha256));
    }
    return tree.root();
  }

  /** Tip and root of a session's first `size` records, of which there are more. Hashes all of them. */
  headAt(head: Head, size: number): { readonly tip: Digest; readonly root: Digest } {
    this.#write();
    const tree = new TreeHead(sha256);
    const [from] = idRange(head);
    let tip = NO_PREVIOUS;
    for (const { leaf } of this.#sql.exec<{ leaf: string }>(
      "SELECT leaf FROM record WHERE id >= ? AND id < ? ORDER BY id",
      from,
      from + size,
    )) {
      const hash = leafHash(leaf, sha256);
      tree.append(hash);
      tip = digestText(hash);
    }
    return { tip, root: tree.root() };
  }

  /** At most `limit` records, fewer if they are large; at least one if there is one. */
  read(head: Head, from: number, limit: number): StoredRecord[] {
    if (!Number.isSafeInteger(from) || from < 0 || !(limit >= 1)) return [];
    this.#write();
    const start = head.no * SEQ_SPAN + from;
    const found: StoredRecord[] = [];
    let size = 0;
    for (const { leaf, disclosure } of this.#sql.exec<{ leaf: string; disclosure: string }>(
      "SELECT leaf, disclosure FROM record WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
      start,
      head.no * SEQ_SPAN + head.size,
      limit,
    )) {
      found.push({ leaf, disclosure });
      size += leaf.length + disclosure.length;
      if (size >= PAGE_LENGTH) break;
    }
    return found;
  }
}

/** A leaf ends in its time and version (docs/record_format.md §2), so the end of a log is found without parsing it. */
export function timeOf(leaf: string): number {
  const [, time] = /"time":(\d{1,16}),"v":1\}$/.exec(leaf) ?? [];
  if (time === undefined) throw new Error("a stored leaf has no time");
  return Number(time);
}

interface Row extends Record<string, SqlStorageValue> {
  readonly id: number;
  readonly leaf: string;
  readonly disclosure: string;
}

function existing({ id, leaf, disclosure }: Row): Existing {
  const no = Math.floor(id / SEQ_SPAN);
  return { id, no, seq: id - no * SEQ_SPAN, leaf, disclosure };
}

/**
 * True if `record` is what is stored already: the same leaf, and the same disclosure. Payloads need no
 * look: both records' bytes were held against the digest in their disclosure when they came.
 */
export function sameRecord(known: Existing, record: Committed): boolean {
  const stored = parseLeaf(known.leaf);
  if (!stored.ok) return false;
  return leafText(record, stored.value) === known.leaf && known.disclosure === record.disclosure;
}
