// What a decision costs inside the runtime, by how many rules there are. A figure is the mean of a batch
// of decisions, so that the request around it does not count; the 99th percentile is that of batches.

import { KINDS, type Kind } from "./policy_samples.ts";
import { spreadOf } from "./statistics.ts";
import { type Place, simpleSpec } from "./variants.ts";
import { startWorker } from "./workerd.ts";

const RULES = [10, 100, 1000] as const;
const BATCHES = 60;
/** Decisions in a batch: some milliseconds of them, since the request around it varies by a tenth of one. */
const BATCH: Readonly<Record<Kind, Readonly<Record<(typeof RULES)[number], number>>>> = {
  mixed: { 10: 5000, 100: 3000, 1000: 1500 },
  worst: { 10: 1000, 100: 300, 1000: 40 },
};

export interface DecisionCost {
  readonly kind: Kind;
  readonly rules: number;
  readonly leastUs: number;
  readonly medianUs: number;
  readonly p99Us: number;
}

export async function measureDecisions(place: Place): Promise<DecisionCost[]> {
  const worker = await startWorker(await simpleSpec("decisions", place, {}), place.folder);
  const milliseconds = async (kind: Kind, rules: number, times: number): Promise<number> => {
    const before = performance.now();
    const response = await fetch(`http://127.0.0.1:${worker.port}/?kind=${kind}&rules=${rules}&times=${times}`);
    const { allowed } = (await response.json()) as { allowed: number };
    if (response.status !== 200 || (kind === "worst" && allowed !== times))
      throw new Error(`decisions of ${kind} with ${rules} rules are wrong: ${response.status}, ${allowed} of ${times}`);
    return performance.now() - before;
  };
  const costs: DecisionCost[] = [];
  try {
    for (const kind of KINDS)
      for (const rules of RULES) {
        const times = BATCH[kind][rules];
        for (let i = 0; i < 10; i++) await milliseconds(kind, rules, times);
        const empty = [];
        for (let i = 0; i < 20; i++) empty.push(await milliseconds(kind, rules, 0));
        const around = spreadOf(empty).median;
        const taken: number[] = [];
        for (let i = 0; i < BATCHES; i++)
          taken.push(Math.max(0, (1000 * ((await milliseconds(kind, rules, times)) - around)) / times));
        const p99Us = [...taken].sort((a, b) => a - b)[Math.floor(0.99 * BATCHES)] ?? 0;
        const { min: leastUs, median: medianUs } = spreadOf(taken);
        costs.push({ kind, rules, leastUs, medianUs, p99Us });
      }
  } finally {
    await worker.stop();
  }
  return costs;
}

const WHAT: Readonly<Record<Kind, string>> = {
  mixed: "50 connections, half of the rules with conditions",
  worst: "one connection, all with conditions, the last one holds",
};

/** As in the JSON output: `mixed_1000: { least_us, median_us, p99_us }`. */
export function decisionsSummary(costs: readonly DecisionCost[]): Record<string, unknown> {
  const rounded = (figure: number): number => Number(figure.toFixed(2));
  return Object.fromEntries(
    costs.map(({ kind, rules, leastUs, medianUs, p99Us }) => [
      `${kind}_${rules}`,
      { least_us: rounded(leastUs), median_us: rounded(medianUs), p99_us: rounded(p99Us) },
    ]),
  );
}

export function decisionsText(costs: readonly DecisionCost[]): string {
  return [
    "\n",
    "a decision inside the runtime, microseconds; of batches",
    "",
    `${"rules".padEnd(66)}${"least".padStart(8)}${"median".padStart(10)}${"p99".padStart(10)}`,
    ...costs.map(
      ({ kind, rules, leastUs, medianUs, p99Us }) =>
        `${`${rules}: ${WHAT[kind]}`.padEnd(66)}${leastUs.toFixed(1).padStart(8)}${medianUs.toFixed(1).padStart(10)}${p99Us.toFixed(1).padStart(10)}`,
    ),
  ].join("\n");
}
