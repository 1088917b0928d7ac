// A disk that can be filled to its last byte: a small tmpfs of its own. Mounting takes root, which
// .ci/run has, and which fails if a test was skipped for want of it.

import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmdirSync, rmSync, statfsSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Disk {
  readonly path: string;
  /** Takes all space that is left, and what others give back from then on. */
  fill(): void;
  /** Gives it back. */
  free(): void;
  /** Unmounts it, whatever is on it. */
  remove(): void;
}

/** A page of tmpfs: what it hands out at once. */
const PAGE = 4096;
/** Who writes to the disk may give space back meanwhile, as databases do with their journals: it is taken, too. */
const TRIES = 1000;
/** Afterwards as well: an object that broke gives its journal back, and what is tried again would find room there. */
const TAKE_AGAIN_EVERY_MS = 5;

/** False where mounting is not allowed: who is not root, or in a container that forbids it. */
export function canMountDisks(): boolean {
  try {
    mountDisk(1).remove();
    return true;
  } catch {
    return false;
  }
}

/** At `path`, which is made if it does not exist; in a temporary folder if none is given. */
export function mountDisk(megabytes: number, at?: string): Disk {
  const path = at ?? mkdtempSync(join(tmpdir(), "sallyport disk "));
  mkdirSync(path, { recursive: true });
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", path], { stdio: "pipe" });
  } catch (error) {
    rmdirSync(path);
    throw new Error("a tmpfs cannot be mounted: this test needs root and the right to mount", { cause: error });
  }
  const ballast = join(path, "ballast");
  let taking: NodeJS.Timeout | undefined;
  return {
    path,
    fill: () => {
      takeAll(path, ballast);
      clearInterval(taking);
      taking = setInterval(() => takeAll(path, ballast), TAKE_AGAIN_EVERY_MS);
    },
    free: () => {
      clearInterval(taking);
      rmSync(ballast, { force: true });
    },
    remove: () => {
      clearInterval(taking);
      // Lazily: a process that still ends may hold a file open.
      execFileSync("umount", ["--lazy", path]);
      rmdirSync(path);
    },
  };
}

function takeAll(path: string, ballast: string): void {
  if (statfsSync(path).bavail === 0) return;
  const file = openSync(ballast, "a");
  try {
    for (let tries = 0; statfsSync(path).bavail > 0; tries++) {
      if (tries === TRIES) throw new Error("the disk does not become full");
      for (const size of [256 * PAGE, PAGE]) while (take(file, size));
    }
  } finally {
    closeSync(file);
  }
}

/** False if there is no space for it. */
function take(file: number, size: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(size)) === size;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOSPC") return false;
    throw error;
  }
}
