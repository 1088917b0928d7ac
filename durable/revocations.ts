// Which tokens are no longer trusted in a region: those an admin revoked, and those of sessions that
// were killed. Both only grow; Workers hear of those that could still stop a token.

import type { Revocations } from "../core/auth/revocation.ts";
import type { CommandId } from "../core/ids.ts";
import type { KillRequest, PageRequest, RevocationEntry, RevocationRequest } from "./control_rpc.ts";
import { run, rows, type Sql } from "./migrate.ts";

/** A token lives hours; what is older than this has outlived every token it could stop. */
const LIFE_MS = 31 * 86_400_000;

interface RevocationRow extends Record<string, SqlStorageValue> {
  no: number;
  token_id: string | null;
  issuer: string | null;
  subject: string | null;
  issued_before: number | null;
  command: string;
  reason: string;
  time: number;
}

interface KillRow extends Record<string, SqlStorageValue> {
  sid: string;
  issuer: string;
  subject: string;
  actors: string;
  connection: string;
  before: number;
  command: CommandId;
}

/** To be called inside one transaction. Idempotent on the command. */
export function revoke(sql: Sql, { token, subject, reason, command }: RevocationRequest, now: number): void {
  if (rows(sql, "SELECT 1 AS one FROM revocation WHERE command = ?", command).length > 0) return;
  const who = [subject?.issuer ?? null, subject?.subject ?? null, subject?.before ?? null];
  run(
    sql,
    "INSERT INTO revocation (token_id, issuer, subject, issued_before, command, reason, time) VALUES (?, ?, ?, ?, ?, ?, ?)",
    ...[token, ...who, command, reason, now],
  );
  run(sql, "INSERT INTO history_outbox (kind, key) SELECT 'revocation', MAX(no) FROM revocation");
}

/** To be called inside one transaction. Idempotent on the command. */
export function kill(sql: Sql, request: KillRequest, now: number): void {
  if (rows(sql, "SELECT 1 AS one FROM kill WHERE command = ?", request.command).length > 0) return;
  const { sid, object, issuer, subject, actors, connection, before, reason, command } = request;
  run(
    sql,
    "INSERT INTO kill (sid, object, issuer, subject, actors, connection, issued_before, reason, command, time) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ...[sid, object, issuer, subject, actors, connection, before, reason, command, now],
  );
  run(sql, "INSERT INTO history_outbox (kind, key) SELECT 'kill', MAX(no) FROM kill");
}

/** What can still stop a token. */
export function currentRevocations(sql: Sql, now: number): Revocations {
  const since = now - LIFE_MS;
  const revoked = rows<RevocationRow>(sql, "SELECT * FROM revocation WHERE time > ?", since).map(entryOf);
  return {
    tokens: revoked.flatMap(({ token, command }) => (token === null ? [] : [{ id: token, command }])),
    subjects: revoked.flatMap(({ subject, command }) => (subject === null ? [] : [{ ...subject, command }])),
    kills: rows<KillRow>(
      sql,
      'SELECT sid, issuer, subject, actors, connection, issued_before AS "before", command FROM kill WHERE time > ?',
      since,
    ),
  };
}

/** Newest first. */
export function listRevocations(sql: Sql, { before, limit }: PageRequest): RevocationEntry[] {
  return rows<RevocationRow>(
    sql,
    "SELECT * FROM revocation WHERE no < ? ORDER BY no DESC LIMIT ?",
    before ?? Number.MAX_SAFE_INTEGER,
    limit,
  ).map(entryOf);
}

/** Only `revoke` writes these rows, from values that were checked. */
function entryOf(row: RevocationRow): RevocationEntry {
  const { issuer, subject, issued_before: before } = row;
  return {
    no: row.no,
    token: row.token_id,
    subject: issuer === null || subject === null || before === null ? null : { issuer, subject, before },
    reason: row.reason,
    command: row.command as CommandId,
    time: row.time,
  };
}
