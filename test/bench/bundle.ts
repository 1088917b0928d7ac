// Bundles a Worker of this folder as wrangler bundles the gateway: one ES module.

import { build } from "esbuild";
import { join } from "node:path";

export async function bundleWorker(name: string, folder: string): Promise<string> {
  const outfile = join(folder, `${name}.js`);
  await build({
    entryPoints: [join(import.meta.dirname, "workers", `${name}.ts`)],
    outfile,
    bundle: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    logLevel: "error",
  });
  return outfile;
}
