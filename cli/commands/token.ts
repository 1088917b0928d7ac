// `sallyport token`: the access token for scripts. The one command that prints a token, because it was asked to.

import type { Command } from "commander";
import { ok } from "../../core/result.ts";
import { accessOf, type AccessOptions } from "../access.ts";
import { acting, withAccess, withExamples } from "../acting.ts";
import type { Io } from "../io.ts";
import { type Done, EXIT } from "../refusal.ts";

interface TokenOptions extends AccessOptions {
  readonly header?: boolean;
}

export function tokenCommand(program: Command, io: Io): Command {
  const command = program
    .command("token")
    .summary("print the access token, for scripts")
    .description("Prints the access token, renewed if it would end soon. Whoever reads it is you until it ends.")
    .option("--header", "as a header line, for curl -H @-")
    .action(acting(io, (options: TokenOptions) => token(options, io)));
  return withExamples(withAccess(command), [
    ["sallyport token --header | curl -H @- https://…/c/registry/left-pad", "no token in the process list"],
    ["export SALLYPORT_TOKEN=$(sallyport token)", ""],
  ]);
}

async function token(options: TokenOptions, io: Io): Promise<Done> {
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  if (io.isTerminal)
    io.note(io.noteStyle.yellow("Whoever reads this token is you until it ends. Clear the screen afterwards."));
  await io.print(options.header === true ? `Authorization: Bearer ${access.value.token}` : access.value.token);
  return ok(EXIT.ok);
}
