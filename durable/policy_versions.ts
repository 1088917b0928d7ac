// Which policy is in force in a region, and which were: texts by their hash, and one version for each
// time that an admin applied one. Both only grow; the last version is in force.

import { toHex } from "../core/bytes.ts";
import type { CommandId, Digest } from "../core/ids.ts";
import type { PageRequest, PolicyApplication, PolicyApplied, PolicyVersion } from "./control_rpc.ts";
import { run, rows, type Sql } from "./migrate.ts";
import { sha256 } from "./sha256.ts";

/** What is in force where nothing was applied: SHA-256 of no text. */
const NOTHING_APPLIED = digestOf("");

interface VersionRow extends Record<string, SqlStorageValue> {
  no: number;
  hash: string;
  previous: string | null;
  time: number;
  issuer: string;
  subject: string;
  command: string;
  comment: string;
}

/**
 * To be called inside one transaction: text, version and what D1 is owed become durable together.
 * Throws if the hash is not the text's, which no caller that computed it gets wrong.
 */
export function applyPolicy(sql: Sql, application: PolicyApplication, now: number): PolicyApplied {
  const { hash, text, expected, by, command, comment } = application;
  if (digestOf(text) !== hash) throw new Error("a policy's hash must be its text's");
  const [repeated] = rows<VersionRow>(sql, "SELECT * FROM policy_application WHERE command = ?", command);
  if (repeated !== undefined) return { ok: true, version: versionOf(repeated) };
  const current = currentVersion(sql);
  if ((current?.hash ?? NOTHING_APPLIED) !== expected)
    return { ok: false, reason: "stale", current: current?.hash ?? NOTHING_APPLIED };
  keepText(sql, hash, text, now);
  const version: PolicyVersion = {
    no: (current?.no ?? 0) + 1,
    hash,
    previous: current?.hash ?? null,
    time: now,
    by: { issuer: by.issuer, subject: by.subject },
    command,
    comment,
  };
  run(
    sql,
    "INSERT INTO policy_application (no, hash, previous, time, issuer, subject, command, comment) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    ...[version.no, hash, version.previous, now, by.issuer, by.subject, command, comment],
  );
  run(sql, "INSERT INTO history_outbox (kind, key) VALUES ('policy_application', ?)", String(version.no));
  return { ok: true, version };
}

/** Puts nothing in force. */
export function keepText(sql: Sql, hash: Digest, text: string, now: number): void {
  if (policyText(sql, hash) !== null) return;
  run(sql, "INSERT INTO policy (hash, text, first_seen) VALUES (?, ?, ?)", hash, text, now);
  run(sql, "INSERT INTO history_outbox (kind, key) VALUES ('policy', ?)", hash);
}

export function currentVersion(sql: Sql): PolicyVersion | null {
  const [row] = rows<VersionRow>(sql, "SELECT * FROM policy_application ORDER BY no DESC LIMIT 1");
  return row === undefined ? null : versionOf(row);
}

export function policyText(sql: Sql, hash: Digest): string | null {
  return rows<{ text: string }>(sql, "SELECT text FROM policy WHERE hash = ?", hash)[0]?.text ?? null;
}

/** Newest first. */
export function policyVersions(sql: Sql, { before, limit }: PageRequest): PolicyVersion[] {
  return rows<VersionRow>(
    sql,
    "SELECT * FROM policy_application WHERE no < ? ORDER BY no DESC LIMIT ?",
    before ?? Number.MAX_SAFE_INTEGER,
    limit,
  ).map(versionOf);
}

/** Only `applyPolicy` writes these rows, from values that were checked. */
function versionOf(row: VersionRow): PolicyVersion {
  return {
    no: row.no,
    hash: row.hash as Digest,
    previous: row.previous as Digest | null,
    time: row.time,
    by: { issuer: row.issuer, subject: row.subject },
    command: row.command as CommandId,
    comment: row.comment,
  };
}

function digestOf(text: string): Digest {
  return toHex(sha256(new TextEncoder().encode(text))) as Digest;
}
