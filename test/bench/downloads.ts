// Large answers: how many megabytes a second come through, beside a Worker that only passes them on.
// The gateway masks and records each of them in full before it releases it. curl is the client.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { DOWNLOADS, type Download, HOST } from "./exchange.ts";
import { pinned } from "./pin.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import { type Variant, type VariantName } from "./variants.ts";

const MIB = 1024 * 1024;
const NAMES = ["direct", "bare", "gateway_disk", "gateway_memory"] as const satisfies readonly VariantName[];

export interface DownloadRate {
  readonly kind: Download;
  readonly name: VariantName;
  /** MB (10⁶ bytes) a second, one figure a round. */
  readonly rates: readonly number[];
}

export interface Downloads {
  readonly rates: readonly DownloadRate[];
  /** What each variant has answered and sent, warm-up included. */
  readonly answers: number;
  readonly bytes: number;
}

export async function measureDownloads(
  variants: ReadonlyMap<VariantName, Variant>,
  token: string,
  mebibytes: number,
  rounds: number,
): Promise<Downloads> {
  const found = new Map<string, { kind: Download; name: VariantName; rates: number[] }>();
  for (const kind of DOWNLOADS)
    for (let round = -1; round < rounds; round++)
      for (const name of NAMES) {
        const variant = variants.get(name);
        if (variant === undefined) throw new Error(`${name} does not run`);
        const rate = await download(variant.port, kind, token, round < 0 ? MIB : mebibytes * MIB);
        const key = `${kind} ${name}`;
        const into = found.get(key) ?? { kind, name, rates: [] };
        found.set(key, into);
        if (round >= 0) into.rates.push(rate);
      }
  const answers = DOWNLOADS.length * (rounds + 1);
  return { rates: [...found.values()], answers, bytes: DOWNLOADS.length * (1 + rounds * mebibytes) * MIB };
}

export async function download(port: number, kind: Download, token: string, bytes: number): Promise<number> {
  const [command, args] = pinned("load", "curl", [
    "--silent",
    "--fail",
    "--max-time",
    "120",
    "--output",
    "/dev/null",
    "--write-out",
    "%{size_download} %{speed_download}",
    "--header",
    `Host: ${HOST}`,
    "--header",
    `Authorization: Bearer ${token}`,
    `http://127.0.0.1:${port}/c/tool/v1/downloads/${kind}/${bytes}`,
  ]);
  const { stdout } = await promisify(execFile)(command, args);
  const [size = 0, speed = 0] = stdout.split(" ").map(Number);
  if (size !== bytes) throw new Error(`a download of ${bytes} bytes brought ${size}`);
  return speed / 1e6;
}

function ratio(rates: readonly DownloadRate[], kind: Download, of: VariantName): Spread {
  const find = (name: VariantName): readonly number[] =>
    rates.find((one) => one.kind === kind && one.name === name)?.rates ?? [];
  const bare = find("bare");
  return spreadOf(find(of).map((rate, round) => rate / (bare[round] ?? Number.NaN)));
}

/** As in the JSON output: `json: { bare_mb_s, gateway_disk_mb_s, …, gateway_disk_over_bare }`. */
export function downloadsSummary({ rates }: Downloads): Record<string, unknown> {
  return Object.fromEntries(
    DOWNLOADS.map((kind) => [
      kind,
      {
        ...Object.fromEntries(
          rates
            .filter((one) => one.kind === kind)
            .map(({ name, rates: all }) => [`${name}_mb_s`, Number(spreadOf(all).median.toFixed(1))]),
        ),
        gateway_disk_over_bare: Number(ratio(rates, kind, "gateway_disk").median.toFixed(3)),
        gateway_memory_over_bare: Number(ratio(rates, kind, "gateway_memory").median.toFixed(3)),
      },
    ]),
  );
}

const WHAT: Readonly<Record<Download, string>> = {
  json: "JSON, masked and recorded",
  binary: "binary, recorded",
};

export function downloadsText({ rates }: Downloads): string {
  const cell = ({ min, median, max }: Spread, digits: number): string =>
    `${min.toFixed(digits)} – ${median.toFixed(digits)} – ${max.toFixed(digits)}`.padStart(26);
  return [
    "\n",
    "large answers, one after the other: MB a second, and of bare within a round",
    "",
    ...rates.map(
      ({ kind, name, rates: all }) =>
        `${`${WHAT[kind]}: ${name}`.padEnd(44)}${cell(spreadOf(all), 0)}${cell(ratio(rates, kind, name), 2)}`,
    ),
  ].join("\n");
}
