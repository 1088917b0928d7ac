// Bundles the command line into one file that runs on Node ≥ 20 with nothing installed beside it:
// dist/cli/sallyport.js, which is what `npm pack` packs, with the licences of what is in it.

import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Returns the file's path. */
export async function buildCli(): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  const outfile = join(root, "dist/cli/sallyport.js");
  const { metafile } = await build({
    metafile: true,
    absWorkingDir: root,
    entryPoints: ["cli/sallyport.ts"],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    minify: true,
    // They stand whole in the file beside it.
    legalComments: "none",
    define: { SALLYPORT_VERSION: JSON.stringify(version) },
    // commander and yaml are CommonJS, and ask for Node's modules by `require`.
    banner: {
      js: 'import { createRequire as createSallyportRequire } from "node:module"; const require = createSallyportRequire(import.meta.url);',
    },
    logLevel: "warning",
  });
  chmodSync(outfile, 0o755);
  writeFileSync(join(root, "dist/cli/LICENSES.txt"), licences(Object.keys(metafile.inputs)));
  return outfile;
}

/** Of each package that a bundled file comes from. Throws if one has none: it could not be passed on. */
function licences(inputs: readonly string[]): string {
  const folders = new Set(inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []));
  return [...folders]
    .sort()
    .map((folder) => {
      const file = readdirSync(join(root, folder)).find((name) => /^licen[cs]e/i.test(name));
      if (file === undefined) throw new Error(`${folder} has no licence to pass on`);
      const name = folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length);
      return `${name}\n\n${readFileSync(join(root, folder, file), "utf8").trim()}\n`;
    })
    .join(`\n${"-".repeat(72)}\n\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await buildCli());
