// The real `sallyport` in a process of its own, with a home of its own.

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startProgram } from "./program.ts";
import { walk } from "../../local/login.ts";

const PROGRAM = fileURLToPath(new URL("../../cli/sallyport.ts", import.meta.url).href);

export interface CliRan {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface CliOptions {
  /** Its home; contexts and tokens are below. */
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
}

export interface RunningCli {
  readonly pid: number;
  readonly ended: Promise<CliRan>;
  /** Resolves with the match once it stands in standard error; null if the program ended without. */
  says(what: RegExp): Promise<RegExpExecArray | null>;
  /** The same of standard output. */
  prints(what: RegExp): Promise<RegExpExecArray | null>;
  signal(name: NodeJS.Signals): void;
}

export function startCli(args: readonly string[], { home, env, input }: CliOptions): RunningCli {
  mkdirSync(home, { recursive: true });
  const child = startProgram(process.execPath, [PROGRAM, ...args], {
    folder: home,
    ...(env === undefined ? {} : { env }),
  });
  const heard = { out: "", err: "" };
  let isEnded = false;
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const one of waiting) one();
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => ((heard.out += text), wake()));
  child.stderr.setEncoding("utf8").on("data", (text: string) => ((heard.err += text), wake()));
  child.stdin.on("error", () => undefined).end(input ?? "");
  const ended = new Promise<CliRan>((resolve, reject) =>
    child.on("error", reject).on("close", (code) => {
      isEnded = true;
      wake();
      resolve({ code, ...heard });
    }),
  );
  const wait = (stream: "out" | "err", what: RegExp): Promise<RegExpExecArray | null> =>
    new Promise((resolve) => {
      const look = (): void => {
        const match = what.exec(heard[stream]);
        if (match === null && !isEnded) return;
        waiting.delete(look);
        resolve(match);
      };
      waiting.add(look);
      look();
    });
  return {
    pid: child.pid ?? 0,
    ended,
    says: (what) => wait("err", what),
    prints: (what) => wait("out", what),
    signal: (name) => child.kill(name),
  };
}

export function runCli(args: readonly string[], options: CliOptions): Promise<CliRan> {
  return startCli(args, options).ended;
}

/** Follows the URL that `login --no-browser` prints, as a person's browser would; the page it ends at. */
export async function followLogin(cli: RunningCli, subject: string): Promise<Response> {
  const url = await loginUrl(cli);
  const redirect = url.searchParams.get("redirect_uri") ?? "";
  return fetch(`${redirect}?${(await walk(url, subject, redirect)).toString()}`);
}

export async function loginUrl(cli: RunningCli): Promise<URL> {
  const found = await cli.says(/^ {2}(https?:\S+)$/m);
  if (found?.[1] === undefined) throw new Error(`no URL to log in at: ${(await cli.ended).err}`);
  return new URL(found[1]);
}

/** Logs in on no screen at all: the command runs to its end. */
export async function logIn(
  gateway: string,
  subject: string,
  options: CliOptions,
  more: readonly string[] = [],
): Promise<CliRan> {
  const cli = startCli(["login", gateway, "--no-browser", ...more], options);
  await (await followLogin(cli, subject)).text();
  return cli.ended;
}
