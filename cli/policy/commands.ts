// `sallyport policy …` and `sallyport apply`, as commander knows them. What they do stands in a file
// each, loaded when it is asked for: the policy's language is half of this program.

import { type Command, Option } from "commander";
import { acting, withAccess, withExamples, withJson } from "../acting.ts";
import type { Io } from "../io.ts";
import type { ApplyOptions } from "./apply.ts";
import type { DiffOptions } from "./diff.ts";
import type { ExplainOptions } from "./explain.ts";
import type { HistoryOptions, ShowOptions } from "./history.ts";
import { DEFAULT_FILE } from "./default_file.ts";
import type { WhoOptions } from "./who.ts";

const FILE = "-f, --file <file>";
const FILE_IS = `the policy; - for standard input (${DEFAULT_FILE})`;

export function policyCommands(program: Command, io: Io): Command {
  const policy = program
    .command("policy")
    .summary("check, test and explain a policy; its history")
    .description(
      "Says what a policy means before it is applied, and what was applied. docs/policy.md is the language.",
    );
  policy.commandsGroup("A file, offline:");
  checkCommand(policy, io);
  testCommand(policy, io);
  explainCommand(policy, io);
  whoCommand(policy, io);
  diffCommand(policy, io);
  policy.commandsGroup("At a gateway:");
  historyCommand(policy, io);
  showCommand(policy, io);
  rollbackCommand(policy, io);
  return policy;
}

function checkCommand(policy: Command, io: Io): void {
  const command = policy
    .command("check")
    .summary("find what is wrong with a policy")
    .description("Names each problem with its line and column, and warns of rules that never decide.")
    .option(FILE, FILE_IS)
    .option("--strict", "warnings are problems, too")
    .action(acting(io, async (options) => (await import("./check.ts")).check(options, io)));
  withExamples(withJson(command), [
    ["sallyport policy check", `${DEFAULT_FILE} in this folder`],
    ["sallyport policy check -f - < policy.yaml", ""],
  ]);
}

function testCommand(policy: Command, io: Io): void {
  const command = policy
    .command("test")
    .summary("run a policy's examples")
    .description("Decides each example of the file, and says which are not decided as the file expects.")
    .option(FILE, FILE_IS)
    .action(acting(io, async (options) => (await import("./test.ts")).test(options, io)));
  withExamples(withJson(command), [["sallyport policy test", ""]]);
}

function explainCommand(policy: Command, io: Io): void {
  const more = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value];
  const command = policy
    .command("explain")
    .summary("what would happen, and by which rule")
    .description("Decides a command that nobody sends, and says of each rule why it decided or did not.")
    .argument("<method>", "in upper case")
    .argument("<target>", "the path inside the connection, with its query")
    .option(FILE, FILE_IS)
    .requiredOption("--on <connection>", "the connection")
    .option("--all", "also rules about other connections, methods and routes")
    .optionsGroup("Who calls:")
    .requiredOption("--as <subject>", "who")
    .option("--group <group>", "a group of theirs; may be given again", more)
    .option("--issuer <url>", "who vouches for them; the one that the policy names, if it names one only")
    .option("--email <address>", "their email address, taken as verified")
    .option("--actor <subject@issuer>", "who acts for them; may be given again, the nearest first", more)
    .optionsGroup("With what:")
    .option("--header <name: value>", "may be given again", more)
    .option("--json-body <file>", "a file with the JSON body, or the message; - for standard input")
    .option("--address <ip>", "where from")
    .option("--time <time>", "when, as 2026-11-24T10:00:00Z (now)")
    .optionsGroup("Options:")
    .action(
      acting(io, async (options: ExplainOptions, method: string, target: string) =>
        (await import("./explain.ts")).explain(method, target, options, io),
      ),
    );
  withExamples(withJson(command), [
    ["sallyport policy explain --as bob --group leads --on registry PUT /left-pad", ""],
    ["sallyport policy explain --as eve --on mcp --json-body call.json POST /mcp", "with a body"],
  ]);
}

function whoCommand(policy: Command, io: Io): void {
  const command = policy
    .command("who")
    .summary("who may do this")
    .description(
      "Names the roles, groups and subjects that may do something, by which rule, and under which condition.",
    )
    .argument("<method>", "in upper case")
    .argument("<target>", "the path inside the connection, with its query")
    .option(FILE, FILE_IS)
    .requiredOption("--on <connection>", "the connection")
    .action(
      acting(io, async (options: WhoOptions, method: string, target: string) =>
        (await import("./who.ts")).who(method, target, options, io),
      ),
    );
  withExamples(withJson(command), [["sallyport policy who --on registry PUT /left-pad", ""]]);
}

function diffCommand(policy: Command, io: Io): void {
  const command = policy
    .command("diff")
    .summary("what a policy would change")
    .description("Compares a file with the policy in force, by line and by meaning. Exit code 1 if they differ.")
    .argument("[file]", `the new policy (${DEFAULT_FILE})`)
    .option("--against <what>", "current, the hash of an earlier policy, or a file", "current")
    .action(
      acting(io, async (options: DiffOptions, file?: string) => (await import("./diff.ts")).diff(file, options, io)),
    );
  withExamples(withAccess(withJson(command)), [
    ["sallyport policy diff", "against the policy in force"],
    ["sallyport policy diff --against old.yaml new.yaml", "offline"],
  ]);
}

function historyCommand(policy: Command, io: Io): void {
  const command = policy
    .command("history")
    .summary("who applied which policy")
    .description("Lists the policies that were applied, newest first, with who applied each and why.")
    .option("--limit <n>", "at most so many", "20")
    .action(acting(io, async (options: HistoryOptions) => (await import("./history.ts")).history(options, io)));
  withExamples(withAccess(withJson(command)), [["sallyport policy history", ""]]);
}

function showCommand(policy: Command, io: Io): void {
  const command = policy
    .command("show")
    .summary("print a policy's text")
    .description("Prints the policy in force, or an earlier one, as it was applied.")
    .argument("[hash]", "of an earlier policy")
    .action(
      acting(io, async (options: ShowOptions, hash?: string) => (await import("./history.ts")).show(hash, options, io)),
    );
  withExamples(withAccess(withJson(command)), [["sallyport policy show > sallyport.yaml", ""]]);
}

function rollbackCommand(policy: Command, io: Io): void {
  const command = policy
    .command("rollback")
    .summary("apply an earlier policy again")
    .description("Shows what changes and asks; then an earlier policy is in force again, as a new version.")
    .argument("<hash>", "of the earlier policy")
    .addOption(new Option("--comment <text>", "why, for the history"))
    .option("--yes", "do not ask")
    .action(
      acting(io, async (options: ApplyOptions, hash: string) =>
        (await import("./apply.ts")).rollback(hash, options, io),
      ),
    );
  withExamples(withAccess(withJson(command)), [
    ["sallyport policy rollback 3f2a…", "hashes: sallyport policy history"],
  ]);
}

export function applyCommand(program: Command, io: Io): Command {
  const command = program
    .command("apply")
    .summary("put a policy in force")
    .description(
      "Checks a policy and runs its examples, shows what it changes and asks; then it is in force. Refused if somebody else applied another one in between.",
    )
    .option(FILE, FILE_IS)
    .option("--comment <text>", "why, for the history")
    .option("--yes", "do not ask")
    .option("--dry-run", "let the gateway check it, and change nothing")
    .action(acting(io, async (options: ApplyOptions) => (await import("./apply.ts")).apply(options, io)));
  return withExamples(withAccess(withJson(command)), [
    ['sallyport apply --comment "let leads unpublish"', ""],
    ["sallyport apply -f - --yes < policy.yaml", "from a pipeline"],
  ]);
}
