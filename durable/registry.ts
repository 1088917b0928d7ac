// A shard of the registry: which sessions there were, written before each session's first record, and which
// approvals, with the notices of them. Only wires; registry_entries.ts, approval_entries.ts and notices.ts do it.

import { DurableObject } from "cloudflare:workers";
import type { ApprovalId } from "../core/approval/approval.ts";
import type { SessionId } from "../core/ids.ts";
import { REGISTRY_MIGRATIONS } from "../migrations/objects/registry.ts";
import type { Env } from "../workers/env.ts";
import { AlarmClock } from "./alarm_clock.ts";
import { changeApproval, findApproval, lastChange, listApprovals } from "./approval_entries.ts";
import type { ApprovalEntry, ApprovalQuery, ApprovalRegistryRpc, Notice, QueuedNotice } from "./approval_rpc.ts";
import { migrate } from "./migrate.ts";
import type { NoticeEntry, NoticeId, NoticePorts, NoticeQuery, NoticeRegistryRpc } from "./notice_rpc.ts";
import { NoticeTable } from "./notice_table.ts";
import { Notices } from "./notices.ts";
import { RecordLog } from "./record_log.ts";
import { findEntry, listEntries, recordClosing, recordOpening } from "./registry_entries.ts";
import type { SessionClosing, SessionEntry, SessionOpening, SessionQuery } from "./registry_rpc.ts";
import { ALARM_PAUSE_MS } from "./session_life.ts";
import type { RecordPage, SessionSummary } from "./session_rpc.ts";
import { Waiters } from "./waiters.ts";

/** Who watches the inbox; further ones look again by themselves. */
const WATCHERS = 256;

export class RegistryObject extends DurableObject<Env> implements ApprovalRegistryRpc, NoticeRegistryRpc {
  readonly #log: RecordLog;
  readonly #alarm: AlarmClock;
  readonly #table: NoticeTable;
  readonly #notices: Notices;
  readonly #watchers = new Waiters<number>(WATCHERS);

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.transactionSync(() => migrate(ctx.storage.sql, REGISTRY_MIGRATIONS));
    this.#log = new RecordLog(ctx.storage.sql);
    this.#alarm = new AlarmClock(ctx.storage);
    this.#table = new NoticeTable(ctx.storage.sql);
    this.#notices = new Notices({
      table: this.#table,
      ports: () => this.noticePorts(),
      wakeBy: (time) => this.#alarm.wakeBy(Math.max(time, Date.now() + ALARM_PAUSE_MS)),
    });
    // An alarm that is lost is set again by whatever wakes the object.
    void ctx.blockConcurrencyWhile(() =>
      this.#alarm.find().then(
        () => this.#notices.changed(),
        () => undefined,
      ),
    );
  }

  /** What the deployed object has of the Worker's side (workers/registry_object.ts); without it notices wait. */
  protected noticePorts(): NoticePorts | null {
    return null;
  }

  /** May run twice for one setting: what was sent is gone from the table. */
  override async alarm(): Promise<void> {
    this.#alarm.rang();
    this.#notices.changed();
    await this.#notices.settled();
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
    if (notices.length > 0) this.#notices.changed();
  }

  async listNotices(query: NoticeQuery): Promise<NoticeEntry[]> {
    return this.#table.list(query);
  }

  async findNotice(id: NoticeId): Promise<NoticeEntry | null> {
    return this.#table.find(id);
  }

  async retryNotice(id: NoticeId, target: Notice): Promise<NoticeEntry | null> {
    const again = this.#table.again(id, target, Date.now());
    this.#notices.again(target);
    return again;
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
