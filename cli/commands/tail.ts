// `sallyport tail`: a session's last records, and with -f the next ones as they come.

import type { Command } from "commander";
import * as v from "valibot";
import { parseSessionId } from "../../core/ids.ts";
import { ok, refuse } from "../../core/result.ts";
import { accessOf, type AccessOptions } from "../access.ts";
import { acting, withAccess, withExamples, withJson } from "../acting.ts";
import { readLimit } from "../filters.ts";
import { follow } from "../follow.ts";
import { callJson, notAGateway } from "../gateway_client.ts";
import type { Io } from "../io.ts";
import { TailPayloads } from "../payload/tail_payload.ts";
import { RecordLines } from "../record_line.ts";
import { type Done, EXIT } from "../refusal.ts";
import { latestSession, NO_SESSION } from "../session_source.ts";
import { jsonText, shown } from "../terminal.ts";

interface TailOptions extends AccessOptions {
  readonly follow?: boolean;
  readonly lines?: string;
  readonly json?: boolean;
  readonly payload?: boolean;
}

const USUAL = 10;
const Summary = v.object({ size: v.pipe(v.number(), v.integer(), v.minValue(0)) });

export function tailCommand(program: Command, io: Io): Command {
  const command = program
    .command("tail")
    .summary("print a session's last records, and follow it")
    .description(
      `Prints a session's last records, and under each the beginning of the body or message that it holds.
With -f it goes on with each record as it comes, over broken connections, until the session is closed.
Nothing is verified but that no record is missing.`,
    )
    .argument("[session]", 'its id, or "latest": your newest one that is not one of reading the trail', "latest")
    .option("-f, --follow", "go on with what comes")
    .option("-n, --lines <count>", `how many to begin with (${USUAL})`)
    .option("--payload", "more of each body: its first lines, laid out")
    .action(acting(io, (options: TailOptions, session: string) => tail(options, session, io)));
  return withExamples(withAccess(withJson(command, "records as an export has them, a line each")), [
    ["sallyport tail -f", "your newest session"],
    ["sallyport tail -f --payload", "with more of what is sent and received"],
    ["sallyport tail -f <sid> --json", "for a script"],
  ]);
}

async function tail(options: TailOptions, session: string, io: Io): Promise<Done> {
  const count = readLimit(options.lines, USUAL);
  if (!count.ok) return { ...count, what: count.what.replace("--limit", "--lines") };
  const given = parseSessionId(session);
  if (given === null && session !== "latest")
    return refuse({
      reason: "usage",
      what: `${shown(session, 60)} is no session's id. \`sallyport sessions\` lists them.`,
    });
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const sid = given === null ? await latestSession(access.value) : ok(given);
  if (!sid.ok) return sid;
  const got = await callJson(access.value, { path: `/api/v1/sessions/${sid.value}`, missing: NO_SESSION });
  if (!got.ok) return got;
  const summary = v.safeParse(Summary, got.value);
  if (!summary.success) return notAGateway();
  if (given === null && options.json !== true) io.note(io.noteStyle.dim(`session ${sid.value}`));
  const lines = new RecordLines(io.style, io.width);
  const renewed = (): ReturnType<typeof accessOf> => accessOf(options, io);
  const bodies = new TailPayloads(io, options.payload === true ? renewed : null);
  const from = Math.max(0, summary.output.size - count.value);
  const ended = await follow(sid.value, from, options.follow === true, {
    access: renewed,
    onRecord: async (record, text) => {
      io.progress("");
      if (options.json === true) return io.print(jsonText(JSON.parse(text)));
      await io.print(lines.line(record));
      for (const line of await bodies.lines(record)) await io.print(line);
    },
    onBreak: (milliseconds) => io.progress(`the connection broke; again in ${milliseconds / 1000} s …`),
  });
  io.progress("");
  if (!ended.ok) return ended;
  if (ended.value === "closed" && options.json !== true) io.note(io.noteStyle.dim("the session is closed"));
  return ok(EXIT.ok);
}
