// The sockets that a session object relays: opens them, hands the caller's end to the Worker, listens
// for what ends them, and keeps what waits for peers that do not read within a bound.
//
// Nothing of this is stored. An object that starts anew knows of no socket: the platform has cut them,
// and their upgrades' leases lapse.

import type { CommandId } from "../core/ids.ts";
import { killOf, revocationOf } from "../core/auth/revocation.ts";
import { exchangeRecord, ownRecord } from "../core/mask/mask_draft.ts";
import type { Header } from "../core/mask/mask_headers.ts";
import { EVERY_SECRET, type MaskPlan } from "../core/mask/mask_plan.ts";
import { responseHeaders } from "../core/protocol/http/response_headers.ts";
import { commit } from "../core/record/commit.ts";
import type { Masked } from "../core/record/record.ts";
import type { ApprovalDesk } from "./approval_desk.ts";
import type { GroupCommit } from "./group_commit.ts";
import { RENEW_EVERY_MS } from "./session_life.ts";
import type { SessionLog } from "./session_log.ts";
import type { Appended } from "./session_rpc.ts";
import { fillRandom, sha256 } from "./sha256.ts";
import type { SocketPeer } from "./socket_peer.ts";
import type { SocketKnowledge, SocketPorts } from "./socket_ports.ts";
import { type SocketHouse, SocketRelay } from "./socket_relay.ts";
import { SOCKET_COMMAND, type SocketOpening, type SocketOrder } from "./socket_rpc.ts";
import { SocketTurn } from "./socket_turn.ts";
import { askForSocket, drop } from "./socket_upstream.ts";
import { WaitingRoom } from "./waiting_room.ts";

/** How often it looks for what ends sockets. With the fetch of a snapshot it is under a second. */
const LOOK_EVERY_MS = 500;
/** The Worker fetches its end at once; a caller who left meanwhile never does. */
const FETCH_MS = 5_000;
/** Bytes that may wait for any peer. */
const BEHIND_EACH: number = 1024 * 1024;
/**
 * Bytes that may wait for all peers of the object beyond that: a message of the largest size, which is
 * 32 MiB, has to find room. An isolate has 128 MB (developers.cloudflare.com/workers/platform/limits).
 */
const BEHIND_ALL: number = 33 * 1024 * 1024;

interface Waiting {
  readonly order: SocketOrder;
  readonly socket: WebSocket;
  readonly timer: ReturnType<typeof setTimeout>;
}

export interface SocketHost {
  readonly log: SessionLog;
  readonly commits: GroupCommit;
  /** Asks, waits and uses as a Worker does, without a call. */
  readonly approvals: ApprovalDesk;
  /** Null where the Worker is not configured: no socket is opened. */
  ports(): SocketPorts | null;
  /** Lets no event in until it is done: then whoever sends waits, too. */
  pause(work: () => Promise<void>): void;
  /** Resolves once what is written is durable. */
  sync(): Promise<void>;
  /** An outcome was appended: a killed session can be closed after its last one. */
  settled(): void;
}

export class Sockets implements SocketHouse {
  readonly turn: SocketTurn;
  readonly room: WaitingRoom = new WaitingRoom();
  readonly #host: SocketHost;
  readonly #opening = new Map<CommandId, AbortController>();
  readonly #waiting = new Map<CommandId, Waiting>();
  readonly #relays = new Map<CommandId, SocketRelay>();
  /** Closed, and not gone: a peer that does not read does not see that it was closed, either. */
  readonly #lingering = new Set<SocketPeer>();
  #timer: ReturnType<typeof setInterval> | null = null;
  #renewAt = 0;
  #isAwaiting = false;
  /** `changes` of the approvals that the relays have seen. */
  #seen: number;

  constructor(host: SocketHost) {
    this.#host = host;
    this.#seen = host.log.approvals.table.changes;
    this.turn = new SocketTurn({
      pause: (work) => host.pause(work),
      flush: () => this.commits.flush(),
      turns: () => this.commits.turns,
      goOn: () => {
        for (const relay of this.#all()) relay.goOn();
      },
    });
  }

  get log(): SessionLog {
    return this.#host.log;
  }

  get commits(): GroupCommit {
    return this.#host.commits;
  }

  get approvals(): ApprovalDesk {
    return this.#host.approvals;
  }

  get ports(): SocketPorts {
    const ports = this.#host.ports();
    if (ports === null) throw new Error("a socket without what the Worker gives");
    return ports;
  }

  get count(): number {
    return this.#relays.size;
  }

  catchUp(): void {
    this.#host.pause(async () => {
      this.commits.flush();
      await this.#host.sync();
    });
  }

  awaitNews(): void {
    if (this.#isAwaiting) return;
    this.#isAwaiting = true;
    this.#host.pause(async () => {
      await this.#renew(Date.now());
      this.#isAwaiting = false;
    });
  }

  async open(order: SocketOrder): Promise<SocketOpening> {
    if (this.#host.ports() === null) return { kind: "failed", reason: "not_recorded" };
    const { command } = order;
    const abort = new AbortController();
    this.#opening.set(command, abort);
    const answer = await askForSocket(order, abort.signal);
    this.#opening.delete(command);
    if (answer.kind === "answered") return { kind: "answered", response: answer.response };
    if (answer.kind !== "socket") return { kind: "failed", reason: answer.kind };
    const { socket, response } = answer;
    if (abort.signal.aborted) {
      drop(socket);
      return { kind: "failed", reason: "unreachable" };
    }
    const headers = releasedHeaders(order, response);
    const plan = await this.#planOf(order);
    const started = plan !== null && (await this.#append(startedRecord(order, headers, plan)));
    if (!started || abort.signal.aborted) {
      drop(socket);
      return { kind: "failed", reason: "not_recorded" };
    }
    const timer = setTimeout(() => this.#given(command), FETCH_MS);
    this.#waiting.set(command, { order, socket, timer });
    return { kind: "upgraded", headers };
  }

  /** What is masked, as the policy in force says; null if nobody knows that now. */
  async #planOf({ asked }: SocketOrder): Promise<MaskPlan | null> {
    const { control } = this.ports;
    const known = control.current(Date.now()) ?? (await control.renew(Date.now()));
    if (known === null) return null;
    return known.policy.connections.get(asked.connection)?.maskPlan ?? EVERY_SECRET;
  }

  drop(command: CommandId): void {
    this.#opening.get(command)?.abort();
    this.#given(command);
  }

  /** Nobody came for it. */
  #given(command: CommandId): void {
    const waiting = this.#waiting.get(command);
    if (waiting === undefined) return;
    this.#waiting.delete(command);
    clearTimeout(waiting.timer);
    drop(waiting.socket);
    const ms = Date.now() - waiting.order.started;
    const classes = { reason: "client_gone", tool: "none", req_bytes: 0, resp_bytes: 0, ms };
    const fields = { digests: '{"request":null,"response":null}' };
    void this.#append(ownRecord({ kind: "command.cancelled", command, part: 0, classes, fields })).then(() =>
      this.#host.settled(),
    );
  }

  /** The caller's end, once. */
  join(request: Request): Response {
    const command = request.headers.get(SOCKET_COMMAND) as CommandId | null;
    const waiting = command === null ? undefined : this.#waiting.get(command);
    if (command === null || waiting === undefined) return new Response(null, { status: 404 });
    this.#waiting.delete(command);
    clearTimeout(waiting.timer);
    const { 0: outer, 1: inner } = new WebSocketPair();
    const relay = new SocketRelay(waiting.order, inner, waiting.socket, this);
    this.#relays.set(command, relay);
    relay.start();
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS);
    return new Response(null, { status: 101, webSocket: outer });
  }

  /** The log has changed: a session may have been killed, or a message approved. */
  changed(): void {
    if (this.#relays.size === 0) return;
    const now = Date.now();
    if (this.log.isKilling) for (const relay of this.#all()) relay.look(now);
    const { changes } = this.log.approvals.table;
    if (changes === this.#seen) return;
    this.#seen = changes;
    for (const relay of this.#all()) relay.decided(now);
  }

  #all(): SocketRelay[] {
    return [...this.#relays.values()];
  }

  ended(command: CommandId): void {
    const relay = this.#relays.get(command);
    this.#relays.delete(command);
    for (const peer of relay === undefined ? [] : [relay.caller, relay.upstream]) {
      this.#lingering.add(peer);
      peer.whenGone(() => this.#lingering.delete(peer));
    }
    if (this.#relays.size === 0 && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
    this.#host.settled();
  }

  hasRoomFor(peer: SocketPeer, size: number): boolean {
    const behind = peer.behind + size;
    if (behind <= BEHIND_EACH) return true;
    const others = [...this.#lingering, ...this.#all().flatMap(({ caller, upstream }) => [caller, upstream])];
    let beyond = behind - BEHIND_EACH;
    for (const other of others) if (other !== peer) beyond += Math.max(0, other.behind - BEHIND_EACH);
    return beyond <= BEHIND_ALL;
  }

  #look(): void {
    const now = Date.now();
    const { control } = this.ports;
    const known = control.current(now);
    if (known !== null) this.#judge(known, now);
    if (control.shouldRenew(now) || known === null) void this.#renew(now);
    const renews = now >= this.#renewAt;
    if (renews) this.#renewAt = now + RENEW_EVERY_MS;
    for (const relay of this.#all()) {
      relay.look(now);
      relay.decided(now);
      if (renews && !relay.isEnding) this.log.renew(relay.order.command, now);
    }
  }

  async #renew(now: number): Promise<void> {
    const news = await this.ports.control.renew(now);
    if (news !== null) this.#judge(news, Date.now());
    else for (const relay of this.#all()) relay.end("control_unavailable");
  }

  #judge({ revocations, policy, inForce, isUnreadable }: SocketKnowledge, now: number): void {
    for (const relay of this.#all()) {
      const { caller, asked } = relay.order;
      const revoked = revocationOf(caller.authenticated, revocations);
      const killed = killOf(caller.authenticated, asked.connection, revocations);
      if (revoked !== null) relay.end("token_revoked", revoked.command);
      else if (killed !== null) relay.end("killed", killed.command);
      else if (isUnreadable || !relay.judge.allowsUpgrade(policy, now))
        relay.end("policy_changed", inForce?.command ?? null);
      else relay.goOn();
    }
  }

  async #append(record: Masked): Promise<boolean> {
    const made = commit(record, fillRandom, sha256);
    const answer = await this.commits.add<Appended>({
      apply: (careful) => this.log.proceed([made], Date.now(), careful),
      refused: () => ({ ok: false, reason: "storage_refused" }),
      alone: this.#relays.size === 0,
    });
    return answer.ok;
  }
}

/** The subprotocol is the upstream's choice, and an answer to what was offered; the handshake's other headers are each side's own. */
function releasedHeaders({ releasedTo }: SocketOrder, { headers }: Response): Header[] {
  const released = responseHeaders(headers, releasedTo).filter(([name]) => !name.startsWith("sec-websocket-"));
  const chosen = headers.get("sec-websocket-protocol");
  return chosen === null ? released : [...released, ["sec-websocket-protocol", chosen]];
}

function startedRecord({ command, started }: SocketOrder, headers: readonly Header[], plan: MaskPlan): Masked {
  const classes = { status: 101, ms: Date.now() - started };
  return exchangeRecord({ kind: "response.started", command, part: 0, classes }, { headers }, {}, plan);
}
