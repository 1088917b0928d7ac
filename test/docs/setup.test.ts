// scripts/setup.sh, with an npm that only notes what it is asked: a fresh clone installs once, an
// installed one asks nobody.

import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ROOT } from "./text.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sallyport setup "));
  mkdirSync(join(folder, "scripts"));
  mkdirSync(join(folder, "bin"));
  copyFileSync(join(ROOT, "scripts/setup.sh"), join(folder, "scripts/setup.sh"));
  writeFileSync(join(folder, "package-lock.json"), "{}");
  const npm = '#!/bin/sh\necho "$@" >> asked\nmkdir -p node_modules\necho "{}" > node_modules/.package-lock.json\n';
  writeFileSync(join(folder, "bin", "npm"), npm, { mode: 0o755 });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs it from elsewhere, as npm does from a folder below; what npm was asked until now. */
function setUp(): readonly string[] {
  execFileSync("sh", [join(folder, "scripts/setup.sh")], {
    cwd: tmpdir(),
    env: { PATH: `${join(folder, "bin")}:${process.env.PATH ?? ""}` },
    stdio: "ignore",
  });
  return readFileSync(join(folder, "asked"), "utf8").trim().split("\n");
}

test("installs from the lock file once, and again only when that is newer", () => {
  const [first = ""] = setUp();
  expect(first).toMatch(/^ci\b/);
  expect(setUp()).toHaveLength(1);
  const later = new Date(Date.now() + 60_000);
  utimesSync(join(folder, "package-lock.json"), later, later);
  expect(setUp()).toHaveLength(2);
});

test("installs nothing into what a link leads to", () => {
  const elsewhere = join(folder, "elsewhere");
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, "kept"), "");
  symlinkSync(elsewhere, join(folder, "node_modules"));
  expect(() => setUp()).toThrow("setup.sh");
  expect(existsSync(join(folder, "asked"))).toBe(false);
});

test("fails if npm fails, so that nothing starts half installed", () => {
  writeFileSync(join(folder, "bin", "npm"), "#!/bin/sh\nexit 7\n", { mode: 0o755 });
  expect(() => setUp()).toThrow("setup.sh");
});
