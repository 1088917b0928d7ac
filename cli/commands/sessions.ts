// `sallyport sessions`: what there is to read.

import type { Command } from "commander";
import { ok } from "../../core/result.ts";
import { accessOf, type AccessOptions } from "../access.ts";
import { acting, withAccess, withExamples, withJson } from "../acting.ts";
import { callJson, notAGateway } from "../gateway_client.ts";
import type { Io } from "../io.ts";
import { type Done, EXIT } from "../refusal.ts";
import { readSessions } from "../session_source.ts";
import { shown } from "../terminal.ts";
import { timeText } from "../time_text.ts";

interface SessionsOptions extends AccessOptions {
  readonly json?: boolean;
}

export function sessionsCommand(program: Command, io: Io): Command {
  const command = program
    .command("sessions")
    .summary("list the sessions that you can read, newest first")
    .description("Lists sessions, newest first: your own, or as an auditor everybody's.")
    .action(acting(io, (options: SessionsOptions) => sessions(options, io)));
  return withExamples(withAccess(withJson(command)), [["sallyport sessions", ""]]);
}

async function sessions(options: SessionsOptions, io: Io): Promise<Done> {
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const got = await callJson(access.value, { path: "/api/v1/sessions?limit=100" });
  if (!got.ok) return got;
  const found = readSessions(got.value);
  if (found === null) return notAGateway();
  if (options.json === true) {
    await io.print(JSON.stringify(found));
    return ok(EXIT.ok);
  }
  if (found.length === 0) await io.print("no sessions yet");
  for (const { sid, connection, owner, opened, closed, size } of found) {
    const state =
      closed === null
        ? io.style.green("open")
        : io.style.dim(`closed ${timeText(closed)}${size === null ? "" : `, ${size} records`}`);
    await io.print(
      [
        io.style.bold(shown(sid)),
        io.style.dim(timeText(opened)),
        shown(connection, 32).padEnd(12),
        io.style.cyan(shown(owner.subject, 40)),
        state,
      ].join("  "),
    );
  }
  return ok(EXIT.ok);
}
