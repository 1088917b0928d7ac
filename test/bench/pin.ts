// Keeps the processes that make the load off the first core, so that the runtime's main thread has it
// for itself. The runtime is not pinned: its engine collects garbage on other threads, which would then
// share a core with the thread they are meant to spare.

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
  if (!isPinning || role === "runtime") return [command, [...args]];
  return ["taskset", ["-c", "1", command, ...args]];
}
