// Compares bundles of the gateway with each other: `node test/bench/compare.ts <calls|sockets|json|binary>
// <rounds> <folder for storage> <folder of a bundle> <folder of another> …`. In turns within one run, and
// by the processor's time of the runtime, so that what else the machine does counts little. Looks at no
// records: run.ts does.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { kindOf, loadOf } from "./slices.ts";
import { cpuOf } from "./stages.ts";
import { spreadOf } from "./statistics.ts";
import type { Variant } from "./variants.ts";

const CONNECTIONS = { calls: 64, sockets: 32, json: 1, binary: 1 } as const;
const SLICE_MS = 1500;

interface Compared {
  readonly name: string;
  readonly gateway: Variant;
  /** Milliseconds a unit, and units a second by the clock: one figure a round. */
  readonly processor: number[];
  readonly perSecond: number[];
}

const [what, rounds = "5", storage = "/dev/shm", ...bundles] = process.argv.slice(2);
const kind = kindOf(what);
const folder = mkdtempSync(join(storage, "sallyport-compare-"));
const load = await loadOf(kind, CONNECTIONS[kind]);
const all: Compared[] = [];
for (const [index, bundle] of bundles.entries()) {
  const own = join(folder, String(index));
  mkdirSync(own);
  const gateway = await load.start({ bundle, folder: own, inspector: null });
  all.push({ name: basename(bundle), gateway, processor: [], perSecond: [] });
  await load.slice(gateway, SLICE_MS / 2);
}
for (let round = 0; round < Number(rounds); round++)
  for (let turn = 0; turn < all.length; turn++) {
    const one = all[(turn + round) % all.length];
    if (one === undefined) continue;
    const before = cpuOf(one.gateway.pid);
    const { units, perSecond } = await load.slice(one.gateway, SLICE_MS);
    one.processor.push((cpuOf(one.gateway.pid) - before) / 1000 / units);
    one.perSecond.push(perSecond);
  }
/** The lower quartile as well: what else the machine does only ever adds. */
const cell = (values: readonly number[], digits: number): string => {
  const sorted = [...values].sort((a, b) => a - b);
  const { min, median, max } = spreadOf(values);
  const quartile = sorted[Math.floor(sorted.length / 4)] ?? min;
  return [min, quartile, median, max]
    .map((one) => one.toFixed(digits))
    .join(" – ")
    .padStart(34);
};
console.log(
  `${kind.padEnd(20)}${["processor ms a unit", "of the first", "units a second"].map((head) => head.padStart(34)).join("")}`,
);
for (const { name, processor, perSecond } of all) {
  const ratios = processor.map((one, round) => one / (all[0]?.processor[round] ?? Number.NaN));
  console.log(`${name.padEnd(20)}${cell(processor, 3)}${cell(ratios, 3)}${cell(perSecond, 0)}`);
}
for (const { gateway } of all) await gateway.stop();
await load.stop();
rmSync(folder, { recursive: true, force: true });
