// How fast bodies are masked inside the runtime, on one core, and how fast secretlint reads the same ones
// on Node, which it needs. A figure is that of the fastest of some requests, each of which masks a document
// some times over, less what a request costs that masks nothing: what else the machine does counts least.

import { secretlintRanges } from "../support/secretlint.ts";
import { benchDocument, type DocumentName, DOCUMENTS, JSON_DOCUMENTS } from "./masking_documents.ts";
import { spreadOf } from "./statistics.ts";
import { type Place, simpleSpec } from "./variants.ts";
import { startWorker } from "./workerd.ts";

/** Some tens of milliseconds of work in a request. */
const BYTES_A_REQUEST = 2_000_000;
const REQUESTS = 11;
/** It is slow, and a run of the benchmark is short. */
const SECRETLINT_RUNS = 3;

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
  const ask = async (document: DocumentName, what: "mask" | "scan", times: number): Promise<[number, number]> => {
    const query = new URLSearchParams({ document, what, times: String(times) });
    const before = performance.now();
    const response = await fetch(`http://127.0.0.1:${worker.port}/?${query.toString()}`);
    const { found } = (await response.json()) as { found: number };
    return [performance.now() - before, found];
  };
  const speeds: MaskingSpeed[] = [];
  try {
    for (const document of DOCUMENTS) {
      const { bytes } = benchDocument(document);
      const times = Math.ceil(BYTES_A_REQUEST / bytes.length);
      const speed = async (what: "mask" | "scan"): Promise<number> => {
        for (let i = 0; i < 5; i++) await ask(document, what, times);
        const empty: number[] = [];
        const taken: number[] = [];
        for (let i = 0; i < REQUESTS; i++) {
          empty.push((await ask(document, what, 0))[0]);
          taken.push((await ask(document, what, times))[0]);
        }
        return (bytes.length * times) / 1000 / (spreadOf(taken).min - spreadOf(empty).min);
      };
      const mask = await speed("mask");
      const [, masked] = await ask(document, "mask", 1);
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
  const taken: number[] = [];
  for (let i = 0; i < SECRETLINT_RUNS; i++) {
    const before = performance.now();
    await secretlintRanges(content, type === "application/json" ? ".json" : ".txt");
    taken.push(performance.now() - before);
  }
  return bytes.length / 1000 / spreadOf(taken).min;
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
    "masking inside the runtime, megabytes a second on one core; the best of some. secretlint on Node",
    "",
    `${"document".padEnd(30)}${"masked".padStart(8)}${"MB/s".padStart(10)}${"shapes".padStart(10)}${"secretlint".padStart(12)}${"ratio".padStart(8)}`,
    ...speeds.map(({ document, kilobytes, masked, mask, scan, secretlint }) => {
      const other = secretlint === null ? ["–", "–"] : [secretlint.toFixed(1), (mask / secretlint).toFixed(1)];
      return `${`${document}, ${kilobytes.toFixed(0)} kB`.padEnd(30)}${String(masked).padStart(8)}${mask.toFixed(1).padStart(10)}${scan.toFixed(1).padStart(10)}${(other[0] ?? "").padStart(12)}${(other[1] ?? "").padStart(8)}`;
    }),
  ].join("\n");
}
