// Turns what was measured into a table for people and an object for programs. Ratios first: absolute
// figures say more about the machine than about the gateway.

import { addedP50, type Measured, ratio, type Scenario, spread } from "./measure.ts";
import type { Spread } from "./statistics.ts";
import { LABELS, type VariantName } from "./variants.ts";

export interface About {
  readonly node: string;
  readonly workerd: string;
  readonly cores: number;
  readonly pinned: boolean;
  readonly rounds: number;
  readonly secondsPerSlice: number;
  readonly warmupMs: number;
  readonly firstWarmupMs: number;
  readonly disk: string;
  readonly memory: string;
}

export interface Figures {
  readonly scenarios: readonly Scenario[];
  readonly measured: readonly Measured[];
}

function find({ scenarios, measured }: Figures, connections: number, sessions: number): Measured {
  const index = scenarios.findIndex((one) => one.connections === connections && one.sessions === sessions);
  return measured[index] ?? new Map();
}

/** The figures by which the gateway is judged; throughput at 64 connections. */
export function summary(figures: Figures, about: About): Record<string, unknown> {
  const oneSession = find(figures, 64, 1);
  const manySessions = find(figures, 64, 64);
  const oneConnection = find(figures, 1, 1);
  const overBare = ratio(oneSession, "gateway_disk", "bare");
  const overCeiling = ratio(oneSession, "gateway_disk", "ceiling");
  const overBareMany = ratio(manySessions, "gateway_memory", "bare");
  const added = addedP50(oneConnection, "gateway_disk", "direct");
  return {
    gateway_over_bare_1_session: round(overBare.median, 3),
    gateway_over_ceiling_1_session: round(overCeiling.median, 3),
    gateway_over_bare_64_sessions: round(overBareMany.median, 3),
    added_p50_ms_1_connection: round(added.median, 3),
    records_per_s: Math.round(2 * spread(oneSession, "gateway_disk", "perSecond").median),
    added_p50_ms_1_connection_over_bare: round(addedP50(oneConnection, "gateway_disk", "bare").median, 3),
    spread: {
      gateway_over_bare_1_session: rounded(overBare),
      gateway_over_ceiling_1_session: rounded(overCeiling),
      gateway_over_bare_64_sessions: rounded(overBareMany),
      added_p50_ms_1_connection: rounded(added),
    },
    connections_for_ratios: 64,
    storage: {
      gateway_over_bare_1_session: "disk, fsync",
      gateway_over_ceiling_1_session: "disk, fsync",
      added_p50_ms_1_connection: "disk, fsync",
      records_per_s: "disk, fsync",
      gateway_over_bare_64_sessions: "memory-backed files",
    },
    d1: "not bound; no command waits for it",
    verified_tokens:
      "verified by jose with a cached key, then kept in a bounded cache; so in every variant that verifies",
    ...about,
    requests_per_s: requestsPerSecond(figures),
  };
}

function requestsPerSecond({ scenarios, measured }: Figures): Record<string, Record<string, number>> {
  return Object.fromEntries(
    scenarios.map(({ connections, sessions, variants }, index) => [
      `${connections}_connections_${sessions}_sessions`,
      Object.fromEntries(
        variants.map((name) => [name, Math.round(spread(measured[index] ?? new Map(), name, "perSecond").median)]),
      ),
    ]),
  );
}

export function table(figures: Figures, about: About): string {
  const lines = [
    `Node ${about.node}, workerd ${about.workerd}, ${about.cores} cores${about.pinned ? ", load and upstream pinned to one of them" : ""}`,
    `${about.rounds} rounds of ${about.secondsPerSlice} s a slice, interleaved; ${about.warmupMs} ms warm-up before each slice, ${about.firstWarmupMs} ms before the first`,
    `disk storage: ${about.disk} (each append waits for its fsync); memory-backed storage: ${about.memory}; D1 not bound`,
    "figures: minimum – median – maximum over rounds; ratios are of requests a second, taken within a round",
  ];
  figures.scenarios.forEach((scenario, index) =>
    lines.push("", ...scenarioTable(scenario, figures.measured[index] ?? new Map())),
  );
  return lines.join("\n");
}

function scenarioTable({ connections, sessions, variants }: Scenario, measured: Measured): string[] {
  const row = (...cells: readonly string[]): string =>
    cells
      .map((cell, index) => (index === 0 ? cell.padEnd(27) : cell.padStart(index < 3 || index === 5 ? 24 : 10)))
      .join("");
  return [
    `${connections} connection${connections === 1 ? "" : "s"}, ${sessions} session${sessions === 1 ? "" : "s"}`,
    row("", "of bare", "of ceiling", "p50 ms", "p99 ms", "requests/s", "records/s"),
    ...variants.map((name) =>
      row(
        LABELS[name],
        name === "bare" || !variants.includes("bare") ? "1" : spreadText(ratio(measured, name, "bare"), 2),
        name === "ceiling" || !variants.includes("ceiling") ? "1" : spreadText(ratio(measured, name, "ceiling"), 2),
        spread(measured, name, "p50Ms").median.toFixed(2),
        spread(measured, name, "p99Ms").median.toFixed(2),
        spreadText(spread(measured, name, "perSecond"), 0),
        isGateway(name) ? Math.round(2 * spread(measured, name, "perSecond").median).toString() : "",
      ),
    ),
  ];
}

function isGateway(name: VariantName): boolean {
  return name === "gateway_disk" || name === "gateway_memory";
}

function spreadText({ min, median, max }: Spread, digits: number): string {
  return `${min.toFixed(digits)} – ${median.toFixed(digits)} – ${max.toFixed(digits)}`;
}

function rounded({ min, median, max }: Spread): readonly number[] {
  return [round(min, 3), round(median, 3), round(max, 3)];
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
