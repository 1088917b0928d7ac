// A shard of the registry: which sessions there were, written before each session's first record.
// Only wires; registry_entries.ts writes and finds the entries.

import { DurableObject } from "cloudflare:workers";
import type { ApprovalId } from "../core/approval/approval.ts";
import type { SessionId } from "../core/ids.ts";
import { REGISTRY_MIGRATIONS } from "../migrations/objects/registry.ts";
import type { Env } from "../workers/env.ts";
import { changeApproval, findApproval, lastChange, listApprovals } from "./approval_entries.ts";
import type { ApprovalEntry, ApprovalQuery, ApprovalRegistryRpc, QueuedNotice } from "./approval_rpc.ts";
import { migrate } from "./migrate.ts";
import { RecordLog } from "./record_log.ts";
import { findEntry, listEntries, recordClosing, recordOpening } from "./registry_entries.ts";
import type { SessionClosing, SessionEntry, SessionOpening, SessionQuery } from "./registry_rpc.ts";
import type { RecordPage, SessionSummary } from "./session_rpc.ts";
import { Waiters } from "./waiters.ts";

/** Who watches the inbox; further ones look again by themselves. */
const WATCHERS = 256;

export class RegistryObject extends DurableObject<Env> implements ApprovalRegistryRpc {
  readonly #log: RecordLog;
  readonly #watchers = new Waiters<number>(WATCHERS);

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

  async approvalChanged(entry: ApprovalEntry, notices: readonly QueuedNotice[]): Promise<void> {
    this.#write(() => changeApproval(this.ctx.storage.sql, entry, notices, Date.now()));
    this.#watchers.notify();
  }

  async findApproval(id: ApprovalId): Promise<ApprovalEntry | null> {
    return findApproval(this.ctx.storage.sql, id);
  }

  async listApprovals(query: ApprovalQuery): Promise<ApprovalEntry[]> {
    return listApprovals(this.ctx.storage.sql, query);
  }

  async approvalChanges(seen: number, ms: number): Promise<number> {
    const now = (): number => lastChange(this.ctx.storage.sql);
    return this.#watchers.wait(() => (now() === seen ? null : now()), ms, now);
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
