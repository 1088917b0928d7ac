// Runs the gateway in a process of its own, so that a test can kill it like a machine that loses
// power. Options come by the environment, the address and workerd's process id go back by IPC.

import { readdirSync, readFileSync } from "node:fs";
import { type RuntimeOptions, startRuntime } from "../../local/runtime.ts";

/** Process ids whose parent is `parent`, by /proc. */
function childrenOf(parent: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        // Field 4 of stat, counted after the command's closing parenthesis (proc(5)).
        const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
          .replace(/^.*\) /s, "")
          .split(" ");
        return Number(fields[1]) === parent;
      } catch {
        return false;
      }
    });
}

const options = JSON.parse(process.env.GATEWAY_OPTIONS ?? "") as RuntimeOptions;
const runtime = await startRuntime(options);
process.send?.({ url: runtime.url, workers: childrenOf(process.pid) });
process.on("disconnect", () => void runtime.stop().then(() => process.exit(0)));
