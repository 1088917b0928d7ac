// What commander says about arguments that it cannot read, in this command's words: what is wrong,
// what was perhaps meant, where the help is.

import type { Command } from "commander";
import { pathOf } from "./acting.ts";

export function usageText(message: string, args: readonly string[], program: Command): string {
  const [first = "", hint = ""] = message.replace(/^error: /, "").split("\n");
  const what = first
    .replace(/^unknown command '(.*)'$/, "there is no command $1")
    .replace(/^unknown option '(.*)'$/, "there is no option $1")
    .replace(/^missing required argument '(.*)'$/, "$1 is missing")
    .replace(/^required option '(.*)' not specified$/, "$1 is missing")
    .replace(/^option '(.*)' argument missing$/, "$1 needs its value");
  const meant = /^\(Did you mean (.*)\?\)$/.exec(hint)?.[1];
  const sentence = /[.!?]$/.test(what) ? what : `${what}.`;
  return `${sentence}${meant === undefined ? "" : ` Did you mean ${meant}?`}\nTry: ${pathOf(commandOf(args, program))} --help`;
}

/** The command that the arguments name, as far as they do. */
function commandOf(args: readonly string[], program: Command): Command {
  let command = program;
  for (const arg of args) {
    const next = command.commands.find((one) => one.name() === arg || one.aliases().includes(arg));
    if (next !== undefined) command = next;
    else if (!arg.startsWith("-") && command !== program) break;
  }
  return command;
}
