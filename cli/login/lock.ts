// One process at a time: a file that only one can create. Left behind by a process that died, it is
// taken over; waiting is bounded.

import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { codeOf } from "../private_files.ts";

const WAIT_MS = 45_000;
const STEP_MS = 40;
/** No holder works longer: a refresh gives up after 30 s. */
const STALE_MS = 60_000;

/** What `work` gives; null if the lock could not be had in time. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<{ readonly value: T } | null> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const mine = `${process.pid} ${Date.now()} ${randomBytes(8).toString("hex")}`;
  const until = Date.now() + WAIT_MS;
  while (!take(path, mine)) {
    breakStale(path);
    if (Date.now() > until) return null;
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  const release = (): void => {
    if (textOf(path) === mine) rmSync(path, { force: true });
  };
  process.on("exit", release);
  try {
    return { value: await work() };
  } finally {
    process.off("exit", release);
    release();
  }
}

function take(path: string, mine: string): boolean {
  try {
    writeFileSync(path, mine, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

function breakStale(path: string): void {
  const found = textOf(path);
  if (found === null || !isStale(found)) return;
  const aside = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    renameSync(path, aside);
    // Somebody else broke it first and holds it by now: what was moved is theirs, and goes back.
    if (textOf(aside) !== found) linkSync(aside, path);
  } catch {
    // Gone, or taken again: the next round sees.
  }
  rmSync(aside, { force: true });
}

function isStale(text: string): boolean {
  const [, pid = "", since = ""] = /^(\d{1,10}) (\d{1,15}) /.exec(text) ?? [];
  // Between creating a file and writing it there is a moment in which it is empty.
  if (pid === "") return false;
  if (Date.now() - Number(since) > STALE_MS) return true;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return codeOf(error) === "ESRCH";
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
