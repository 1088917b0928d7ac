// Where the running local Sallyport is: a small file in the state folder that `npm start` writes and
// removes, read by `npm run token`.

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Running {
  readonly gateway: string;
  readonly issuer: string;
  readonly pid: number;
}

export function stateFolder(): string {
  return process.env.SALLYPORT_STATE ?? join(dirname(fileURLToPath(import.meta.url)), "..", ".sallyport");
}

export function writeRunning(state: string, running: Running): void {
  writeFileSync(join(state, "running.json"), JSON.stringify(running));
}

export function removeRunning(state: string): void {
  rmSync(join(state, "running.json"), { force: true });
}

/** Null if nothing runs, also if it ended without removing its file. */
export function readRunning(state: string = stateFolder()): Running | null {
  try {
    const running = JSON.parse(readFileSync(join(state, "running.json"), "utf8")) as Running;
    process.kill(running.pid, 0);
    return running;
  } catch {
    return null;
  }
}
