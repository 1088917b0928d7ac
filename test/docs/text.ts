// The repository's own files, for tests of what its pages say.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, dirname } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT: string = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** Paths that git tracks, from the repository's root. */
export function trackedFiles(): readonly string[] {
  return execFileSync("git", ["ls-files", "-z"], { cwd: ROOT, encoding: "utf8" })
    .split("\0")
    .filter((path) => path !== "");
}

/** The part of a page from one heading to the next of its level or above. */
export function sectionOf(page: string, heading: string): string {
  const at = page.indexOf(`\n${heading}`);
  if (at < 0) throw new Error(`no heading ${heading}`);
  const level = /^#+/.exec(heading)?.[0].length ?? 1;
  const rest = page.slice(at + 1 + heading.length);
  const end = rest.search(new RegExp(`^#{1,${level}} `, "m"));
  return heading + (end < 0 ? rest : rest.slice(0, end));
}

/** What stands in the first column of a page's tables, without its back quotes. */
export function firstColumn(section: string): readonly string[] {
  return [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, name = ""]) => name);
}

/** The contents of fenced blocks of one language. */
export function blocksOf(page: string, language: string): readonly string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map(([, text = ""]) => text);
}
