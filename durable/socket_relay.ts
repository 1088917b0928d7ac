// One socket that is open: takes each message from one side, has it decided and recorded, and only then
// hands it to the other. Owns the two ends and the order of what passes between them.
//
// Invariant: what leaves has a durable record, in the order in which it came; after one message could
// not be recorded, or was refused with the socket, nothing more leaves. The end is on record before
// either side is told of it.

import type { CommandId } from "../core/ids.ts";
import { exchangeRecord, ownRecord } from "../core/mask/mask_draft.ts";
import { EVERY_SECRET, type MaskPlan } from "../core/mask/mask_plan.ts";
import type { Close } from "../core/protocol/websocket/close.ts";
import { commit } from "../core/record/commit.ts";
import type { Committed, Masked } from "../core/record/record.ts";
import type { ApprovalDesk } from "./approval_desk.ts";
import type { Consumed, Consumption } from "./approval_rpc.ts";
import type { GroupCommit } from "./group_commit.ts";
import { weightOf } from "./record_weight.ts";
import type { SessionLog } from "./session_log.ts";
import type { Appended } from "./session_rpc.ts";
import { fillRandom, sha256 } from "./sha256.ts";
import { closeReason, type Ending, type EndReason, frames, socketOutcome } from "./socket_end.ts";
import { SocketHeld } from "./socket_held.ts";
import { type Method, SocketJudge } from "./socket_judge.ts";
import { type Message, undelivered } from "./socket_message.ts";
import { SocketPeer } from "./socket_peer.ts";
import type { SocketKnowledge, SocketPorts } from "./socket_ports.ts";
import type { SocketOrder } from "./socket_rpc.ts";
import type { SocketTurn } from "./socket_turn.ts";
import { type Passing, type Verdict, verdictOf } from "./socket_verdict.ts";
import { SocketWait, type Word } from "./socket_wait.ts";
import { SocketWay } from "./socket_way.ts";
import type { WaitingRoom } from "./waiting_room.ts";

/** What all sockets of an object share. */
export interface SocketHouse {
  readonly log: SessionLog;
  readonly commits: GroupCommit;
  readonly ports: SocketPorts;
  /** Open sockets of this object. */
  readonly count: number;
  readonly turn: SocketTurn;
  readonly approvals: ApprovalDesk;
  readonly room: WaitingRoom;
  /** Whether so many bytes more may wait for a peer, beside what waits for others. */
  hasRoomFor(peer: SocketPeer, size: number): boolean;
  /** Events stand still until the disk has caught up. */
  catchUp(): void;
  /** Events stand still until the control object has answered. */
  awaitNews(): void;
  ended(command: CommandId): void;
}

const encoder = new TextEncoder();

export class SocketRelay {
  readonly order: SocketOrder;
  readonly caller: SocketPeer;
  readonly upstream: SocketPeer;
  readonly judge: SocketJudge;
  readonly #house: SocketHouse;
  readonly #send: SocketWay;
  readonly #receive: SocketWay;
  #ending: Ending | null = null;
  /** Something before could not be recorded: what comes after it must not leave. */
  #isBroken = false;
  readonly #held = new SocketHeld();
  /** A side has closed: to be done once what came before it is decided. */
  #closing: (() => void) | null = null;
  /** When a message came last, milliseconds since 1970. */
  #heard: number = Date.now();
  /** Of the last policy that a message was decided by. */
  #plan: MaskPlan | null = null;

  constructor(order: SocketOrder, caller: WebSocket, upstream: WebSocket, house: SocketHouse) {
    this.order = order;
    this.#house = house;
    this.judge = new SocketJudge(order);
    this.caller = new SocketPeer(caller);
    this.upstream = new SocketPeer(upstream);
    const way = (method: Method, to: SocketPeer, behind: EndReason): SocketWay =>
      new SocketWay(method, targetOf(method, order, EVERY_SECRET), to, behind, house.room);
    this.#send = way("SEND", this.upstream, "upstream_behind");
    this.#receive = way("RECEIVE", this.caller, "caller_behind");
  }

  start(): void {
    this.caller.accept({
      message: (data) => this.#came(this.#send, data),
      ended: (close) => this.#peerEnded("caller", close),
    });
    this.upstream.accept({
      message: (data) => this.#came(this.#receive, data),
      ended: (close) => this.#peerEnded("upstream", close),
    });
  }

  get isEnding(): boolean {
    return this.#ending !== null;
  }

  /** Once there is news, a turn is over, or people have decided. */
  goOn(): void {
    const { turn } = this.#house;
    const may = (): boolean => !turn.isFull && this.#known() !== null;
    for (const way of this.#ways) way.goOn(may);
    this.#held.goOn(may);
    const isHeld = !this.#held.isEmpty || this.#ways.some(({ isBehind }) => isBehind);
    if (isHeld && turn.isFull) turn.awaitNext();
    if (!isHeld) this.#closing?.();
  }

  get #ways(): readonly SocketWay[] {
    return [this.#send, this.#receive];
  }

  /** Approvals may have changed. */
  decided(now: number): void {
    const known = this.#known();
    for (const { wait } of this.#ways) wait?.look(known?.policy.hash ?? null, now);
  }

  #known(): SocketKnowledge | null {
    return this.#house.ports.control.current(Date.now());
  }

  #came(way: SocketWay, data: string | ArrayBuffer): void {
    this.#heard = Date.now();
    const { turn, count } = this.#house;
    const size = typeof data === "string" ? data.length : data.byteLength;
    // Also of one that is dropped: who goes on after the end must not hold up others.
    turn.took(way.method, size, count <= 1);
    if (this.#isOver) return;
    this.goOn();
    const known = this.#held.isEmpty ? this.#known() : null;
    if (known !== null) return this.#take(way, data, size, known);
    this.#held.add(size, () => {
      const news = this.#late(way, size);
      if (news !== null) this.#take(way, data, size, news);
    });
    if (this.#held.isTooMuch) this.end("overloaded");
    else if (this.#held.isEnough) this.#house.awaitNews();
  }

  /** What comes now is not taken any more. */
  get #isOver(): boolean {
    return this.#ending !== null || this.#isBroken || this.#closing !== null;
  }

  #peerEnded(by: "caller" | "upstream", close: Close | "too_large"): void {
    this.#closing ??= () => (close === "too_large" ? this.end("message_too_large") : this.#end({ by, close }));
    // A message that waits for people does not hold up the end: nobody is there for it.
    this.goOn();
  }

  #take(way: SocketWay, data: string | ArrayBuffer, size: number, known: SocketKnowledge): void {
    if (!way.isStanding) return this.#judge(way, data, known);
    const limit = this.judge.settings(known.policy)?.messageLimit ?? 0;
    const isHeld = way.putOff(size, limit, () => {
      const news = this.#late(way, size);
      if (news !== null) this.#judge(way, data, news);
    });
    if (!isHeld) this.end("approval_backlog");
  }

  /** What is in force when a message that was held has its turn; null if it is not to be decided any more. */
  #late(way: SocketWay, size: number): SocketKnowledge | null {
    const { turn, count } = this.#house;
    const news = this.#known();
    if (this.#ending !== null || this.#isBroken || news === null) return null;
    turn.took(way.method, size, count <= 1);
    return news;
  }

  #judge(way: SocketWay, data: string | ArrayBuffer, known: SocketKnowledge): void {
    const bytes = typeof data === "string" ? encoder.encode(data) : new Uint8Array(data);
    const message: Message = { method: way.method, data, bytes };
    const { policy } = known;
    const settings = this.judge.settings(policy);
    if (settings === null || known.isUnreadable) return this.end("policy_changed", known.inForce?.command ?? null);
    if (!this.#house.commits.takes(bytes.length)) this.#house.catchUp();
    let verdict: Verdict;
    try {
      if (settings.maskPlan !== this.#plan) this.#maskBy(settings.maskPlan);
      const { ports, log } = this.#house;
      const court = { order: this.order, judge: this.judge, ports, approvals: log.approvals };
      verdict = verdictOf(message, way.target, settings, policy, court);
    } catch {
      // Whatever failed, the message has not been let through.
      return this.end("mask_failed");
    }
    switch (verdict.kind) {
      case "refused":
        return void this.#refuse(verdict.record, verdict.end);
      case "passes":
        return void this.#pass(way, verdict.passing);
      case "asks":
        return this.#ask(way, verdict);
    }
  }

  #maskBy(plan: MaskPlan): void {
    this.#plan = plan;
    for (const way of [this.#send, this.#receive]) way.target = targetOf(way.method, this.order, plan);
  }

  /** The direction stands until people have decided, the other one goes on. */
  #ask(way: SocketWay, { ask, passing }: Extract<Verdict, { kind: "asks" }>): void {
    if (!way.reserve(passing.size)) return this.end("approval_backlog");
    const { approvals, log } = this.#house;
    const wait = new SocketWait(ask, this.order.command, approvals, log.approvals, (word) => {
      this.#heardOf(way, passing, word).catch(() => this.end("not_recordable"));
    });
    way.wait = wait;
    void wait.ask().then(() => this.decided(Date.now()));
  }

  async #heardOf(way: SocketWay, passing: Passing, word: Word): Promise<void> {
    this.#heard = Date.now();
    // What ended the approval may end the socket as well, and says so better.
    this.look(this.#heard);
    if (this.#ending !== null) return;
    if (word.kind === "approved") await this.#pass(way, passing);
    else if (word.kind === "not_asked") await this.#notAsked(passing, word.reason);
    else if (passing.unapproved.end !== null) this.end(passing.unapproved.end);
    if (this.#ending !== null) return;
    way.free(passing.size);
    way.wait = null;
    this.goOn();
  }

  async #notAsked({ unapproved }: Passing, reason: Extract<Word, { kind: "not_asked" }>["reason"]): Promise<void> {
    if (reason === "approvals_too_many") return this.#refuse(unapproved.record(reason), unapproved.end);
    if (reason === "overloaded") return this.end("overloaded");
    this.#failed(reason);
  }

  /** `end` is why the socket is closed with it; null if it alone is dropped. */
  async #refuse(record: Masked, end: EndReason | null): Promise<void> {
    if (end !== null) this.#isBroken = true;
    const answer = await this.#append(committed(record), [], null);
    if (!answer.ok) this.#failed(answer.reason);
    else if (end !== null) this.end(end);
  }

  /** From here on it is on its way: recorded with what else comes in this turn, and then handed on. */
  async #pass(way: SocketWay, passing: Passing): Promise<void> {
    const { command, records, data, size, use } = passing;
    const hasRoom = this.#house.hasRoomFor(way.to, size);
    // What comes after one that finds no room is not taken: those that wait to be recorded are held in memory.
    if (!hasRoom) this.#isBroken = true;
    way.to.expect(size);
    const answer = await this.#append(committed(records.first), records.chunks.map(committed), use);
    way.to.expectNoMore(size);
    if (!answer.ok) return "approval" in answer ? this.#notUsed(passing, answer.reason) : this.#failed(answer.reason);
    // What came before could not be recorded, or an admin's word came meanwhile.
    if (this.#isBroken && this.#ending !== null) return this.#follow(undelivered(command, "socket_closed"));
    if (!hasRoom || !this.#house.hasRoomFor(way.to, size)) {
      this.#isBroken = true;
      this.#follow(undelivered(command, way.behind));
      return this.end(way.behind);
    }
    if (!way.to.send(data, size)) return this.#follow(undelivered(command, "peer_gone"));
    way.messages += 1;
    way.bytes += size;
    if (records.outcome !== null) this.#follow(records.outcome);
  }

  /** The approval ended in this moment. */
  #notUsed({ use, unapproved }: Passing, reason: string): void {
    // Of one that asked itself its approval's records tell it all.
    if (use?.asGrant === true) void this.#append(committed(unapproved.record(reason)), [], null);
    if (unapproved.end !== null) this.end(unapproved.end);
  }

  #append(first: Committed, chunks: readonly Committed[], use: Consumption | null): Promise<Consumed> {
    const { log, commits, count, turn } = this.#house;
    return commits.add<Consumed>({
      apply: (careful) => {
        const now = Date.now();
        const began = use === null ? log.begin(first, now, careful, this.order.command) : log.consume(first, use, now);
        if (!began.ok || chunks.length === 0) return began;
        return log.proceed(chunks, now, careful);
      },
      refused: () => ({ ok: false, reason: "storage_refused" }),
      alone: count <= 1 && !turn.isBurst,
      weight: weightOf([first, ...chunks]),
    });
  }

  /** What is said of a message afterwards; nothing waits for it. */
  #follow(record: Masked): void {
    const { log, commits } = this.#house;
    const made = committed(record);
    void commits.add<Appended>({
      apply: (careful) => log.proceed([made], Date.now(), careful),
      refused: () => ({ ok: false, reason: "storage_refused" }),
    });
  }

  #failed(reason: string): void {
    this.#isBroken = true;
    // The session was killed, or is over: whoever says so ends the socket with the right reason.
    if (reason === "session_needed") this.look(Date.now());
    this.end(reason === "storage_full" ? "storage_full" : "not_recordable");
  }

  /** Ends it if time or an admin's word about the session says so. */
  look(now: number): void {
    if (this.#ending !== null) return;
    const cut = this.#house.log.cutOf(this.order.command, now);
    if (cut === null) {
      if (now >= this.order.caller.until) this.end("token_expired");
      else if (this.#isSilent(now)) this.end("silent");
      return;
    }
    this.end(cut.reason === "not_open" ? "not_recordable" : cut.reason, cut.by);
  }

  #isSilent(now: number): boolean {
    // Whoever waits for people has nothing to say meanwhile.
    if (this.#ways.some(({ wait }) => wait !== null)) return false;
    const known = this.#known();
    const seconds = known === null ? null : (this.judge.settings(known.policy)?.silenceSeconds ?? null);
    return seconds !== null && now - this.#heard >= seconds * 1000;
  }

  end(reason: EndReason, command: CommandId | null = null): void {
    this.#end({ by: "gateway", reason, command });
  }

  #end(ending: Ending): void {
    if (this.#ending !== null) return;
    this.#ending = ending;
    if (ending.by === "gateway") this.#isBroken = true;
    this.#held.drop();
    for (const way of this.#ways) way.drop();
    const { commits } = this.#house;
    // What came before is handed on, and counted, before the end is made.
    if (commits.length > 0) commits.flush();
    void this.#close(ending);
  }

  async #close(ending: Ending): Promise<void> {
    const { log, commits } = this.#house;
    let outcome: Committed | null = null;
    const answer = await commits.add<Appended>({
      // Made in its turn, when what came before is counted.
      apply: (careful) => {
        outcome ??= committed(socketOutcome(this.order.command, ending, this.#passed(), this.#reason(ending)));
        return log.proceed([outcome], Date.now(), careful);
      },
      refused: () => ({ ok: false, reason: "storage_refused" }),
      alone: true,
    });
    const told = frames(ending);
    this.caller.close(told.caller);
    this.upstream.close(told.upstream);
    if (!answer.ok && outcome !== null) this.#outcomeLost(outcome);
    this.#house.ended(this.order.command);
  }

  /** Tried once more; else the lease lapses, and the log says that nobody knows. */
  #outcomeLost(outcome: Committed): void {
    const { log, commits } = this.#house;
    const { command } = this.order;
    const gap = committed(
      ownRecord({ kind: "gap", command, part: 0, classes: { reason: "outcome_not_recorded" }, fields: {} }),
    );
    setTimeout(() => {
      void commits.add<Appended>({
        apply: (careful) => log.proceed([gap, outcome], Date.now(), careful),
        refused: () => ({ ok: false, reason: "storage_refused" }),
      });
    }, LOST_PAUSE_MS);
  }

  #reason(ending: Ending): string {
    return closeReason(ending, this.#plan ?? EVERY_SECRET, this.#house.ports.pseudonym(this.order.asked.connection));
  }

  #passed(): Parameters<typeof socketOutcome>[2] {
    return { sent: this.#send, received: this.#receive, ms: Date.now() - this.order.started };
  }
}

/** Before an outcome that was refused is tried again. */
const LOST_PAUSE_MS = 1_000;

function targetOf(method: Method, { asked: { path, query } }: SocketOrder, plan: MaskPlan): string {
  const draft = { kind: "command.requested", command: null, part: 0, classes: {} } as const;
  return exchangeRecord(draft, { target: { method, path, query } }, {}, plan).fields.target ?? method;
}

function committed(record: Masked): Committed {
  return commit(record, fillRandom, sha256);
}
