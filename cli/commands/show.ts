// `sallyport show`: a session's records, verified; or one command's, with what it sent and received.

import { type Command, Option } from "commander";
import * as v from "valibot";
import { parseCommandId } from "../../core/ids.ts";
import { ok, refuse, type Result } from "../../core/result.ts";
import { readLine } from "../../core/verify/read_line.ts";
import { type Access, accessOf } from "../access.ts";
import { acting, withAccess, withExamples, withJson } from "../acting.ts";
import { CommandRow, outcomeText, paintOutcome, requestText } from "../command_rows.ts";
import { callJson, notAGateway } from "../gateway_client.ts";
import type { Io } from "../io.ts";
import { showDialogue } from "../payload/dialogue.ts";
import { PayloadFacts, type Side } from "../payload/payload_facts.ts";
import { rawBody } from "../payload/raw_body.ts";
import { showBodies } from "../payload/show_bodies.ts";
import { RecordLines } from "../record_line.ts";
import { type CliRefusal, type Done, EXIT } from "../refusal.ts";
import { NO_SESSION } from "../session_source.ts";
import { jsonText, shown } from "../terminal.ts";
import { bytesText, timeText } from "../time_text.ts";
import { type VerifyCliOptions, verify } from "./verify_session.ts";

const NO_COMMAND = NO_SESSION.replace("session", "session or command");

const Shown = v.object({
  ...CommandRow.entries,
  records: v.array(v.object({ leaf: v.string(), fields: v.unknown() })),
  payloads: v.object({ request: PayloadFacts, response: PayloadFacts }),
});
type Shown = v.InferOutput<typeof Shown>;

interface ShowOptions extends VerifyCliOptions {
  readonly request?: boolean;
  readonly response?: boolean;
  readonly output?: string;
  readonly all?: boolean;
}

export function showCommand(program: Command, io: Io): Command {
  const command = program
    .command("show")
    .summary("print a session's records, or what a command sent and received")
    .description(
      `Prints a session's records, a line each, and says whether they are intact and complete; of a command
what was asked, decided and answered, its records, and the beginnings of both bodies as they are
recorded; of a socket its messages.

A source is a session's or a command's id, a file with an export, - for standard input, or
"latest": your newest session that is not one of reading the trail.`,
    )
    .argument("[source]")
    .usage("<source> [options]")
    .option("--head <size:root>", "verify against a head that you noted earlier")
    .option("--all", "of a command: bodies and messages to their end")
    .addOption(
      new Option("--request", "of a command: its request's body and nothing else").conflicts(["response", "json"]),
    )
    .addOption(new Option("--response", "of a command: its answer's body and nothing else").conflicts("json"))
    .option("-o, --output <file>", "where --request or --response go; goes on where it was interrupted")
    .action(acting(io, (options: ShowOptions, source?: string) => show(options, source, io)));
  withExamples(withAccess(withJson(command)), [
    ["sallyport show latest", "your newest session"],
    ["sallyport show <command's id>", "as `sallyport commands` lists it, or an error names it"],
    ["sallyport show <command's id> --response | jq .", "a body as it is recorded"],
    ["sallyport show <command's id> --response -o image.tar", "a large one, into a file"],
    ["sallyport show export.ndjson", "a file"],
  ]);
  return command.addHelpText(
    "after",
    `
Exit codes of --request and --response:
  0  the body is there as a whole
  3  it is not recorded, or cannot be read
  4  more of it may come, or part of it was not to be recorded`,
  );
}

/** An id is a session's or a command's: both look the same. */
async function show(options: ShowOptions, source: string | undefined, io: Io): Promise<Done> {
  const id = source === undefined ? null : parseCommandId(source);
  const side = options.request === true ? "request" : options.response === true ? "response" : null;
  if (side !== null) return bodyOf(id, side, options, io);
  if (options.output !== undefined)
    return refuse({ reason: "usage", what: "--output takes a body: say --request or --response." });
  const asSession = await verify("show", source, { ...options, show: true }, io);
  if (asSession.ok || asSession.problem?.status !== 404 || id === null) return asSession;
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const found = await findCommand(id, access.value);
  return found.ok ? showCommandOf(found.value, options, access.value, io) : found;
}

async function bodyOf(id: string | null, side: Side, options: ShowOptions, io: Io): Promise<Done> {
  if (id === null)
    return refuse({ reason: "usage", what: `--${side} takes a command's id. \`sallyport commands\` lists them.` });
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const found = await findCommand(id, access.value);
  if (!found.ok) return found;
  const { sid, payloads } = found.value;
  const body = { id, sid, side, facts: payloads[side], file: options.output ?? null };
  return rawBody(body, options, access.value, io);
}

async function findCommand(id: string, access: Access): Promise<Result<Shown, CliRefusal>> {
  const got = await callJson(access, { path: `/api/v1/commands/${id}`, missing: NO_COMMAND });
  if (!got.ok) return got;
  const parsed = v.safeParse(Shown, got.value);
  return parsed.success ? ok(parsed.output) : notAGateway();
}

async function showCommandOf(command: Shown, options: ShowOptions, access: Access, io: Io): Promise<Done> {
  if (options.json === true) {
    await io.print(jsonText(command));
    return ok(EXIT.ok);
  }
  const { records, payloads, ...row } = command;
  const { style } = io;
  for (const [label, text] of rowTexts(row, io)) await io.print(`${style.dim(label.padEnd(10))} ${text}`);
  if (records.length > 0) await io.print("");
  const lines = new RecordLines(style, io.width);
  let isSocket = false;
  for (const { leaf, fields } of records) {
    const line = readLine(new TextEncoder().encode(JSON.stringify({ leaf, fields })));
    if (line.kind === "record" && line.leaf.kind === "response.started" && line.leaf.classes.status === 101)
      isSocket = true;
    await io.print(line.kind === "record" ? lines.line(line) : style.red("a record that cannot be read"));
  }
  const isAll = options.all === true;
  const bodies = await showBodies({ id: row.id, sid: row.sid, payloads }, isAll, access, io);
  if (!bodies.ok) return bodies;
  const { id, sid, seq } = row;
  const dialogue = isSocket && seq !== null ? await showDialogue({ id, sid, seq }, isAll, access, io) : ok(null);
  return dialogue.ok ? ok(EXIT.ok) : dialogue;
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
