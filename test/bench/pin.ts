// Keeps the runtime and the processes that load it on different cores, so that they do not take each
// other's time. The runtime has the first core for itself; load and upstream share the second.

import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";

export type Role = "runtime" | "load";

export const isPinning: boolean = availableParallelism() >= 2 && hasTaskset();

function hasTaskset(): boolean {
  try {
    execFileSync("taskset", ["-c", "0", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** The command with its arguments, pinned if the machine can. */
export function pinned(role: Role, command: string, args: readonly string[]): [string, string[]] {
  if (!isPinning) return [command, [...args]];
  return ["taskset", ["-c", role === "runtime" ? "0" : "1", command, ...args]];
}
