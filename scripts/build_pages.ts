// Writes workers/pages/static_files.ts: the console's style, script and icon as the Worker serves them, from
// workers/pages/browser/. Kept in the tree, so that whatever bundles or tests the Worker finds it there;
// `npm run check` fails where it is not what this writes.

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const SOURCE = "workers/pages/browser";
const TARGET = join(root, "workers/pages/static_files.ts");

const HEAD = `// Written by scripts/build_pages.ts from ${SOURCE}/: change it there.
`;

async function pageFiles(): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [`${SOURCE}/style.css`, `${SOURCE}/script.ts`],
    outdir: "none",
    write: false,
    bundle: true,
    minify: true,
    format: "iife",
    // What browsers have that know `__Host-` cookies, Fetch Metadata and Dialogs: 2023's.
    target: ["chrome114", "firefox114", "safari16.4"],
    charset: "utf8",
    logLevel: "warning",
  });
  const textOf = (name: string): string => outputFiles.find(({ path }) => path.endsWith(name))?.text.trim() ?? "";
  const line = (name: string, text: string): string => `export const ${name} = ${JSON.stringify(text)};\n`;
  return [
    HEAD,
    line("STYLE", textOf("style.css")),
    line("SCRIPT", textOf("script.js")),
    line("ICON", readFileSync(join(root, SOURCE, "icon.svg"), "utf8").trim()),
  ].join("\n");
}

/** True if the file is what its sources make. */
export async function arePagesBuilt(): Promise<boolean> {
  return (await pageFiles()) === readFileSync(TARGET, "utf8");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(TARGET, await pageFiles());
