// What each stage of a command costs. Where a stage talks to something, by Workers that each do one
// thing more than the one before (wall time and processor time of the runtime, a request); where it
// only computes, by running the gateway's own function many times inside the runtime.

import { readFileSync } from "node:fs";
import type { JobResult } from "./load.ts";
import type { LoadProcess } from "./processes.ts";
import { spreadOf } from "./statistics.ts";
import { type Place, policyOf, simpleSpec } from "./variants.ts";
import { type RunningWorker, startWorker } from "./workerd.ts";

/** As in workers/steps.ts, with what each adds. */
const STEPS: readonly (readonly [step: string, what: string])[] = [
  ["bare", "pass-through"],
  ["verify", "authenticate: token found in the cache"],
  ["request_body", "forward: request body read whole"],
  ["response_body", "forward: answer read whole"],
  ["headers", "forward: headers rebuilt both ways"],
  ["abort", "forward: upstream is cancelled with the caller"],
  ["timer", "forward: one timer"],
  ["one_call", "begin: an empty call to the object"],
  ["two_calls", "proceed: another"],
  ["records", "begin, proceed: records as arguments"],
  ["grouped", "begin, proceed: waiting for company"],
];

const FUNCTIONS: readonly (readonly [name: string, what: string, times: number])[] = [
  ["id", "command id", 1],
  ["decide", "decide: target and policy", 1],
  ["request_headers", "decide: request headers filtered", 1],
  ["commit_intent", "begin: intent masked and committed", 1],
  ["body_digest", "forward: body digested", 2],
  ["response_headers", "proceed: answer headers filtered", 1],
  ["commit_outcome", "proceed: outcome masked and committed", 1],
  ["leaf", "object: leaf written and hashed", 2],
];

export interface StageCost {
  readonly what: string;
  /** Microseconds of a request that this stage adds. */
  readonly wallUs: number | null;
  readonly cpuUs: number;
}

/** Something that runs under load, and the process whose time it takes. */
export interface Loaded {
  readonly what: string;
  readonly pid: number;
  run(warmupMs: number, measureMs: number): Promise<JobResult>;
}

/** `further` come after the steps: the gateway itself, on one storage and the other. */
export async function measureSteps(
  place: Place,
  load: LoadProcess,
  token: string,
  rounds: number,
  further: readonly Loaded[],
): Promise<StageCost[]> {
  const workers: RunningWorker[] = [];
  const loaded: Loaded[] = [];
  for (const [step, what] of STEPS) {
    const worker = await startWorker(await simpleSpec(`step_${step}`, place, { STEP: step }, "steps"), place.folder);
    workers.push(worker);
    const job = { port: worker.port, connections: 64, tokens: [token] };
    loaded.push({ what, pid: worker.pid, run: (warmupMs, measureMs) => load.run({ ...job, warmupMs, measureMs }) });
  }
  loaded.push(...further);
  const taken = loaded.map(() => ({ wall: [] as number[], cpu: [] as number[] }));
  for (const one of loaded) await one.run(1000, 0);
  for (let round = 0; round < rounds; round++) {
    for (const [index, one] of loaded.entries()) {
      const before = cpuOf(one.pid);
      const { answered, measured, seconds } = await one.run(200, 800);
      taken[index]?.wall.push((1e6 * seconds) / measured);
      taken[index]?.cpu.push((cpuOf(one.pid) - before) / answered.reduce((sum, count) => sum + count, 0));
    }
  }
  for (const worker of workers) await worker.stop();
  // The least of the rounds: what else the machine does only ever adds, and differences of small figures suffer most from it.
  const least = (index: number, figure: "wall" | "cpu"): number => spreadOf(taken[index]?.[figure] ?? []).min;
  return loaded.map(({ what }, index) => ({
    what,
    wallUs: least(index, "wall") - (index === 0 ? 0 : least(index - 1, "wall")),
    cpuUs: least(index, "cpu") - (index === 0 ? 0 : least(index - 1, "cpu")),
  }));
}

/** Processor time of a process in microseconds, all threads; the kernel counts in hundredths of a second. */
export function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

export async function measureFunctions(place: Place): Promise<StageCost[]> {
  const spec = await simpleSpec("functions", place, { POLICY: JSON.stringify(policyOf(place.upstream)) });
  const worker = await startWorker(spec, place.folder);
  const milliseconds = async (name: string, times: number): Promise<number> => {
    const before = performance.now();
    const response = await fetch(`http://127.0.0.1:${worker.port}/?function=${name}&times=${times}`);
    if (response.status !== 200) throw new Error(`the function ${name} cannot be measured: ${response.status}`);
    return performance.now() - before;
  };
  const costs: StageCost[] = [];
  for (const [name, what, perCommand] of FUNCTIONS) {
    await milliseconds(name, 20_000);
    const taken = [];
    for (let i = 0; i < 5; i++)
      taken.push((await milliseconds(name, 10_000)) - (await milliseconds("nothing", 10_000)));
    costs.push({
      what: perCommand === 1 ? what : `${what} (${perCommand} ×)`,
      wallUs: null,
      cpuUs: (spreadOf(taken).median / 10) * perCommand,
    });
  }
  await worker.stop();
  return costs;
}

export function stagesText(steps: readonly StageCost[], functions: readonly StageCost[]): string {
  const line = ({ what, wallUs, cpuUs }: StageCost): string =>
    `${what.padEnd(56)}${(wallUs === null ? "" : wallUs.toFixed(0)).padStart(8)}${cpuUs.toFixed(1).padStart(10)}`;
  return [
    "\n",
    "cost of each stage, microseconds a request at 64 connections and 1 session; the least of the rounds",
    "",
    `${"by Workers that do one thing more each".padEnd(56)}${"wall".padStart(8)}${"processor".padStart(10)}`,
    ...steps.map(line),
    "",
    `${"the gateway's functions run inside the runtime".padEnd(56)}${"".padStart(8)}${"processor".padStart(10)}`,
    ...functions.map(line),
  ].join("\n");
}
