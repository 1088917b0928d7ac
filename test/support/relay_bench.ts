// A relay between two ends in one isolate, over a session object's parts with faults of the test's choosing.
// Runs inside workerd.

import type { CommandId, Digest } from "../../core/ids.ts";
import { parsePolicy, type Policy } from "../../core/policy/policy.ts";
import { ApprovalDesk } from "../../durable/approval_desk.ts";
import { ApprovalOutbox } from "../../durable/approval_outbox.ts";
import type { SocketKnowledge } from "../../durable/socket_ports.ts";
import { type SocketHouse, SocketRelay } from "../../durable/socket_relay.ts";
import type { SocketOrder } from "../../durable/socket_rpc.ts";
import { SocketTurn } from "../../durable/socket_turn.ts";
import { sha256 } from "../../durable/sha256.ts";
import { WaitingRoom } from "../../durable/waiting_room.ts";
import { kindsOf, newCommand, record, requested } from "./objects.ts";
import { type Bench, withBench } from "./session_bench.ts";

const HASH = "5d".repeat(32) as Digest;
const POLICY = {
  version: 1,
  roles: { engineer: { groups: ["engineers"] } },
  connections: { chat: { protocol: "websocket", region: "local", upstream: "https://chat.example" } },
  rules: [
    {
      id: "all",
      effect: "allow",
      who: { roles: ["engineer"] },
      connections: ["chat"],
      methods: ["GET", "SEND", "RECEIVE"],
      routes: ["/**"],
    },
    {
      id: "no-drops",
      effect: "deny",
      who: "anyone",
      connections: ["chat"],
      methods: ["SEND"],
      routes: ["/**"],
      when: "has(command.json) && has(command.json.drop)",
      refused: "close",
    },
  ],
};

/** `rules` beside those that let everything pass. */
export function policy(rules: readonly unknown[] = [], connection: object = {}, hash: Digest = HASH): Policy {
  const connections = { chat: { ...POLICY.connections.chat, ...connection } };
  const parsed = parsePolicy(JSON.stringify({ ...POLICY, connections, rules: [...POLICY.rules, ...rules] }), hash);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.value;
}

/** What one end hears, in order. */
export class End {
  readonly socket: WebSocket;
  readonly heard: string[] = [];
  readonly closed: Promise<number>;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.accept();
    socket.addEventListener("message", ({ data }) => void this.heard.push(String(data)));
    this.closed = new Promise((resolve) => socket.addEventListener("close", ({ code }) => resolve(code)));
  }
}

export interface Relayed {
  readonly bench: Bench;
  readonly relay: SocketRelay;
  readonly caller: End;
  readonly tool: End;
  readonly command: CommandId;
  readonly desk: ApprovalDesk;
  /** What the control object is known to have said; null while that is too old. */
  knowledge: SocketKnowledge | null;
  hasRoom: boolean;
}

/** `rules` beside those that let everything pass. */
export function withRelay(
  work: (relayed: Relayed) => Promise<void>,
  rules: readonly unknown[] = [],
  connection: object = {},
): Promise<void> {
  return withBench(async (bench) => {
    bench.now = Date.now();
    const command = newCommand();
    await bench.begin(requested(command));
    await bench.proceed([record("response.started", command, { status: 101, ms: 1 }, { headers: "[]" })]);
    const known = { policy: policy(rules, connection), isUnreadable: false, inForce: null };
    const knowledge: SocketKnowledge = { ...known, revocations: { tokens: [], subjects: [], kills: [] } };
    const [toCaller, toTool] = [new WebSocketPair(), new WebSocketPair()];
    const relayed: { -readonly [Key in keyof Relayed]?: Relayed[Key] } = {
      ...{ bench, command, knowledge, hasRoom: true },
      desk: deskOf(bench),
    };
    const house: SocketHouse = {
      log: bench.log,
      commits: bench.commits,
      count: 1,
      turn: new SocketTurn({
        pause: (work) => void work(),
        flush: () => bench.commits.flush(),
        turns: () => bench.commits.turns,
        goOn: () => relay.goOn(),
      }),
      ports: {
        control: {
          current: () => relayed.knowledge ?? null,
          shouldRenew: () => false,
          renew: async () => relayed.knowledge ?? null,
        },
        pseudonym: () => () => "p",
        commitment: () => "0".repeat(64),
        approvals: () => sha256,
      },
      approvals: relayed.desk ?? deskOf(bench),
      room: new WaitingRoom(),
      hasRoomFor: () => relayed.hasRoom === true,
      catchUp: () => undefined,
      awaitNews: () => undefined,
      ended: () => undefined,
    };
    const relay: SocketRelay = new SocketRelay(orderOf(command), toCaller[1], toTool[1], house);
    relay.start();
    bench.onCommit = () => {
      if (bench.log.isKilling) relay.look(Date.now());
      relay.decided(Date.now());
    };
    const all = { ...relayed, relay, caller: new End(toCaller[0]), tool: new End(toTool[0]) } as Relayed;
    Object.defineProperties(relayed, {
      knowledge: { get: () => all.knowledge },
      hasRoom: { get: () => all.hasRoom },
    });
    await work(all);
  });
}

/** As a session object wires it, with a registry that takes everything and an alarm that nobody sets. */
function deskOf(bench: Bench): ApprovalDesk {
  const { log, commits } = bench;
  const outbox = new ApprovalOutbox({
    table: log.approvals.table,
    object: "bench",
    sidOf: (no) => log.sidOf(no),
    send: () => Promise.resolve(),
    wakeBy: () => undefined,
  });
  return new ApprovalDesk({
    log,
    commits,
    outbox,
    object: "bench",
    ready: () => Promise.resolve(null),
    announce: () => Promise.resolve(),
    policyInForce: () => Promise.resolve(null),
    wakeBy: () => undefined,
  });
}

function orderOf(command: CommandId): SocketOrder {
  const principal = {
    issuer: "https://id.example",
    subject: "alice",
    name: null,
    email: null,
    emailVerified: false,
    groups: ["engineers"],
    authTime: null,
    methods: [],
    actors: [],
  };
  const token = { id: "t", issuedAt: 0, expires: 4_000_000_000, algorithm: "ES256", keyId: null, client: null };
  const upstream = "https://chat.example";
  return {
    command,
    started: Date.now(),
    upstream: { url: `${upstream}/room`, base: upstream, headers: [], offered: [], timeoutMs: 1000 },
    releasedTo: { pathForm: "https://gateway.example/c/chat", upstream },
    caller: {
      authenticated: { principal, token } as SocketOrder["caller"]["authenticated"],
      until: Date.now() + 60_000,
    },
    firstAdmin: null,
    asked: { connection: "chat", path: "/room", query: "", headers: [], address: null, region: "local" },
    policy: HASH,
    approved: null,
  };
}

export async function kinds(bench: Bench): Promise<string[]> {
  return kindsOf((await bench.check()).records).slice(3);
}

/** Until everything that was sent has been decided, as far as that comes in a few turns. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
}
