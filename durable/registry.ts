// A shard of the registry: which sessions there were, written before each session's first record.
// Only wires; registry_entries.ts writes and finds the entries.

import { DurableObject } from "cloudflare:workers";
import type { SessionId } from "../core/ids.ts";
import { REGISTRY_MIGRATIONS } from "../migrations/objects/registry.ts";
import type { Env } from "../workers/env.ts";
import { migrate } from "./migrate.ts";
import { RecordLog } from "./record_log.ts";
import { findEntry, listEntries, recordClosing, recordOpening } from "./registry_entries.ts";
import type { SessionClosing, SessionEntry, SessionOpening, SessionQuery } from "./registry_rpc.ts";
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
    this.#write(() => recordOpening(this.ctx.storage.sql, this.#log, entry, Date.now()));
  }

  /** Idempotent. A session this shard never heard of is ignored. */
  async closed(entry: SessionClosing): Promise<void> {
    this.#write(() => recordClosing(this.ctx.storage.sql, this.#log, entry, Date.now()));
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
