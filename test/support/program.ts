// Runs a real program as a person would, with nothing of the environment that runs the tests: no
// proxies, no configuration of whoever is logged in.

import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";

export interface Ran {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface ProgramOptions {
  /** Where it runs, and its home unless `env` names another. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input; empty if not given. */
  readonly input?: Uint8Array | string;
}

export function startProgram(
  program: string,
  args: readonly string[],
  { folder, env }: ProgramOptions,
): ChildProcessByStdio<Writable, Readable, Readable> {
  return spawn(program, [...args], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", HOME: folder, LC_ALL: "C", ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** To its end, whatever that is. */
export function runProgram(program: string, args: readonly string[], options: ProgramOptions): Promise<Ran> {
  const child = startProgram(program, args, options);
  const stdout: Buffer[] = [];
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  // A program that does not read its input to the end closes it.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout: Buffer.concat(stdout), stderr }));
  });
}
