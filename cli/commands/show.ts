// `sallyport show`: records, a line each.

import type { Command } from "commander";
import { acting, withAccess, withExamples, withJson } from "../acting.ts";
import type { Io } from "../io.ts";
import { type VerifyCliOptions, verify } from "./verify_session.ts";

export function showCommand(program: Command, io: Io): Command {
  const command = program
    .command("show")
    .summary("print a session's records, verified")
    .description(
      `Prints a session's records, a line each, and says whether they are intact and complete.

A source is a file with an export, - for standard input, a session's id, or "latest":
your newest session that is not one of reading the trail.`,
    )
    .argument("[source]")
    .usage("<source> [options]")
    .option("--head <size:root>", "verify against a head that you noted earlier")
    .action(
      acting(io, (options: VerifyCliOptions, source?: string) =>
        verify("show", source, { ...options, show: true }, io),
      ),
    );
  return withExamples(withAccess(withJson(command)), [
    ["sallyport show latest", "your newest session"],
    ["sallyport show export.ndjson", "a file"],
  ]);
}
