// Sends a change of the policy to a gateway, and says how that ended: applied, overtaken by somebody
// else's change, or refused line by line.

import * as v from "valibot";
import type { PolicyProblem } from "../../core/policy/policy.ts";
import { counted } from "../../core/policy/tooling/spans.ts";
import { ok, refuse } from "../../core/result.ts";
import type { Access } from "../access.ts";
import { callJson, notAGateway } from "../gateway_client.ts";
import type { Io } from "../io.ts";
import { type CliRefusal, type Done, EXIT } from "../refusal.ts";
import { jsonText, shown } from "../terminal.ts";
import { timeText } from "../time_text.ts";
import { problemFinding } from "./check.ts";
import type { ReadPolicy } from "./policy_file.ts";
import { findingLines } from "./problem_text.ts";
import { policyVersions, type RemotePolicy, type Version, VersionBody } from "./remote_policy.ts";

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly type: string;
}

/** What the change is of: the policy that it was compared with, and the new one. */
export interface Change {
  readonly current: RemotePolicy;
  readonly read: ReadPolicy;
}

const Applied = v.object({ version: VersionBody });

/** `told` gets what a person reads along. */
export async function sendChange(
  access: Access,
  { method, path, body, type }: Sent,
  { current, read }: Change,
  { json }: { readonly json?: boolean },
  { io, told }: { readonly io: Io; readonly told: Io },
): Promise<Done> {
  const headers = { "content-type": type, "if-match": `"${current.hash}"` };
  const got = await callJson(access, { method, path, body, headers });
  if (!got.ok) return got.reason === "conflict" ? conflict(access, current, io) : refusedBy(got, read, told);
  const answer = v.safeParse(Applied, got.value);
  if (!answer.success) return notAGateway();
  const { version } = answer.output;
  if (json === true) await io.print(jsonText({ applied: true, version }));
  else await io.print(`${io.style.green(io.style.bold("applied"))}: version ${version.no}, ${shown(version.hash, 64)}`);
  return ok(EXIT.ok);
}

/** Who was first, if this identity may read that. */
async function conflict(access: Access, { hash }: RemotePolicy, io: Io): Promise<Done> {
  const versions = await policyVersions(access, 20);
  const since = versions.ok ? versions.value.slice(0, countSince(versions.value, hash)) : [];
  for (const one of since.toReversed()) io.note(`  ${versionText(one)}`);
  const who =
    since.length === 0 ? "the policy was changed meanwhile" : `${counted(since.length, "change")} meanwhile, see above`;
  return refuse({
    reason: "conflict",
    what: `not applied: ${who}. Look at the new difference (sallyport policy diff), then apply again.`,
  });
}

/** Versions that are newer than the one the change was compared with. */
function countSince(versions: readonly Version[], hash: string): number {
  const at = versions.findIndex((one) => one.hash === hash);
  return at < 0 ? versions.length : at;
}

function versionText({ no, time, by, comment }: Version): string {
  const why = comment === "" ? "" : `: ${shown(comment)}`;
  return `version ${no} by ${shown(by.subject, 64)} at ${timeText(time)}${why}`;
}

/** 422: the gateway knows more than the file does, such as its own hosts. */
export async function refusedBy(refusal: { readonly ok: false } & CliRefusal, read: ReadPolicy, io: Io): Promise<Done> {
  const problems = (refusal.problem?.errors ?? []).map(({ line, column, path, expected, message }) => ({
    path,
    line: line ?? 1,
    column: column ?? 1,
    expected: expected === "" ? message : expected,
  }));
  await printProblems(problems, read, io);
  return refusal;
}

export async function printProblems(problems: readonly PolicyProblem[], read: ReadPolicy, io: Io): Promise<void> {
  const lines = read.text.split(/\r\n|\n|\r/);
  for (const problem of problems)
    for (const row of findingLines(read.name, lines, problemFinding(problem), io)) await io.print(row);
}
