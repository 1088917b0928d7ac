// What `npm pack` packs, run as somebody who has nothing but Node and that file.

import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { sha256 } from "@noble/hashes/sha2.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runProgram, type Ran } from "../support/program.ts";
import { countingRandom, exportOf, SAMPLE } from "../support/sample_session.ts";

const root = fileURLToPath(new URL("../../", import.meta.url).href);
const { version: VERSION } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
let folder = "";
let tarball = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sallyport-package-"));
  const npm = (...args: string[]): string =>
    execFileSync("npm", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  npm("pack", "--pack-destination", folder);
  const [name = ""] = readdirSync(folder);
  tarball = join(folder, name);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** npm's registry is nowhere, so that anything fetched fails. */
function npx(home: string, node: string, ...args: string[]): Promise<Ran> {
  const bin = join(home, "bin");
  mkdirSync(bin, { recursive: true });
  if (!existsSync(join(bin, "node"))) symlinkSync(node, join(bin, "node"));
  copyFileSync(tarball, join(home, basename(tarball)));
  const env = {
    PATH: `${bin}:${process.env.PATH ?? ""}`,
    npm_config_registry: "http://127.0.0.1:9/",
    npm_config_offline: "true",
    NO_UPDATE_NOTIFIER: "1",
  };
  return runProgram("npx", ["--yes", `./${basename(tarball)}`, ...args], { folder: home, env });
}

test("holds the program, its licences and the pages about it, and needs nothing else", () => {
  const list = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).trim().split("\n").sort();
  expect(list).toEqual([
    "package/LICENSE",
    "package/README.md",
    "package/dist/cli/LICENSES.txt",
    "package/dist/cli/sallyport.js",
    "package/package.json",
  ]);
  const manifest = JSON.parse(
    execFileSync("tar", ["-xzOf", tarball, "package/package.json"], { encoding: "utf8" }),
  ) as Record<string, unknown>;
  expect(manifest.bin).toEqual({ sallyport: "dist/cli/sallyport.js" });
  expect([manifest.dependencies, manifest.optionalDependencies, manifest.peerDependencies]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(statSync(tarball).size).toBeLessThan(1024 * 1024);
});

// The one that runs the tests, and the machine's own if it is another: Node 20 is the least that is promised.
const own = ["/usr/bin/node", "/usr/local/bin/node"].filter((path) => existsSync(path));
const nodes = [
  ...new Map(
    [process.execPath, ...own].map((path) => [execFileSync(path, ["--version"], { encoding: "utf8" }).trim(), path]),
  ),
];

describe.each(nodes)("under Node %s", (version, node) => {
  const home = (): string => {
    const path = join(folder, version);
    mkdirSync(path, { recursive: true });
    return path;
  };

  test("runs from an empty folder, offline: help, version, and a verdict", async () => {
    const { text } = exportOf(SAMPLE, countingRandom(), sha256);
    writeFileSync(join(home(), "export.ndjson"), text);
    const printed = await npx(home(), node, "--version");
    expect([printed.code, printed.stdout.toString().trim()]).toEqual([0, VERSION]);
    expect((await npx(home(), node, "help", "login")).stdout.toString()).toContain("sallyport login https://");
    const verdict = await npx(home(), node, "verify-session", "export.ndjson");
    expect([verdict.code, verdict.stdout.toString()]).toEqual([0, expect.stringContaining("intact: 17 records")]);
    const login = await npx(home(), node, "login", "http://127.0.0.1:9");
    expect([login.code, login.stderr]).toEqual([3, expect.stringContaining("cannot be reached")]);
  });

  test("checks a policy and prints a completion, which load parts of it late", async () => {
    writeFileSync(join(home(), "sallyport.yaml"), "version: 1\nroles: {}\nconnections: {}\nrules: []\n");
    expect(await npx(home(), node, "policy", "check")).toMatchObject({ code: 0 });
    expect((await npx(home(), node, "completion", "bash")).stdout.toString()).toContain("complete -F");
  });
});
