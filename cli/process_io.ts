// The process as commands see it, and how it ends: by its work, by Ctrl-C (130), by a reader that has
// seen enough (`| head`, no error).

import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import type { Io } from "./io.ts";
import { EXIT, type CliRefusal, type Done } from "./refusal.ts";
import { shown, styleOf, wantsColor } from "./terminal.ts";

export interface ProcessIo extends Io {
  /** Each line of `text` made safe. */
  complain(text: string): void;
}

export function processIo(args: readonly string[]): ProcessIo {
  const { stdout, stderr, env } = process;
  const own = args.slice(0, args.includes("--") ? args.indexOf("--") : undefined);
  const isRefused = own.includes("--no-color");
  const noteStyle = styleOf(wantsColor(stderr.isTTY === true, env, isRefused));
  const cleaners = new Set<() => void>();
  let isProgressShown = false;
  const clearProgress = (): void => {
    if (isProgressShown) stderr.write("\r\x1b[K");
    isProgressShown = false;
  };
  const endEarly = (code: number): void => {
    clearProgress();
    for (const clean of cleaners) clean();
    process.exit(code);
  };
  process.on("SIGINT", () => endEarly(EXIT.interrupted));
  process.on("SIGTERM", () => endEarly(143));
  stdout.on("error", () => endEarly(EXIT.ok));
  stderr.on("error", () => undefined);
  const complain = (text: string): void => {
    clearProgress();
    const [first = "", ...rest] = text.split("\n").map((line) => shown(line, 500));
    stderr.write(`${[noteStyle.red("sallyport:") + ` ${first}`, ...rest].join("\n")}\n`);
  };
  return {
    env,
    isTerminal: stdout.isTTY === true,
    width: stdout.isTTY === true ? columnsOf(env.COLUMNS, stdout.columns) : null,
    style: styleOf(wantsColor(stdout.isTTY === true, env, isRefused)),
    noteStyle,
    print: async (line) => {
      clearProgress();
      if (!stdout.write(`${line}\n`)) await once(stdout, "drain");
    },
    write: async (bytes) => {
      if (!stdout.write(bytes)) await once(stdout, "drain");
    },
    note: (line) => {
      clearProgress();
      stderr.write(`${line}\n`);
    },
    progress: (text) => {
      if (stderr.isTTY !== true || (text === "" && !isProgressShown)) return;
      stderr.write(`\r\x1b[K${text}`);
      isProgressShown = text !== "";
    },
    stdin: () => process.stdin as AsyncIterable<Uint8Array>,
    ask: async (question) => {
      if (process.stdin.isTTY !== true || stderr.isTTY !== true) return null;
      clearProgress();
      const lines = createInterface({ input: process.stdin, output: stderr });
      // Ctrl-D is no answer, and Ctrl-C ends the command as everywhere.
      const ended = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
      lines.once("SIGINT", () => endEarly(EXIT.interrupted));
      try {
        return await Promise.race([lines.question(question), ended]);
      } finally {
        lines.close();
      }
    },
    beforeEnd: (clean) => {
      cleaners.add(clean);
      return () => cleaners.delete(clean);
    },
    complain,
    end: (done: Done) => {
      if (!done.ok) complain(done.what);
      process.exitCode = done.ok ? done.value : codeOf(done);
    },
  };
}

function codeOf({ reason }: CliRefusal): number {
  return EXIT[reason];
}

/** COLUMNS wins: who sets it knows better. */
export function columnsOf(set: string | undefined, real: number | undefined): number | null {
  if (set !== undefined && /^[1-9]\d{0,4}$/.test(set)) return Number(set);
  return real === undefined || real < 1 ? null : real;
}
