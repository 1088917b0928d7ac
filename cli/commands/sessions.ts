// `sallyport sessions`: what there is to read.

import { type Command, Option } from "commander";
import { acting, withAccess, withExamples, withJson } from "../acting.ts";
import type { Io } from "../io.ts";
import { type ListOptions, printList, USUAL } from "../print_list.ts";
import type { Done } from "../refusal.ts";
import { type ListedSession, Session } from "../session_source.ts";
import { type Cell, type Column, tableLines } from "../table.ts";
import { shown, type Style } from "../terminal.ts";
import { listTime } from "../command_rows.ts";

interface SessionsOptions extends ListOptions {
  readonly connection?: string;
  readonly subject?: string;
  readonly state?: string;
}

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

function sessions(options: SessionsOptions, io: Io): Promise<Done> {
  const { connection, subject, state } = options;
  const filters = { connection, subject, state };
  return printList(options, { name: "sessions", item: Session, filters, lines: sessionLines }, io);
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
