// What a session object does with records, one synchronous step at a time: begin, proceed, lapse,
// close. Owns the open intents and their leases. Never awaits; the caller wraps calls in one
// transaction and calls `reload` after a failed one.
//
// Invariant: at most one outcome a command, and none without its intent, except `outcome.late`,
// which says that the outcome came after the lease had lapsed.

import type { CommandId, SessionId } from "../core/ids.ts";
import { canonicalText } from "../core/record/canonical.ts";
import { parseLeaf } from "../core/record/leaf.ts";
import { commit } from "../core/record/commit.ts";
import { type Classes, type Committed, type Fields, type Kind, OUTCOMES } from "../core/record/record.ts";
import { ownRecord } from "../core/mask/mask_draft.ts";
import { run, rows, type Sql } from "./migrate.ts";
import { type Head, idRange, RecordLog, sameRecord } from "./record_log.ts";
import { type Ending, endingOf, LEASE_MS, nextEnding } from "./session_life.ts";
import type { Appended, AppendRefusal, Opening, RecordPage, SessionSummary } from "./session_rpc.ts";
import { fillRandom, sha256 } from "./sha256.ts";

interface OpenIntent {
  readonly no: number;
  /** Milliseconds since 1970 at which the forwarder counts as gone. */
  lease: number;
}

export class SessionLog {
  readonly #sql: Sql;
  readonly log: RecordLog;
  readonly #open = new Map<CommandId, OpenIntent>();

  constructor(sql: Sql, now: number) {
    this.#sql = sql;
    this.log = new RecordLog(sql);
    this.#loadIntents(now);
  }

  /** After a failed transaction: what memory knew may not be true. */
  reload(now: number): void {
    this.log.reload();
    this.#loadIntents(now);
  }

  /** Leases are not stored: whoever forwards gets a fresh one from an object that has just started. */
  #loadIntents(now: number): void {
    const before = new Map(this.#open);
    this.#open.clear();
    for (const { cmd, no } of rows<{ cmd: string; no: number }>(this.#sql, "SELECT cmd, no FROM open_intent")) {
      const command = cmd as CommandId;
      this.#open.set(command, { no, lease: before.get(command)?.lease ?? now + LEASE_MS });
    }
  }

  /** Commands whose outcome is awaited. */
  get underWay(): number {
    return this.#open.size;
  }

  /** The session that takes new commands: the newest live one, if it has not ended. */
  current(now: number): Head | null {
    const head = this.log.live().at(-1);
    return head !== undefined && endingOf(head, () => this.#isBusy(head), now) === null ? head : null;
  }

  #isBusy(head: Head): boolean {
    for (const intent of this.#open.values()) if (intent.no === head.no) return true;
    return false;
  }

  /** The registry has been told. A crash before this leaves a registry entry without a session: it names a session that never began. */
  openSession(sid: SessionId, opening: Opening, now: number): void {
    this.closeEnded(now);
    const head = this.log.open(sid, now);
    this.#note(head, "session.opened", { protocol: opening.protocol, region: opening.region }, opening.fields, now);
  }

  begin(record: Committed, now: number, careful: boolean): Appended {
    if (record.command === null || (record.kind !== "command.requested" && record.kind !== "command.denied")) return refused("malformed");
    if (careful) {
      const existing = this.log.find(record.command, record.kind, record.part);
      if (existing !== null) return this.#repeat(existing, record);
    }
    const head = this.current(now);
    if (head === null) return refused("session_needed");
    if (!this.log.fits(record, head, now)) return refused("malformed");
    const { seq, leaf } = this.log.append(head, record, now);
    if (record.kind === "command.requested") {
      run(this.#sql, "INSERT INTO open_intent (cmd, no) VALUES (?, ?)", record.command, head.no);
      this.#open.set(record.command, { no: head.no, lease: now + LEASE_MS });
    }
    return { ok: true, sid: head.sid, seq, leaf };
  }

  proceed(records: readonly Committed[], now: number, careful: boolean): Appended {
    let answer: Appended = refused("malformed");
    for (const record of records) {
      answer = this.#proceedOne(record, now, careful);
      if (!answer.ok) return answer;
    }
    return answer;
  }

  #proceedOne(record: Committed, now: number, careful: boolean): Appended {
    const command = record.command;
    if (command === null || record.kind === "command.requested" || record.kind.startsWith("session.")) return refused("malformed");
    if (careful) {
      const existing = this.log.find(command, record.kind, record.part);
      if (existing !== null) return this.#repeat(existing, record);
    }
    const intent = this.#open.get(command);
    if (intent === undefined) return this.#late(record, command, now);
    const head = this.log.head(intent.no);
    if (head === null || !this.log.fits(record, head, now)) return refused("malformed");
    const { seq, leaf } = this.log.append(head, record, now);
    if (isOutcome(record.kind)) this.#settle(command);
    return { ok: true, sid: head.sid, seq, leaf };
  }

  #settle(command: CommandId): void {
    run(this.#sql, "DELETE FROM open_intent WHERE cmd = ?", command);
    this.#open.delete(command);
  }

  /** A record for a command that is not open: repeated, never begun, or later than its lease. */
  #late(record: Committed, command: CommandId, now: number): Appended {
    const existing = this.log.find(command, record.kind, record.part);
    if (existing !== null && sameRecord(existing, record)) return this.#repeat(existing, record);
    const intent = this.log.find(command, "command.requested", 0);
    const lapsed = this.log.find(command, "command.failed", 0);
    if (intent === null) return refused("malformed");
    if (lapsed === null || !lapsed.leaf.includes('"reason":"outcome_unknown"')) return refused("conflict");
    const head = this.log.head(intent.no);
    if (head === null) return refused("malformed");
    const late: Committed = {
      ...record,
      kind: "outcome.late",
      part: isOutcome(record.kind) ? 0 : 1 + record.part,
      classes: lateClasses(record),
    };
    const before = this.log.find(command, "outcome.late", late.part);
    if (before !== null) return this.#repeat(before, late);
    if (!this.log.fits(late, head, now)) return refused("malformed");
    const { seq, leaf } = this.log.append(head, late, now);
    return { ok: true, sid: head.sid, seq, leaf };
  }

  #repeat(existing: { no: number; seq: number; leaf: string; disclosure: string }, record: Committed): Appended {
    const head = this.log.head(existing.no);
    if (head === null || !sameRecord(existing, record)) return refused("conflict");
    return { ok: true, sid: head.sid, seq: existing.seq, leaf: this.log.hashOf(existing.leaf) };
  }

  renew(command: CommandId, now: number): boolean {
    const intent = this.#open.get(command);
    if (intent === undefined) return false;
    intent.lease = now + LEASE_MS;
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

  /** Closes live sessions that are idle or over age once their last command has ended. */
  closeEnded(now: number): void {
    for (const head of this.log.live()) {
      const ending = endingOf(head, () => this.#isBusy(head), now);
      if (ending !== null && !this.#isBusy(head)) this.#close(head, ending, now);
    }
  }

  #close(head: Head, reason: Ending, now: number): void {
    this.#note(head, "session.closed", { reason, size: head.size + 1 }, {}, now);
    const entry = { sid: head.sid, time: now, size: head.size, root: this.log.root(head), tip: head.tip, reason };
    run(this.#sql, "INSERT INTO registry_outbox (sid, entry) VALUES (?, ?)", head.sid, JSON.stringify(entry));
    this.log.retire(head.no);
  }

  #note(head: Head, kind: Kind, classes: Classes, fields: Fields, now: number): void {
    this.log.append(head, committed(kind, null, classes, fields), now);
  }

  describe(sid: SessionId): SessionSummary | null {
    const head = this.log.findSession(sid);
    if (head === null) return null;
    const [closing] = rows<{ leaf: string }>(this.#sql, "SELECT leaf FROM record WHERE id >= ? AND id < ? AND kind = 'session.closed'", ...idRange(head));
    const closed = closing === undefined ? null : parseLeaf(closing.leaf);
    return {
      sid,
      opened: head.opened,
      closed: closed !== null && closed.ok ? closed.value.time : null,
      size: head.size,
      tip: head.tip,
      root: this.log.root(head),
      openCommands: this.#openCommands(head.no),
    };
  }

  read(sid: SessionId, from: number, limit: number): RecordPage | null {
    const head = this.log.findSession(sid);
    if (head === null) return null;
    const records = this.log.read(head, from, limit);
    const next = from + records.length;
    return { records, next: next < head.size ? next : null };
  }

  #openCommands(no: number): CommandId[] {
    return [...this.#open].filter(([, intent]) => intent.no === no).map(([command]) => command);
  }

  /** When the alarm has something to do next, or null if there is nothing to wait for. */
  nextDue(now: number): number | null {
    if (this.#open.size > 0) return now + LEASE_MS;
    const head = this.log.live().at(-1);
    return head === undefined ? null : Math.max(now, nextEnding(head));
  }
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

/** The late record keeps the outcome's classes and says what it would have been. `late` sorts where RFC 8785 wants it. */
function lateClasses(record: Committed): string {
  const classes = JSON.parse(record.classes) as Record<string, string | number>;
  return canonicalText({ ...classes, late: record.kind });
}
