// `sallyport apply` and `policy rollback`: the change is shown, confirmed, and sent with the hash of
// the policy that it was compared with, so that nobody overwrites what they have not seen.

import * as v from "valibot";
import { analyse } from "../../core/policy/tooling/analysis.ts";
import { type ExampleResult, expectationText, runExamples } from "../../core/policy/tooling/examples.ts";
import { counted } from "../../core/policy/tooling/spans.ts";
import { ok, refuse, type Result } from "../../core/result.ts";
import { type Access, accessOf, type AccessOptions } from "../access.ts";
import { callJson, notAGateway } from "../gateway_client.ts";
import type { Io } from "../io.ts";
import { type CliRefusal, type Done, EXIT } from "../refusal.ts";
import { jsonText, shown } from "../terminal.ts";
import { printFindings } from "./check.ts";
import { printChange, remoteParsed } from "./diff.ts";
import { wrapped } from "./paint.ts";
import { type ReadPolicy, readPolicyFile } from "./policy_file.ts";
import { currentPolicy, policyOfHash } from "./remote_policy.ts";
import { printProblems, refusedBy, sendChange } from "./send_change.ts";

interface ChangeOptions extends AccessOptions {
  readonly comment?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export interface ApplyOptions extends ChangeOptions {
  readonly file?: string;
  readonly dryRun?: boolean;
}

/** With --json one value is the whole output; what a person reads along goes to standard error. */
function toldTo(options: ChangeOptions, io: Io): Io {
  return options.json === true ? { ...io, style: io.noteStyle, print: async (text) => io.note(text) } : io;
}

export async function apply(options: ApplyOptions, io: Io): Promise<Done> {
  const told = toldTo(options, io);
  const read = await readPolicyFile(options.file, io);
  if (!read.ok) return read;
  if (!(await isFit(read.value, told))) return ok(EXIT.different);
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const current = await currentPolicy(access.value);
  if (!current.ok) return current;
  if (current.value.hash === read.value.hash) return nothingToDo(read.value, options, io);
  await printChange(remoteParsed(current.value.text, "current"), read.value, told);
  if (options.dryRun === true) return dryRun(access.value, read.value, told);
  const agreed = await confirm(`Apply ${shown(read.value.name)} at ${shown(access.value.gateway)}?`, options, io);
  if (!agreed.ok || !agreed.value) return agreed.ok ? ok(EXIT.different) : agreed;
  const path = `/api/v1/policy${query(options.comment)}`;
  const sent = { method: "PUT", path, body: read.value.text, type: "application/yaml" };
  return sendChange(access.value, sent, { current: current.value, read: read.value }, options, { io, told });
}

export async function rollback(hash: string, options: ChangeOptions, io: Io): Promise<Done> {
  if (!/^[0-9a-f]{64}$/.test(hash))
    return refuse({
      reason: "usage",
      what: "a policy's hash has 64 hex digits. `sallyport policy history` lists them.",
    });
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const [current, wanted] = [await currentPolicy(access.value), await policyOfHash(access.value, hash)];
  if (!current.ok) return current;
  if (!wanted.ok) return wanted;
  const read = remoteParsed(wanted.value.text, hash.slice(0, 16));
  if (current.value.hash === hash) return nothingToDo(read, options, io);
  const told = toldTo(options, io);
  await printChange(remoteParsed(current.value.text, "current"), read, told);
  const agreed = await confirm(`Go back to ${hash.slice(0, 16)} at ${shown(access.value.gateway)}?`, options, io);
  if (!agreed.ok || !agreed.value) return agreed.ok ? ok(EXIT.different) : agreed;
  const body = JSON.stringify({ hash, comment: options.comment ?? `rollback to ${hash.slice(0, 16)}` });
  const sent = { method: "POST", path: "/api/v1/policy/rollback", body, type: "application/json" };
  return sendChange(access.value, sent, { current: current.value, read }, options, { io, told });
}

function query(comment: string | undefined): string {
  return comment === undefined || comment === "" ? "" : `?comment=${encodeURIComponent(comment)}`;
}

/** What the gateway would refuse is told here first, with the lines of the file. */
async function isFit(read: ReadPolicy, io: Io): Promise<boolean> {
  if (!read.parsed.ok) {
    await printFindings(read, [], io);
    return false;
  }
  const warnings = analyse(read.parsed.value, read.text);
  await printFindings(read, warnings, io);
  const failed = runExamples(read.parsed.value, Date.now()).filter(({ passed }) => !passed);
  for (const one of failed) for (const row of failedRows(one, read.name, io)) await io.print(row);
  if (failed.length > 0) {
    await io.print(`\n${io.style.red(counted(failed.length, "example"))} of it failed: it is not applied.`);
    return false;
  }
  return true;
}

function failedRows({ name, line, expected, decision }: ExampleResult, file: string, io: Io): readonly string[] {
  const { style, width } = io;
  return [
    ...wrapped(`${style.bold(`${shown(file)}:${line}:`)} ${style.red("✗")} ${shown(name)}`, width, 4),
    ...wrapped(`    expected ${shown(expectationText(expected))}, got: ${shown(decision.why, 600)}`, width, 8),
  ];
}

async function nothingToDo({ hash }: ReadPolicy, options: ChangeOptions, io: Io): Promise<Done> {
  const text = options.json === true ? jsonText({ applied: false, hash }) : `This policy is in force already: ${hash}`;
  await io.print(text);
  return ok(EXIT.ok);
}

/** False: the person said no. */
async function confirm(question: string, options: ChangeOptions, io: Io): Promise<Result<boolean, CliRefusal>> {
  if (options.yes === true) return ok(true);
  const answer = await io.ask(`\n${question} [y/N] `);
  if (answer === null)
    return refuse({ reason: "usage", what: "nobody is there to ask. Look at the change above, and give --yes." });
  const isAgreed = /^y(?:es)?$/i.test(answer.trim());
  if (!isAgreed) await io.print("Nothing was changed.");
  return ok(isAgreed);
}

const Checked = v.object({
  ok: v.boolean(),
  problems: v.array(v.object({ path: v.string(), line: v.number(), column: v.number(), expected: v.string() })),
});

/** The gateway's own opinion, and no change. */
async function dryRun(access: Access, read: ReadPolicy, io: Io): Promise<Done> {
  const headers = { "content-type": "application/yaml" };
  const got = await callJson(access, { method: "POST", path: "/api/v1/policy/check", body: read.text, headers });
  if (!got.ok) return refusedBy(got, read, io);
  const answer = v.safeParse(Checked, got.value);
  if (!answer.success) return notAGateway();
  await printProblems(answer.output.problems, read, io);
  await io.print(
    answer.output.ok
      ? `${io.style.green("The gateway would take it.")} Nothing was changed.`
      : `${io.style.red("The gateway would not take it.")} Nothing was changed.`,
  );
  return ok(answer.output.ok ? EXIT.ok : EXIT.different);
}
