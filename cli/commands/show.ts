// `sallyport show`: a session's records, verified; or one command's.

import type { Command } from "commander";
import * as v from "valibot";
import { parseCommandId } from "../../core/ids.ts";
import { ok, type Result } from "../../core/result.ts";
import { readLine } from "../../core/verify/read_line.ts";
import { accessOf } from "../access.ts";
import { acting, withAccess, withExamples, withJson } from "../acting.ts";
import { CommandRow, outcomeText, paintOutcome, requestText } from "../command_rows.ts";
import { callJson, notAGateway } from "../gateway_client.ts";
import type { Io } from "../io.ts";
import { RecordLines } from "../record_line.ts";
import { type CliRefusal, type Done, EXIT } from "../refusal.ts";
import { NO_SESSION } from "../session_source.ts";
import { jsonText, shown } from "../terminal.ts";
import { bytesText, timeText } from "../time_text.ts";
import { type VerifyCliOptions, verify } from "./verify_session.ts";

const Shown = v.object({
  ...CommandRow.entries,
  records: v.array(v.object({ leaf: v.string(), fields: v.unknown() })),
});

export function showCommand(program: Command, io: Io): Command {
  const command = program
    .command("show")
    .summary("print a session's records, or what became of a command")
    .description(
      `Prints a session's records, a line each, and says whether they are intact and complete; of a command
what was asked, decided and answered, with its records.

A source is a session's or a command's id, a file with an export, - for standard input, or
"latest": your newest session that is not one of reading the trail.`,
    )
    .argument("[source]")
    .usage("<source> [options]")
    .option("--head <size:root>", "verify against a head that you noted earlier")
    .action(acting(io, (options: VerifyCliOptions, source?: string) => show(options, source, io)));
  return withExamples(withAccess(withJson(command)), [
    ["sallyport show latest", "your newest session"],
    ["sallyport show <command's id>", "as `sallyport commands` lists it, or an error names it"],
    ["sallyport show export.ndjson", "a file"],
  ]);
}

/** An id is a session's or a command's: both look the same. */
async function show(options: VerifyCliOptions, source: string | undefined, io: Io): Promise<Done> {
  const asSession = await verify("show", source, { ...options, show: true }, io);
  const id = source === undefined ? null : parseCommandId(source);
  if (asSession.ok || asSession.problem?.status !== 404 || id === null) return asSession;
  const asCommand = await commandOf(id, options, io);
  return !asCommand.ok && asCommand.problem?.status === 404
    ? { ...asSession, what: NO_SESSION.replace("session", "session or command") }
    : asCommand;
}

async function commandOf(id: string, options: VerifyCliOptions, io: Io): Promise<Result<number, CliRefusal>> {
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const got = await callJson(access.value, { path: `/api/v1/commands/${id}` });
  if (!got.ok) return got;
  const parsed = v.safeParse(Shown, got.value);
  if (!parsed.success) return notAGateway();
  if (options.json === true) {
    await io.print(jsonText(parsed.output));
    return ok(EXIT.ok);
  }
  const { records, ...row } = parsed.output;
  const { style } = io;
  for (const [label, text] of rowTexts(row, io)) await io.print(`${style.dim(label.padEnd(10))} ${text}`);
  if (records.length > 0) await io.print("");
  const lines = new RecordLines(style, io.width);
  for (const { leaf, fields } of records) {
    const line = readLine(new TextEncoder().encode(JSON.stringify({ leaf, fields })));
    await io.print(line.kind === "record" ? lines.line(line) : style.red("a record that cannot be read"));
  }
  return ok(EXIT.ok);
}

function rowTexts(row: CommandRow, { style }: Io): [string, string][] {
  const by = row.actor === null ? "" : ` through ${style.cyan(shown(row.actor, 80))}`;
  const sizes = [
    row.req_bytes === null ? "" : `↑${bytesText(row.req_bytes)}`,
    row.resp_bytes === null ? "" : `↓${bytesText(row.resp_bytes)}`,
  ];
  const decision = `${shown(row.effect ?? "", 40)}${row.rule === null ? "" : ` by ${shown(row.rule, 80)}`}`.trim();
  const answer = [
    paintOutcome(row, style)(shown(outcomeText(row), 80)),
    ...sizes,
    row.ms === null ? "" : `${row.ms} ms`,
  ];
  return [
    ["command", style.bold(shown(row.id, 40))],
    ["who", `${style.cyan(shown(row.subject, 80))} at ${shown(row.issuer, 120)}${by}`],
    ["when", timeText(row.time)],
    ["request", `${requestText(row)} at ${style.bold(shown(row.connection, 40))}`],
    ["decision", row.policy === null ? decision : `${decision} ${style.dim(`of policy ${shown(row.policy, 12)}`)}`],
    ["outcome", answer.filter((one) => one !== "").join("  ")],
    ["session", `${shown(row.sid, 40)}${row.seq === null ? "" : style.dim(`, record ${row.seq}`)}`],
  ];
}
