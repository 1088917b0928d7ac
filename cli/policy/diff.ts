// `sallyport policy diff`: what would change, by meaning and by line, against the policy in force,
// against an earlier one or against another file.

import { existsSync } from "node:fs";
import { parseDigest } from "../../core/ids.ts";
import { EMPTY_POLICY, type Policy } from "../../core/policy/policy.ts";
import { diffPolicies } from "../../core/policy/tooling/policy_diff.ts";
import { unifiedDiff } from "../../core/policy/tooling/text_diff.ts";
import { ok, refuse, type Result } from "../../core/result.ts";
import { accessOf, type AccessOptions } from "../access.ts";
import type { Io } from "../io.ts";
import { type CliRefusal, type Done, EXIT } from "../refusal.ts";
import { jsonText, shown } from "../terminal.ts";
import { type FileOptions, printFindings } from "./check.ts";
import { meaningLines, unifiedLines } from "./diff_text.ts";
import { printLine } from "./paint.ts";
import { parsed, type ReadPolicy, readPolicyFile } from "./policy_file.ts";
import { currentPolicy, policyOfHash } from "./remote_policy.ts";

export interface DiffOptions extends AccessOptions, FileOptions {
  readonly against: string;
}

/** 1 if they differ, as diff(1). */
export async function diff(file: string | undefined, options: DiffOptions, io: Io): Promise<Done> {
  const after = await readPolicyFile(file ?? options.file, io);
  if (!after.ok) return after;
  if (!after.value.parsed.ok) {
    await printFindings(after.value, [], io);
    return ok(EXIT.different);
  }
  const before = await otherPolicy(options, io);
  if (!before.ok) return before;
  if (options.json === true) await io.print(jsonText(change(before.value, after.value)));
  else await printChange(before.value, after.value, io);
  return ok(before.value.hash === after.value.hash ? EXIT.ok : EXIT.different);
}

async function otherPolicy(options: DiffOptions, io: Io): Promise<Result<ReadPolicy, CliRefusal>> {
  const { against } = options;
  const hash = parseDigest(against);
  if (hash === null && against !== "current") {
    if (existsSync(against)) return readPolicyFile(against, io);
    const what = `--against takes "current", a policy's hash (64 hex digits) or a file, and there is no file ${shown(against)}.`;
    return refuse({ reason: "usage", what });
  }
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const got = hash === null ? await currentPolicy(access.value) : await policyOfHash(access.value, hash);
  return got.ok ? ok(remoteParsed(got.value.text, hash === null ? "current" : hash.slice(0, 16))) : got;
}

export function remoteParsed(text: string, name: string): ReadPolicy {
  return parsed({ name, text });
}

/** Where one of them cannot be read (an older language, nothing applied yet), it counts as the empty one. */
function policyOf({ parsed: policy }: ReadPolicy): Policy {
  return policy.ok ? policy.value : EMPTY_POLICY;
}

function change(before: ReadPolicy, after: ReadPolicy) {
  const names = { before: before.name, after: after.name };
  return {
    before: { name: before.name, hash: before.hash },
    after: { name: after.name, hash: after.hash },
    meaning: diffPolicies(policyOf(before), policyOf(after), Date.now()),
    text: unifiedDiff(before.text, after.text, names),
  };
}

export async function printChange(before: ReadPolicy, after: ReadPolicy, io: Io): Promise<void> {
  if (before.hash === after.hash) {
    await io.print(`${shown(before.name)} and ${shown(after.name)} are the same, byte for byte.`);
    return;
  }
  const { meaning, text } = change(before, after);
  if (!before.parsed.ok && before.text !== "")
    await io.print(
      io.style.yellow(`${shown(before.name)} is not a policy as this version reads it: it counts as empty below.`),
    );
  for (const row of unifiedLines(text.text, io.style)) await io.print(row);
  await io.print("");
  for (const one of meaningLines(meaning)) await printLine(one, io);
}
