// approve, one synchronous step at a time: what core/approval/step.ts says becomes of an approval, and the
// records that say so, together. Never awaits; the caller wraps calls in one transaction and calls `reload`
// after a failed one.
//
// Invariant: an approval never changes without its record, nor is it used without the intent that uses it.
// Repeated calls change nothing: each finds by its command, or by what it brings, that it was made before.

import type { Approval, ApprovalId } from "../core/approval/approval.ts";
import type { ApprovalEvent, ApprovalFact } from "../core/approval/event.ts";
import { grantCovers, hasLiveGrant, type Use } from "../core/approval/grant.ts";
import type { StepRefusal } from "../core/approval/refusal.ts";
import { nextDue, step } from "../core/approval/step.ts";
import type { CommandId } from "../core/ids.ts";
import { ownRecord } from "../core/mask/mask_draft.ts";
import { commit } from "../core/record/commit.ts";
import type { Committed, Fields } from "../core/record/record.ts";
import {
  endOfSocket,
  eventsOf,
  fieldOf,
  glassEvent,
  glassFields,
  isAsk,
  isOfTheEvent,
  isUseOf,
  socketOf,
} from "./approval_records.ts";
import type { Ask, AskAnswer, Consumed, Consumption, DecisionOrder, Stepped } from "./approval_rpc.ts";
import { type ApprovalRow, ApprovalTable } from "./approval_table.ts";
import type { ChunkOrder } from "./chunk_order.ts";
import { GrantUses } from "./grant_uses.ts";
import type { Sql } from "./migrate.ts";
import type { OpenIntents } from "./open_intents.ts";
import { isOneway } from "./record_judge.ts";
import { type Existing, type Head, type RecordLog, sameRecord } from "./record_log.ts";
import type { AppendRefusal, Appended, CutWord } from "./session_rpc.ts";
import { fillRandom, sha256 } from "./sha256.ts";

/** Approvals of one session that may wait at once. */
export const PENDING_LIMIT = 100;

interface Advanced {
  readonly row: ApprovalRow;
  readonly refused: StepRefusal | null;
  /** Of the last record that came of it; null if none did. */
  readonly seq: number | null;
}

export class Approvals {
  readonly #log: RecordLog;
  readonly #open: OpenIntents;
  readonly #chunks: ChunkOrder;
  readonly #uses: GrantUses;
  readonly table: ApprovalTable;

  constructor(sql: Sql, log: RecordLog, open: OpenIntents, chunks: ChunkOrder) {
    this.#log = log;
    this.#open = open;
    this.#chunks = chunks;
    this.#uses = new GrantUses(sql);
    this.table = new ApprovalTable(sql);
  }

  reload(): void {
    this.#uses.reload();
    this.table.reload();
  }

  /** Null if what was asked is not recorded here. */
  repeated(record: Committed): Appended | null {
    const { command, kind, part } = record;
    const existing = command === null ? null : this.#log.find(command, kind, part);
    if (existing === null) return null;
    return sameRecord(existing, record) ? this.#placeOf(existing) : refused("conflict");
  }

  /** Appends what asks, all or nothing, to a session that takes commands. */
  ask(asked: Ask, head: Head, now: number): AskAnswer {
    const { approval, records, title, notices, glass } = asked;
    const [first, ...chunks] = records;
    const socket = first === undefined ? null : socketOf(first);
    if (first === undefined || !isAsk(asked) || !this.#follow(approval.id, chunks)) return refused("malformed");
    const repeated = this.repeated(first);
    if (repeated !== null) return repeated;
    if (this.#isKnown(approval.id)) return refused("conflict");
    if (glass === null && this.table.pending(head.no) >= PENDING_LIMIT)
      return { ok: false, reason: "approvals_too_many" };
    // Before anything is written: the rule may let nobody go on without approval.
    const glassBroken = glass === null ? null : step(approval, glassEvent(approval, glass), now);
    if (glassBroken !== null && glassBroken.refused !== null) return refused("malformed");
    if (!records.every((record) => this.#log.fits(record, head, now))) return refused("malformed");
    if (!this.#isInItsSession(first, head.no)) return refused("malformed");
    const { seq, leaf } = this.#log.append(head, first, now);
    for (const chunk of chunks) this.#log.append(head, chunk, now);
    const words = glass === null ? {} : glassFields(this.#log.read(head, 0, 1)[0], glass);
    for (const fact of glassBroken?.facts ?? []) this.#append(head, approval, fact, words, now);
    this.table.keep(
      { approval: glassBroken?.approval ?? approval, no: head.no, version: 1, changed: now, title, notices, socket },
      [glass === null ? "requested" : "break_glass"],
    );
    return { ok: true, sid: head.sid, seq, leaf };
  }

  #follow(command: CommandId, chunks: readonly Committed[]): boolean {
    const ahead = this.#chunks.ahead();
    ahead.asks(command);
    return chunks.every((chunk) => ahead.takes(command, chunk));
  }

  #isKnown(command: CommandId): boolean {
    return (["command.requested", "command.denied", "approval.requested"] as const).some(
      (kind) => this.#log.find(command, kind, 0) !== null,
    );
  }

  /** The intent and the use of the approval, or neither. */
  consume(record: Committed, consumption: Consumption, now: number): Consumed {
    const { approval: id, asGrant } = consumption;
    const { command } = record;
    const row = this.table.find(id);
    if (row === null) return { ok: false, reason: "approval_unknown", approval: null };
    if (command === null || !isUseOf(record, consumption)) return refused("malformed");
    const repeated = this.repeated(record);
    if (repeated !== null) return repeated;
    if (command !== id && this.#isKnown(command)) return refused("conflict");
    const head = this.#headOf(row);
    if (!this.#log.fits(record, head, now) || !this.#isInItsSession(record, row.no)) return refused("malformed");
    const event = { kind: "consume", command, use: consumption, asGrant } as const;
    const { row: after, refused: why } = this.#advance(row, event, now);
    if (why !== null) return { ok: false, reason: why, approval: after.approval };
    const { seq, leaf } = this.#log.append(head, record, now);
    if (!isOneway(record.classes)) {
      this.#open.add(command, head.no, now);
      if (hasLiveGrant(after.approval, now)) this.#uses.add(command, id);
    }
    return { ok: true, sid: head.sid, seq, leaf };
  }

  /** A message belongs to the session of its socket. */
  #isInItsSession(record: Committed, no: number): boolean {
    const socket = socketOf(record);
    return socket === null || this.#open.get(socket)?.no === no;
  }

  decide(order: DecisionOrder, now: number): Stepped {
    const row = this.table.find(order.approval);
    if (row === null) return UNKNOWN;
    const { decision, decider, slots, comment, grantMs, command, policy, links, stepUp } = order;
    const vote = { decision, decider, slots, comment, grantMs, command, time: now };
    const before = row.approval.votes.findIndex((one) => one.command === command);
    if (before >= 0) return this.#known(row, this.#log.find(order.approval, "approval.decided", before));
    return this.#stepped(row, { kind: "vote", vote, policy, links, stepUp }, now, order.fields);
  }

  /** By the requester, or because the client that asked, or came later, has left. */
  cancel(id: ApprovalId, reason: "requester" | "client_gone", by: CommandId | null, now: number): Stepped {
    const row = this.table.find(id);
    if (row === null) return UNKNOWN;
    const before = this.#endedBefore(row, reason, by);
    if (before !== null) return this.#known(row, before);
    const event = reason === "requester" ? ({ kind: "cancel", by } as const) : gone(by ?? id);
    return this.#stepped(row, event, now);
  }

  revoke(id: ApprovalId, by: CommandId, fields: Fields, now: number): Stepped {
    const row = this.table.find(id);
    if (row === null) return UNKNOWN;
    const before = this.#endedBefore(row, "revoked", by);
    if (before !== null) return this.#known(row, before);
    return this.#stepped(row, { kind: "revoke", by }, now, fields);
  }

  review(order: DecisionOrder, now: number): Stepped {
    const row = this.table.find(order.approval);
    if (row === null) return UNKNOWN;
    const { command, decider: reviewer, slots, links, comment } = order;
    const last = this.#log.find(order.approval, "approval.decided", row.approval.votes.length + 1);
    if (last !== null && fieldOf(last, "by") === command) return this.#known(row, last);
    return this.#stepped(row, { kind: "review", command, reviewer, slots, links, comment }, now, order.fields);
  }

  /** The call that asked is over, though what it asked for stays: in the words of whoever held it. Null if it is no such record. */
  leave(record: Committed, now: number): Appended | null {
    const { command, kind } = record;
    const row = command === null || kind !== "command.cancelled" ? null : this.table.find(command);
    if (row === null || command === null || this.#log.find(command, "command.requested", 0) !== null) return null;
    const repeated = this.repeated(record);
    if (repeated !== null) return repeated;
    const head = this.#headOf(row);
    const isGone = record.part === 0 && record.classes.includes('"reason":"client_gone"');
    if (!isGone || !this.#log.fits(record, head, now)) return refused("malformed");
    this.#advance(row, gone(command), now, {}, record);
    return this.repeated(record) ?? refused("conflict");
  }

  /** A socket is over, as its outcome says: a message that waits goes nowhere any more, approved or not. */
  socketEnded(socket: CommandId, outcome: Committed | null, now: number): void {
    for (const row of this.table.live())
      if (row.socket === socket && row.approval.state.kind !== "consumed")
        this.#advance(row, endOfSocket(socket, outcome), now);
  }

  /** One alone was asked for under another policy than the one that is in force. */
  outdated(id: ApprovalId, now: number): void {
    const row = this.table.find(id);
    if (row !== null) this.#advance(row, { kind: "policy_changed", policy: null }, now);
  }

  /** Ends all that is live of a session's approvals. */
  endAll(no: number, event: Extract<ApprovalEvent, { kind: "kill" | "session_over" }>, now: number): void {
    for (const row of this.table.live()) if (row.no === no) this.#advance(row, event, now);
  }

  /** Lets time take its effect. */
  expire(now: number): void {
    for (const row of this.table.live()) if (this.isDue(row, now)) this.#advance(row, { kind: "expire" }, now);
  }

  /** Of one alone. */
  touch(id: ApprovalId, now: number): void {
    const row = this.table.find(id);
    if (row !== null && this.isDue(row, now)) this.#advance(row, { kind: "expire" }, now);
  }

  /** This was in force when they had been asked for. */
  policyIs(policy: Approval["policy"], asked: number, now: number): void {
    for (const row of this.table.live())
      if (row.approval.requested < asked) this.#advance(row, { kind: "policy_changed", policy }, now);
  }

  isDue({ approval, no }: ApprovalRow, now: number): boolean {
    const at = this.#log.head(no);
    const due = nextDue(approval);
    return due !== null && (now >= due || (at !== null && isOver(at, now)));
  }

  /** The newest that covers such a command under a grant. */
  grantFor(use: Use, now: number): ApprovalId | null {
    const found = this.table.live().findLast((row) => {
      const head = this.#log.head(row.no);
      return head !== null && !isOver(head, now) && grantCovers(row.approval, use, now);
    });
    return found?.approval.id ?? null;
  }

  /** Null while what the command runs under holds, or if it runs under nothing. */
  cutOf(command: CommandId, now: number): CutWord | null {
    const id = this.#uses.of(command);
    const approval = id === null ? null : (this.table.find(id)?.approval ?? null);
    if (approval === null || approval.grant === null) return null;
    const { until, ended } = approval.grant;
    if (ended !== null && ended.reason !== "over") {
      const revoked = this.#log.find(approval.id, "approval.revoked", 0);
      return { reason: "approval_revoked", by: revoked === null ? null : (fieldOf(revoked, "by") as CommandId | null) };
    }
    return ended !== null || now >= until ? { reason: "grant_over", by: null } : null;
  }

  /** When what the command runs under ends by itself; Infinity if it runs under nothing. */
  lastsUntil(command: CommandId): number {
    const id = this.#uses.of(command);
    return id === null ? Infinity : (this.table.find(id)?.approval.grant?.until ?? Infinity);
  }

  /** The command has ended. */
  settled(command: CommandId): void {
    this.#uses.drop(command);
  }

  #stepped(row: ApprovalRow, event: ApprovalEvent, now: number, fields: Fields = {}): Stepped {
    const { row: after, refused: reason, seq } = this.#advance(row, event, now, fields);
    const { approval } = after;
    if (reason !== null) return { ok: false, reason, approval };
    if (seq !== null) return { ok: true, approval, record: `${this.#headOf(row).sid}/${seq}` };
    return this.#known(after, null);
  }

  /** Nothing new came of it: the place of what came before, or of what asked. */
  #known({ approval }: ApprovalRow, existing: Existing | null): Stepped {
    const last = existing ?? this.#log.find(approval.id, "approval.requested", 0);
    const place = last === null ? null : this.#placeOf(last);
    if (place === null || !place.ok) throw new Error("an approval without its record");
    return { ok: true, approval, record: `${place.sid}/${place.seq}` };
  }

  /** The record by which the same call ended it before. */
  #endedBefore({ approval: { id } }: ApprovalRow, reason: string, by: CommandId | null): Existing | null {
    const ended = this.#log.find(id, "approval.revoked", 0);
    const isSame = ended !== null && ended.leaf.includes(`"reason":"${reason}"`) && fieldOf(ended, "by") === by;
    return isSame ? ended : null;
  }

  /** `fields` belong to the record of the event itself; `own` takes the place of the one that says that the call has ended. */
  #advance(
    row: ApprovalRow,
    event: ApprovalEvent,
    now: number,
    fields: Fields = {},
    own: Committed | null = null,
  ): Advanced {
    const head = this.#headOf(row);
    const isLate = isOver(head, now) && this.#log.isLive(head);
    const over = isLate ? step(row.approval, { kind: "session_over" }, now) : null;
    const next = step(over?.approval ?? row.approval, event, now);
    let seq: number | null = null;
    for (const fact of [...(over?.facts ?? []), ...next.facts]) {
      const isOwn = own !== null && fact.kind === own.kind;
      seq = isOwn ? this.#log.append(head, own, now).seq : this.#append(head, row.approval, fact, fields, now);
    }
    if (next.approval === row.approval) return { row, refused: next.refused, seq };
    const after = { ...row, approval: next.approval, version: row.version + 1, changed: now };
    this.table.keep(after, eventsOf(row.approval, next.approval));
    return { row: after, refused: next.refused, seq };
  }

  #append(head: Head, { id }: Approval, fact: ApprovalFact, more: Fields, now: number): number {
    const { kind, part, classes } = fact;
    const fields = isOfTheEvent(fact) ? { ...more, ...fact.fields } : fact.fields;
    const record = commit(ownRecord({ kind, command: id, part, classes, fields }), fillRandom, sha256);
    return this.#log.append(head, record, now).seq;
  }

  #headOf({ no }: { readonly no: number }): Head {
    const head = this.#log.head(no);
    if (head === null) throw new Error("an approval without a session");
    return head;
  }

  #placeOf(existing: Existing): Appended {
    const { sid } = this.#headOf(existing);
    return { ok: true, sid, seq: existing.seq, leaf: this.#log.hashOf(existing.leaf) };
  }
}

const UNKNOWN: Stepped = { ok: false, reason: "approval_unknown", approval: null };

function gone(command: CommandId): ApprovalEvent {
  return { kind: "client_gone", command };
}

/** Its session has lasted as long as one may. */
function isOver({ opened, maxMs }: Head, now: number): boolean {
  return now - opened >= maxMs;
}

function refused(reason: AppendRefusal): Appended {
  return { ok: false, reason };
}
