// A gateway that can be killed: starts gateway_child.ts, kills it and workerd with SIGKILL, and
// starts it again over the same storage.

import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { RuntimeOptions } from "../../local/runtime.ts";

export interface GatewayProcess {
  readonly url: string;
  /** The host and the runtime that it started. */
  readonly pids: readonly number[];
  /** SIGKILL to the runtime and its host, at once; nothing is flushed or closed. Resolves once both are gone. */
  kill(): Promise<void>;
  /** Orderly end. */
  stop(): Promise<void>;
}

interface Ready {
  readonly url: string;
  readonly workers: readonly number[];
}

/** `temporary` is a folder for what the host leaves behind when it is killed. */
export async function startGatewayProcess(options: RuntimeOptions, temporary: string): Promise<GatewayProcess> {
  const child = fork(fileURLToPath(new URL("./gateway_child.ts", import.meta.url).href), {
    env: { ...process.env, TMPDIR: temporary, GATEWAY_OPTIONS: JSON.stringify(options) },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const exited = once(child, "exit");
  const ready = await Promise.race([
    once(child, "message").then(([message]) => message as Ready),
    exited.then(([code]) => {
      throw new Error(`the gateway process ended with ${String(code)} before it was ready`);
    }),
  ]);
  const { url, workers } = ready;
  return {
    url,
    pids: [child.pid ?? 0, ...workers],
    kill: async () => {
      for (const pid of workers) if (isRunning(pid)) process.kill(pid, "SIGKILL");
      child.kill("SIGKILL");
      await exited;
      await gone(workers);
    },
    stop: async () => {
      child.disconnect();
      await exited;
      await gone(workers);
    },
  };
}

/** True for a process that has not ended; one that has and waits for its parent to notice counts as gone. */
export function isRunning(pid: number): boolean {
  try {
    // pid (comm) state …: the name may hold anything, so it ends at the last parenthesis.
    return !/^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

/** No event tells of the end of another's child. */
async function gone(pids: readonly number[]): Promise<void> {
  const until = Date.now() + 10_000;
  while (pids.some(isRunning)) {
    if (Date.now() > until) throw new Error(`the runtime goes on without its host: ${pids.filter(isRunning).join()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
