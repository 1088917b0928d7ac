// Runs a policy's examples: what would be decided on each, and whether that is what its author expects.

import { type Decision, explainDecision } from "../decision.ts";
import type { Policy, PolicyExample } from "../policy.ts";
import { questionOf, decideQuestion } from "./question.ts";
import type { TargetProblem } from "./read_target.ts";
import { effectText } from "./order.ts";

/** A refusal before any rule is asked is a denial, too. */
export type ExampleOutcome = Decision | { readonly effect: "refused"; readonly reason: TargetProblem };

export interface ExampleDecision {
  readonly effect: PolicyExample["expect"];
  /** Null: no rule decided. */
  readonly rule: string | null;
  readonly line: number | null;
  /** One line. */
  readonly why: string;
}

export interface ExampleResult {
  readonly name: string;
  /** Where the example stands, from 1. */
  readonly line: number;
  readonly column: number;
  readonly passed: boolean;
  readonly expected: Pick<PolicyExample, "expect" | "by">;
  readonly decision: ExampleDecision;
}

/** `now` in milliseconds: the time of examples that name none. */
export function runExamples(policy: Policy, now: number): readonly ExampleResult[] {
  return policy.examples.map((example) => {
    const decision = decided(runExample(policy, example, now));
    const { name, line, column, expect, by } = example;
    const isByRight = by === null || by === (decision.rule ?? "default");
    return {
      name,
      line,
      column,
      passed: decision.effect === expect && isByRight,
      expected: { expect, by },
      decision,
    };
  });
}

export function runExample(policy: Policy, example: PolicyExample, now: number): ExampleOutcome {
  const asked = questionOf(policy, example, now);
  if (!asked.ok) return { effect: "refused", reason: asked.reason };
  return decideQuestion(policy, asked.value);
}

export function decided(outcome: ExampleOutcome): ExampleDecision {
  if (outcome.effect === "refused")
    return { effect: "deny", rule: null, line: null, why: `denied before any rule is asked: ${outcome.reason}` };
  return { effect: outcome.effect, rule: outcome.rule, line: outcome.line, why: explainDecision(outcome) };
}

/** `expected allow by leads-publish`: for whoever reads that an example failed. */
export function expectationText({ expect, by }: ExampleResult["expected"]): string {
  if (by === null) return effectText(expect);
  return `${effectText(expect)} ${by === "default" ? "by default" : `by ${by}`}`;
}

/** The same for two examples that ask and expect the same, wherever they stand. */
export function exampleKey(example: PolicyExample): string {
  const { expect, by } = example;
  return JSON.stringify([commandKey(example), expect, by]);
}

/** The same for two examples that ask the same, whatever they expect. */
export function commandKey(example: PolicyExample): string {
  const { as, method, target, connection, headers, body, message, address, time } = example;
  return JSON.stringify([as, method, target, connection, headers, body, message, address, time]);
}
