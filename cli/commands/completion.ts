// `sallyport completion`: a script for the shell; and `complete`, which that script asks.

import { Argument, type Command } from "commander";
import { ok } from "../../core/result.ts";
import { targetOf } from "../access.ts";
import { acting, withExamples } from "../acting.ts";
import { rememberedConnections } from "../completion_cache.ts";
import { completionScript, type Shell, SHELLS } from "../completion_scripts.ts";
import { completionsOf, offeredText } from "../completions.ts";
import { readConfig } from "../config.ts";
import type { Io } from "../io.ts";
import { type Done, EXIT } from "../refusal.ts";

export function completionCommand(program: Command, io: Io): Command {
  const command = program
    .command("completion")
    .summary("complete commands, options and names in your shell")
    .description(
      `Prints a script for your shell. It completes commands, options, contexts and the names of the
connections that \`sallyport connections\` listed last.`,
    )
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .action(acting(io, (_: object, shell: Shell) => print(shell, io)));
  program
    .command("complete", { hidden: true })
    .argument("[words...]")
    .allowUnknownOption()
    .action(acting(io, (_: object, words: readonly string[]) => complete(program, words, io)));
  return withExamples(command, [
    ["source <(sallyport completion bash)", "in ~/.bashrc"],
    ["source <(sallyport completion zsh)", "in ~/.zshrc, after compinit"],
    ["sallyport completion fish | source", "in ~/.config/fish/config.fish"],
  ]);
}

async function print(shell: Shell, io: Io): Promise<Done> {
  await io.print(completionScript(shell));
  return ok(EXIT.ok);
}

/** Silent whatever happens: it runs while somebody types. */
async function complete(program: Command, words: readonly string[], io: Io): Promise<Done> {
  const offered = completionsOf(program, words, {
    contexts: () => {
      const config = readConfig(io.env);
      return config.ok ? [...config.value.contexts.keys()] : [];
    },
    connections: () => {
      const at = words.indexOf("--context");
      const named = at < 0 ? undefined : words[at + 1];
      const target = targetOf(named === undefined ? {} : { context: named }, io.env);
      return target.ok ? rememberedConnections(io.env, target.value.gateway) : [];
    },
  });
  const text = offeredText(offered).trimEnd();
  if (text !== "") await io.print(text);
  return ok(EXIT.ok);
}
