// The benchmark: the gateway beside simpler Workers on the same runtime, in one run. Says how fast,
// and fails only if an answer was wrong or a record is missing. docs/performance.md explains it.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { buildWorker } from "../../scripts/build.ts";
import { startIssuer } from "../support/issuer.ts";
import { maskingSummary, maskingText, measureMasking } from "./masking.ts";
import { type Downloads, downloadsSummary, downloadsText, measureDownloads } from "./downloads.ts";
import { Harness, type Plan, type Scenario } from "./measure.ts";
import { HELP, type Options, parseOptions } from "./options.ts";
import { isPinning } from "./pin.ts";
import { decisionsSummary, decisionsText, measureDecisions } from "./policy_decisions.ts";
import { type LoadProcess, startLoad, startUpstream } from "./processes.ts";
import { problemsOf, readKept } from "./records.ts";
import { type About, summary, table } from "./report.ts";
import { type Loaded, measureFunctions, measureSteps, type StageCost, stagesText } from "./stages.ts";
import {
  ADMIN,
  startVariant,
  type Place,
  type Variant,
  type VariantName,
  VARIANTS,
  type WorkerName,
} from "./variants.ts";
import { measureSockets, socketsSummary, socketsText } from "./websocket.ts";
import { workerdBinary } from "./workerd.ts";

const SUBJECTS = 64;
/** `--quick` has to end within 50 s: what is left is for the last round, decisions and masking, for ending the runtimes and for reading the records. */
const QUICK_ROUNDS_UNTIL_MS = 24_000;

const QUICK: readonly Scenario[] = [
  { connections: 64, sessions: 1, variants: ["direct", "bare", "verify", "ceiling", "gateway_disk"] },
  { connections: 1, sessions: 1, variants: ["direct", "bare", "ceiling", "gateway_disk"] },
  { connections: 64, sessions: 64, variants: ["bare", "ceiling", "gateway_memory"] },
];

const FULL: readonly Scenario[] = [1, 16, 64].flatMap((connections) =>
  [1, 16, 64].map((sessions) => ({ connections, sessions, variants: VARIANTS })),
);

function planOf(options: Options): Plan {
  const { quick, rounds, seconds } = options;
  if (quick)
    return { scenarios: QUICK, rounds, seconds, warmupMs: 150, firstWarmupMs: 600, deadline: QUICK_ROUNDS_UNTIL_MS };
  return { scenarios: FULL, rounds, seconds, warmupMs: 250, firstWarmupMs: 1000, deadline: Number.POSITIVE_INFINITY };
}

async function main(options: Options): Promise<boolean> {
  const say = (line: string): void => console.error(line);
  const plan = planOf(options);
  const folder = mkdtempSync(join(options.disk ?? tmpdir(), "sallyport-bench-"));
  const memory = mkdtempSync(join(options.memory ?? "/dev/shm", "sallyport-bench-"));
  const issuer = await startIssuer();
  const upstream = await startUpstream();
  const load = startLoad();
  const variants = new Map<VariantName, Variant>();
  try {
    const place: Place = {
      upstream: `http://127.0.0.1:${upstream.port}`,
      issuer: issuer.url,
      admin: await issuer.token(ADMIN),
      bundle: buildWorker(),
      folder,
      disk: folder,
      memory,
      inspector: null,
    };
    variants.set("direct", { port: upstream.port, pid: 0, records: null, stop: async () => undefined });
    say("starting the Workers …");
    const names = VARIANTS.filter((name): name is WorkerName => name !== "direct");
    for (const name of names) variants.set(name, await startVariant(name, place));
    const tokens = await Promise.all(
      Array.from({ length: SUBJECTS }, (_, index) =>
        issuer.token({ subject: `person-${index}`, groups: ["engineers"] }),
      ),
    );
    const harness = new Harness(variants, load, tokens, say);
    const { measured, rounds } = await harness.measure(plan);
    const stages =
      options.stages && !options.quick ? await stagesOf(place, load, harness, variants, tokens[0] ?? "") : null;
    say("downloads");
    const downloads = await measureDownloads(variants, tokens[0] ?? "", options.quick ? 16 : 64, options.quick ? 3 : 5);
    say("decisions");
    const decisions = await measureDecisions(place);
    say("masking");
    const masking = await measureMasking(place);
    for (const variant of variants.values()) await variant.stop();
    say("sockets");
    const sockets = await measureSockets(place, tokens[0] ?? "", {
      rounds: options.quick ? 1 : options.rounds,
      seconds: options.seconds,
      sockets: options.quick ? [32] : [32, 1],
    });
    const problems = [...checkRecords(harness, variants, downloads), ...sockets.problems];
    for (const problem of problems) say(problem);
    const about = aboutOf(options, plan, rounds, folder, memory);
    const figures = { scenarios: plan.scenarios, measured };
    if (options.json)
      console.log(
        JSON.stringify({
          ...summary(figures, about),
          decisions: decisionsSummary(decisions),
          masking: maskingSummary(masking),
          downloads: downloadsSummary(downloads),
          websocket: socketsSummary(sockets),
          ...(stages === null ? {} : { stages }),
        }),
      );
    else
      console.log(
        table(figures, about) +
          (stages === null ? "" : stagesText(stages.steps, stages.functions)) +
          decisionsText(decisions) +
          maskingText(masking) +
          downloadsText(downloads) +
          socketsText(sockets),
      );
    return problems.length === 0;
  } finally {
    for (const variant of variants.values()) await variant.stop();
    load.stop();
    upstream.stop();
    await issuer.stop();
    rmSync(folder, { recursive: true, force: true });
    rmSync(memory, { recursive: true, force: true });
  }
}

async function stagesOf(
  place: Place,
  load: LoadProcess,
  harness: Harness,
  variants: ReadonlyMap<VariantName, Variant>,
  token: string,
): Promise<{ steps: StageCost[]; functions: StageCost[] }> {
  console.error("stages");
  const gateway = (name: VariantName, what: string): Loaded => ({
    what,
    pid: variants.get(name)?.pid ?? 0,
    run: (warmupMs, measureMs) => harness.run(name, { connections: 64, sessions: 1 }, warmupMs, measureMs),
  });
  const further = [
    gateway("gateway_memory", "all else of the gateway: decide, mask, commit, insert"),
    gateway("gateway_disk", "fsync"),
  ];
  return { steps: await measureSteps(place, load, token, 5, further), functions: await measureFunctions(place) };
}

function checkRecords(harness: Harness, variants: ReadonlyMap<VariantName, Variant>, downloads: Downloads): string[] {
  const problems = harness.wrong > 0 ? [`${harness.wrong} wrong answers`] : [];
  for (const [name, { records }] of variants) {
    if (records === null) continue;
    const answered = (harness.answered.get(name) ?? 0) + downloads.answers;
    const found = problemsOf(readKept(records), answered, harness.callers.get(name)?.size ?? 0, downloads);
    problems.push(...found.map((problem) => `${name}: ${problem}`));
  }
  return problems;
}

function aboutOf(options: Options, plan: Plan, rounds: number, folder: string, memory: string): About {
  const filesystem = (path: string): string =>
    execFileSync("stat", ["-f", "-c", "%T", path], { encoding: "utf8" }).trim();
  return {
    node: process.versions.node,
    workerd: execFileSync(workerdBinary(), ["--version"], { encoding: "utf8" }).trim().replace("workerd ", ""),
    cores: availableParallelism(),
    pinned: isPinning,
    rounds,
    secondsPerSlice: options.seconds,
    warmupMs: plan.warmupMs,
    firstWarmupMs: plan.firstWarmupMs,
    disk: filesystem(folder),
    memory: filesystem(memory),
  };
}

let options: Options | null = null;
try {
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : "wrong options");
  console.error(HELP);
  process.exitCode = 2;
}
if (options?.help === true) console.log(HELP);
else if (options !== null) process.exitCode = (await main(options)) ? 0 : 1;
