// `npm run check`: everything that must hold before a change is taken, in order of cost; stops at the
// first step that fails. `--fast` leaves the tests out.

import { execFileSync, spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { arePagesBuilt } from "./build_pages.ts";
import { checkImports } from "./import_direction.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const modules = join(root, "node_modules");
const ENVIRONMENTS = ["local", "eu", "us"] as const;

/** What to print beside the step's name; throws with what went wrong. */
type Step = { readonly name: string; readonly run: () => string | Promise<string> };

class Failed extends Error {}

/** Runs a program of node_modules; its output is the message if it fails, or is passed on if `shown`. */
function tool(path: string, args: readonly string[], shown = false): string {
  const done = spawnSync(process.execPath, [join(modules, path), ...args], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", shown ? "inherit" : "pipe", shown ? "inherit" : "pipe"],
    env: { ...process.env, CI: "true", WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" },
  });
  const output = `${done.stdout ?? ""}${done.stderr ?? ""}`;
  if (done.status !== 0) throw new Failed(shown ? "see above" : output.trim());
  return output;
}

function bundle(environment: string): string {
  const output = tool("wrangler/bin/wrangler.js", [
    "deploy",
    "--dry-run",
    "--env",
    environment,
    "--outdir",
    join("dist", "check", environment),
  ]);
  const size = /Total Upload: (.*)/.exec(output)?.[1];
  if (size === undefined) throw new Failed(output);
  return size.trim();
}

async function pages(): Promise<string> {
  if (!(await arePagesBuilt()))
    throw new Failed("workers/pages/static_files.ts is not what npm run build:pages writes");
  return "";
}

function imports(): string {
  const { files, violations } = checkImports(root);
  if (violations.length > 0) throw new Failed(violations.join("\n"));
  return `${files} files`;
}

/** A lock file that names a host would install from that host, wherever it is installed. */
function lockFile(): string {
  const text = execFileSync("cat", ["package-lock.json"], { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  if (/"resolved"/.test(text))
    throw new Failed(
      "package-lock.json names where packages came from: npm config set omit-lockfile-registry-resolved true",
    );
  return "";
}

const STEPS: readonly Step[] = [
  { name: "format", run: () => (tool("oxfmt/bin/oxfmt", ["--check"]), "") },
  { name: "lint", run: () => (tool("oxlint/bin/oxlint", ["--type-aware", "--deny-warnings"]), "") },
  { name: "types of core", run: () => (tool("typescript/bin/tsc", ["-p", "core"]), "") },
  { name: "types", run: () => (tool("typescript/bin/tsc", ["-p", "."]), "") },
  { name: "types of pages", run: () => (tool("typescript/bin/tsc", ["-p", "workers/pages/browser"]), "") },
  { name: "page files", run: pages },
  { name: "import direction", run: imports },
  { name: "lock file", run: lockFile },
  ...ENVIRONMENTS.map((environment) => ({ name: `bundle for ${environment}`, run: () => bundle(environment) })),
];
const TESTS: Step = { name: "tests", run: () => (tool("vitest/vitest.mjs", ["run"], true), "") };

async function runStep({ name, run }: Step): Promise<boolean> {
  const started = performance.now();
  const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  try {
    const note = await run();
    console.log(`ok      ${name.padEnd(18)} ${seconds().padStart(7)}  ${note}`.trimEnd());
    return true;
  } catch (error) {
    console.log(`FAILED  ${name.padEnd(18)} ${seconds().padStart(7)}`);
    console.log(error instanceof Failed ? error.message : String(error));
    return false;
  }
}

const steps = process.argv.includes("--fast") ? STEPS : [...STEPS, TESTS];
process.exitCode = 0;
for (const step of steps) {
  if (await runStep(step)) continue;
  process.exitCode = 1;
  break;
}
