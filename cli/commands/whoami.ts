// `sallyport whoami`.

import type { Command } from "commander";
import * as v from "valibot";
import { ok } from "../../core/result.ts";
import { accessOf, type AccessOptions } from "../access.ts";
import { acting, withAccess, withExamples, withJson } from "../acting.ts";
import { callJson, notAGateway } from "../gateway_client.ts";
import type { Io } from "../io.ts";
import { type Done, EXIT } from "../refusal.ts";
import { jsonText, shown } from "../terminal.ts";
import { shortTime } from "../time_text.ts";

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

export function readWhoami(answer: unknown): v.InferOutput<typeof Whoami> | null {
  const parsed = v.safeParse(Whoami, answer);
  return parsed.success ? parsed.output : null;
}

interface WhoamiOptions extends AccessOptions {
  readonly json?: boolean;
}

export function whoamiCommand(program: Command, io: Io): Command {
  const command = program
    .command("whoami")
    .summary("who the gateway thinks you are")
    .description("Says who the gateway takes you for: subject, groups, roles, and until when your token holds.")
    .action(acting(io, (options: WhoamiOptions) => whoami(options, io)));
  return withExamples(withAccess(withJson(command)), [["sallyport whoami", ""]]);
}

async function whoami(options: WhoamiOptions, io: Io): Promise<Done> {
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const got = await callJson(access.value, { path: "/api/v1/whoami" });
  if (!got.ok) return got;
  const who = readWhoami(got.value);
  if (who === null) return notAGateway();
  if (options.json === true) {
    await io.print(jsonText(who));
    return ok(EXIT.ok);
  }
  const { principal, roles, expires } = who;
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
  await row("until", shortTime(expires * 1000));
  return ok(EXIT.ok);
}
