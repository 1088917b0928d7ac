// `sallyport sessions`: what there is to read.

import { type Command, Option } from "commander";
import { ok } from "../../core/result.ts";
import { accessOf, type AccessOptions } from "../access.ts";
import { acting, withAccess, withExamples, withJson } from "../acting.ts";
import { readLimit, timeFilters, type Times } from "../filters.ts";
import type { Io } from "../io.ts";
import { listed } from "../pages.ts";
import { type Done, EXIT } from "../refusal.ts";
import { type ListedSession, Session } from "../session_source.ts";
import { type Cell, type Column, tableLines } from "../table.ts";
import { jsonText, shown, type Style } from "../terminal.ts";
import { listTime } from "../command_rows.ts";

interface SessionsOptions extends AccessOptions, Times {
  readonly connection?: string;
  readonly subject?: string;
  readonly state?: string;
  readonly limit?: string;
  readonly json?: boolean;
}

const USUAL = 25;

export function sessionsCommand(program: Command, io: Io): Command {
  const command = program
    .command("sessions")
    .summary("list the sessions that you can read, newest first")
    .description("Lists sessions, newest first: your own, or as an auditor everybody's.")
    .option("--connection <name>", "at this connection")
    .option("--subject <name>", "of this person (auditors)")
    .addOption(new Option("--state <state>", "only these").choices(["open", "closed"]))
    .option("--since <time>", "opened since then: 30m, 2h, 7d, or 2026-11-24T10:00 (UTC)")
    .option("--until <time>", "opened until then")
    .option("-n, --limit <count>", `at most so many (${USUAL})`)
    .action(acting(io, (options: SessionsOptions) => sessions(options, io)));
  return withExamples(withAccess(withJson(command)), [
    ["sallyport sessions", ""],
    ["sallyport sessions --connection registry --state open", ""],
    ["sallyport sessions --subject bob --since 7d", "as an auditor"],
  ]);
}

async function sessions(options: SessionsOptions, io: Io): Promise<Done> {
  const times = timeFilters(options, Date.now());
  if (!times.ok) return times;
  const limit = readLimit(options.limit, USUAL);
  if (!limit.ok) return limit;
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const { connection, subject, state } = options;
  const filters = { connection, subject, state, ...times.value };
  const got = await listed(access.value, "/api/v1/sessions", filters, Session, limit.value);
  if (!got.ok) return got;
  const { items, hasMore } = got.value;
  if (options.json === true) await io.print(jsonText(items));
  else if (items.length === 0) io.note("no sessions found");
  else for (const line of sessionLines(items, io.width, io.style)) await io.print(line);
  if (hasMore && options.json !== true) io.note(io.noteStyle.dim(`there are more: --limit ${limit.value * 4}`));
  return ok(EXIT.ok);
}

const COLUMNS: readonly Column[] = [
  { title: "SESSION" },
  { title: "OPENED" },
  { title: "CONNECTION", min: 8, want: 12 },
  { title: "WHO", min: 6, want: 8, drop: 1 },
  { title: "STATE" },
  { title: "RECORDS", align: "right", drop: 2 },
  { title: "WHY", min: 8, drop: 3 },
];

function sessionLines(all: readonly ListedSession[], width: number | null, s: Style): string[] {
  const times = all.map(({ opened }) => ({ time: opened }));
  const rows = all.map(({ sid, connection, owner, opened, closed, size, reason }): Cell[] => [
    { text: shown(sid, 40), style: s.bold },
    { text: listTime(opened, times), style: s.dim },
    { text: shown(connection, 40) },
    { text: shown(owner.subject, 80), style: s.cyan },
    closed === null ? { text: "open", style: s.green } : { text: "closed", style: reason === "killed" ? s.red : s.dim },
    { text: size === null ? "" : String(size) },
    { text: shown(reason ?? "", 40), style: reason === "killed" ? s.red : s.dim },
  ]);
  return tableLines(COLUMNS, rows, width, s);
}
