// The entries of a registry shard: each is a record of the shard's own chained log, so that none can be
// taken out unseen, and a row that lists find it by. Both are written in the caller's one transaction.

import { newSessionId, type SessionId } from "../core/ids.ts";
import { ownRecord } from "../core/mask/mask_draft.ts";
import { commit } from "../core/record/commit.ts";
import type { Classes, Fields, Kind } from "../core/record/record.ts";
import { run, rows, type Sql } from "./migrate.ts";
import type { Head, RecordLog } from "./record_log.ts";
import type { SessionClosing, SessionEntry, SessionOpening, SessionQuery } from "./registry_rpc.ts";
import { fillRandom, sha256 } from "./sha256.ts";

/** A page of a list, whatever was asked for. */
const LIST_LIMIT = 1000;

export function recordOpening(sql: Sql, log: RecordLog, entry: SessionOpening, now: number): void {
  if (rows(sql, "SELECT 1 AS one FROM opened WHERE sid = ?", entry.sid).length > 0) return;
  const { sid, object, connection, owner, time } = entry;
  append(
    log,
    "session.opened",
    { protocol: "registry" },
    { sid, object, connection, issuer: owner.issuer, subject: owner.subject },
    now,
  );
  run(
    sql,
    "INSERT INTO opened (sid, object, connection, issuer, subject, time) VALUES (?, ?, ?, ?, ?, ?)",
    sid,
    object,
    connection,
    owner.issuer,
    owner.subject,
    time,
  );
}

export function recordClosing(sql: Sql, log: RecordLog, entry: SessionClosing, now: number): void {
  const { sid, time, size, root, tip, reason } = entry;
  if (rows(sql, "SELECT 1 AS one FROM opened WHERE sid = ?", sid).length === 0) return;
  if (rows(sql, "SELECT 1 AS one FROM closed WHERE sid = ?", sid).length > 0) return;
  append(log, "session.closed", { reason, size }, { sid, root, tip }, now);
  run(sql, "INSERT INTO closed (sid, time, size, reason) VALUES (?, ?, ?, ?)", sid, time, size, reason);
}

function append(log: RecordLog, kind: Kind, classes: Classes, fields: Fields, now: number): void {
  const head: Head = log.live().at(0) ?? log.open(newSessionId(now, fillRandom), now);
  log.append(head, commit(ownRecord({ kind, command: null, part: 0, classes, fields }), fillRandom, sha256), now);
}

interface EntryRow extends Record<string, SqlStorageValue> {
  sid: string;
  object: string;
  connection: string;
  issuer: string;
  subject: string;
  time: number;
  ended: number | null;
  size: number | null;
  reason: string | null;
}

const ENTRY =
  "SELECT o.*, c.time AS ended, c.size AS size, c.reason AS reason FROM opened o LEFT JOIN closed c ON c.sid = o.sid";

export function findEntry(sql: Sql, sid: SessionId): SessionEntry | null {
  const [row] = rows<EntryRow>(sql, `${ENTRY} WHERE o.sid = ?`, sid);
  return row === undefined ? null : entryOf(row);
}

export function listEntries(sql: Sql, query: SessionQuery): SessionEntry[] {
  const { owner, before, limit, connection, subject, state, since, until } = query;
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  const holds = (condition: string, ...bound: (string | number)[]): void => {
    conditions.push(condition);
    values.push(...bound);
  };
  if (owner !== null) holds("o.issuer = ? AND o.subject = ?", owner.issuer, owner.subject);
  if (connection !== undefined) holds("o.connection = ?", connection);
  if (subject !== undefined) holds("o.subject = ?", subject);
  if (state !== undefined) holds(state === "open" ? "c.sid IS NULL" : "c.sid IS NOT NULL");
  if (since !== undefined) holds("o.time >= ?", since);
  if (until !== undefined) holds("o.time <= ?", until);
  // Session ids are UUIDv7: later ones sort later, and "~" sorts after every one of them.
  holds("o.sid < ?", before ?? "~");
  const most = Math.min(limit, LIST_LIMIT);
  const text = `${ENTRY} WHERE ${conditions.join(" AND ")} ORDER BY o.sid DESC LIMIT ?`;
  return rows<EntryRow>(sql, text, ...values, most).map(entryOf);
}

function entryOf(row: EntryRow): SessionEntry {
  return {
    sid: row.sid as SessionEntry["sid"],
    object: row.object,
    connection: row.connection as SessionEntry["connection"],
    owner: { issuer: row.issuer, subject: row.subject },
    opened: row.time,
    closed: row.ended,
    size: row.size,
    reason: row.reason,
  };
}
