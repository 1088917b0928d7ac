// docs/dependencies.md against package.json and what is installed.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { importsOf } from "../../scripts/import_direction.ts";
import { ROOT, sectionOf, textOf, trackedFiles } from "./text.ts";

interface Manifest {
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const page = textOf("docs/dependencies.md");
const own = JSON.parse(textOf("package.json")) as Manifest;
/** Everything is a development dependency, because what is published is bundled: what runs is what the product imports. */
const all = Object.keys(own.devDependencies ?? {});
const runtime = all.filter((name) => importedByProduct().has(name));
const development = all.filter((name) => !runtime.includes(name));

function importedByProduct(): ReadonlySet<string> {
  const product = trackedFiles().filter((path) => /^(?:core|workers|durable|cli|migrations)\/.*\.tsx?$/.test(path));
  const imports = product.flatMap((path) => importsOf(path, textOf(path)));
  return new Set(imports.filter((one) => !one.isLocal).map(({ to }) => /^(?:@[^/]+\/)?[^/]+/.exec(to)?.[0] ?? to));
}

/** Licences that let their code be distributed in an MIT-licensed work with their notice kept. */
const PERMISSIVE: ReadonlySet<string> = new Set([
  "MIT",
  "MIT-0",
  "ISC",
  "0BSD",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "Unlicense",
]);

function isPermissive(license: string): boolean {
  const plain = license.replaceAll(/[()]/g, "");
  if (plain.includes(" AND ")) return plain.split(" AND ").every(isPermissive);
  return plain.split(" OR ").some((one) => PERMISSIVE.has(one.trim()));
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

/** Where Node would find a package from inside another one. */
function folderOf(name: string, from: string): string {
  for (let at = from; at.length >= ROOT.length; at = join(at, "..")) {
    const folder = join(at, "node_modules", name);
    if (existsSync(join(folder, "package.json"))) return folder;
  }
  throw new Error(`${name} is not installed`);
}

/** The packages that the runtime ones need, themselves included: folder → manifest. */
function closure(names: readonly string[]): ReadonlyMap<string, Manifest> {
  const found = new Map<string, Manifest>();
  const visit = (name: string, from: string): void => {
    const folder = folderOf(name, from);
    if (found.has(folder)) return;
    const manifest = manifestOf(folder);
    found.set(folder, manifest);
    for (const next of Object.keys(manifest.dependencies ?? {})) visit(next, folder);
  };
  for (const name of names) visit(name, ROOT);
  return found;
}

interface Row {
  readonly name: string;
  readonly license: string;
}

function rowsOf(heading: string): readonly Row[] {
  return [...sectionOf(page, heading).matchAll(/^\| `([^`]+)` \|([^|]*)\|([^|]*)\|([^|]*)\|/gm)].map(
    ([, name = "", , , license = ""]) => ({ name, license: license.trim() }),
  );
}

describe("docs/dependencies.md", () => {
  test.each([
    ["## What the gateway and the command line run on", runtime],
    ["## What develops and tests it", development],
  ])("has a line for each package, and for no other: %s", (heading, packages) => {
    expect(
      rowsOf(heading)
        .map((row) => row.name)
        .sort(),
    ).toEqual([...packages].sort());
  });

  test("says the licence that each package states", () => {
    const rows = [...rowsOf("## What the gateway"), ...rowsOf("## What develops")];
    const stated = rows.map(({ name, license }) => {
      const { license: own = "" } = manifestOf(folderOf(name, ROOT));
      return own.startsWith("SEE ") || license === own ? null : `${name}: ${license}, not ${own}`;
    });
    expect(stated.filter((one) => one !== null)).toEqual([]);
  });
});

test("what is published needs nothing beside it", () => {
  expect([own.dependencies, runtime.length > 10]).toEqual([undefined, true]);
});

test("everything that is deployed may be distributed under MIT", () => {
  const packages = closure(runtime);
  expect(packages.size).toBeGreaterThanOrEqual(runtime.length);
  const wrong = [...packages].filter(([, { license }]) => license === undefined || !isPermissive(license));
  expect(wrong.map(([folder]) => folder.slice(ROOT.length))).toEqual([]);
});

test.each([
  ["MIT", true],
  ["(MIT OR GPL-3.0-or-later)", true],
  ["MIT AND Zlib", false],
  ["GPL-3.0", false],
  ["SEE LICENSE IN LICENSE", false],
])("a licence of %s counts as permissive: %s", (license, expected) => {
  expect(isPermissive(license)).toBe(expected);
});

test("every version is exact", () => {
  const versions = Object.entries({ ...own.dependencies, ...own.devDependencies });
  // The types' major version is that of the runtime they describe; the lock file has the rest.
  expect(
    versions.filter(([name, version]) => name !== "@types/node" && !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)),
  ).toEqual([]);
});
