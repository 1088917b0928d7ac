// Small files that only their owner may read: written whole by a rename, refused when others could
// have read or written them. A symbolic link is not followed.

import { randomBytes } from "node:crypto";
import { closeSync, constants, fstatSync, fsyncSync, lstatSync, mkdirSync, openSync } from "node:fs";
import { readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { ok, refuse, type Result } from "../core/result.ts";
import type { CliRefusal } from "./refusal.ts";

const LIMIT = 256 * 1024;
const OTHERS = 0o077;
/** Windows has no modes: what a profile's folder grants is what there is. */
const HAS_MODES = process.platform !== "win32";

/** Null if there is none. */
export function readPrivate(path: string): Result<string | null, CliRefusal> {
  let handle: number;
  try {
    handle = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return ok(null);
    const why = codeOf(error) === "ELOOP" ? "is a symbolic link" : "cannot be read";
    return refuse({ reason: "unreachable", what: `${path} ${why}. Remove it, and log in again.` });
  }
  try {
    // Of what was opened, not of what stands there a moment later.
    const stat = fstatSync(handle);
    if (!stat.isFile() || stat.size > LIMIT)
      return refuse({ reason: "unreachable", what: `${path} is no file of this program. Remove it.` });
    const loose = HAS_MODES && ((stat.mode & OTHERS) !== 0 || isForeign(stat.uid));
    if (loose) return refuse(looseRefusal(path, "600"));
    const folder = lstatSync(dirname(path));
    if (HAS_MODES && ((folder.mode & OTHERS) !== 0 || isForeign(folder.uid)))
      return refuse(looseRefusal(dirname(path), "700"));
    return ok(readFileSync(handle, "utf8"));
  } finally {
    closeSync(handle);
  }
}

function isForeign(uid: number): boolean {
  return process.getuid !== undefined && uid !== process.getuid();
}

function looseRefusal(path: string, mode: string): CliRefusal {
  return {
    reason: "unreachable",
    what: `others can read or change ${path}, so what is in it may no longer be yours alone. If you trust it: chmod ${mode} '${path}'. Else remove it.`,
  };
}

/** The whole new text or the whole old one, whenever the power fails. */
export function writePrivate(path: string, text: string): Result<null, CliRefusal> {
  const folder = dirname(path);
  const fresh = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (HAS_MODES && (lstatSync(folder).mode & OTHERS) !== 0) return refuse(looseRefusal(folder, "700"));
    const handle = openSync(fresh, "wx", 0o600);
    try {
      writeSync(handle, text);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(fresh, path);
    return ok(null);
  } catch (error) {
    rmSync(fresh, { force: true });
    return refuse({
      reason: "unreachable",
      what: `${path} cannot be written (${codeOf(error)}). Is its folder yours, and is there room?`,
    });
  }
}

export function removePrivate(path: string): void {
  rmSync(path, { force: true });
}

export function codeOf(error: unknown): string {
  const code = typeof error === "object" && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === "string" ? code : "unknown";
}
