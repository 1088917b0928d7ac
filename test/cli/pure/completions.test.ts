import { Argument, Command, Option } from "commander";
import { describe, expect, test } from "vitest";
import { completionsOf, offeredText } from "../../../cli/completions.ts";

function program(): Command {
  const root = new Command("sallyport").option("--context <name>", "a context");
  root
    .command("show")
    .summary("records")
    .argument("[source]")
    .option("--json", "JSON")
    .option("--token-file <file>", "a file");
  root
    .command("sessions")
    .addOption(new Option("--state <state>").choices(["open", "closed"]))
    .option("--connection <name>", "at it");
  root.command("curl").argument("[args...]").option("--context <name>", "a context");
  root.command("completion").addArgument(new Argument("<shell>").choices(["bash", "zsh"]));
  root.command("complete", { hidden: true });
  const context = root.command("context").summary("contexts").helpCommand(false);
  context.command("use").argument("<context>");
  context.command("list");
  return root;
}
const names = { contexts: () => ["eu", "us", "us-2"], connections: () => ["registry", "wiki"] };
const offered = (...words: string[]): string =>
  offeredText(completionsOf(program(), words, names))
    .trimEnd()
    .replaceAll("\n", " ");

describe("completion", () => {
  test.each<[string[], string]>([
    [["s"], "show\trecords sessions"],
    [["comp"], "completion"],
    [["nothing"], ""],
    [["context", ""], "use list"],
    [["context", "use", "u"], "us us-2"],
    [["context", "use", "eu", ""], ""],
    [["--context", "e"], "eu"],
    [["--context=u"], "us us-2"],
    // As bash cuts it.
    [["--context", "=", "u"], "us us-2"],
    [["--context", "eu", "sess"], "sessions"],
    [["sessions", "--s"], "--state"],
    [["sessions", "--state", ""], "open closed"],
    [["sessions", "--connection", "w"], "wiki"],
    [["show", ""], "latest\tyour newest session :files"],
    [["show", "./x"], ":files"],
    [["show", "--token-file", ""], ":files"],
    [["show", "--js"], "--json\tJSON"],
    [["curl", "r"], "registry/ :open"],
    [["curl", "registry/x", "--context", ""], ":files"],
    [["curl", "--context", "u"], "us us-2"],
    [["completion", ""], "bash zsh"],
    [["$(touch", "x)", ""], ""],
  ])("%j offers %j", (words, expected) => {
    expect(offered(...words)).toBe(expected);
  });
});
