// The control object of a region: which policies decided here, and which tokens are no longer
// trusted. The authority that Workers cache; D1 gets a copy in its own time.

import { DurableObject } from "cloudflare:workers";
import type { Digest } from "../core/ids.ts";
import { CONTROL_MIGRATIONS } from "../migrations/objects/control.ts";
import type { Env } from "../workers/env.ts";
import type { ControlSnapshot, RevocationRequest } from "./control_rpc.ts";
import { sendHistory } from "./history.ts";
import { migrate, run, rows } from "./migrate.ts";

/** A token lives hours; a revocation older than this has outlived every token it could stop. */
const REVOCATION_LIFE_MS = 31 * 86_400_000;
const RETRY_MS = 10_000;

export class ControlObject extends DurableObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.transactionSync(() => migrate(ctx.storage.sql, CONTROL_MIGRATIONS));
  }

  /** Idempotent: a Worker says which policy it decides by, before its first decision is old. */
  async announcePolicy(hash: Digest, text: string): Promise<void> {
    const { sql } = this.ctx.storage;
    if (rows(sql, "SELECT 1 AS one FROM policy WHERE hash = ?", hash).length > 0) return;
    this.ctx.storage.transactionSync(() => {
      run(sql, "INSERT INTO policy (hash, text, first_seen) VALUES (?, ?, ?)", hash, text, Date.now());
      run(sql, "INSERT INTO history_outbox (kind, key) VALUES ('policy', ?)", hash);
    });
    await this.ctx.storage.setAlarm(Date.now());
  }

  async policy(hash: Digest): Promise<string | null> {
    return (
      rows<{ text: string }>(this.ctx.storage.sql, "SELECT text FROM policy WHERE hash = ?", hash)[0]?.text ?? null
    );
  }

  /** Idempotent on the command. */
  async revoke({ token, subject, reason, command }: RevocationRequest): Promise<void> {
    const { sql } = this.ctx.storage;
    if (rows(sql, "SELECT 1 AS one FROM revocation WHERE command = ?", command).length > 0) return;
    this.ctx.storage.transactionSync(() => {
      const values = [
        token,
        subject?.issuer ?? null,
        subject?.subject ?? null,
        subject?.before ?? null,
        command,
        reason,
        Date.now(),
      ];
      run(
        sql,
        "INSERT INTO revocation (token_id, issuer, subject, issued_before, command, reason, time) VALUES (?, ?, ?, ?, ?, ?, ?)",
        ...values,
      );
      run(sql, "INSERT INTO history_outbox (kind, key) SELECT 'revocation', MAX(no) FROM revocation");
    });
    await this.ctx.storage.setAlarm(Date.now());
  }

  async snapshot(): Promise<ControlSnapshot> {
    const { sql } = this.ctx.storage;
    const since = Date.now() - REVOCATION_LIFE_MS;
    const revoked = rows<{
      token_id: string | null;
      issuer: string | null;
      subject: string | null;
      issued_before: number | null;
    }>(sql, "SELECT token_id, issuer, subject, issued_before FROM revocation WHERE time > ?", since);
    const [lag] = rows<{ n: number }>(sql, "SELECT COUNT(*) AS n FROM history_outbox");
    return {
      policy: null,
      revocations: {
        kills: [],
        tokenIds: revoked.flatMap((row) => (row.token_id === null ? [] : [row.token_id])),
        subjects: revoked.flatMap(({ issuer, subject, issued_before: before }) =>
          issuer === null || subject === null || before === null ? [] : [{ issuer, subject, before }],
        ),
      },
      historyLag: lag?.n ?? 0,
    };
  }

  override async alarm(): Promise<void> {
    if (!(await sendHistory(this.ctx.storage.sql, this.env.DB))) await this.ctx.storage.setAlarm(Date.now() + RETRY_MS);
  }
}
