// Bundles the Worker as a deploy would (`wrangler deploy --dry-run`) into dist/local, where the
// local runtime, the tests and the benchmark find it. Does nothing if no source is newer.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const SOURCES = ["workers", "durable", "core", "migrations", "scripts/build.ts", "wrangler.toml", "package-lock.json"];

function newest(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

/** Returns the folder that holds `index.js`. */
export function buildWorker(): string {
  const out = join(root, "dist", "local");
  const bundle = join(out, "index.js");
  const changed = Math.max(...SOURCES.map((name) => newest(join(root, name))));
  if (existsSync(bundle) && statSync(bundle).mtimeMs > changed) return out;
  // Built beside and then put in place, so that nobody reads half a bundle.
  mkdirSync(dirname(out), { recursive: true });
  const fresh = mkdtempSync(join(dirname(out), "new-"));
  execFileSync(
    process.execPath,
    [join(root, "node_modules/wrangler/bin/wrangler.js"), "deploy", "--dry-run", "--env", "local", "--outdir", fresh],
    {
      cwd: root,
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true", CI: "true" },
    },
  );
  rmSync(out, { recursive: true, force: true });
  renameSync(fresh, out);
  return out;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(buildWorker());
