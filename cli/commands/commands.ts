// `sallyport commands`: who called what, over all sessions.

import { type Command, Option } from "commander";
import { ok } from "../../core/result.ts";
import { accessOf, type AccessOptions } from "../access.ts";
import { acting, withAccess, withExamples, withJson } from "../acting.ts";
import { commandLines, CommandRow } from "../command_rows.ts";
import { readLimit, timeFilters, type Times } from "../filters.ts";
import type { Io } from "../io.ts";
import { listed } from "../pages.ts";
import { type Done, EXIT } from "../refusal.ts";
import { jsonText } from "../terminal.ts";

interface CommandsOptions extends AccessOptions, Times {
  readonly subject?: string;
  readonly actor?: string;
  readonly connection?: string;
  readonly outcome?: string;
  readonly method?: string;
  readonly route?: string;
  readonly status?: string;
  readonly limit?: string;
  readonly json?: boolean;
}

const USUAL = 25;

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
        "completed",
        "failed",
        "cancelled",
        "denied",
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

async function commands(options: CommandsOptions, io: Io): Promise<Done> {
  const times = timeFilters(options, Date.now());
  if (!times.ok) return times;
  const limit = readLimit(options.limit, USUAL);
  if (!limit.ok) return limit;
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const { subject, actor, connection, outcome, method, route, status } = options;
  const filters = { subject, actor, connection, outcome, method, route, status, ...times.value };
  const got = await listed(access.value, "/api/v1/commands", filters, CommandRow, limit.value);
  if (!got.ok) return got;
  const { items, hasMore } = got.value;
  if (options.json === true) await io.print(jsonText(items));
  else if (items.length === 0) io.note("no commands found");
  else for (const line of commandLines(items, io.width, io.style)) await io.print(line);
  if (hasMore && options.json !== true) io.note(io.noteStyle.dim(`there are more: --limit ${limit.value * 4}`));
  return ok(EXIT.ok);
}
