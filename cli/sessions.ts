// `sallyport sessions` and `whoami`.

import * as v from "valibot";
import { ok, refuse, type Result } from "../core/result.ts";
import { accessOf, type AccessOptions, type CliRefusal, getJson } from "./gateway_client.ts";
import type { Io } from "./io.ts";
import { timeText } from "./record_line.ts";
import { shown } from "./terminal.ts";
import { SessionList } from "./verify_session.ts";

const NOT_A_GATEWAY: CliRefusal = {
  reason: "unreachable",
  what: "the answer is not what a gateway sends. Is --gateway right?",
};

export async function sessionsCommand(
  options: AccessOptions & { readonly json: boolean },
  io: Io,
): Promise<Result<number, CliRefusal>> {
  const access = accessOf(options, io.env);
  if (!access.ok) return access;
  const got = await getJson(access.value, "/api/v1/sessions?limit=100");
  if (!got.ok) return got;
  const parsed = v.safeParse(SessionList, got.value);
  if (!parsed.success) return refuse(NOT_A_GATEWAY);
  const { sessions } = parsed.output;
  if (options.json) {
    await io.print(JSON.stringify(sessions));
    return ok(0);
  }
  if (sessions.length === 0) await io.print("no sessions yet");
  for (const { sid, connection, owner, opened, closed, size } of sessions) {
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
  return ok(0);
}

const Whoami = v.object({
  principal: v.object({
    issuer: v.string(),
    subject: v.string(),
    name: v.nullable(v.string()),
    email: v.nullable(v.string()),
    groups: v.array(v.string()),
    actors: v.array(v.object({ issuer: v.string(), subject: v.string() })),
  }),
  roles: v.array(v.string()),
  expires: v.number(),
});

export async function whoamiCommand(
  options: AccessOptions & { readonly json: boolean },
  io: Io,
): Promise<Result<number, CliRefusal>> {
  const access = accessOf(options, io.env);
  if (!access.ok) return access;
  const got = await getJson(access.value, "/api/v1/whoami");
  if (!got.ok) return got;
  const parsed = v.safeParse(Whoami, got.value);
  if (!parsed.success) return refuse(NOT_A_GATEWAY);
  if (options.json) {
    await io.print(JSON.stringify(parsed.output));
    return ok(0);
  }
  const { principal, roles, expires } = parsed.output;
  const { style } = io;
  const row = (label: string, text: string): Promise<void> => io.print(`${style.dim(label.padEnd(8))} ${text}`);
  await row("subject", `${style.bold(shown(principal.subject))} at ${shown(principal.issuer)}`);
  if (principal.name !== null || principal.email !== null)
    await row(
      "name",
      [principal.name, principal.email]
        .filter((one) => one !== null)
        .map((one) => shown(one))
        .join(", "),
    );
  for (const actor of principal.actors) await row("through", `${shown(actor.subject)} at ${shown(actor.issuer)}`);
  await row(
    "groups",
    principal.groups.length === 0 ? "none" : principal.groups.map((one) => shown(one, 64)).join(", "),
  );
  await row("roles", roles.length === 0 ? "none" : roles.map((one) => shown(one, 64)).join(", "));
  await row("until", timeText(expires * 1000));
  return ok(0);
}
