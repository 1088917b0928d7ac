// What a session object does with records, one synchronous step at a time: begin, proceed, lapse,
// close, kill. Owns the open intents and their leases. Never awaits; the caller wraps calls in one
// transaction and calls `reload` after a failed one.
//
// Invariant: at most one outcome a command, and none without its intent, except `outcome.late`,
// which says that the outcome came after the lease had lapsed.

import type { CommandId, SessionId } from "../core/ids.ts";
import { canonicalText } from "../core/record/canonical.ts";
import { type Leaf, parseLeaf } from "../core/record/leaf.ts";
import { commit } from "../core/record/commit.ts";
import type { Side } from "../core/record/payload.ts";
import { type Classes, type Committed, type Fields, type Kind, KINDS, OUTCOMES } from "../core/record/record.ts";
import { ownRecord } from "../core/mask/mask_draft.ts";
import { run, rows, type Sql } from "./migrate.ts";
import { type Existing, type Head, idRange, isWellFormed, RecordLog, sameRecord } from "./record_log.ts";
import { SessionKills } from "./session_kills.ts";
import { type Ending, endingOf, LEASE_MS, nextEnding } from "./session_life.ts";
import type {
  Appended,
  AppendRefusal,
  CutReason,
  Killed,
  Opening,
  PayloadPage,
  RecordPage,
  SessionSummary,
} from "./session_rpc.ts";
import { fillRandom, sha256 } from "./sha256.ts";

interface OpenIntent {
  readonly no: number;
  /** Milliseconds since 1970 at which the forwarder counts as gone. */
  lease: number;
  /** The same as storage has it: behind by less than a lease, because most renewals are not written. */
  stored: number;
}

/** What is to be done with one record, decided before anything of its call is written. */
type Plan =
  | { readonly kind: "append"; readonly head: Head; readonly record: Committed }
  | { readonly kind: "repeat"; readonly existing: Existing }
  | { readonly kind: "refuse"; readonly reason: AppendRefusal };

export class SessionLog {
  readonly #sql: Sql;
  readonly log: RecordLog;
  readonly #open = new Map<CommandId, OpenIntent>();
  readonly #kills: SessionKills;

  constructor(sql: Sql, now: number) {
    this.#sql = sql;
    this.log = new RecordLog(sql);
    this.#kills = new SessionKills(sql);
    this.#loadIntents(now);
  }

  /** After a failed transaction: what memory knew may not be true. */
  reload(now: number): void {
    this.log.reload();
    this.#kills.reload();
    this.#loadIntents(now);
  }

  /**
   * An object that has just started knows nothing of the renewals that were not written, so a lease goes
   * on for as long as they can have brought it. Not for longer: an object that nobody calls is put away
   * between two alarms, and a fresh lease each time would never lapse.
   */
  #loadIntents(now: number): void {
    const before = new Map(this.#open);
    this.#open.clear();
    for (const { cmd, no, lease: stored } of rows<{ cmd: string; no: number; lease: number }>(
      this.#sql,
      "SELECT cmd, no, lease FROM open_intent",
    )) {
      const command = cmd as CommandId;
      const lease = before.get(command)?.lease ?? Math.min(now, stored) + LEASE_MS;
      this.#open.set(command, { no, lease, stored });
    }
  }

  /** Commands whose outcome is awaited. */
  get underWay(): number {
    return this.#open.size;
  }

  /** The session that takes new commands: the newest live one, if it has not ended. */
  current(now: number): Head | null {
    const head = this.log.newest();
    return head !== null && this.#endingOf(head, now) === null ? head : null;
  }

  #endingOf(head: Head, now: number): Ending | null {
    return this.#kills.by(head.no) === null ? endingOf(head, () => this.#isBusy(head), now) : "killed";
  }

  #isBusy(head: Head): boolean {
    for (const intent of this.#open.values()) if (intent.no === head.no) return true;
    return false;
  }

  /**
   * Idempotent. The registry has been told: a crash before this leaves a registry entry whose session
   * object knows no such session, which is one that never began.
   */
  openSession(sid: SessionId, opening: Opening, now: number): void {
    if (this.log.findSession(sid) !== null) return;
    this.closeEnded(now);
    const head = this.log.open(sid, now);
    this.#note(head, "session.opened", { protocol: opening.protocol, region: opening.region }, opening.fields, now);
  }

  begin(record: Committed, now: number, careful: boolean): Appended {
    const { command, kind } = record;
    if (!isWellFormed(record) || command === null || record.part !== 0) return refused("malformed");
    if (kind !== "command.requested" && kind !== "command.denied") return refused("malformed");
    const head = this.current(now);
    if (careful || head === null) {
      const existing = this.log.find(command, kind, 0);
      if (existing !== null) return this.#repeat(existing, record);
      if (this.log.find(command, kind === "command.denied" ? "command.requested" : "command.denied", 0) !== null)
        return refused("conflict");
    }
    if (head === null) return refused("session_needed");
    if (!this.log.fits(record, head, now)) return refused("malformed");
    const { seq, leaf } = this.log.append(head, record, now);
    if (kind === "command.requested") {
      const lease = now + LEASE_MS;
      run(this.#sql, "INSERT INTO open_intent (cmd, no, lease) VALUES (?, ?, ?)", command, head.no, lease);
      this.#open.set(command, { no: head.no, lease, stored: lease });
    }
    return { ok: true, sid: head.sid, seq, leaf };
  }

  /** All of the records or none: each is judged before the first is written. Answers for the last one. */
  proceed(records: readonly Committed[], now: number, careful: boolean): Appended {
    const ended = new Set<CommandId>();
    const plans: Plan[] = [];
    for (const record of records) {
      const plan = this.#plan(record, now, careful, ended);
      if (plan.kind === "refuse") return refused(plan.reason);
      if (plan.kind === "append" && record.command !== null && isOutcome(record.kind)) ended.add(record.command);
      plans.push(plan);
    }
    let answer: Appended = refused("malformed");
    for (const plan of plans) answer = this.#carryOut(plan, now);
    return answer;
  }

  /** `ended`: commands whose outcome an earlier record of the same call brings. */
  #plan(record: Committed, now: number, careful: boolean, ended: ReadonlySet<CommandId>): Plan {
    const { command, kind } = record;
    if (!isWellFormed(record) || command === null || !FOLLOWS.has(kind)) return refusal("malformed");
    if ((isOutcome(kind) || kind === "response.started") && record.part !== 0) return refusal("malformed");
    const intent = ended.has(command) ? undefined : this.#open.get(command);
    if (careful || intent === undefined) {
      const existing = this.log.find(command, kind, record.part);
      if (existing !== null && sameRecord(existing, record)) return { kind: "repeat", existing };
      if (existing !== null && intent !== undefined) return refusal("conflict");
    }
    if (intent === undefined) return this.#planAfterOutcome(record, command, now, ended);
    const head = this.log.head(intent.no);
    return head === null || !this.log.fits(record, head, now) ? refusal("malformed") : { kind: "append", head, record };
  }

  /** A new record for a command that is not open: it never began, its lease had lapsed, or it says that something went wrong after the outcome. */
  #planAfterOutcome(record: Committed, command: CommandId, now: number, ended: ReadonlySet<CommandId>): Plan {
    const intent = this.log.find(command, "command.requested", 0);
    const head = intent === null ? null : this.log.head(intent.no);
    if (head === null) return refusal("malformed");
    // A gap tells that an answer was cut although its outcome is here; it must not depend on what came before.
    const isGap = record.kind === "gap" && this.log.isLive(head) && this.log.find(command, "gap", record.part) === null;
    const lapsed = this.log.find(command, "command.failed", 0);
    const isLate = !ended.has(command) && lapsed !== null && lapsed.leaf.includes('"reason":"outcome_unknown"');
    if (!isGap && !isLate) return refusal("conflict");
    const appended = isGap ? record : lateRecord(record);
    const existing = isGap ? null : this.log.find(command, "outcome.late", appended.part);
    if (existing !== null) return sameRecord(existing, appended) ? { kind: "repeat", existing } : refusal("conflict");
    return this.log.fits(appended, head, now) ? { kind: "append", head, record: appended } : refusal("malformed");
  }

  #carryOut(plan: Plan, now: number): Appended {
    switch (plan.kind) {
      case "refuse":
        return refused(plan.reason);
      case "repeat":
        return this.#answerOf(plan.existing);
      case "append": {
        const { seq, leaf } = this.log.append(plan.head, plan.record, now);
        if (plan.record.command !== null && isOutcome(plan.record.kind)) this.#settle(plan.record.command);
        return { ok: true, sid: plan.head.sid, seq, leaf };
      }
    }
  }

  #settle(command: CommandId): void {
    run(this.#sql, "DELETE FROM open_intent WHERE cmd = ?", command);
    this.#open.delete(command);
  }

  #repeat(existing: Existing, record: Committed): Appended {
    return sameRecord(existing, record) ? this.#answerOf(existing) : refused("conflict");
  }

  #answerOf(existing: Existing): Appended {
    const head = this.log.head(existing.no);
    if (head === null) throw new Error("a record without a session");
    return { ok: true, sid: head.sid, seq: existing.seq, leaf: this.log.hashOf(existing.leaf) };
  }

  renew(command: CommandId, now: number): boolean {
    const intent = this.#open.get(command);
    if (intent === undefined) return false;
    intent.lease = now + LEASE_MS;
    if (intent.stored > now) return true;
    try {
      run(this.#sql, "UPDATE open_intent SET lease = ? WHERE cmd = ?", intent.lease, command);
      intent.stored = intent.lease;
    } catch {
      // This instance knows of the renewal; the next one is written, too.
    }
    return true;
  }

  /** Closes intents whose forwarder is gone: nobody knows whether the upstream acted. */
  lapse(now: number): void {
    for (const [command, intent] of [...this.#open]) {
      if (intent.lease > now) continue;
      const head = this.log.head(intent.no);
      if (head === null) throw new Error("an open intent without a session");
      const classes = { transport: "unknown", reason: "outcome_unknown", tool: "none" };
      this.log.append(head, committed("command.failed", command, classes, {}), now);
      this.#settle(command);
    }
  }

  /** Ends a session for new commands, and closes it if none is open. Idempotent; the first killer is the one that is named. */
  kill(sid: SessionId, by: CommandId, now: number): Killed {
    const head = this.log.findSession(sid);
    if (head === null) return { ok: false, state: "unknown" };
    if (!this.log.isLive(head)) return { ok: true, state: this.#wasKilled(head) ? "killed" : "closed" };
    this.#kills.add(head.no, by);
    this.closeEnded(now);
    return { ok: true, state: "killed" };
  }

  /** True while a killed session waits for its last command. */
  get isKilling(): boolean {
    return this.#kills.size > 0;
  }

  /** Null while the command may go on. */
  cutOf(command: CommandId): CutReason | null {
    const intent = this.#open.get(command);
    if (intent !== undefined) return this.#kills.by(intent.no) === null ? null : "killed";
    const found = this.log.find(command, "command.requested", 0);
    const head = found === null ? null : this.log.head(found.no);
    return head !== null && !this.log.isLive(head) && this.#wasKilled(head) ? "killed" : "not_open";
  }

  #wasKilled(head: Head): boolean {
    return this.#closing(head)?.classes.reason === "killed";
  }

  /** Closes live sessions that are idle, over age or killed once their last command has ended. */
  closeEnded(now: number): void {
    for (const head of this.log.live()) {
      const ending = this.#endingOf(head, now);
      if (ending !== null && !this.#isBusy(head)) this.#close(head, ending, now);
    }
  }

  #close(head: Head, reason: Ending, now: number): void {
    const by = this.#kills.by(head.no);
    this.#note(head, "session.closed", { reason, size: head.size + 1 }, by === null ? {} : { by }, now);
    const entry = { sid: head.sid, time: now, size: head.size, root: this.log.root(head), tip: head.tip, reason };
    run(this.#sql, "INSERT INTO registry_outbox (sid, entry) VALUES (?, ?)", head.sid, JSON.stringify(entry));
    this.log.retire(head.no);
    this.#kills.drop(head.no);
  }

  #note(head: Head, kind: Kind, classes: Classes, fields: Fields, now: number): void {
    this.log.append(head, committed(kind, null, classes, fields), now);
  }

  describe(sid: SessionId, size = Infinity): SessionSummary | null {
    const head = this.log.findSession(sid);
    if (head === null) return null;
    const openCommands = this.#openCommands(head.no);
    if (size < head.size)
      return { sid, opened: head.opened, closed: null, size, ...this.log.headAt(head, size), openCommands };
    const closed = this.log.isLive(head) ? null : (this.#closing(head)?.time ?? null);
    return {
      sid,
      opened: head.opened,
      closed,
      size: head.size,
      tip: head.tip,
      root: this.log.root(head),
      openCommands,
    };
  }

  /** The record that closed a session. It is near the end: only late outcomes follow it. */
  #closing(head: Head): Leaf | null {
    const [closing] = rows<{ leaf: string }>(
      this.#sql,
      "SELECT leaf FROM record WHERE id >= ? AND id < ? AND kind = 'session.closed' ORDER BY id DESC LIMIT 1",
      ...idRange(head),
    );
    const leaf = closing === undefined ? null : parseLeaf(closing.leaf);
    return leaf !== null && leaf.ok ? leaf.value : null;
  }

  read(sid: SessionId, from: number, limit: number): RecordPage | null {
    const head = this.log.findSession(sid);
    if (head === null) return null;
    const records = this.log.read(head, from, limit);
    const next = from + records.length;
    return { records, next: next < head.size ? next : null };
  }

  payloadOf(sid: SessionId, command: CommandId, _side: Side, from: number, limit: number): PayloadPage | null {
    const head = this.log.findSession(sid);
    if (head === null || !(from >= 0) || !(limit >= 1) || this.log.recordsOf(head, command, 0, 1).records.length === 0)
      return null;
    return { bytes: new Uint8Array(0), size: 0, complete: !this.#open.has(command) };
  }

  #openCommands(no: number): CommandId[] {
    return [...this.#open].filter(([, intent]) => intent.no === no).map(([command]) => command);
  }

  /** When the alarm has something to do next: a lease or a session ends. Null if there is nothing to wait for. */
  nextDue(now: number): number | null {
    let due = Infinity;
    for (const { lease } of this.#open.values()) due = Math.min(due, lease);
    // A session with open intents ends after them, and their leases are in the count already.
    for (const head of this.log.live())
      if (!this.#isBusy(head)) due = Math.min(due, this.#kills.by(head.no) === null ? nextEnding(head) : now);
    return due === Infinity ? null : Math.max(now, due);
  }
}

/** Kinds that a forwarder may append to a command that has begun. `outcome.late` is the object's own word. */
const FOLLOWS: ReadonlySet<Kind> = new Set<Kind>([
  "command.denied",
  "command.completed",
  "command.failed",
  "command.cancelled",
  "response.started",
  "stream.chunk",
  "approval.requested",
  "approval.decided",
  "approval.expired",
  "approval.revoked",
  "gap",
]);

function refusal(reason: AppendRefusal): Plan {
  return { kind: "refuse", reason };
}

function refused(reason: AppendRefusal): Appended {
  return { ok: false, reason };
}

function isOutcome(kind: Kind): boolean {
  return OUTCOMES.some((outcome) => outcome === kind);
}

function committed(kind: Kind, command: CommandId | null, classes: Classes, fields: Fields): Committed {
  return commit(ownRecord({ kind, command, part: 0, classes, fields }), fillRandom, sha256);
}

/** Keeps the classes of what came late and says what it would have been. Parts tell the kinds apart: outcomes have 0. */
function lateRecord(record: Committed): Committed {
  const classes = JSON.parse(record.classes) as Record<string, string | number>;
  return {
    ...record,
    kind: "outcome.late",
    part: isOutcome(record.kind) ? 0 : 1 + record.part * KINDS.length + KINDS.indexOf(record.kind),
    classes: canonicalText({ ...classes, late: record.kind }),
  };
}
