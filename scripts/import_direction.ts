// Which way imports point: the pure domain inside, the platform outside, never a circle at run time.
// Reads the text of each file: the tools that do this need a TypeScript compiler's API, which
// TypeScript 7 does not have. Every import names its file with the extension, so text is enough.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

interface Import {
  readonly from: string;
  /** A path of this repository, or the name of a package or built-in module. */
  readonly to: string;
  readonly isLocal: boolean;
  /** Leaves nothing behind at run time. */
  readonly isType: boolean;
}

interface Rule {
  readonly what: string;
  readonly from: RegExp;
  readonly forbids: (one: Import) => boolean;
}

const FOLDERS = ["core", "workers", "durable", "cli", "portable", "local", "scripts", "migrations", "test"];
const WEB_STANDARD =
  /^(valibot|jose|canonicalize|@noble\/hashes|yaml|@marcbachmann\/cel-js|re2js|ipaddr\.js|diff)(\/|$)/;
const local = (pattern: RegExp) => (one: Import) => one.isLocal && pattern.test(one.to);

const RULES: readonly Rule[] = [
  {
    what: "core/ imports nothing of the platform",
    from: /^core\//,
    forbids: (one) => one.isLocal && !one.to.startsWith("core/"),
  },
  {
    what: "core/ imports web-standard packages only",
    from: /^core\//,
    forbids: (one) => !one.isLocal && !WEB_STANDARD.test(one.to),
  },
  {
    what: "durable/ imports no surface, but for the type of the bindings",
    from: /^durable\//,
    forbids: (one) =>
      one.isLocal && /^(workers|cli|portable)\//.test(one.to) && !(one.isType && one.to === "workers/env.ts"),
  },
  {
    what: "the verifier shares no code with what makes records, but for encodings",
    from: /^core\/verify\//,
    forbids: (one) => one.isLocal && !one.isType && !/^core\/(verify\/|bytes\.ts$)/.test(one.to),
  },
  {
    what: "the command line reaches the gateway by its API alone",
    from: /^cli\//,
    forbids: local(/^(workers|durable)\//),
  },
  {
    what: "the product imports no test and no development code",
    from: /^(core|workers|durable|cli|portable|migrations)\//,
    forbids: local(/^(test|local|scripts)\//),
  },
];

// Comments are not taken out: none holds an import statement at a line's beginning.
const STATEMENT = /^(?:import|export)\s+(type\s+)?(?:([^"';]*?)\s+from\s+)?"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)/gm;

export function importsOf(from: string, text: string): Import[] {
  const found: Import[] = [];
  for (const [, type, names, fixed, dynamic] of text.matchAll(STATEMENT)) {
    const target = fixed ?? dynamic ?? "";
    const isLocal = target.startsWith(".");
    const isType =
      type !== undefined || (names !== undefined && /^\{(\s*type\s+\w+(\s+as\s+\w+)?\s*,?)+\s*\}$/.test(names));
    found.push({ from, to: isLocal ? normalize(join(dirname(from), target)) : target, isLocal, isType });
  }
  return found;
}

function filesBelow(root: string, folder: string): string[] {
  let entries;
  try {
    entries = readdirSync(join(root, folder), { withFileTypes: true });
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(root, path) : /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

/** A sentence for each import that points the wrong way and for each circle. */
export function violations(imports: readonly Import[]): string[] {
  const wrong = imports.flatMap((one) =>
    RULES.filter((rule) => rule.from.test(one.from) && rule.forbids(one)).map(
      (rule) => `${one.from} imports ${one.to}: ${rule.what}`,
    ),
  );
  return [...wrong, ...circles(imports)];
}

function circles(imports: readonly Import[]): string[] {
  const edges = new Map<string, string[]>();
  for (const one of imports)
    if (one.isLocal && !one.isType) edges.set(one.from, [...(edges.get(one.from) ?? []), one.to]);
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) found.push(`a circle: ${[...path.slice(start), file].join(" → ")}`);
    if (start >= 0 || done.has(file)) return;
    for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of edges.keys()) visit(file, []);
  return found;
}

export function checkImports(root: string): { readonly files: number; readonly violations: readonly string[] } {
  const files = FOLDERS.flatMap((folder) => filesBelow(root, folder));
  return {
    files: files.length,
    violations: violations(files.flatMap((file) => importsOf(file, readFileSync(join(root, file), "utf8")))),
  };
}
