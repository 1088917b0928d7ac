// Runs test/core and test/cli/pure under Deno and Bun, with the same test runner and the same files, and prints how
// many tests passed in each. Exits with 1 if one failed or nothing ran.
//
// Bun in threads, because its child processes lack the `channel.unref` that the runner's forks need;
// Deno in forks, because its threads lack the `removeAllListeners` with which the runner ends them.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const vitest = join(root, "node_modules/vitest/vitest.mjs");
const folder = mkdtempSync(join(tmpdir(), "sallyport-core-"));
const report = (runtime: string): string => join(folder, `${runtime}.json`);
const tests = (runtime: string, pool: "forks" | "threads"): string[] => [
  vitest,
  "run",
  "--project",
  "core",
  `--pool=${pool}`,
  "--reporter=json",
  `--outputFile=${report(runtime)}`,
  "--silent",
  ...process.argv.slice(2),
];
const RUNTIMES = {
  deno: { command: join(root, "node_modules/.bin/deno"), args: ["run", "-A", "--no-lock", ...tests("deno", "forks")] },
  bun: { command: join(root, "node_modules/.bin/bun"), args: ["--bun", ...tests("bun", "threads")] },
} as const;

interface Report {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numTotalTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

function readReport(runtime: string): Report | null {
  try {
    return JSON.parse(readFileSync(report(runtime), "utf8")) as Report;
  } catch {
    return null;
  }
}

function runUnder(runtime: keyof typeof RUNTIMES): boolean {
  const { command, args } = RUNTIMES[runtime];
  const done = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    timeout: 300_000,
    env: { ...process.env, CORE_TEST_RUNTIME: runtime, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
  });
  const found = readReport(runtime);
  if (found === null || found.numTotalTests === 0) {
    console.log(`${runtime}: no tests ran\n${done.stdout ?? ""}\n${done.stderr ?? ""}${done.error?.message ?? ""}`);
    return false;
  }
  console.log(`${runtime}: ${found.numPassedTests} of ${found.numTotalTests} tests passed`);
  for (const file of found.testResults) {
    if (file.message !== "") console.log(`  ${file.name}: ${file.message}`);
    for (const one of file.assertionResults)
      if (one.status === "failed") console.log(`  ${one.fullName}\n    ${one.failureMessages.join("\n    ")}`);
  }
  const passed = found.success && done.status === 0;
  // Errors outside every test, as in a worker's end, are in no report.
  if (!passed) console.log(`  ended with ${done.status ?? done.signal}\n${done.stdout}\n${done.stderr}`);
  return passed;
}

// One after the other: two cores are soon full.
const results = [runUnder("deno"), runUnder("bun")];
rmSync(folder, { recursive: true });
process.exitCode = results.every((passed) => passed) ? 0 : 1;
