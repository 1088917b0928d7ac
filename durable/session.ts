// A session object: the log of one principal on one connection. Only wires; session_log.ts decides
// what is appended, group_commit.ts when.

import { DurableObject } from "cloudflare:workers";
import type { CommandId, SessionId } from "../core/ids.ts";
import { newSessionId } from "../core/ids.ts";
import type { Committed } from "../core/record/record.ts";
import { LOG_MIGRATIONS } from "../migrations/objects/log.ts";
import type { Env } from "../workers/env.ts";
import { GroupCommit } from "./group_commit.ts";
import { migrate } from "./migrate.ts";
import { registryOf, sendClosings } from "./registry_client.ts";
import { SessionLog } from "./session_log.ts";
import { FEW, QUEUE_LIMIT } from "./session_life.ts";
import type { Appended, Opening, RecordPage, SessionRpc, SessionSummary } from "./session_rpc.ts";
import { fillRandom } from "./sha256.ts";

export class SessionObject extends DurableObject<Env> implements SessionRpc {
  readonly #log: SessionLog;
  readonly #commits: GroupCommit;
  /** One opening at a time: commands that arrive together open one session. */
  #opening: Promise<boolean> | null = null;
  #alarmSet = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { sql } = ctx.storage;
    ctx.storage.transactionSync(() => migrate(sql, LOG_MIGRATIONS));
    const log = new SessionLog(sql, Date.now());
    this.#log = log;
    this.#commits = new GroupCommit(
      (work) => ctx.storage.transactionSync(work),
      () => log.reload(Date.now()),
    );
  }

  async begin(record: Committed, opening: Opening | null): Promise<Appended> {
    if (this.#commits.length >= QUEUE_LIMIT) return { ok: false, reason: "overloaded" };
    if (opening !== null && this.#log.current(Date.now()) === null) {
      this.#opening ??= this.#open(opening).finally(() => {
        this.#opening = null;
      });
      if (!(await this.#opening)) return { ok: false, reason: "registry_unavailable" };
    }
    this.#ensureAlarm();
    return this.#commits.add({
      apply: (careful) => this.#log.begin(record, Date.now(), careful),
      refused: () => ({ ok: false, reason: "storage_refused" }),
      alone: this.#log.underWay < FEW,
    });
  }

  /** Tells the registry first, so that a whole session cannot vanish. False if it could not be told. */
  async #open(opening: Opening): Promise<boolean> {
    const now = Date.now();
    const sid = newSessionId(now, fillRandom);
    try {
      const { connection, owner } = opening;
      await registryOf(this.env, sid).opened({ sid, object: this.ctx.id.toString(), connection, owner, time: now });
    } catch {
      return false;
    }
    await this.#commits.add({
      apply: () => this.#log.openSession(sid, opening, Date.now()),
      refused: () => undefined,
    });
    return true;
  }

  async proceed(records: readonly Committed[]): Promise<Appended> {
    return this.#commits.add({
      apply: (careful) => this.#log.proceed(records, Date.now(), careful),
      refused: () => ({ ok: false, reason: "storage_refused" }),
      alone: this.#log.underWay <= FEW,
    });
  }

  async renew(command: CommandId): Promise<boolean> {
    return this.#log.renew(command, Date.now());
  }

  async describe(sid: SessionId): Promise<SessionSummary | null> {
    return this.#log.describe(sid);
  }

  async read(sid: SessionId, from: number, limit: number): Promise<RecordPage | null> {
    return this.#log.read(sid, from, limit);
  }

  /** Only when none is pending: an alarm is a storage write, too. */
  #ensureAlarm(): void {
    if (this.#alarmSet) return;
    this.#alarmSet = true;
    const due = this.#log.nextDue(Date.now());
    void this.ctx.storage.setAlarm(due ?? Date.now() + 30_000);
  }

  override async alarm(): Promise<void> {
    this.#alarmSet = false;
    await this.#commits.add({
      apply: () => {
        const now = Date.now();
        this.#log.lapse(now);
        this.#log.closeEnded(now);
      },
      refused: () => undefined,
    });
    await sendClosings(this.env, this.ctx.storage.sql);
    const due = this.#log.nextDue(Date.now());
    if (due !== null) {
      this.#alarmSet = true;
      await this.ctx.storage.setAlarm(due);
    }
  }
}
