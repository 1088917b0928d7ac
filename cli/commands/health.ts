// `sallyport health`: whether the gateway works, and by which policy.

import type { Command } from "commander";
import * as v from "valibot";
import { ok } from "../../core/result.ts";
import { accessOf, type AccessOptions } from "../access.ts";
import { acting, withAccess, withExamples, withJson } from "../acting.ts";
import { callJson, notAGateway } from "../gateway_client.ts";
import type { Io } from "../io.ts";
import { type Done, EXIT } from "../refusal.ts";
import { jsonText, shown } from "../terminal.ts";

const text = v.fallback(v.string(), "");
const count = v.fallback(v.nullable(v.number()), null);
const Health = v.object({
  region: v.string(),
  version: text,
  policy: v.fallback(v.nullable(v.object({ hash: v.string(), no: count, age_ms: count })), null),
  control: text,
  history_lag: count,
  search: text,
});

interface HealthOptions extends AccessOptions {
  readonly json?: boolean;
}

export function healthCommand(program: Command, io: Io): Command {
  const command = program
    .command("health")
    .summary("whether the gateway works, and by which policy")
    .description("Asks the gateway how it is: its region, the policy in force, what it can reach.")
    .action(acting(io, (options: HealthOptions) => health(options, io)));
  return withExamples(withAccess(withJson(command)), [["sallyport health", ""]]);
}

async function health(options: HealthOptions, io: Io): Promise<Done> {
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const got = await callJson(access.value, { path: "/api/v1/health" });
  if (!got.ok) return got;
  const parsed = v.safeParse(Health, got.value);
  if (!parsed.success) return notAGateway();
  if (options.json === true) {
    await io.print(jsonText(parsed.output));
    return ok(EXIT.ok);
  }
  const { region, version, policy, control, history_lag: lag, search } = parsed.output;
  const { style } = io;
  const state = (word: string): string => (word === "ok" ? style.green("ok") : style.yellow(shown(word, 40)));
  const row = (label: string, value: string): Promise<void> => io.print(`${style.dim(label.padEnd(8))} ${value}`);
  await row(
    "gateway",
    `${access.value.gateway} ${style.dim(`in ${shown(region, 40)}, version ${shown(version, 40)}`)}`,
  );
  const none = style.yellow("none applied: every tool call is denied");
  const no = policy?.no ?? null;
  await row("policy", policy === null || no === null ? none : `no. ${no} ${style.dim(shown(policy.hash, 64))}`);
  await row("control", state(control));
  if (lag !== null) await row("history", lag === 0 ? style.green("ok") : style.yellow(`${lag} to be copied`));
  await row("search", state(search));
  return ok(EXIT.ok);
}
