// From commander to a command: shared options, and how a command's end becomes the process's.

import { type Command, Option } from "commander";
import type { Io } from "./io.ts";
import type { Done } from "./refusal.ts";

/**
 * An action that gets the command's own and the shared options, then its arguments; their types are as
 * the command declared them to commander. A usage refusal is followed by where the help is.
 */
export function acting(
  io: Io,
  handle: (options: never, ...args: never[]) => Promise<Done>,
): (this: Command) => Promise<void> {
  const run = handle as (...given: readonly unknown[]) => Promise<Done>;
  return async function (this: Command) {
    const done = await run(this.optsWithGlobals(), ...(this.processedArgs as readonly unknown[]));
    const help = `\nTry: ${pathOf(this)} --help`;
    io.end(!done.ok && done.reason === "usage" ? { ...done, what: done.what + help } : done);
  };
}

export function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** Which gateway and as whom; see cli/access.ts. */
export function withAccess(command: Command): Command {
  for (const option of accessOptions()) command.addOption(option);
  return command;
}

export function accessOptions(): Option[] {
  return [
    new Option("--context <name>", "a gateway that you have logged in to; the current one if not given"),
    new Option("--gateway <url>", "the gateway (or SALLYPORT_GATEWAY)"),
    new Option("--token-file <file>", "a file with the access token (or SALLYPORT_TOKEN)"),
  ].map((option) => option.helpGroup("Which gateway, and as whom:"));
}

export function withJson(command: Command, what = "one JSON value in place of text"): Command {
  return command.option("--json", what);
}

/** Examples under a command's help: what to type, and what for. */
export function withExamples(command: Command, examples: readonly (readonly [line: string, why: string])[]): Command {
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, why]) => `  ${line.padEnd(width)}${why === "" ? "" : `  # ${why}`}`.trimEnd());
  return command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}
