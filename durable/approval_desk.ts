// approve, as a session object is asked for it, by a Worker or by one of its own sockets: what is asked,
// decided and used goes through the group commit, so that each step and its record are one transaction.
// Holds those who wait for a decision; they live in memory, and an object that goes away ends their calls.

import type { ApprovalId } from "../core/approval/approval.ts";
import type { Use } from "../core/approval/grant.ts";
import { nextDue } from "../core/approval/step.ts";
import type { CommandId, Digest } from "../core/ids.ts";
import type { Committed, Fields } from "../core/record/record.ts";
import { type ApprovalOutbox, entryOf } from "./approval_outbox.ts";
import type {
  ApprovalEntry,
  ApprovalRpc,
  ApprovalWatch,
  Ask,
  AskAnswer,
  Consumed,
  Consumption,
  DecisionOrder,
  Stepped,
} from "./approval_rpc.ts";
import type { Approvals } from "./approvals.ts";
import { type GroupCommit, IN_FLIGHT_LIMIT } from "./group_commit.ts";
import { weightOf } from "./record_weight.ts";
import { FEW, LEASE_MS } from "./session_life.ts";
import type { SessionLog } from "./session_log.ts";
import { type AppendRefusal, LONG_POLL_MS, type Opening } from "./session_rpc.ts";
import { Waiters } from "./waiters.ts";

/** Calls of one object that hear of a decision at once; further ones ask again. */
export const DECISION_WAITERS = 256;
/** An answer waits so long for the registry to hear of what it tells, so that lists show it; they do so later else. */
const LISTED_MS = 1_000;
/** Whoever asked later may have known a newer policy than the one that was fetched: clocks differ, too. */
const ASKED_BEFORE_MS = 10_000;

/**
 * What asks comes with its whole body, of which the policy lets 16 MiB wait: as much as may be under way. One
 * so large counts a little less, and is taken while no other body is.
 */
const ASK_WEIGHT: number = IN_FLIGHT_LIMIT - 1024 * 1024;

export interface DeskHost {
  readonly log: SessionLog;
  readonly commits: GroupCommit;
  readonly outbox: ApprovalOutbox;
  /** The session object's id. */
  readonly object: string;
  /** Null once the queue has room, and a session is open if there was an opening; else why not. */
  ready(opening: Opening | null, weight: number): Promise<AppendRefusal | null>;
  /** Tells the registry of one whose first record is not written yet. Durable when it resolves. */
  announce(entry: ApprovalEntry): Promise<void>;
  /** As the control object says now; null if it cannot be reached, or the Worker is not configured. */
  policyInForce(): Promise<Digest | null>;
  /** Sets the object's alarm. */
  wakeBy(time: number): void;
}

export class ApprovalDesk implements ApprovalRpc {
  readonly #host: DeskHost;
  readonly #waiters = new Waiters<ApprovalWatch | null>(DECISION_WAITERS);
  #seen: number;

  constructor(host: DeskHost) {
    this.#host = host;
    this.#seen = this.#approvals.table.changes;
  }

  get #approvals(): Approvals {
    return this.#host.log.approvals;
  }

  /** After a commit. Costs a look at a number if no approval has changed. */
  changed(): void {
    this.#host.outbox.changed();
    const { changes } = this.#approvals.table;
    if (changes === this.#seen) return;
    this.#seen = changes;
    this.#waiters.notify();
  }

  /** `within`: the open command to whose session it belongs, for a message of a socket; without it, the session that takes new commands. */
  async ask(asked: Ask, opening: Opening | null, within: CommandId | null = null): Promise<AskAnswer> {
    const { log } = this.#host;
    const weight = Math.min(weightOf(asked.records), ASK_WEIGHT);
    const reason = await this.#host.ready(opening, weight);
    if (reason !== null) return { ok: false, reason };
    if (this.#approvals.table.find(asked.approval.id) === null) {
      const sid = log.sidFor(within, Date.now());
      if (sid === null) return { ok: false, reason: opening === null ? "session_needed" : "overloaded" };
      const { approval, title } = asked;
      try {
        await this.#host.announce(
          entryOf({ approval, title, version: 0, changed: Date.now() }, sid, this.#host.object),
        );
      } catch {
        return { ok: false, reason: "registry_unavailable" };
      }
    }
    // Others came while the registry was told.
    if (!this.#host.commits.takes(weight)) return { ok: false, reason: "overloaded" };
    const refused = { ok: false, reason: "storage_refused" } as const;
    const answer = await this.#commit<AskAnswer>((now) => log.ask(asked, now, within), refused, weight);
    if (answer.ok) await this.#listed();
    // As for a command that begins: its session ended meanwhile, and another one is not opened here.
    const isFull = opening !== null && !answer.ok && answer.reason === "session_needed";
    return isFull ? { ok: false, reason: "overloaded" } : answer;
  }

  async untilDecided(id: ApprovalId, ms: number): Promise<ApprovalWatch | null> {
    const now = await this.#touched(id);
    if (now === null || now.approval.state.kind !== "pending") return now;
    const look = (): ApprovalWatch | null => {
      const watch = this.#look(id);
      return watch === null || watch.approval.state.kind === "pending" ? null : watch;
    };
    // Its time is known beforehand, so that nobody waits for the alarm to see that it is over.
    const left = Math.min(ms, LONG_POLL_MS, (nextDue(now.approval) ?? Infinity) - Date.now());
    const decided = await this.#waiters.wait(look, left, () => null);
    return decided ?? this.#touched(id);
  }

  approvalOf(id: ApprovalId): Promise<ApprovalWatch | null> {
    return this.#touched(id);
  }

  async grantFor(use: Use): Promise<ApprovalId | null> {
    return this.#approvals.grantFor(use, Date.now());
  }

  async consume(record: Committed, consumption: Consumption): Promise<Consumed> {
    const weight = weightOf([record]);
    if (!this.#host.commits.takes(weight)) return { ok: false, reason: "overloaded" };
    const refused = { ok: false, reason: "storage_refused" } as const;
    return this.#commit<Consumed>((now) => this.#host.log.consume(record, consumption, now), refused, weight);
  }

  /** Ends what was asked for under another policy than the one in force. Nothing, if nobody knows that one now. */
  async followPolicy(): Promise<void> {
    const { table } = this.#approvals;
    if (table.live().length === 0) return;
    const asked = Date.now() - ASKED_BEFORE_MS;
    const policy = await this.#host.policyInForce().catch(() => null);
    const isStale = table.live().some(({ approval }) => approval.requested < asked && approval.policy !== policy);
    if (policy === null || !isStale) return;
    await this.#commit((now) => this.#approvals.policyIs(policy, asked, now), undefined);
  }

  decide(order: DecisionOrder): Promise<Stepped> {
    return this.#step((now) => this.#approvals.decide(order, now));
  }

  cancel(id: ApprovalId, reason: "requester" | "client_gone", by: CommandId | null): Promise<Stepped> {
    return this.#step((now) => this.#approvals.cancel(id, reason, by, now));
  }

  revoke(id: ApprovalId, by: CommandId, fields: Fields): Promise<Stepped> {
    return this.#step((now) => this.#approvals.revoke(id, by, fields, now));
  }

  review(order: DecisionOrder): Promise<Stepped> {
    return this.#step((now) => this.#approvals.review(order, now));
  }

  /** Of a message that waits in this object: another policy is in force now. */
  outdated(id: ApprovalId): Promise<void> {
    return this.#commit((now) => this.#approvals.outdated(id, now), undefined);
  }

  async #step(work: (now: number) => Stepped): Promise<Stepped> {
    const answer = await this.#commit<Stepped>(work, { ok: false, reason: "storage_refused", approval: null });
    if (answer.ok) await this.#listed();
    return answer;
  }

  /** Lets time take its effect on one, and looks at it. What cannot be written is over all the same: whatever uses it finds that out. */
  async #touched(id: ApprovalId): Promise<ApprovalWatch | null> {
    const row = this.#approvals.table.find(id);
    if (row !== null && this.#approvals.isDue(row, Date.now()))
      await this.#commit((now) => this.#approvals.touch(id, now), undefined);
    return this.#look(id);
  }

  #look(id: ApprovalId): ApprovalWatch | null {
    const row = this.#approvals.table.find(id);
    if (row === null) return null;
    return { approval: row.approval, title: row.title, sid: this.#host.log.sidOf(row.no) };
  }

  /** An alarm within a lease is there before the write: a crash leaves one that tells the registry, and sees what is due. */
  async #commit<T>(apply: (now: number) => T, refused: T, weight = 0): Promise<T> {
    const { commits, log, wakeBy } = this.#host;
    wakeBy(Date.now() + LEASE_MS);
    const answer = await commits.add<T>({
      apply: () => apply(Date.now()),
      refused: () => refused,
      alone: log.underWay < FEW,
      weight,
    });
    const due = log.nextDue(Date.now());
    if (due !== null) wakeBy(due);
    return answer;
  }

  async #listed(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LISTED_MS);
    });
    await Promise.race([this.#host.outbox.flush(), late]);
    clearTimeout(timer);
  }
}
