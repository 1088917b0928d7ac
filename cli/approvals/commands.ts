// `sallyport approvals …`, as commander knows them. What they do stands in a file each.

import { type Command, Option } from "commander";
import { acting, withAccess, withExamples, withJson } from "../acting.ts";
import type { Io } from "../io.ts";
import { USUAL } from "../print_list.ts";
import type { ActOptions, DecideOptions } from "./act.ts";
import type { ApprovalsOptions } from "./list.ts";
import type { ShowOptions } from "./show.ts";
import type { WatchOptions } from "./watch.ts";

const ID = "its id, as `sallyport approvals list` has it";
const COMMENT = "-m, --comment <text>";

export function approvalsCommands(program: Command, io: Io): Command {
  const approvals = program
    .command("approvals")
    .summary("what waits for a decision, and deciding it")
    .description(
      "Commands that a rule stopped until somebody approves them. You decide on what `show` shows, and on nothing that came after it.",
    );
  listCommand(approvals, io);
  showCommand(approvals, io);
  approvals.commandsGroup("Deciding:");
  approveCommand(approvals, io);
  denyCommand(approvals, io);
  watchCommand(approvals, io);
  approvals.commandsGroup("Afterwards:");
  actCommand(approvals, io, "cancel", "take back a request of your own");
  actCommand(approvals, io, "revoke", "take back what was approved and not used, or allowed for a time");
  actCommand(approvals, io, "review", "sign off what went on without approval");
  return approvals;
}

function listCommand(approvals: Command, io: Io): void {
  const command = approvals
    .command("list", { isDefault: true })
    .summary("list approvals, newest first")
    .description("Lists what waits for you, or what another --view has.")
    .addOption(
      new Option("--view <view>", "which ones")
        .choices(["waiting", "mine", "decided", "reviews", "all"])
        .default("waiting"),
    )
    .option("--connection <name>", "at this connection")
    .addOption(
      new Option("--state <state>", "only these").choices([
        ...["pending", "approved", "denied", "expired", "cancelled", "revoked", "consumed"],
      ]),
    )
    .option("-n, --limit <count>", `at most so many (${USUAL})`)
    .action(acting(io, async (options: ApprovalsOptions) => (await import("./list.ts")).list(options, io)));
  withExamples(withAccess(withJson(command)), [
    ["sallyport approvals", "what waits for you"],
    ["sallyport approvals list --view mine", "what you asked for"],
    ["sallyport approvals list --view reviews", "what went on without approval"],
  ]);
}

function showCommand(approvals: Command, io: Io): void {
  const command = approvals
    .command("show")
    .summary("show one as its deciders see it")
    .description("Who asks, what exactly, by which rule, and who has decided. Secrets are masked, as in the record.")
    .argument("<approval>", ID)
    .option("--all", "the whole body")
    .action(acting(io, async (options: ShowOptions, id: string) => (await import("./show.ts")).show(options, id, io)));
  withExamples(withAccess(withJson(command)), [["sallyport approvals show <id>", ""]]);
}

function approveCommand(approvals: Command, io: Io): void {
  const command = approvals
    .command("approve")
    .summary("approve one, once or for a time")
    .description("Shows it and asks, then approves what it has shown. With --seen or --yes nobody is asked.")
    .argument("<approval>", ID)
    .option("--minutes <count>", "allow the like for so long, where the rule lets you")
    .option(COMMENT, "why, for those who read it later")
    .option("--seen <text>", "`seen` of what you looked at: it is decided only if nothing has changed since")
    .option("-y, --yes", "as it is now, without looking")
    .action(
      acting(io, async (options: DecideOptions, id: string) =>
        (await import("./act.ts")).decide("approve", options, id, io),
      ),
    );
  withExamples(withAccess(withJson(command)), [
    ["sallyport approvals approve <id>", ""],
    ['sallyport approvals approve <id> --minutes 15 -m "during the migration"', ""],
  ]);
}

function denyCommand(approvals: Command, io: Io): void {
  const command = approvals
    .command("deny")
    .summary("deny one")
    .description("Whoever asked is told, with your comment.")
    .argument("<approval>", ID)
    .option(COMMENT, "why; whoever asked is told")
    .option("--seen <text>", "`seen` of what you looked at: it is decided only if nothing has changed since")
    .action(
      acting(io, async (options: DecideOptions, id: string) =>
        (await import("./act.ts")).decide("deny", options, id, io),
      ),
    );
  withExamples(withAccess(withJson(command)), [['sallyport approvals deny <id> -m "not on a Friday"', ""]]);
}

function watchCommand(approvals: Command, io: Io): void {
  const command = approvals
    .command("watch")
    .summary("tell when something begins to wait for you")
    .description("Prints each approval as it begins to wait for you, until Ctrl-C, or once with --once.")
    .option("--once", "end after the first")
    .action(acting(io, async (options: WatchOptions) => (await import("./watch.ts")).watch(options, io)));
  withExamples(withAccess(withJson(command, "a JSON line for each")), [
    ["sallyport approvals watch", ""],
    ["sallyport approvals watch --once --json | jq -r .id", "in a script"],
  ]);
}

function actCommand(approvals: Command, io: Io, what: "cancel" | "revoke" | "review", summary: string): void {
  const command = approvals
    .command(what)
    .summary(summary)
    .description(`${summary[0]?.toUpperCase() ?? ""}${summary.slice(1)}.`)
    .argument("<approval>", ID)
    .option(COMMENT, "why, for those who read it later")
    .action(
      acting(io, async (options: ActOptions, id: string) => (await import("./act.ts")).act(what, options, id, io)),
    );
  withExamples(withAccess(withJson(command)), [[`sallyport approvals ${what} <id>`, ""]]);
}
