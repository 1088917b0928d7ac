// `sallyport kill`: ends a session. What runs in it is cut, and its tokens are refused there.

import type { Command } from "commander";
import * as v from "valibot";
import { parseSessionId } from "../../core/ids.ts";
import { ok, refuse } from "../../core/result.ts";
import { accessOf, type AccessOptions } from "../access.ts";
import { acting, withAccess, withExamples, withJson } from "../acting.ts";
import { callJson, notAGateway } from "../gateway_client.ts";
import type { Io } from "../io.ts";
import { type Done, EXIT } from "../refusal.ts";
import { NO_SESSION } from "../session_source.ts";
import { jsonText, shown } from "../terminal.ts";

interface KillOptions extends AccessOptions {
  readonly reason?: string;
  readonly json?: boolean;
}

const Killed = v.object({ sid: v.string(), state: v.string(), command: v.fallback(v.string(), "") });

export function killCommand(program: Command, io: Io): Command {
  const command = program
    .command("kill")
    .summary("end a session at once")
    .description(
      `Ends a session: it takes no further command, what runs in it is cut within a second, and its owner has
to log in again before they can use that connection. Admins may end any session, everybody their own.`,
    )
    .argument("<session>", "its id, as `sallyport sessions` lists it")
    .requiredOption("--reason <text>", "why; it stands in the record")
    .action(acting(io, (options: KillOptions, session: string) => kill(options, session, io)));
  return withExamples(withAccess(withJson(command)), [['sallyport kill <sid> --reason "laptop was stolen"', ""]]);
}

async function kill(options: KillOptions, session: string, io: Io): Promise<Done> {
  const sid = parseSessionId(session);
  // No "latest": what is ended should be named.
  if (sid === null)
    return refuse({
      reason: "usage",
      what: `${shown(session, 60)} is no session's id. \`sallyport sessions\` lists them.`,
    });
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const got = await callJson(access.value, {
    path: `/api/v1/sessions/${sid}/kill`,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ reason: options.reason ?? "" }),
    missing: NO_SESSION,
  });
  if (!got.ok) return got;
  const parsed = v.safeParse(Killed, got.value);
  if (!parsed.success) return notAGateway();
  const { state, command } = parsed.output;
  if (options.json === true) await io.print(jsonText(parsed.output));
  else {
    const what = state === "closed" ? "had ended before" : "has ended";
    await io.print(
      `session ${io.style.bold(sid)} ${what}${command === "" ? "" : io.style.dim(` (command ${shown(command, 40)})`)}`,
    );
  }
  return ok(EXIT.ok);
}
