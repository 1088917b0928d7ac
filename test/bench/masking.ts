// How fast bodies are masked inside the runtime, and how fast secretlint reads the same ones on Node, which
// it needs: bytes by the processor's time that the process took, so that what else the machine does counts
// little. The best of some rounds.

import { secretlintRanges } from "../support/secretlint.ts";
import { benchDocument, type DocumentName, DOCUMENTS, JSON_DOCUMENTS } from "./masking_documents.ts";
import { cpuOf } from "./stages.ts";
import { type Place, simpleSpec } from "./variants.ts";
import { startWorker } from "./workerd.ts";

const BYTES_A_REQUEST = 2_000_000;
/** The clock of a process' time ticks every 10 ms: a round is some tens of them. */
const REQUESTS = 15;
const ROUNDS = 2;
const TICK_US = 10_000;
/** It is slow, and a run of the benchmark is short. */
const SECRETLINT_RUNS = 4;

export interface MaskingSpeed {
  readonly document: DocumentName;
  readonly kilobytes: number;
  readonly masked: number;
  /** Megabytes a second. */
  readonly mask: number;
  /** Of the shapes alone. */
  readonly scan: number;
  /** Null for what secretlint does not read. */
  readonly secretlint: number | null;
}

export async function measureMasking(place: Place): Promise<MaskingSpeed[]> {
  const worker = await startWorker(await simpleSpec("masking", place, {}), place.folder);
  const ask = async (document: DocumentName, what: "mask" | "scan", times: number): Promise<number> => {
    const query = new URLSearchParams({ document, what, times: String(times) });
    const response = await fetch(`http://127.0.0.1:${worker.port}/?${query.toString()}`);
    const { found } = (await response.json()) as { found: number };
    return found;
  };
  const speeds: MaskingSpeed[] = [];
  try {
    for (const document of DOCUMENTS) {
      const { bytes } = benchDocument(document);
      const times = Math.ceil(BYTES_A_REQUEST / bytes.length);
      const speed = async (what: "mask" | "scan"): Promise<number> => {
        for (let i = 0; i < 4; i++) await ask(document, what, times);
        const rounds: number[] = [];
        for (let round = 0; round < ROUNDS; round++) {
          const before = cpuOf(worker.pid);
          for (let i = 0; i < REQUESTS; i++) await ask(document, what, times);
          rounds.push((bytes.length * times * REQUESTS) / Math.max(TICK_US, cpuOf(worker.pid) - before));
        }
        return Math.max(...rounds);
      };
      const mask = await speed("mask");
      const masked = await ask(document, "mask", 1);
      const secretlint = document === "binary" ? null : await secretlintSpeed(document);
      speeds.push({ document, kilobytes: bytes.length / 1000, masked, mask, scan: await speed("scan"), secretlint });
    }
  } finally {
    await worker.stop();
  }
  return speeds;
}

async function secretlintSpeed(name: DocumentName): Promise<number> {
  const { bytes, type } = benchDocument(name);
  const content = new TextDecoder().decode(bytes);
  await secretlintRanges(content, type === "application/json" ? ".json" : ".txt");
  const rounds: number[] = [];
  for (let i = 0; i < SECRETLINT_RUNS; i++) {
    const before = process.cpuUsage();
    await secretlintRanges(content, type === "application/json" ? ".json" : ".txt");
    const { user, system } = process.cpuUsage(before);
    rounds.push(bytes.length / (user + system));
  }
  return Math.max(...rounds);
}

const round = (figure: number): number => Number(figure.toFixed(1));

/** As in the JSON output: `json_mb_s` is the slowest of the documents that are ordinary JSON. */
export function maskingSummary(speeds: readonly MaskingSpeed[]): Record<string, unknown> {
  const ordinary = speeds.filter(({ document }) => JSON_DOCUMENTS.includes(document));
  return {
    json_mb_s: round(Math.min(...ordinary.map(({ mask }) => mask))),
    json_over_secretlint: round(Math.min(...ordinary.map(({ mask, secretlint }) => mask / (secretlint ?? mask)))),
    documents: Object.fromEntries(
      speeds.map(({ document, mask, scan, secretlint }) => [
        document.replaceAll(" ", "_"),
        {
          mb_s: round(mask),
          shapes_alone_mb_s: round(scan),
          secretlint_mb_s: secretlint === null ? null : round(secretlint),
        },
      ]),
    ),
  };
}

export function maskingText(speeds: readonly MaskingSpeed[]): string {
  return [
    "\n",
    "masking inside the runtime, megabytes a second of one core's time; the best of some rounds. secretlint on Node",
    "",
    `${"document".padEnd(30)}${"masked".padStart(8)}${"MB/s".padStart(10)}${"shapes".padStart(10)}${"secretlint".padStart(12)}${"ratio".padStart(8)}`,
    ...speeds.map(({ document, kilobytes, masked, mask, scan, secretlint }) => {
      const other = secretlint === null ? ["–", "–"] : [secretlint.toFixed(1), (mask / secretlint).toFixed(1)];
      return `${`${document}, ${kilobytes.toFixed(0)} kB`.padEnd(30)}${String(masked).padStart(8)}${mask.toFixed(1).padStart(10)}${scan.toFixed(1).padStart(10)}${(other[0] ?? "").padStart(12)}${(other[1] ?? "").padStart(8)}`;
    }),
  ].join("\n");
}
