// One socket that is open: takes each message from one side, has it decided and recorded, and only then
// hands it to the other. Owns the two ends and the order of what passes between them.
//
// Invariant: what leaves has a durable record, in the order in which it came; after one message could
// not be recorded, or was refused with the socket, nothing more leaves. The end is on record before
// either side is told of it.

import { type CommandId, newCommandId } from "../core/ids.ts";
import { exchangeRecord, ownRecord } from "../core/mask/mask_draft.ts";
import { EVERY_SECRET, type MaskPlan } from "../core/mask/mask_plan.ts";
import { maskWhole } from "../core/mask/payload_masker.ts";
import type { Decision } from "../core/policy/decision.ts";
import { callerPlan, extentOf, howRefused } from "../core/policy/obligations.ts";
import type { ConnectionSettings } from "../core/policy/policy.ts";
import { type Close, POLICY_VIOLATION, TOO_LARGE } from "../core/protocol/websocket/close.ts";
import { commit } from "../core/record/commit.ts";
import type { Committed, Masked } from "../core/record/record.ts";
import type { GroupCommit } from "./group_commit.ts";
import type { SessionLog } from "./session_log.ts";
import type { Appended } from "./session_rpc.ts";
import { fillRandom, sha256 } from "./sha256.ts";
import { type Ending, type EndReason, frames, socketOutcome } from "./socket_end.ts";
import { SocketHeld } from "./socket_held.ts";
import { type Method, SocketJudge } from "./socket_judge.ts";
import {
  contentType,
  isText,
  type Message,
  type MessageFacts,
  type MessageRecords,
  messageRecords,
  type Recorder,
  refusedMessage,
  refusedUnseen,
  type Refusal,
  undelivered,
} from "./socket_message.ts";
import { SocketPeer } from "./socket_peer.ts";
import type { SocketKnowledge, SocketPorts } from "./socket_ports.ts";
import type { SocketOrder } from "./socket_rpc.ts";
import type { SocketTurn } from "./socket_turn.ts";

/** What all sockets of an object share. */
export interface SocketHouse {
  readonly log: SessionLog;
  readonly commits: GroupCommit;
  readonly ports: SocketPorts;
  /** Open sockets of this object. */
  readonly count: number;
  readonly turn: SocketTurn;
  /** Whether so many bytes more may wait for a peer, beside what waits for others. */
  hasRoomFor(peer: SocketPeer, size: number): boolean;
  /** Events stand still until the disk has caught up. */
  catchUp(): void;
  /** Events stand still until the control object has answered. */
  awaitNews(): void;
  ended(command: CommandId): void;
}

interface Way {
  readonly method: Method;
  /** What messages are recorded as sent to, masked by the plan that the last one was decided by. */
  target: string;
  readonly to: SocketPeer;
  readonly behind: EndReason;
  messages: number;
  bytes: number;
}

/** A message that may pass, once its records are durable. */
interface Passing {
  readonly command: CommandId;
  readonly records: MessageRecords;
  /** What the other side gets. */
  readonly data: string | ArrayBuffer;
  readonly size: number;
  /** False if too much waits for the other side already. */
  readonly hasRoom: boolean;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

export class SocketRelay {
  readonly order: SocketOrder;
  readonly caller: SocketPeer;
  readonly upstream: SocketPeer;
  readonly judge: SocketJudge;
  readonly #house: SocketHouse;
  readonly #send: Way;
  readonly #receive: Way;
  #ending: Ending | null = null;
  /** Something before could not be recorded: what comes after it must not leave. */
  #isBroken = false;
  readonly #held = new SocketHeld();
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
    const way = (method: Method, to: SocketPeer, behind: EndReason): Way => ({
      method,
      target: targetOf(method, order, EVERY_SECRET),
      to,
      behind,
      messages: 0,
      bytes: 0,
    });
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

  /** Once there is news, or a turn is over. */
  goOn(): void {
    const { turn } = this.#house;
    this.#held.goOn(() => !turn.isFull && this.#known() !== null);
    if (!this.#held.isEmpty && turn.isFull) turn.awaitNext();
  }

  #known(): SocketKnowledge | null {
    return this.#house.ports.control.current(Date.now());
  }

  #came(way: Way, data: string | ArrayBuffer): void {
    this.#heard = Date.now();
    const { turn, count } = this.#house;
    const size = typeof data === "string" ? data.length : data.byteLength;
    // Also of one that is dropped: who goes on after the end must not hold up others.
    turn.took(way.method, size, count <= 1);
    if (this.#ending !== null || this.#isBroken) return;
    this.goOn();
    const known = this.#held.isEmpty ? this.#known() : null;
    if (known !== null) return this.#take(way, data, known);
    this.#held.add(size, () => {
      const news = this.#known();
      if (this.#ending !== null || this.#isBroken || news === null) return;
      turn.took(way.method, size, count <= 1);
      this.#take(way, data, news);
    });
    if (this.#held.isTooMuch) this.end("overloaded");
    else if (this.#held.isEnough) this.#house.awaitNews();
  }

  #peerEnded(by: "caller" | "upstream", close: Close | "too_large"): void {
    const end = (): void => (close === "too_large" ? this.end("message_too_large") : this.#end({ by, close }));
    if (this.#held.isEmpty) end();
    else this.#held.add(0, end);
  }

  #take(way: Way, data: string | ArrayBuffer, known: SocketKnowledge): void {
    const bytes = typeof data === "string" ? encoder.encode(data) : new Uint8Array(data);
    const message: Message = { method: way.method, data, bytes };
    const settings = this.judge.settings(known.policy);
    if (settings === null || known.isUnreadable) return this.end("policy_changed", known.inForce?.command ?? null);
    if (!this.#house.commits.takes(bytes.length)) this.#house.catchUp();
    try {
      if (settings.maskPlan !== this.#plan) this.#maskBy(settings.maskPlan);
      this.#decide(way, message, settings, known);
    } catch {
      // Whatever failed, the message has not been let through.
      this.end("mask_failed");
    }
  }

  #maskBy(plan: MaskPlan): void {
    this.#plan = plan;
    for (const way of [this.#send, this.#receive]) way.target = targetOf(way.method, this.order, plan);
  }

  #decide(way: Way, message: Message, settings: ConnectionSettings, known: SocketKnowledge): void {
    const now = Date.now();
    const { asked } = this.order;
    const text = typeof message.data === "string" ? message.data : null;
    const view = { type: text === null ? "binary" : "text", size: message.bytes.length } as const;
    const decision = this.judge.message(known.policy, way.method, view, text, now);
    const facts: MessageFacts = {
      command: newCommandId(now, fillRandom),
      socket: this.order.command,
      target: way.target,
      decision,
    };
    const { ports } = this.#house;
    const recorder: Recorder = {
      plan: settings.maskPlan,
      pseudonym: ports.pseudonym(asked.connection),
      commitment: (digest) => ports.commitment(digest),
    };
    if (message.bytes.length > settings.messageLimit) {
      const refusal = { reason: "message_too_large", code: TOO_LARGE };
      void this.#refuse(refusedUnseen(message, facts, refusal, recorder), "message_too_large");
    } else if (decision.effect !== "allow") {
      const closes = howRefused(decision, settings) === "close";
      const refusal: Refusal = { reason: reasonOf(decision), code: closes ? POLICY_VIOLATION : 0 };
      const extent = extentOf(decision, settings);
      void this.#refuse(refusedMessage(message, facts, refusal, extent, recorder), closes ? "message_refused" : null);
    } else {
      const records = messageRecords(message, facts, extentOf(decision, settings), recorder);
      const data = handedOn(message, decision, settings);
      const size = message.bytes.length;
      const hasRoom = this.#house.hasRoomFor(way.to, size);
      // What comes after one that finds no room is not taken: those that wait to be recorded are held in memory.
      if (!hasRoom) this.#isBroken = true;
      way.to.expect(size);
      void this.#pass(way, { command: facts.command, records, data, size, hasRoom });
    }
  }

  /** `end` is why the socket is closed with it; null if it alone is dropped. */
  async #refuse(record: Masked, end: EndReason | null): Promise<void> {
    if (end !== null) this.#isBroken = true;
    const answer = await this.#append(committed(record), []);
    if (!answer.ok) this.#failed(answer.reason);
    else if (end !== null) this.end(end);
  }

  /** From here on it is on its way: recorded with what else comes in this turn, and then handed on. */
  async #pass(way: Way, { command, records, data, size, hasRoom }: Passing): Promise<void> {
    const answer = await this.#append(committed(records.first), records.chunks.map(committed));
    way.to.expectNoMore(size);
    if (!answer.ok) return this.#failed(answer.reason);
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

  #append(first: Committed, chunks: readonly Committed[]): Promise<Appended> {
    const { log, commits, count, turn } = this.#house;
    return commits.add<Appended>({
      apply: (careful) => {
        const now = Date.now();
        const began = log.begin(first, now, careful, this.order.command);
        if (!began.ok || chunks.length === 0) return began;
        return log.proceed(chunks, now, careful);
      },
      refused: () => ({ ok: false, reason: "storage_refused" }),
      alone: count <= 1 && !turn.isBurst,
      weight: weightOf(first) + chunks.reduce((sum, chunk) => sum + weightOf(chunk), 0),
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
        outcome ??= committed(socketOutcome(this.order.command, ending, this.#passed(), this.#maskedReason(ending)));
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

  /** A peer's words, like any that it sends. */
  #maskedReason(ending: Ending): string {
    if (ending.by === "gateway" || ending.close.reason === "") return "";
    const { connection } = this.order.asked;
    try {
      const plan = this.#plan ?? EVERY_SECRET;
      const pseudonym = this.#house.ports.pseudonym(connection);
      const { bytes } = maskWhole(plan, "text/plain; charset=utf-8", encoder.encode(ending.close.reason), pseudonym);
      return decoder.decode(bytes);
    } catch {
      return "[masked]";
    }
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

/** What the other side gets: of a received text what a rule lets the caller see. */
function handedOn(message: Message, decision: Decision, settings: ConnectionSettings): string | ArrayBuffer {
  const plan = message.method === "RECEIVE" && isText(message) ? callerPlan(decision, settings) : null;
  if (plan === null) return message.data;
  const { bytes } = maskWhole(plan, contentType(message), message.bytes, () => "");
  return decoder.decode(bytes);
}

function reasonOf(decision: Decision): string {
  return decision.effect === "deny" ? decision.reason : "approval_unavailable";
}

function committed(record: Masked): Committed {
  return commit(record, fillRandom, sha256);
}

function weightOf({ disclosure, payload }: Committed): number {
  return disclosure.length + (payload?.length ?? 0);
}
