// Runs the slices: every round visits every scenario, every scenario all its variants one after
// another, so that what drifts (heat, other load, growing files) hits all alike. The order of the
// variants turns by one each round.

import type { JobResult } from "./load.ts";
import type { LoadProcess } from "./processes.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import type { Variant, VariantName } from "./variants.ts";

export interface Scenario {
  readonly connections: number;
  readonly sessions: number;
  readonly variants: readonly VariantName[];
}

export interface Slice {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Slices of one scenario by variant, one a round. */
export type Measured = ReadonlyMap<VariantName, readonly Slice[]>;

export interface Plan {
  readonly scenarios: readonly Scenario[];
  readonly rounds: number;
  readonly seconds: number;
  readonly warmupMs: number;
  /** Once, before the first round, for each variant and scenario. */
  readonly firstWarmupMs: number;
  /** `performance.now()` after which no further round begins; at least two are run. */
  readonly deadline: number;
}

export class Harness {
  /** Right answers by variant, warm-ups included. */
  readonly answered = new Map<VariantName, number>();
  /** Tokens that got an answer, by variant: how many sessions there must be. */
  readonly callers = new Map<VariantName, Set<string>>();
  wrong = 0;
  readonly #variants: ReadonlyMap<VariantName, Variant>;
  readonly #load: LoadProcess;
  readonly #tokens: readonly string[];
  readonly #say: (line: string) => void;

  constructor(
    variants: ReadonlyMap<VariantName, Variant>,
    load: LoadProcess,
    tokens: readonly string[],
    say: (line: string) => void,
  ) {
    this.#variants = variants;
    this.#load = load;
    this.#tokens = tokens;
    this.#say = say;
  }

  async run(
    name: VariantName,
    { connections, sessions }: Pick<Scenario, "connections" | "sessions">,
    warmupMs: number,
    measureMs: number,
  ): Promise<JobResult> {
    const variant = this.#variants.get(name);
    if (variant === undefined) throw new Error(`${name} does not run`);
    const tokens = this.#tokens.slice(0, sessions);
    const result = await this.#load.run({ port: variant.port, connections, tokens, warmupMs, measureMs });
    this.#account(name, tokens, result);
    return result;
  }

  #account(name: VariantName, tokens: readonly string[], { answered, wrong, firstWrong }: JobResult): void {
    const callers = this.callers.get(name) ?? new Set();
    this.callers.set(name, callers);
    tokens.forEach((token, index) => {
      if ((answered[index] ?? 0) > 0) callers.add(token);
    });
    this.answered.set(name, (this.answered.get(name) ?? 0) + answered.reduce((sum, one) => sum + one, 0));
    this.wrong += wrong;
    if (firstWrong !== null) this.#say(`wrong answer from ${name}: ${firstWrong.slice(0, 400)}`);
  }

  async measure(plan: Plan): Promise<{ measured: Measured[]; rounds: number }> {
    const slices = plan.scenarios.map(() => new Map<VariantName, Slice[]>());
    for (const scenario of plan.scenarios)
      for (const name of scenario.variants) await this.run(name, scenario, plan.firstWarmupMs, 0);
    let rounds = 0;
    while (rounds < plan.rounds && (rounds < 2 || performance.now() < plan.deadline)) {
      this.#say(`round ${rounds + 1} of ${plan.rounds}`);
      for (const [index, scenario] of plan.scenarios.entries())
        await this.#round(scenario, rounds, plan, slices[index] ?? new Map());
      rounds += 1;
    }
    return { measured: slices, rounds };
  }

  async #round(scenario: Scenario, round: number, plan: Plan, into: Map<VariantName, Slice[]>): Promise<void> {
    const turned = scenario.variants.map(
      (_, index) => scenario.variants[(index + round) % scenario.variants.length] ?? "direct",
    );
    for (const name of turned) {
      const { measured, seconds, p50Ms, p99Ms } = await this.run(name, scenario, plan.warmupMs, plan.seconds * 1000);
      const slices = into.get(name) ?? [];
      into.set(name, slices);
      slices.push({ perSecond: measured / seconds, p50Ms, p99Ms });
    }
  }
}

export function spread(measured: Measured, name: VariantName, figure: keyof Slice): Spread {
  return spreadOf((measured.get(name) ?? []).map((slice) => slice[figure]));
}

/** Ratio of two variants' requests a second, taken within each round and then over the rounds. */
export function ratio(measured: Measured, of: VariantName, to: VariantName): Spread {
  const below = measured.get(to) ?? [];
  return spreadOf(
    (measured.get(of) ?? []).map((slice, round) => slice.perSecond / (below[round]?.perSecond ?? Number.NaN)),
  );
}

/** What a variant adds to another's median, taken within each round. */
export function addedP50(measured: Measured, of: VariantName, to: VariantName): Spread {
  const below = measured.get(to) ?? [];
  return spreadOf((measured.get(of) ?? []).map((slice, round) => slice.p50Ms - (below[round]?.p50Ms ?? Number.NaN)));
}
