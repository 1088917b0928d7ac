// A session object: the log of one principal on one connection. Only wires; session_log.ts decides
// what is appended, group_commit.ts when.

import { DurableObject } from "cloudflare:workers";
import type { ApprovalId } from "../core/approval/approval.ts";
import type { CommandId, Digest, SessionId } from "../core/ids.ts";
import type { Side } from "../core/record/payload.ts";
import type { Committed, Fields } from "../core/record/record.ts";
import { LOG_MIGRATIONS } from "../migrations/objects/log.ts";
import type { Env } from "../workers/env.ts";
import { AlarmClock } from "./alarm_clock.ts";
import { ApprovalDesk } from "./approval_desk.ts";
import { ApprovalOutbox } from "./approval_outbox.ts";
import type {
  ApprovalRpc,
  ApprovalWatch,
  Ask,
  AskAnswer,
  Consumed,
  Consumption,
  DecisionOrder,
  Stepped,
} from "./approval_rpc.ts";
import { CommandIndex } from "./command_index.ts";
import { type CommandOutline, outlineOf } from "./command_outline.ts";
import { GroupCommit } from "./group_commit.ts";
import { migrate } from "./migrate.ts";
import { COMMAND_PAGE, idRange } from "./record_log.ts";
import { hasClosings, registryOf, sendClosings } from "./registry_client.ts";
import { weightOf } from "./record_weight.ts";
import { SessionLog } from "./session_log.ts";
import { SessionOpener } from "./session_opener.ts";
import { ALARM_PAUSE_MS, FEW, LEASE_MS, QUEUE_LIMIT, RESEND_MS } from "./session_life.ts";
import type {
  Appended,
  AppendRefusal,
  CutWord,
  Killed,
  KillRequest,
  Opening,
  PayloadPage,
  RecordPage,
  SessionRpc,
  SessionSummary,
  SessionWatchRpc,
} from "./session_rpc.ts";
import { SESSION_LIMITS, type SessionLimits, StorageBudget } from "./storage_budget.ts";
import { SessionWatch } from "./session_watch.ts";
import type { SocketPorts } from "./socket_ports.ts";
import type { SocketOpening, SocketOrder, SocketRpc } from "./socket_rpc.ts";
import { Sockets } from "./sockets.ts";

export class SessionObject extends DurableObject<Env> implements SessionRpc, SessionWatchRpc, SocketRpc, ApprovalRpc {
  readonly #log: SessionLog;
  readonly #commits: GroupCommit;
  readonly #opener: SessionOpener;
  readonly #alarm: AlarmClock;
  readonly #watch: SessionWatch;
  readonly #budget: StorageBudget;
  readonly #sockets: Sockets;
  readonly #approvals: ApprovalDesk;
  readonly #approvalNews: ApprovalOutbox;
  /** Null where the region has no search database. */
  readonly #index: CommandIndex | null;

  constructor(ctx: DurableObjectState, env: Env, limits: SessionLimits = SESSION_LIMITS) {
    super(ctx, env);
    const { sql } = ctx.storage;
    ctx.storage.transactionSync(() => migrate(sql, LOG_MIGRATIONS));
    this.#alarm = new AlarmClock(ctx.storage);
    this.#budget = new StorageBudget(
      () => sql.databaseSize,
      limits,
      () => Date.now(),
    );
    const log = new SessionLog(sql, Date.now(), this.#budget);
    this.#log = log;
    this.#watch = new SessionWatch(log);
    const index =
      env.SEARCH === undefined ? null : new CommandIndex(sql, log.log, env.SEARCH, (time) => this.#alarm.wakeBy(time));
    this.#index = index;
    this.#commits = new GroupCommit(
      (work) => {
        ctx.storage.transactionSync(() => {
          log.log.gather(work);
          index?.mark(log.log.left);
        });
        this.#watch.changed();
        this.#approvals.changed();
        this.#sockets.changed();
        index?.changed();
      },
      () => {
        log.reload(Date.now());
        index?.reload();
      },
      () => ctx.storage.sync(),
      limits.inFlight,
    );
    const object = ctx.id.toString();
    const wakeBy = (time: number): void => this.#alarm.wakeBy(time);
    const outbox = new ApprovalOutbox({
      table: log.approvals.table,
      object,
      sidOf: (no) => log.sidOf(no),
      send: (entry, notices) => registryOf(env, entry.id).approvalChanged(entry, notices),
      wakeBy,
    });
    this.#approvalNews = outbox;
    this.#approvals = new ApprovalDesk({
      log,
      commits: this.#commits,
      outbox,
      object,
      ready: async (opening, weight) => this.#ready(opening, weight),
      announce: (entry) => registryOf(env, entry.id).approvalChanged(entry, []),
      policyInForce: () => this.#policyInForce(),
      wakeBy,
    });
    this.#sockets = new Sockets({
      log,
      commits: this.#commits,
      approvals: this.#approvals,
      ports: () => this.socketPorts(),
      pause: (work) => this.#pause(work),
      sync: () => ctx.storage.sync(),
      settled: () => this.#settled(),
    });
    this.#opener = new SessionOpener(
      log,
      this.#commits,
      (sid, { connection, owner }, time) => registryOf(env, sid).opened({ sid, object, connection, owner, time }),
      () => Date.now(),
    );
    void ctx.blockConcurrencyWhile(() => this.#findAlarm().catch(() => undefined));
  }

  async begin(record: Committed, opening: Opening | null): Promise<Appended> {
    const weight = weightOf([record]);
    const ready = this.#ready(opening, weight);
    const reason = ready instanceof Promise ? await ready : ready;
    if (reason !== null) return { ok: false, reason };
    const answer = await this.#commits.add<Appended>({
      apply: (careful) => this.#log.begin(record, Date.now(), careful),
      refused: () => ({ ok: false, reason: "storage_refused" }),
      alone: this.#log.underWay < FEW,
      weight,
    });
    // Not before: a command that is recorded here already must not begin a second time elsewhere.
    const isFull = opening !== null && !answer.ok && answer.reason === "session_needed";
    return isFull ? { ok: false, reason: "overloaded" } : answer;
  }

  /** Null once a command may begin, if there is a session; else why it may not. At once where none is to be opened: what is asked for here is still true when the call is queued. */
  #ready(opening: Opening | null, weight: number): AppendRefusal | null | Promise<AppendRefusal | null> {
    if (!this.#takes(weight)) return "overloaded";
    const needsSession = this.#log.current(Date.now()) === null;
    if (opening !== null && needsSession && this.#budget.takesSessions) return this.#open(opening, weight);
    // Before the record: a crash in between leaves an alarm that finds nothing to do, never an intent that nobody closes.
    if (opening !== null || !needsSession) this.#alarm.wakeBy(Date.now() + LEASE_MS);
    return null;
  }

  async #open(opening: Opening, weight: number): Promise<AppendRefusal | null> {
    const reason = await this.#opener.open(opening);
    return reason ?? this.#ready(null, weight);
  }

  async proceed(records: readonly Committed[]): Promise<Appended> {
    const weight = weightOf(records);
    if (!this.#commits.takes(weight)) return { ok: false, reason: "overloaded" };
    this.#settled();
    return this.#commits.add({
      apply: (careful) => this.#log.proceed(records, Date.now(), careful),
      refused: () => ({ ok: false, reason: "storage_refused" }),
      alone: this.#log.underWay <= FEW,
      weight,
    });
  }

  async ask(ask: Ask, opening: Opening | null): Promise<AskAnswer> {
    return this.#approvals.ask(ask, opening);
  }

  async untilDecided(approval: ApprovalId, ms: number): Promise<ApprovalWatch | null> {
    return this.#approvals.untilDecided(approval, ms);
  }

  async approvalOf(approval: ApprovalId): Promise<ApprovalWatch | null> {
    return this.#approvals.approvalOf(approval);
  }

  async grantFor(use: Parameters<ApprovalRpc["grantFor"]>[0]): Promise<ApprovalId | null> {
    return this.#approvals.grantFor(use);
  }

  async consume(record: Committed, consumption: Consumption): Promise<Consumed> {
    return this.#approvals.consume(record, consumption);
  }

  async decide(order: DecisionOrder): Promise<Stepped> {
    return this.#approvals.decide(order);
  }

  async cancel(approval: ApprovalId, reason: "requester" | "client_gone", by: CommandId | null): Promise<Stepped> {
    return this.#approvals.cancel(approval, reason, by);
  }

  async revoke(approval: ApprovalId, by: CommandId, fields: Fields): Promise<Stepped> {
    return this.#approvals.revoke(approval, by, fields);
  }

  async review(order: DecisionOrder): Promise<Stepped> {
    return this.#approvals.review(order);
  }

  async openSocket(order: SocketOrder): Promise<SocketOpening> {
    return this.#sockets.open(order);
  }

  async dropSocket(command: CommandId): Promise<void> {
    this.#sockets.drop(command);
  }

  /** Of the Worker alone, for the caller's end of a socket: a WebSocket crosses no other call. */
  override async fetch(request: Request): Promise<Response> {
    return this.#sockets.join(request);
  }

  /** What the deployed object has of the Worker's side (workers/session_object.ts); without it no socket is opened. */
  protected socketPorts(): SocketPorts | null {
    return null;
  }

  async #policyInForce(): Promise<Digest | null> {
    const known = (await this.socketPorts()?.control.renew(Date.now())) ?? null;
    return known === null || known.isUnreadable ? null : known.policy.hash;
  }

  /** Messages come as events that cannot be refused: none is let in meanwhile. */
  #pause(work: () => Promise<void>): void {
    void this.ctx.blockConcurrencyWhile(() => work().catch(() => undefined));
  }

  /** The last outcome of a killed session is followed by its end. */
  #settled(): void {
    if (this.#log.isKilling) this.#alarm.wakeBy(Date.now() + ALARM_PAUSE_MS);
  }

  #takes(weight: number): boolean {
    return this.#commits.length < QUEUE_LIMIT && this.#commits.takes(weight);
  }

  async renew(command: CommandId): Promise<boolean> {
    return this.#log.renew(command, Date.now());
  }

  async describe(sid: SessionId, size?: number): Promise<SessionSummary | null> {
    return this.#log.describe(sid, size);
  }

  async recordsOf(sid: SessionId, command: CommandId, from = 0, limit: number = COMMAND_PAGE): Promise<RecordPage> {
    const { log } = this.#log;
    const head = log.findSession(sid);
    return head === null ? { records: [], next: null } : log.recordsOf(head, command, from, limit);
  }

  async outlineOf(sid: SessionId, command: CommandId): Promise<CommandOutline | null> {
    const head = this.#log.log.findSession(sid);
    return head === null ? null : outlineOf(this.ctx.storage.sql, command, idRange(head));
  }

  async payloadOf(
    sid: SessionId,
    command: CommandId,
    side: Side,
    from: number,
    limit: number,
  ): Promise<PayloadPage | null> {
    return this.#log.payloadOf(sid, command, side, from, limit);
  }

  async read(sid: SessionId, from: number, limit: number): Promise<RecordPage | null> {
    return this.#log.read(sid, from, limit);
  }

  async kill(sid: SessionId, { command }: KillRequest): Promise<Killed> {
    const killed = await this.#commits.add<Killed>({
      apply: () => this.#log.kill(sid, command, Date.now()),
      refused: () => ({ ok: false, state: "refused" }),
      alone: true,
    });
    // The registry hears of it, if it is closed already.
    if (killed.ok) this.#alarm.wakeBy(Date.now());
    return killed;
  }

  async untilCut(command: CommandId): Promise<CutWord | null> {
    return this.#watch.untilCut(command);
  }

  async waitForMore(sid: SessionId, size: number, ms: number): Promise<number> {
    return this.#watch.waitForMore(sid, size, ms);
  }

  async reindex(sid: SessionId): Promise<boolean> {
    const head = this.#log.log.findSession(sid);
    if (head === null) return false;
    this.ctx.storage.transactionSync(() => this.#index?.again(head.no));
    return true;
  }

  async indexLag(): Promise<number | null> {
    return this.#index?.lag ?? null;
  }

  /** An alarm that is lost is set again by whatever wakes the object. */
  async #findAlarm(): Promise<void> {
    await this.#alarm.find();
    const now = Date.now();
    if (hasClosings(this.ctx.storage.sql)) this.#alarm.wakeBy(now + ALARM_PAUSE_MS);
    this.#wakeForNext(now);
    this.#index?.changed();
    this.#approvalNews.changed();
  }

  /** May run twice for one setting: each step finds done what an earlier run did. */
  override async alarm(): Promise<void> {
    this.#alarm.rang();
    await this.#commits.add({
      apply: () => {
        const now = Date.now();
        this.#log.lapse(now);
        this.#log.closeEnded(now);
      },
      refused: () => undefined,
    });
    const isSent = await sendClosings(this.env, this.ctx.storage.sql);
    await this.#approvals.followPolicy();
    await this.#approvalNews.flush();
    await this.#index?.flush();
    const now = Date.now();
    if (!isSent) this.#alarm.wakeBy(now + RESEND_MS);
    this.#wakeForNext(now);
  }

  /** After a refused write everything is still due: without a pause the alarm would ring for ever. */
  #wakeForNext(now: number): void {
    const news = Math.min(this.#index?.nextDue(now) ?? Infinity, this.#approvalNews.nextDue(now) ?? Infinity);
    const due = Math.min(this.#log.nextDue(now) ?? Infinity, news);
    if (due !== Infinity) this.#alarm.wakeBy(Math.max(due, now + ALARM_PAUSE_MS));
  }
}
