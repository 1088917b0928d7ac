// A shard of the registry: which sessions there were, written before each session's first record.
// Its own log is chained like a session's, so an entry cannot be taken out unseen.

import { DurableObject } from "cloudflare:workers";
import { newSessionId, type SessionId } from "../core/ids.ts";
import { ownRecord } from "../core/mask/mask_draft.ts";
import { commit } from "../core/record/commit.ts";
import type { Classes, Fields, Kind } from "../core/record/record.ts";
import { REGISTRY_MIGRATIONS } from "../migrations/objects/registry.ts";
import type { Env } from "../workers/env.ts";
import { migrate, run, rows, type Sql } from "./migrate.ts";
import { type Head, RecordLog } from "./record_log.ts";
import type { SessionClosing, SessionEntry, SessionOpening, SessionQuery } from "./registry_rpc.ts";
import { fillRandom, sha256 } from "./sha256.ts";
import type { RecordPage, SessionSummary } from "./session_rpc.ts";

export class RegistryObject extends DurableObject<Env> {
  readonly #log: RecordLog;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.transactionSync(() => migrate(ctx.storage.sql, REGISTRY_MIGRATIONS));
    this.#log = new RecordLog(ctx.storage.sql);
  }

  /** Idempotent. Durable when it resolves; throws if the storage refuses. */
  async opened(entry: SessionOpening): Promise<void> {
    this.#write(() => recordOpening(this.ctx.storage.sql, this.#log, entry));
  }

  /** Idempotent. A session this shard never heard of is ignored. */
  async closed(entry: SessionClosing): Promise<void> {
    this.#write(() => recordClosing(this.ctx.storage.sql, this.#log, entry));
  }

  #write(work: () => void): void {
    try {
      this.ctx.storage.transactionSync(work);
    } catch (error) {
      this.#log.reload();
      throw error;
    }
  }

  async find(sid: SessionId): Promise<SessionEntry | null> {
    return findEntry(this.ctx.storage.sql, sid);
  }

  async list(query: SessionQuery): Promise<SessionEntry[]> {
    return listEntries(this.ctx.storage.sql, query);
  }

  /** The shard's own chain, to be verified like any session's. Null before its first entry. */
  async describe(): Promise<SessionSummary | null> {
    const head = this.#log.live().at(0);
    if (head === undefined) return null;
    const { sid, opened, size, tip } = head;
    return { sid, opened, closed: null, size, tip, root: this.#log.root(head), openCommands: [] };
  }

  async read(from: number, limit: number): Promise<RecordPage | null> {
    const head = this.#log.live().at(0);
    if (head === undefined) return null;
    const records = this.#log.read(head, from, limit);
    const next = from + records.length;
    return { records, next: next < head.size ? next : null };
  }
}

function recordOpening(sql: Sql, log: RecordLog, entry: SessionOpening): void {
  if (rows(sql, "SELECT 1 AS one FROM opened WHERE sid = ?", entry.sid).length > 0) return;
  const { sid, object, connection, owner, time } = entry;
  append(log, "session.opened", { protocol: "registry" }, { sid, object, connection, issuer: owner.issuer, subject: owner.subject }, time);
  run(sql, "INSERT INTO opened (sid, object, connection, issuer, subject, time) VALUES (?, ?, ?, ?, ?, ?)", sid, object, connection, owner.issuer, owner.subject, time);
}

function recordClosing(sql: Sql, log: RecordLog, entry: SessionClosing): void {
  const { sid, time, size, root, tip, reason } = entry;
  if (rows(sql, "SELECT 1 AS one FROM opened WHERE sid = ?", sid).length === 0) return;
  if (rows(sql, "SELECT 1 AS one FROM closed WHERE sid = ?", sid).length > 0) return;
  append(log, "session.closed", { reason, size }, { sid, root, tip }, time);
  run(sql, "INSERT INTO closed (sid, time, size) VALUES (?, ?, ?)", sid, time, size);
}

function append(log: RecordLog, kind: Kind, classes: Classes, fields: Fields, time: number): void {
  const head: Head = log.live().at(0) ?? log.open(newSessionId(time, fillRandom), time);
  log.append(head, commit(ownRecord({ kind, command: null, part: 0, classes, fields }), fillRandom, sha256), time);
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
}

const ENTRY = "SELECT o.*, c.time AS ended, c.size AS size FROM opened o LEFT JOIN closed c ON c.sid = o.sid";

function findEntry(sql: Sql, sid: SessionId): SessionEntry | null {
  const [row] = rows<EntryRow>(sql, `${ENTRY} WHERE o.sid = ?`, sid);
  return row === undefined ? null : entryOf(row);
}

function listEntries(sql: Sql, { owner, before, limit }: SessionQuery): SessionEntry[] {
  // Session ids are UUIDv7: later ones sort later, and "~" sorts after every one of them.
  const upTo = before ?? "~";
  const found =
    owner === null
      ? rows<EntryRow>(sql, `${ENTRY} WHERE o.sid < ? ORDER BY o.sid DESC LIMIT ?`, upTo, limit)
      : rows<EntryRow>(sql, `${ENTRY} WHERE o.issuer = ? AND o.subject = ? AND o.sid < ? ORDER BY o.sid DESC LIMIT ?`, owner.issuer, owner.subject, upTo, limit);
  return found.map(entryOf);
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
  };
}
