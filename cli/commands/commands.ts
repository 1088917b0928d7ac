// `sallyport commands`: who called what, over all sessions.

import { type Command, Option } from "commander";
import { acting, withAccess, withExamples, withJson } from "../acting.ts";
import { commandLines, CommandRow } from "../command_rows.ts";
import type { Io } from "../io.ts";
import { type ListOptions, printList, USUAL } from "../print_list.ts";
import type { Done } from "../refusal.ts";

interface CommandsOptions extends ListOptions {
  readonly subject?: string;
  readonly actor?: string;
  readonly connection?: string;
  readonly outcome?: string;
  readonly method?: string;
  readonly route?: string;
  readonly status?: string;
}

export function commandsCommand(program: Command, io: Io): Command {
  const command = program
    .command("commands")
    .summary("list what was called, newest first")
    .description(
      `Lists commands, newest first: your own, or as an auditor everybody's. A command is found a few
seconds after it began; its records are there at once (\`sallyport show\`).`,
    )
    .option("--subject <name>", "of this person (auditors)")
    .option("--actor <name>", "through this program that acted for a person")
    .option("--connection <name>", "at this connection")
    .option("--method <method>", "with this method")
    .option("--route <pattern>", "of paths like this, as in a policy: /{package}, /-/**")
    .addOption(
      new Option("--outcome <outcome>", "that ended so").choices([
        "open",
        "waiting",
        "approved",
        "completed",
        "delivered",
        "failed",
        "cancelled",
        "denied",
        "expired",
        "unknown",
      ]),
    )
    .option("--status <code>", "answered with this status")
    .option("--since <time>", "since then: 30m, 2h, 7d, or 2026-11-24T10:00 (UTC)")
    .option("--until <time>", "until then")
    .option("-n, --limit <count>", `at most so many (${USUAL})`)
    .action(acting(io, (options: CommandsOptions) => commands(options, io)));
  return withExamples(withAccess(withJson(command)), [
    ["sallyport commands", "what you did last"],
    ["sallyport commands --outcome denied --since 1d", "what was refused since yesterday"],
    ["sallyport commands --subject bob --route '/-/package/**' --json", "for a script"],
  ]);
}

function commands(options: CommandsOptions, io: Io): Promise<Done> {
  const { subject, actor, connection, outcome, method, route, status } = options;
  const filters = { subject, actor, connection, outcome, method, route, status };
  return printList(options, { name: "commands", item: CommandRow, filters, lines: commandLines }, io);
}
