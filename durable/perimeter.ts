// A shard of the perimeter: calls without a valid identity. Only wires; perimeter_log.ts has the bounds.

import { DurableObject } from "cloudflare:workers";
import type { SessionId } from "../core/ids.ts";
import { LOG_MIGRATIONS } from "../migrations/objects/log.ts";
import type { Env } from "../workers/env.ts";
import { migrate } from "./migrate.ts";
import { type PerimeterDenial, PerimeterLog } from "./perimeter_log.ts";
import { RecordLog } from "./record_log.ts";
import type { RecordPage, SessionSummary } from "./session_rpc.ts";

export class PerimeterObject extends DurableObject<Env> {
  readonly #records: RecordLog;
  readonly #log: PerimeterLog;
  #isWaiting = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.transactionSync(() => migrate(ctx.storage.sql, LOG_MIGRATIONS));
    this.#records = new RecordLog(ctx.storage.sql);
    this.#log = new PerimeterLog(this.#records);
  }

  /** Nobody waits for this: the 401 has left already. */
  async denied(denial: PerimeterDenial): Promise<void> {
    if (this.#write(() => this.#log.denied(denial, Date.now())) !== false) this.#flushLater();
  }

  /**
   * A timer, not an alarm: counts live in memory, and a pending alarm does not keep an idle object there.
   * A timer does, for a minute at least (developers.cloudflare.com/durable-objects/concepts/durable-object-lifecycle).
   */
  #flushLater(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    setTimeout(
      () => {
        this.#isWaiting = false;
        if (this.#write(() => this.#log.flush(Date.now())) !== false) this.#flushLater();
      },
      60_000 - (Date.now() % 60_000),
    );
  }

  /** What cannot be written here is dropped: a full disk must not turn a flood of 401s into exceptions. */
  #write<T>(work: () => T): T | null {
    try {
      return this.ctx.storage.transactionSync(work);
    } catch {
      try {
        this.#log.reload();
      } catch {
        // Not even readable now; the next write fails and comes here again.
      }
      return null;
    }
  }

  /** This shard's sessions, newest first. */
  async list(): Promise<SessionId[]> {
    return [...this.ctx.storage.sql.exec<{ sid: string }>("SELECT sid FROM session ORDER BY no DESC LIMIT 400")].map(
      (row) => row.sid as SessionId,
    );
  }

  async describe(sid: SessionId): Promise<SessionSummary | null> {
    const head = this.#records.findSession(sid);
    if (head === null) return null;
    return {
      sid,
      opened: head.opened,
      closed: null,
      size: head.size,
      tip: head.tip,
      root: this.#records.root(head),
      openCommands: [],
    };
  }

  async read(sid: SessionId, from: number, limit: number): Promise<RecordPage | null> {
    const head = this.#records.findSession(sid);
    if (head === null) return null;
    const records = this.#records.read(head, from, limit);
    const next = from + records.length;
    return { records, next: next < head.size ? next : null };
  }
}
