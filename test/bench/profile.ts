// Takes a CPU profile of the gateway under load and prints where its time goes: `node
// test/bench/profile.ts [calls|sockets|json|binary] [connections] [sessions] [seconds] [file.cpuprofile]`.
// The file opens in any browser's developer tools.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildWorker } from "../../scripts/build.ts";
import { kindOf, loadOf } from "./slices.ts";

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** The inspector protocol over its WebSocket: one call at a time is enough here. */
class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #last = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", (event) => {
      const message = JSON.parse(String(event.data)) as { id?: number; result?: unknown };
      if (message.id !== undefined) this.#waiting.get(message.id)?.(message.result);
    });
  }

  static async open(port: number): Promise<Inspector> {
    const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as { id: string }[];
    const socket = new WebSocket(`ws://127.0.0.1:${port}/${targets[0]?.id ?? ""}`);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", () => reject(new Error("the inspector does not answer")));
    });
    return new Inspector(socket);
  }

  call(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#last;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  close(): void {
    this.#socket.close();
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** Microseconds by function, itself and with what it calls. */
function times({ nodes, samples, timeDeltas }: Profile): {
  own: Map<string, number>;
  total: Map<string, number>;
  all: number;
} {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const ownById = new Map<number, number>();
  samples.forEach((id, index) => ownById.set(id, (ownById.get(id) ?? 0) + (timeDeltas[index] ?? 0)));
  const own = new Map<string, number>();
  const total = new Map<string, number>();
  const add = (map: Map<string, number>, name: string, time: number): void =>
    void map.set(name, (map.get(name) ?? 0) + time);
  const walk = (node: ProfileNode, above: ReadonlySet<string>): number => {
    const { functionName, lineNumber } = node.callFrame;
    const name = `${functionName || "(anonymous)"}:${lineNumber + 1}`;
    const mine = ownById.get(node.id) ?? 0;
    const inside = new Set(above).add(name);
    let sum = mine;
    for (const child of node.children ?? []) {
      const found = byId.get(child);
      if (found !== undefined) sum += walk(found, inside);
    }
    add(own, name, mine);
    if (!above.has(name)) add(total, name, sum);
    return sum;
  };
  const [root] = nodes;
  const all = root === undefined ? 0 : walk(root, new Set());
  return { own, total, all };
}

function print(title: string, map: ReadonlyMap<string, number>, units: number): void {
  console.log(`\n${title}, µs a unit`);
  for (const [name, time] of [...map].sort((a, b) => b[1] - a[1]).slice(0, 40))
    console.log(`${(time / units).toFixed(2).padStart(9)}  ${name}`);
}

const [what = "calls", connections = "64", sessions = "1", seconds = "5", file] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "sallyport-profile-"));
const load = await loadOf(kindOf(what), Number(connections), Number(sessions));
const inspectorPort = await freePort();
const gateway = await load.start({ bundle: buildWorker(), folder, inspector: `127.0.0.1:${inspectorPort}` });
await load.slice(gateway, 3000);
const inspector = await Inspector.open(inspectorPort);
await inspector.call("Profiler.enable");
await inspector.call("Profiler.setSamplingInterval", { interval: 100 });
await inspector.call("Profiler.start");
const { units, perSecond } = await load.slice(gateway, Number(seconds) * 1000);
const { profile } = (await inspector.call("Profiler.stop")) as { profile: Profile };
const { own, total, all } = times(profile);
console.log(`${units.toFixed(0)} units, ${(all / units).toFixed(0)} µs a unit, ${perSecond.toFixed(0)} a second`);
print("own time", own, units);
print("with callees", total, units);
if (file !== undefined) writeFileSync(file, JSON.stringify(profile));
inspector.close();
await gateway.stop();
await load.stop();
rmSync(folder, { recursive: true, force: true });
