// Approvals as a registry shard lists them. A row is how one is found; what it says may be a moment old,
// because the session object is the authority. Owns the tables `approval_entry` and `approval_decider`; notices
// go to notice_table.ts. All of one change is in the caller's one transaction.

import type { ApprovalId, Party } from "../core/approval/approval.ts";
import type { ApprovalEntry, ApprovalQuery, QueuedNotice } from "./approval_rpc.ts";
import { run, rows, type Sql } from "./migrate.ts";
import { queueNotice } from "./notice_table.ts";

/** A page of a list, whatever was asked for. */
const LIST_LIMIT = 1000;

/** False if the shard knows as much already. Only what is newer than the known row is queued, so that nobody is told twice. */
export function changeApproval(sql: Sql, entry: ApprovalEntry, notices: readonly QueuedNotice[], now: number): boolean {
  const [known] = rows<{ version: number }>(sql, "SELECT version FROM approval_entry WHERE id = ?", entry.id);
  // Of a command that was asked about at one object and then at another, before its first record was durable, the last one counts.
  if (known !== undefined && known.version >= Math.max(1, entry.version)) return false;
  const { id, version, state, review, connection, requester, digest } = entry;
  run(
    sql,
    `INSERT INTO approval_entry (id, version, change, state, review, connection, issuer, subject, digest, entry)
      VALUES (?, ?, (SELECT COALESCE(MAX(change), 0) + 1 FROM approval_entry), ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET version = excluded.version, change = excluded.change, state = excluded.state,
        review = excluded.review, entry = excluded.entry`,
    id,
    version,
    state,
    review,
    connection,
    requester.issuer,
    requester.subject,
    digest,
    JSON.stringify(entry),
  );
  for (const decider of entry.deciders) addDecider(sql, id, decider);
  for (const notice of notices) if (notice.version > (known?.version ?? -1)) queueNotice(sql, entry, notice, now);
  return true;
}

function addDecider(sql: Sql, id: ApprovalId, { issuer, subject }: Party): void {
  run(sql, "INSERT OR IGNORE INTO approval_decider (issuer, subject, id) VALUES (?, ?, ?)", issuer, subject, id);
}

export function findApproval(sql: Sql, id: ApprovalId): ApprovalEntry | null {
  const [row] = rows<{ entry: string }>(sql, "SELECT entry FROM approval_entry WHERE id = ?", id);
  return row === undefined ? null : (JSON.parse(row.entry) as ApprovalEntry);
}

/** Those whose first record is durable, newest first. */
export function listApprovals(sql: Sql, query: ApprovalQuery): ApprovalEntry[] {
  const { state, requester, decider, review, connection, digest, before, limit } = query;
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  const holds = (condition: string, ...bound: (string | number)[]): void => {
    conditions.push(condition);
    values.push(...bound);
  };
  if (state !== undefined) holds("a.state = ?", state);
  if (review !== undefined) holds("a.review = ?", review);
  if (requester !== undefined) holds("a.issuer = ? AND a.subject = ?", requester.issuer, requester.subject);
  if (connection !== undefined) holds("a.connection = ?", connection);
  if (digest !== undefined) holds("a.digest = ?", digest);
  if (decider !== undefined) holds("d.issuer = ? AND d.subject = ?", decider.issuer, decider.subject);
  holds("a.version > 0");
  const from = decider === undefined ? "approval_entry a" : "approval_decider d JOIN approval_entry a ON a.id = d.id";
  // Ids are UUIDv7: later ones sort later, and "~" sorts after every one of them.
  const id = decider === undefined ? "a.id" : "d.id";
  holds(`${id} < ?`, before ?? "~");
  const text = `SELECT a.entry FROM ${from} WHERE ${conditions.join(" AND ")} ORDER BY ${id} DESC LIMIT ?`;
  const found = rows<{ entry: string }>(sql, text, ...values, Math.min(limit, LIST_LIMIT));
  return found.map(({ entry }) => JSON.parse(entry) as ApprovalEntry);
}

/** Counts the changes of this shard. */
export function lastChange(sql: Sql): number {
  const [row] = rows<{ change: number | null }>(sql, "SELECT MAX(change) AS change FROM approval_entry");
  return row?.change ?? 0;
}
