#!/usr/bin/env node
// The `sallyport` command: reads arguments, runs a command, maps what cannot be read to exit code 2.
// Never prints a token but when asked for one, and prints nothing that a record or a server says but
// through `shown`.

import { CommanderError } from "commander";
import { processIo } from "./process_io.ts";
import { buildProgram } from "./program.ts";
import { EXIT } from "./refusal.ts";
import { usageText } from "./usage_text.ts";

const args = process.argv.slice(2);
const io = processIo(args);
const program = buildProgram(io);
try {
  if (args.length === 0) program.help({ error: true });
  await program.parseAsync(args, { from: "user" });
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  const isHelp = error.code === "commander.help" || error.code === "commander.helpDisplayed";
  if (!isHelp && error.code !== "commander.version") io.complain(usageText(error.message, args, program));
  process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
}
