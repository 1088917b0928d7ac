// What there is to say of a policy's text before it is put in force: whether it can be, what its author
// may not have meant, and what it changes.

import { toHex } from "../../core/bytes.ts";
import type { Digest } from "../../core/ids.ts";
import { EMPTY_POLICY, parsePolicy, type Policy } from "../../core/policy/policy.ts";
import type { PolicyProblem } from "../../core/policy/problem.ts";
import { readYaml } from "../../core/policy/read_yaml.ts";
import { analyse } from "../../core/policy/tooling/analysis.ts";
import type { PolicyWarning } from "../../core/policy/tooling/warning.ts";
import { expectationText, runExamples } from "../../core/policy/tooling/examples.ts";
import { diffPolicies, type PolicyDiff } from "../../core/policy/tooling/policy_diff.ts";
import { type TextDiff, unifiedDiff } from "../../core/policy/tooling/text_diff.ts";
import type { ControlRpc } from "../../durable/control_rpc.ts";
import { sha256 } from "../../durable/sha256.ts";
import type { Config } from "../config.ts";
import { checkAgainstConfig } from "../policy_check.ts";

/** What is in force, by the control object itself and not by what an isolate remembers. */
export interface InForce {
  readonly hash: Digest;
  readonly text: string;
}

export async function policyInForce(control: Pick<ControlRpc, "snapshot" | "policyText">): Promise<InForce> {
  const { policy } = await control.snapshot();
  if (policy === null) return { hash: EMPTY_POLICY.hash, text: "" };
  const text = await control.policyText(policy.hash);
  if (text === null) throw new Error("the policy in force has no text");
  return { hash: policy.hash, text };
}

export interface Judged {
  readonly hash: Digest;
  /** Empty if it can be put in force. */
  readonly problems: readonly PolicyProblem[];
  /** Examples that it decides otherwise than they expect. */
  readonly failures: readonly PolicyProblem[];
  readonly warnings: readonly PolicyWarning[];
  readonly diff: TextDiff;
  /** Null where one of the two cannot be read. */
  readonly changes: PolicyDiff | null;
}

export function judge(text: string, before: InForce, config: Config, now: number): Judged {
  const hash = hashOf(text);
  const diff = unifiedDiff(before.text, text, { before: before.hash, after: hash });
  const parsed = parsePolicy(text, hash);
  if (!parsed.ok) return { hash, problems: parsed.problems, failures: [], warnings: [], diff, changes: null };
  const policy = parsed.value;
  const old = readable(before);
  return {
    hash,
    problems: placed(checkAgainstConfig(policy, config), text),
    failures: failuresOf(policy, now),
    warnings: analyse(policy, text),
    diff,
    changes: old === null ? null : diffPolicies(old, policy, now),
  };
}

/** A policy no longer has its text, so what only the configuration tells is told without a place: here it gets one. */
function placed(problems: readonly PolicyProblem[], text: string): readonly PolicyProblem[] {
  if (problems.length === 0) return problems;
  const read = readYaml(text);
  return problems.map((one) => (read.ok ? { ...one, ...read.value.placeOf(one.path.split(".")) } : one));
}

function readable({ text, hash }: InForce): Policy | null {
  if (hash === EMPTY_POLICY.hash) return EMPTY_POLICY;
  const parsed = parsePolicy(text, hash);
  return parsed.ok ? parsed.value : null;
}

function failuresOf(policy: Policy, now: number): PolicyProblem[] {
  return runExamples(policy, now).flatMap(({ passed, line, column, expected, decision }, index) =>
    passed
      ? []
      : [{ path: `examples[${index}]`, line, column, expected: `${expectationText(expected)}; it is ${decision.why}` }],
  );
}

function hashOf(text: string): Digest {
  return toHex(sha256(new TextEncoder().encode(text))) as Digest;
}
