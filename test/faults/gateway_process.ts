// A gateway that can be killed: starts gateway_child.ts, kills it and workerd with SIGKILL, and
// starts it again over the same storage.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { RuntimeOptions } from "../../local/runtime.ts";

export interface GatewayProcess {
  readonly url: string;
  /** SIGKILL to the runtime and its host, at once; nothing is flushed or closed. */
  kill(): Promise<void>;
  /** Orderly end. */
  stop(): Promise<void>;
}

interface Ready {
  readonly url: string;
  readonly workers: readonly number[];
}

export async function startGatewayProcess(options: RuntimeOptions): Promise<GatewayProcess> {
  const child = fork(fileURLToPath(new URL("./gateway_child.ts", import.meta.url).href), {
    env: { ...process.env, GATEWAY_OPTIONS: JSON.stringify(options) },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const exited = once(child, "exit");
  const ready = await Promise.race([
    once(child, "message").then(([message]) => message as Ready),
    exited.then(([code]) => {
      throw new Error(`the gateway process ended with ${String(code)} before it was ready`);
    }),
  ]);
  return {
    url: ready.url,
    kill: async () => {
      for (const pid of ready.workers) process.kill(pid, "SIGKILL");
      child.kill("SIGKILL");
      await exited;
    },
    stop: async () => {
      child.disconnect();
      await exited;
    },
  };
}
