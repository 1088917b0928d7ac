// What a session object does with records, one synchronous step at a time: begin, proceed, lapse,
// close, kill. Never awaits; the caller wraps calls in one
// transaction and calls `reload` after a failed one.
//
// Invariant: at most one outcome a command, and none without its intent, except `outcome.late`,
// which says that the outcome came after the lease had lapsed.

import type { CommandId, SessionId } from "../core/ids.ts";
import { type Leaf, parseLeaf } from "../core/record/leaf.ts";
import { commit } from "../core/record/commit.ts";
import type { Side } from "../core/record/payload.ts";
import type { Classes, Committed, Fields, Kind } from "../core/record/record.ts";
import { ownRecord } from "../core/mask/mask_draft.ts";
import { goesOnByApproval } from "./approval_records.ts";
import type { Ask, AskAnswer, Consumed, Consumption } from "./approval_rpc.ts";
import { Approvals } from "./approvals.ts";
import { ChunkOrder } from "./chunk_order.ts";
import { run, rows, type Sql } from "./migrate.ts";
import { OpenIntents } from "./open_intents.ts";
import { readPayload } from "./payload_reader.ts";
import { isOneway, isOutcome, type Plan, RecordJudge } from "./record_judge.ts";
import { type Existing, type Head, idRange, RecordLog, sameRecord } from "./record_log.ts";
import { SessionKills } from "./session_kills.ts";
import { type Ending, endingOf, LONGEST, nextEnding } from "./session_life.ts";
import type {
  Appended,
  AppendRefusal,
  CutWord,
  Killed,
  Opening,
  PayloadPage,
  RecordPage,
  SessionSummary,
} from "./session_rpc.ts";
import { fillRandom, sha256 } from "./sha256.ts";
import { STORAGE_LIMITS, StorageBudget } from "./storage_budget.ts";
import { isWellFormed } from "./well_formed.ts";

const MUCH_ROOM = new StorageBudget(
  () => 0,
  STORAGE_LIMITS,
  () => 0,
);

export class SessionLog {
  readonly #sql: Sql;
  readonly log: RecordLog;
  readonly #open: OpenIntents;
  readonly #kills: SessionKills;
  readonly #chunks: ChunkOrder;
  readonly #budget: StorageBudget;
  readonly #judge: RecordJudge;
  readonly approvals: Approvals;

  constructor(sql: Sql, now: number, budget: StorageBudget = MUCH_ROOM) {
    this.#sql = sql;
    this.log = new RecordLog(sql);
    this.#kills = new SessionKills(sql);
    this.#open = new OpenIntents(sql, now);
    this.#chunks = new ChunkOrder(this.log);
    this.#budget = budget;
    this.#judge = new RecordJudge(this.log, this.#open, this.#chunks, budget);
    this.approvals = new Approvals(sql, this.log, this.#open, this.#chunks);
  }

  /** After a failed transaction: what memory knew may not be true. */
  reload(now: number): void {
    this.log.reload();
    this.#kills.reload();
    this.#open.reload(now);
    this.#chunks.reload();
    this.approvals.reload();
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
    return this.#kills.by(head.no) === null ? endingOf(head, () => this.#isHeld(head.no), now) : "killed";
  }

  /** By a command whose outcome is awaited, by an approval that waits or that grants something. */
  #isHeld(no: number): boolean {
    return this.#open.isBusy(no) || this.approvals.table.hasLive(no);
  }

  /**
   * Idempotent. The registry has been told: a crash before this leaves a registry entry whose session
   * object knows no such session, which is one that never began.
   */
  openSession(sid: SessionId, opening: Opening, now: number): void {
    if (this.log.findSession(sid) !== null) return;
    this.closeEnded(now);
    const head = this.log.open(sid, now, opening.times ?? LONGEST);
    this.#note(head, "session.opened", { protocol: opening.protocol, region: opening.region }, opening.fields, now);
  }

  /**
   * `within`: the open command to whose session the record belongs, for a message of a socket; without it,
   * the session that takes new commands.
   */
  begin(record: Committed, now: number, careful: boolean, within: CommandId | null = null): Appended {
    const { command, kind, classes } = record;
    if (!isWellFormed(record) || command === null || record.part !== 0) return refused("malformed");
    if (kind !== "command.requested" && kind !== "command.denied") return refused("malformed");
    if (kind === "command.requested" && goesOnByApproval(record)) return refused("malformed");
    const head = within === null ? this.current(now) : this.#sessionOf(within, now);
    const isFull = !this.#budget.takesPayloads;
    if (careful || head === null || isFull) {
      const existing = this.log.find(command, kind, 0);
      if (existing !== null) return this.#repeat(existing, record);
      const others = ["command.requested", "command.denied", "approval.requested"] as const;
      if (others.some((other) => other !== kind && this.log.find(command, other, 0) !== null))
        return refused("conflict");
    }
    if (head === null) return refused("session_needed");
    // Whoever opens a command can open it at another object; a message belongs to this one.
    if (isFull) return refused(within === null ? "overloaded" : "storage_full");
    if (!this.log.fits(record, head, now)) return refused("malformed");
    const { seq, leaf } = this.log.append(head, record, now);
    if (kind === "command.requested" && !isOneway(classes)) {
      this.#open.add(command, head.no, now);
      this.#chunks.begun(command);
    }
    return { ok: true, sid: head.sid, seq, leaf };
  }

  /** As `begin`, of a command that has to be approved; `within` as there. */
  ask(asked: Ask, now: number, within: CommandId | null = null): AskAnswer {
    const [first] = asked.records;
    const repeated = first === undefined ? null : this.approvals.repeated(first);
    if (repeated !== null) return repeated;
    const head = within === null ? this.current(now) : this.#sessionOf(within, now);
    if (head === null) return refused("session_needed");
    if (!this.#budget.takesPayloads) return refused(within === null ? "overloaded" : "storage_full");
    return this.approvals.ask(asked, head, now);
  }

  /** The session to which what is asked now would belong; null if there is none. */
  sidFor(within: CommandId | null, now: number): SessionId | null {
    return (within === null ? this.current(now) : this.#sessionOf(within, now))?.sid ?? null;
  }

  sidOf(no: number): SessionId {
    const head = this.log.head(no);
    if (head === null) throw new Error("no such session");
    return head.sid;
  }

  /** As `begin`, of a command that goes on by an approval. */
  consume(record: Committed, consumption: Consumption, now: number): Consumed {
    const isNew = this.#budget.takesPayloads || this.approvals.repeated(record) !== null;
    return isNew ? this.approvals.consume(record, consumption, now) : refused("storage_full");
  }

  /** Null if that command is not open, or its session has ended. */
  #sessionOf(command: CommandId, now: number): Head | null {
    const intent = this.#open.get(command);
    const head = intent === undefined ? null : this.log.head(intent.no);
    return head !== null && this.#endingOf(head, now) === null ? head : null;
  }

  /** All of the records or none: each is judged before the first is written. Answers for the last one. */
  proceed(records: readonly Committed[], now: number, careful: boolean): Appended {
    const [only] = records;
    const left = only === undefined || records.length > 1 ? null : this.approvals.leave(only, now);
    if (left !== null) return left;
    const judged = this.#judge.judge(records, now, careful);
    if (!judged.ok) return refused(judged.reason);
    const { plans, call } = judged.value;
    let answer: Appended = refused("malformed");
    for (const plan of plans) answer = this.#carryOut(plan, now);
    call.chunks.keep();
    for (const command of call.ended) this.#chunks.drop(command);
    return answer;
  }

  #carryOut(plan: Plan, now: number): Appended {
    switch (plan.kind) {
      case "repeat":
        return this.#answerOf(plan.existing);
      case "append": {
        const { seq, leaf } = this.log.append(plan.head, plan.record, now);
        if (plan.record.command !== null && isOutcome(plan.record.kind))
          this.#settle(plan.record.command, plan.record, now);
        return { ok: true, sid: plan.head.sid, seq, leaf };
      }
    }
  }

  /** `outcome`: null where nobody knows it. */
  #settle(command: CommandId, outcome: Committed | null, now: number): void {
    this.#open.settle(command);
    this.approvals.settled(command);
    this.approvals.socketEnded(command, outcome, now);
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
    return this.#open.renew(command, now);
  }

  /** Closes intents whose forwarder is gone: nobody knows whether the upstream acted. */
  lapse(now: number): void {
    for (const [command, { no }] of this.#open.lapsed(now)) {
      const head = this.log.head(no);
      if (head === null) throw new Error("an open intent without a session");
      const classes = { transport: "unknown", reason: "outcome_unknown", tool: "none" };
      this.log.append(head, committed("command.failed", command, classes, {}), now);
      this.#settle(command, null, now);
      this.#chunks.drop(command);
    }
  }

  /** Ends a session for new commands, and closes it if none is open. Idempotent; the first killer is the one that is named. */
  kill(sid: SessionId, by: CommandId, now: number): Killed {
    const head = this.log.findSession(sid);
    if (head === null) return { ok: false, state: "unknown" };
    if (!this.log.isLive(head)) return { ok: true, state: this.#wasKilled(head) ? "killed" : "closed" };
    this.#kills.add(head.no, by);
    this.approvals.endAll(head.no, { kind: "kill", by }, now);
    this.closeEnded(now);
    return { ok: true, state: "killed" };
  }

  /** True while a killed session waits for its last command. */
  get isKilling(): boolean {
    return this.#kills.size > 0;
  }

  /** Null while the command may go on. */
  cutOf(command: CommandId, now: number): CutWord | null {
    const intent = this.#open.get(command);
    const by = intent === undefined ? null : this.#kills.by(intent.no);
    if (by !== null) return { reason: "killed", by };
    if (intent !== undefined && this.#sessionLasts(command) <= now) return { reason: "session_over", by: null };
    if (intent !== undefined) return this.approvals.cutOf(command, now);
    const found = this.log.find(command, "command.requested", 0);
    const head = found === null ? null : this.log.head(found.no);
    const wasKilled = head !== null && !this.log.isLive(head) && this.#wasKilled(head);
    return { reason: wasKilled ? "killed" : "not_open", by: null };
  }

  /** When an open command is cut by time: its session's, or that of what was granted. Infinity if the command is not open. */
  lastsUntil(command: CommandId): number {
    return Math.min(this.#sessionLasts(command), this.approvals.lastsUntil(command));
  }

  #sessionLasts(command: CommandId): number {
    const intent = this.#open.get(command);
    const head = intent === undefined ? null : this.log.head(intent.no);
    return head === null ? Infinity : head.opened + head.maxMs;
  }

  #wasKilled(head: Head): boolean {
    return this.#closing(head)?.classes.reason === "killed";
  }

  /** Closes live sessions that are idle, over age or killed once their last command has ended. What waits for people does not hold up the last two. */
  closeEnded(now: number): void {
    this.approvals.expire(now);
    for (const head of this.log.live()) {
      const ending = this.#endingOf(head, now);
      if (ending !== null && !this.#open.isBusy(head.no)) this.#close(head, ending, now);
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
    const openCommands = this.#open.of(head.no);
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

  payloadOf(sid: SessionId, command: CommandId, side: Side, from: number, limit: number): PayloadPage | null {
    const head = this.log.findSession(sid);
    if (head === null || !Number.isSafeInteger(from) || from < 0 || !(limit >= 1)) return null;
    const found = readPayload(this.log, head, command, side, from, limit);
    return found === null ? null : { ...found, complete: this.#open.get(command) === undefined };
  }

  /** When the alarm has something to do next: a lease or a session ends. Null if there is nothing to wait for. */
  nextDue(now: number): number | null {
    let due = Math.min(this.#open.nextLapse(), this.approvals.table.nextDue());
    // A session with open intents ends after them, and their leases are in the count already.
    for (const head of this.log.live()) {
      if (this.approvals.table.hasLive(head.no)) due = Math.min(due, head.opened + head.maxMs);
      else if (!this.#open.isBusy(head.no))
        due = Math.min(due, this.#kills.by(head.no) === null ? nextEnding(head) : now);
    }
    return due === Infinity ? null : Math.max(now, due);
  }
}

function refused(reason: AppendRefusal): Appended {
  return { ok: false, reason };
}

function committed(kind: Kind, command: CommandId | null, classes: Classes, fields: Fields): Committed {
  return commit(ownRecord({ kind, command, part: 0, classes, fields }), fillRandom, sha256);
}
