// The control object of a region: which policy is in force, which tokens are no longer trusted, and which
// passkeys are whose.
// The authority that Workers cache; D1 gets a copy in its own time.

import { DurableObject } from "cloudflare:workers";
import type { CommandId, Digest } from "../core/ids.ts";
import { CONTROL_MIGRATIONS } from "../migrations/objects/control.ts";
import type { Env } from "../workers/env.ts";
import type {
  ControlRpc,
  ControlSnapshot,
  KillRequest,
  PageRequest,
  Passkey,
  PasskeyAdded,
  PasskeyOrder,
  PasskeyUse,
  PasskeyUsed,
  PolicyApplication,
  PolicyApplied,
  PolicyVersion,
  RevocationEntry,
  RevocationRequest,
  Subject,
} from "./control_rpc.ts";
import { sendHistory } from "./history.ts";
import { migrate, rows } from "./migrate.ts";
import { addPasskey, passkeysOf, removePasskey, usePasskey } from "./passkeys.ts";
import { applyPolicy, currentVersion, policyText, policyVersions } from "./policy_versions.ts";
import { useOnce } from "./used_once.ts";
import { currentRevocations, kill, listRevocations, revoke } from "./revocations.ts";

const RETRY_MS = 10_000;

export class ControlObject extends DurableObject<Env> implements ControlRpc {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.transactionSync(() => migrate(ctx.storage.sql, CONTROL_MIGRATIONS));
  }

  async snapshot(): Promise<ControlSnapshot> {
    const { sql } = this.ctx.storage;
    const current = currentVersion(sql);
    const [lag] = rows<{ n: number }>(sql, "SELECT COUNT(*) AS n FROM history_outbox");
    return {
      policy: current === null ? null : { hash: current.hash, no: current.no, command: current.command },
      revocations: currentRevocations(sql, Date.now()),
      historyLag: lag?.n ?? 0,
    };
  }

  async policyText(hash: Digest): Promise<string | null> {
    return policyText(this.ctx.storage.sql, hash);
  }

  applyPolicy(application: PolicyApplication): Promise<PolicyApplied> {
    return this.#write((now) => applyPolicy(this.ctx.storage.sql, application, now));
  }

  async policyVersions(page: PageRequest): Promise<readonly PolicyVersion[]> {
    return policyVersions(this.ctx.storage.sql, page);
  }

  revoke(request: RevocationRequest): Promise<void> {
    return this.#write((now) => revoke(this.ctx.storage.sql, request, now));
  }

  async revocations(page: PageRequest): Promise<readonly RevocationEntry[]> {
    return listRevocations(this.ctx.storage.sql, page);
  }

  kill(request: KillRequest): Promise<void> {
    return this.#write((now) => kill(this.ctx.storage.sql, request, now));
  }

  async useOnce(id: string, until: number): Promise<boolean> {
    return this.ctx.storage.transactionSync(() => useOnce(this.ctx.storage.sql, id, until, Date.now()));
  }

  async passkeys(by: Subject): Promise<readonly Passkey[]> {
    return passkeysOf(this.ctx.storage.sql, by);
  }

  async addPasskey(order: PasskeyOrder): Promise<PasskeyAdded> {
    return this.ctx.storage.transactionSync(() => addPasskey(this.ctx.storage.sql, order, Date.now()));
  }

  async removePasskey(by: Subject, credential: string, command: CommandId): Promise<boolean> {
    const now = Date.now();
    return this.ctx.storage.transactionSync(() => removePasskey(this.ctx.storage.sql, by, credential, command, now));
  }

  async usePasskey(use: PasskeyUse): Promise<PasskeyUsed> {
    return this.ctx.storage.transactionSync(() => usePasskey(this.ctx.storage.sql, use, Date.now()));
  }

  override async alarm(): Promise<void> {
    if (!(await sendHistory(this.ctx.storage.sql, this.env.DB))) await this.ctx.storage.setAlarm(Date.now() + RETRY_MS);
  }

  /** The alarm is part of what becomes durable: a crash before it leaves no row that D1 would never hear of. */
  async #write<T>(work: (now: number) => T): Promise<T> {
    const now = Date.now();
    const result = this.ctx.storage.transactionSync(() => work(now));
    await this.ctx.storage.setAlarm(now);
    return result;
  }
}
