// The `sallyport` command: reads arguments, wires the process to the commands, maps refusals to exit
// codes. Never prints a token, and prints nothing that a record says but through `shown`.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Result } from "../core/result.ts";
import type { CliRefusal } from "./gateway_client.ts";
import type { Io } from "./io.ts";
import { sessionsCommand, whoamiCommand } from "./sessions.ts";
import { shown, styleOf, wantsColor } from "./terminal.ts";
import { verifyCommand } from "./verify_session.ts";

const HELP = `Usage: sallyport <command> [options]

Commands
  verify-session <source>   say whether a session's records are intact and complete
  show <source>             the same, with a line for each record
  sessions                  list the sessions you can read, newest first
  whoami                    who the gateway thinks you are
  help, --version

A source is a file with an export, - for standard input, a session's id, or
"latest": your newest session that is not one of reading the trail.

Options
  --gateway URL       the gateway (or SALLYPORT_GATEWAY)
  --token-file FILE   the access token (or SALLYPORT_TOKEN); never an argument,
                      because other users of the machine can read those
  --head SIZE:ROOT    verify against a head you noted earlier
  --show              print the records while verifying
  --json              one JSON value in place of text
  --no-color          no colours (also NO_COLOR); FORCE_COLOR=1 forces them

Exit codes
  0  intact and complete, or the command did what it should
  1  altered: the first wrong record is named
  2  wrong usage
  3  the gateway or the export cannot be read
  4  intact, but completeness is not shown

What the verdicts mean: docs/record_format.md, section 7.`;

const OPTIONS = {
  gateway: { type: "string" },
  "token-file": { type: "string" },
  head: { type: "string" },
  show: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  "no-color": { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
  version: { type: "boolean", default: false },
} as const;

function readArguments(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    return error instanceof Error ? error.message : "these arguments cannot be read";
  }
}

async function main(args: string[]): Promise<number> {
  const read = readArguments(args);
  if (typeof read === "string") return complain({ reason: "usage", what: read });
  const { values, positionals } = read;
  const [command, source, ...rest] = positionals;
  const io = processIo(values["no-color"]);
  if (values.version) {
    await io.print(version());
    return 0;
  }
  if (values.help || command === "help") {
    await io.print(HELP);
    return 0;
  }
  if (command === undefined) {
    process.stderr.write(`${HELP}\n`);
    return 2;
  }
  const run = commandOf(command, source, values, io);
  if (run === null) return complain({ reason: "usage", what: `there is no command ${shown(command, 40)}.` });
  if (run === "source")
    return complain({ reason: "usage", what: `${command} needs a file, "-", a session's id, or "latest".` });
  if (rest.length > 0 || (source !== undefined && (command === "sessions" || command === "whoami")))
    return complain({ reason: "usage", what: "too many arguments." });
  const done = await run();
  return done.ok ? done.value : complain(done);
}

type Values = Exclude<ReturnType<typeof readArguments>, string>["values"];

function commandOf(
  command: string,
  source: string | undefined,
  values: Values,
  io: Io,
): (() => Promise<Result<number, CliRefusal>>) | "source" | null {
  switch (command) {
    case "verify-session":
    case "show":
      return source === undefined
        ? "source"
        : () => verifyCommand(source, { ...values, show: values.show || command === "show" }, io);
    case "sessions":
      return () => sessionsCommand(values, io);
    case "whoami":
      return () => whoamiCommand(values, io);
    default:
      return null;
  }
}

function complain({ reason, what }: CliRefusal): number {
  process.stderr.write(`sallyport: ${shown(what, 500)}${reason === "usage" ? "\nTry: sallyport help" : ""}\n`);
  return reason === "usage" ? 2 : 3;
}

function processIo(isColorRefused: boolean): Io {
  const { stdout, stderr, env } = process;
  const style = styleOf(wantsColor(stdout.isTTY === true, env, isColorRefused));
  let isProgressShown = false;
  return {
    env,
    style,
    print: async (line) => {
      if (isProgressShown) stderr.write("\r\x1b[K");
      isProgressShown = false;
      if (!stdout.write(`${line}\n`)) await once(stdout, "drain");
    },
    progress: (text) => {
      if (stderr.isTTY !== true || (text === "" && !isProgressShown)) return;
      stderr.write(`\r\x1b[K${text}`);
      isProgressShown = text !== "";
    },
    stdin: () => process.stdin as AsyncIterable<Uint8Array>,
  };
}

function version(): string {
  const text = readFileSync(fileURLToPath(new URL("../package.json", import.meta.url).href), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

// A reader that has seen enough (`| head`) is no error.
process.stdout.on("error", () => process.exit(0));
process.exitCode = await main(process.argv.slice(2));
