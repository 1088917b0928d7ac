// The pages against the tree: what they name exists, and nothing in the tree names where it was written.

import { existsSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { renderScreen } from "../../local/screen.ts";
import { ROOT, sectionOf, textOf, trackedFiles } from "./text.ts";

const tracked = trackedFiles();
const pages = tracked.filter((path) => path.endsWith(".md"));
const scripts = Object.keys((JSON.parse(textOf("package.json")) as { scripts: Record<string, string> }).scripts);
const FOLDERS = "core|durable|workers|cli|policy|migrations|local|scripts|test|docs|\\.ci";
const PATH = new RegExp(
  `(?<![\\w./-])(?:(?:${FOLDERS})/[\\w./{},-]*|[\\w.]+\\.(?:toml|config\\.ts|json))(?![\\w<*…])`,
  "g",
);

/** Paths of this repository in a text; patterns (`{a,b}`) and what a machine writes while running are none. */
function pathsIn(text: string): readonly string[] {
  return [...text.matchAll(PATH)]
    .map(([path]) => path.replace(/[.,]+$/, ""))
    .filter((path) => !/[{}]/.test(path) && !RUNTIME_FILES.has(path));
}
const RUNTIME_FILES: ReadonlySet<string> = new Set([
  "secrets.json",
  "provider_keys.json",
  "vectors.json",
  // A variable of a policy's conditions.
  "command.json",
]);

describe.each(pages)("%s", (page) => {
  const text = textOf(page);

  test("names only files and folders that exist", () => {
    const missing = pathsIn(text).filter((path) => !existsSync(join(ROOT, path)));
    expect(missing).toEqual([]);
  });

  test("links only to what exists", () => {
    const links = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target = ""]) => target);
    const local = links.filter((target) => !/^https?:/.test(target));
    expect(local.filter((target) => !existsSync(join(ROOT, normalize(join(dirname(page), target)))))).toEqual([]);
  });

  test("names only npm scripts that exist", () => {
    const named = [...text.matchAll(/\bnpm (?:run (?:-s |-\w+ )*)?([a-z][a-z:]*)/g)]
      .filter(([all, name = ""]) => all.includes("npm run") || name === "start" || name === "test")
      .map(([, name = ""]) => name);
    expect(named.filter((name) => !scripts.includes(name))).toEqual([]);
  });
});

test("the search for paths finds those of docs/trace.md", () => {
  expect(pathsIn(textOf("docs/trace.md")).length).toBeGreaterThan(40);
  expect(pathsIn("see `core/none.ts`, wrangler.toml and (test/bench/).")).toEqual([
    "core/none.ts",
    "wrangler.toml",
    "test/bench/",
  ]);
});

describe("README.md", () => {
  const readme = textOf("README.md");

  test("shows the screen that npm start prints", () => {
    const screen = renderScreen({
      gateway: "http://127.0.0.1:8787",
      page: "http://packages--local.localhost:8787/",
      console: "http://console.localhost:8787/",
      notices: "http://127.0.0.1:8792/",
      issuer: "http://127.0.0.1:8788",
      state: ".sallyport/",
      stateVariable: null,
      isColored: false,
      width: 80,
    });
    expect(readme).toContain(screen.trim());
  });

  test("has a line for each folder of the tree", () => {
    const listed = [...sectionOf(readme, "## Running it").matchAll(/^([a-z]+)\/ /gm)].map(([, name]) => name);
    const folders = new Set(tracked.filter((path) => /^[a-z]+\//.test(path)).map((path) => path.split("/", 1)[0]));
    expect(new Set(listed)).toEqual(folders);
  });

  test("names two commands that do their own set-up", () => {
    const all = (JSON.parse(textOf("package.json")) as { scripts: Record<string, string> }).scripts;
    for (const name of ["start", "test"]) expect(all[name]).toMatch(/^sh scripts\/setup\.sh && /);
  });
});

describe("every tracked text", () => {
  const texts = tracked.filter((path) => /\.(?:tsx?|css|svg|md|json|toml|sh|py|sql|ndjson)$|^\.|^LICENSE$/.test(path));
  // Put together, so that this file does not name them itself.
  const registries = ["npmjs", "yarnpkg", "npmmirror"].map((name) => `registry.${name}`);
  const machine = new RegExp(`(?<![\\w.:/-])/(?:${["work", "root", "home", "Users", "mnt"].join("|")})/[\\w.-]+`);

  test("names no package registry's host", () => {
    const naming = texts.filter((path) => registries.some((host) => textOf(path).includes(host)));
    expect(naming).toEqual([]);
    expect(textOf("package-lock.json")).not.toContain('"resolved"');
  });

  test("names no place on the machine where it was written", () => {
    const found = texts.flatMap((path) => machine.exec(textOf(path))?.map((what) => `${path}: ${what}`) ?? []);
    expect(found).toEqual([]);
  });
});

describe("files stay small", () => {
  const code = tracked.filter((path) => /\.tsx?$/.test(path));
  const lines = (path: string): number => textOf(path).split("\n").length - 1;

  test("none has more than 600 lines, and one of more than 400 says why in its first line", () => {
    expect(code.filter((path) => lines(path) > 600)).toEqual([]);
    const long = code.filter((path) => lines(path) > 400);
    expect(long.filter((path) => !/^\/\/.*\bbecause\b/.test(textOf(path)))).toEqual([]);
  });

  test("nine of ten of the product's have at most 200", () => {
    const product = code.filter((path) => /^(?:core|durable|workers|cli|migrations)\//.test(path));
    expect(product.filter((path) => lines(path) > 200).length / product.length).toBeLessThan(0.1);
  });
});

describe("docs/decisions", () => {
  const decisions = tracked.filter((path) => path.startsWith("docs/decisions/"));

  test("are numbered without a gap, fit one page, and say what was rejected", () => {
    expect(decisions.map((path) => Number(path.slice(15, 19)))).toEqual(decisions.map((_, index) => index + 1));
    for (const path of decisions) {
      expect(textOf(path).split("\n").length, path).toBeLessThanOrEqual(60);
      expect(textOf(path), path).toContain("\n## Rejected\n");
    }
  });
});

test("trees are read from where they are: the root of the repository", () => {
  expect(statSync(join(ROOT, "package.json")).isFile()).toBe(true);
  expect(pages.length).toBeGreaterThan(10);
});
