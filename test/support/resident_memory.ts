// How much memory the local runtime takes, by /proc (proc(5)): what a body of a gibibyte must not change.

import { readdirSync, readFileSync } from "node:fs";

/** Ids of this process's children whose program is called `name`. */
export function childrenCalled(name: string): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      // pid (comm) state ppid …: the name may hold anything, so it ends at the last parenthesis.
      const [, comm, parent] = /^\d+ \((.*)\) \S (\d+) /s.exec(read(`/proc/${pid}/stat`)) ?? [];
      return comm === name && Number(parent) === process.pid;
    })
    .map(Number);
}

/** Bytes of memory that processes hold, together. */
export function residentMemory(pids: readonly number[]): number {
  const kibibytes = pids.map((pid) => Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0));
  return kibibytes.reduce((sum, one) => sum + one, 0) * 1024;
}

/** How much more than before processes held at most while `work` ran, looked at twenty times a second. */
export async function memoryGrowth(pids: readonly number[], work: () => Promise<void>): Promise<number> {
  const before = residentMemory(pids);
  let peak = before;
  const look = (): void => {
    peak = Math.max(peak, residentMemory(pids));
  };
  const timer = setInterval(look, 50);
  try {
    await work();
    look();
  } finally {
    clearInterval(timer);
  }
  return peak - before;
}

/** Empty once the process is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
