// All commands, in the groups in which help lists them, and how help looks.

import { type Argument, Command } from "commander";
import { accessOptions } from "./acting.ts";
import { approvalsCommands } from "./approvals/commands.ts";
import { commandsCommand } from "./commands/commands.ts";
import { completionCommand } from "./commands/completion.ts";
import { connectionsCommand } from "./commands/connections.ts";
import { contextCommand } from "./commands/context.ts";
import { curlCommand } from "./commands/curl.ts";
import { healthCommand } from "./commands/health.ts";
import { killCommand } from "./commands/kill.ts";
import { loginCommand } from "./commands/login.ts";
import { logoutCommand } from "./commands/logout.ts";
import { sessionsCommand } from "./commands/sessions.ts";
import { showCommand } from "./commands/show.ts";
import { tailCommand } from "./commands/tail.ts";
import { tokenCommand } from "./commands/token.ts";
import { verifySessionCommand } from "./commands/verify_session.ts";
import { whoamiCommand } from "./commands/whoami.ts";
import type { Io } from "./io.ts";
import { applyCommand, policyCommands } from "./policy/commands.ts";
import { version } from "./version.ts";

const AFTER = `
Each command takes --context NAME, --gateway URL and --token-file FILE; else
SALLYPORT_GATEWAY and SALLYPORT_TOKEN; else the context that you logged in to last.
Begin with: sallyport login URL

Exit codes:
  0  done; of records: intact and complete
  1  altered, or different: the first wrong record, the failed test is named
  2  wrong usage
  3  the gateway or a file cannot be reached or read
  4  intact, but completeness is not shown
  5  not logged in, or not allowed
  6  somebody else was first
`;

type Register = (program: Command, io: Io) => unknown;

const GROUPS: readonly (readonly [heading: string, commands: readonly Register[]])[] = [
  ["Log in:", [loginCommand, logoutCommand, whoamiCommand, tokenCommand, contextCommand]],
  ["Call tools:", [connectionsCommand, curlCommand]],
  ["Approvals:", [approvalsCommands]],
  ["The policy:", [policyCommands, applyCommand]],
  ["The trail:", [sessionsCommand, commandsCommand, showCommand, tailCommand, verifySessionCommand]],
  ["The gateway:", [killCommand, healthCommand]],
];

export function buildProgram(io: Io): Command {
  const program = new Command("sallyport")
    .description("Calls tools through a Sallyport gateway, and reads the trail of what was called.")
    .usage("<command> [options]")
    // So that what stands behind a command's name is that command's to read: curl has options of the same names.
    .enablePositionalOptions()
    .version(version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .option("--no-color", "no colours (also NO_COLOR); FORCE_COLOR=1 forces them")
    .exitOverride()
    .configureHelp(helpStyle(io))
    .configureOutput({
      // Errors come back as exceptions, and are said in one place.
      outputError: () => undefined,
      getOutHasColors: () => true,
      getErrHasColors: () => true,
      ...(io.width === null ? {} : { getOutHelpWidth: () => Math.min(io.width ?? 80, 100) }),
    })
    .addHelpText("after", AFTER);
  for (const option of accessOptions()) program.addOption(option.hideHelp());
  for (const [heading, commands] of GROUPS) {
    program.commandsGroup(heading);
    for (const register of commands) register(program, io);
  }
  program.commandsGroup("More:");
  completionCommand(program, io);
  program.helpCommand("help [command]", "print help for a command");
  visit(program, (command) => {
    // Paragraphs as they stand in the code: help has its own width.
    command.description(command.description().replaceAll(/([^\n])\n(?!\n)/g, "$1 "));
    if (command !== program) command.option("--no-color", "no colours").copyInheritedSettings(program);
  });
  return program;
}

function visit(command: Command, what: (command: Command) => void): void {
  what(command);
  for (const one of command.commands) visit(one, what);
}

function termOf(argument: Argument): string {
  const text = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? `<${text}>` : `[${text}]`;
}

function helpStyle({ style }: Io): Record<string, unknown> {
  return {
    styleTitle: (text: string) => style.bold(text),
    styleSubcommandTerm: (text: string) => style.cyan(text),
    styleOptionTerm: (text: string) => style.cyan(text),
    showGlobalOptions: false,
    // The list of all is for finding; what each takes is in its own help.
    subcommandTerm: (command: Command) =>
      command.parent?.parent === null
        ? command.name()
        : [command.name(), ...command.registeredArguments.map(termOf)].join(" "),
  };
}
