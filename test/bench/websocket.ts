// Round trips through sockets of one object: the gateway, which decides and records each message both
// ways, beside a relay that only passes them on, in turns within one run.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pinned } from "./pin.ts";
import { startUpstream } from "./processes.ts";
import { type Kept, readKept } from "./records.ts";
import type { SocketJob, SocketResult } from "./socket_load.ts";
import { spreadOf } from "./statistics.ts";
import { HOST } from "./exchange.ts";
import { type Place, simpleSpec, startVariant, type Variant } from "./variants.ts";
import { startWorker } from "./workerd.ts";

export const SOCKET_VARIANTS = ["relay", "gateway_memory", "gateway_disk"] as const;
type Name = (typeof SOCKET_VARIANTS)[number];

export interface SocketFigure {
  readonly variant: Name;
  readonly connections: number;
  /** Round trips a second: of each round. */
  readonly rates: readonly number[];
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Wanted {
  readonly rounds: number;
  readonly seconds: number;
  /** How many are open at once. */
  readonly sockets: readonly number[];
}

export interface SocketFigures {
  readonly figures: readonly SocketFigure[];
  readonly problems: readonly string[];
}

export async function measureSockets(
  place: Place,
  token: string,
  { rounds, seconds, sockets }: Wanted,
): Promise<SocketFigures> {
  const upstream = await startUpstream("socket_upstream.ts");
  const own = placeOf(place, `http://127.0.0.1:${upstream.port}`);
  const child = startLoad();
  const variants = new Map<Name, { readonly variant: Variant; readonly path: string; trips: number; opened: number }>();
  const results = new Map<string, SocketResult[]>();
  const problems: string[] = [];
  try {
    const relay = await startWorker(
      { ...(await simpleSpec("relay", own, {}, "relay")), objects: { SESSION: "Relay" } },
      own.folder,
    );
    variants.set("relay", { variant: { ...relay, records: null }, path: "/echo", trips: 0, opened: 0 });
    for (const name of ["gateway_memory", "gateway_disk"] as const) {
      const variant = await startVariant(name, own, socketPolicy(own.upstream));
      variants.set(name, { variant, path: "/c/tool/echo", trips: 0, opened: 0 });
    }
    for (let round = 0; round <= rounds; round++)
      for (const connections of sockets)
        for (const [name, one] of variants) {
          const times = { warmupMs: round === 0 ? 600 : 100, measureMs: round === 0 ? 400 : seconds * 1000 };
          const job = { port: one.variant.port, path: one.path, host: HOST, token, connections, ...times };
          const result = await answerOf(child, job);
          one.trips += result.trips;
          one.opened += connections;
          if (result.wrong > 0) problems.push(`${name}: ${result.wrong} of ${connections} sockets went wrong`);
          if (round > 0)
            results.set(`${name} ${connections}`, [...(results.get(`${name} ${connections}`) ?? []), result]);
        }
  } finally {
    if (child.connected) child.disconnect();
    for (const { variant } of variants.values()) await variant.stop();
    upstream.stop();
  }
  for (const [name, { variant, trips, opened }] of variants)
    if (variant.records !== null) problems.push(...recordProblems(name, readKept(variant.records), trips, opened));
  return { figures: figuresOf(results, sockets), problems };
}

/** A folder of its own, because another part of the run has Workers of the same names. */
function placeOf(place: Place, upstream: string): Place {
  const below = (folder: string): string => {
    const own = join(folder, "sockets");
    mkdirSync(own, { recursive: true });
    return own;
  };
  return { ...place, upstream, folder: below(place.folder), disk: below(place.disk), memory: below(place.memory) };
}

export function socketPolicy(upstream: string): unknown {
  return {
    version: 1,
    roles: { engineer: { groups: ["engineers"] } },
    connections: { tool: { protocol: "websocket", upstream, region: "local" } },
    rules: [
      {
        id: "engineers-open",
        effect: "allow",
        who: { roles: ["engineer"] },
        connections: ["tool"],
        methods: ["GET"],
        routes: ["/**"],
      },
      {
        id: "engineers-talk",
        effect: "allow",
        who: { roles: ["engineer"] },
        connections: ["tool"],
        methods: ["SEND", "RECEIVE"],
        routes: ["/echo"],
      },
    ],
  };
}

/** Two messages a round trip, and of each socket an intent, a beginning and an outcome. */
function recordProblems(name: string, kept: Kept, trips: number, sockets: number): string[] {
  const problems: string[] = [];
  const messages = kept.requested - sockets;
  if (messages !== 2 * trips) problems.push(`${messages} messages are recorded, and ${2 * trips} passed`);
  if (kept.completed !== sockets) problems.push(`${kept.completed} outcomes of ${sockets} sockets`);
  if (kept.started !== sockets) problems.push(`${kept.started} beginnings of ${sockets} sockets`);
  if (kept.others > 0) problems.push(`${kept.others} records of other kinds`);
  if (kept.broken > 0) problems.push(`${kept.broken} records out of their chain`);
  return problems.map((problem) => `${name}: ${problem}`);
}

function figuresOf(results: ReadonlyMap<string, readonly SocketResult[]>, sockets: readonly number[]): SocketFigure[] {
  return sockets.flatMap((connections) =>
    SOCKET_VARIANTS.map((variant) => {
      const own = results.get(`${variant} ${connections}`) ?? [];
      return {
        variant,
        connections,
        rates: own.map(({ measured, seconds }) => measured / seconds),
        p50Ms: spreadOf(own.map(({ p50Ms }) => p50Ms)).median,
        p99Ms: spreadOf(own.map(({ p99Ms }) => p99Ms)).median,
      };
    }),
  );
}

export function startLoad(): ChildProcess {
  const [command, args] = pinned("load", process.execPath, [join(import.meta.dirname, "socket_load.ts")]);
  return spawn(command, args, { stdio: ["ignore", 2, 2, "ipc"] });
}

export function answerOf(child: ChildProcess, job: SocketJob): Promise<SocketResult> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error("the load generator ended"));
    child.once("exit", ended);
    child.once("message", (result: SocketResult) => {
      child.off("exit", ended);
      resolve(result);
    });
    child.send(job);
  });
}

const LABELS: Readonly<Record<Name, string>> = {
  relay: "relay without decision and record",
  gateway_memory: "gateway, memory-backed",
  gateway_disk: "gateway, disk",
};

/** Of the relay in the same round, so that what slows a round down counts on both sides. */
function ratios(figures: readonly SocketFigure[], of: SocketFigure): number[] {
  const relay = figures.find(({ variant, connections }) => variant === "relay" && connections === of.connections);
  return of.rates.map((rate, round) => rate / (relay?.rates[round] ?? NaN));
}

export function socketsSummary({ figures }: SocketFigures): Record<string, unknown> {
  return Object.fromEntries(
    figures.map((figure) => [
      `${figure.variant}_${figure.connections}`,
      {
        per_second: Math.round(spreadOf(figure.rates).median),
        of_relay: Number(spreadOf(ratios(figures, figure)).median.toFixed(3)),
        p50_ms: Number(figure.p50Ms.toFixed(3)),
        p99_ms: Number(figure.p99Ms.toFixed(3)),
      },
    ]),
  );
}

export function socketsText({ figures }: SocketFigures): string {
  const lines = figures.map((figure) => {
    const rate = Math.round(spreadOf(figure.rates).median).toString().padStart(9);
    const ratio = spreadOf(ratios(figures, figure)).median.toFixed(2).padStart(9);
    const times = `${figure.p50Ms.toFixed(2).padStart(9)}${figure.p99Ms.toFixed(2).padStart(9)}`;
    return `${`${figure.connections}: ${LABELS[figure.variant]}`.padEnd(50)}${rate}${ratio}${times}`;
  });
  const head = `${"sockets".padEnd(50)}${"trips/s".padStart(9)}${"of relay".padStart(9)}${"p50 ms".padStart(9)}${"p99 ms".padStart(9)}`;
  return ["\n", "round trips over WebSockets of one object, 110-byte JSON text", "", head, ...lines].join("\n");
}
