// The load generator and the upstream, as processes of their own.

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { Job, JobResult } from "./load.ts";
import { pinned } from "./pin.ts";

export interface LoadProcess {
  run(job: Job): Promise<JobResult>;
  stop(): void;
}

export function startLoad(): LoadProcess {
  const [command, args] = pinned("load", process.execPath, [join(import.meta.dirname, "load.ts")]);
  const child = spawn(command, args, { stdio: ["ignore", 2, 2, "ipc"] });
  return {
    run: (job) => answerOf(child, job),
    stop: () => {
      if (child.connected) child.disconnect();
    },
  };
}

function answerOf(child: ChildProcess, job: Job): Promise<JobResult> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error("the load generator ended"));
    child.once("exit", ended);
    child.once("message", (result: JobResult) => {
      child.off("exit", ended);
      resolve(result);
    });
    child.send(job);
  });
}

export interface UpstreamProcess {
  readonly port: number;
  stop(): void;
}

/** `program` of this folder prints the port it listens on. */
export async function startUpstream(program = "upstream.ts"): Promise<UpstreamProcess> {
  const [command, args] = pinned("load", process.execPath, [join(import.meta.dirname, program)]);
  const child = spawn(command, args, { stdio: ["pipe", "pipe", 2] });
  const port = await new Promise<number>((resolve, reject) => {
    child.once("exit", () => reject(new Error("the upstream ended before it listened")));
    child.stdout?.once("data", (chunk: Buffer) => resolve(Number(chunk.toString().trim())));
  });
  return { port, stop: () => child.stdin?.end() };
}
