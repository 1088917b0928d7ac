// What a rule's condition comes to for a command, for whoever is to understand a decision. Asks
// `decide` itself, with a policy of this one rule, so that it cannot be of another opinion.

import type { ASTNode } from "@marcbachmann/cel-js";
import type { BodyRefusal } from "../body.ts";
import { policyEnvironment } from "../cel/environment.ts";
import { compileRules } from "../compile.ts";
import { type Condition, parseCondition } from "../condition.ts";
import type { Question } from "../decide.ts";
import type { Decision } from "../decision.ts";
import type { Policy } from "../policy.ts";
import { captureNames } from "../route.ts";
import type { PolicyRule } from "../rule.ts";
import { decideQuestion } from "./question.ts";

export type ConditionOutcome =
  | { readonly kind: "none" }
  | { readonly kind: "true"; readonly expression: string }
  /** `part`: of several that all must hold, the first that does not; else the whole expression. */
  | { readonly kind: "false" | "failed"; readonly expression: string; readonly part: string }
  /** It reads the body, which the gateway refuses to read. */
  | { readonly kind: "unreadable"; readonly expression: string; readonly reason: BodyRefusal };

/** The rest of the rule fits the command. */
export function conditionOutcome(policy: Policy, rule: PolicyRule, asked: Question): ConditionOutcome {
  if (rule.when === null) return { kind: "none" };
  const expression = rule.when.text;
  const captures = captureNames(rule.routes);
  const outcomeOf = (text: string): Outcome | null => {
    const parsed = parseCondition(text, captures);
    return parsed.ok ? evaluated(policy, rule, parsed.condition, asked) : null;
  };
  const outcome = outcomeOf(expression) ?? "failed";
  switch (outcome) {
    case "true":
      return { kind: "true", expression };
    case "false":
    case "failed":
      return {
        kind: outcome,
        expression,
        part: partsOf(expression).find((part) => outcomeOf(part) === outcome) ?? expression,
      };
    case "body_not_json":
    case "body_ambiguous":
    case "body_too_large_to_decide":
      return { kind: "unreadable", expression, reason: outcome };
  }
}

type Outcome = "true" | "false" | "failed" | BodyRefusal;

function evaluated(policy: Policy, rule: PolicyRule, condition: Condition, asked: Question): Outcome {
  // An allow rule is passed over both when its condition is false and when it fails; one that needs an
  // approval reads the path in the same way, and tells them apart.
  const alone: PolicyRule = {
    ...rule,
    effect: rule.effect === "deny" ? "deny" : "needs_approval",
    connections: new Set(["*"]),
    labels: null,
    obligations: [],
    refused: null,
  };
  const compiled = compileRules(policy.hash, policy.connections, [alone], new Map([[rule.id, condition]]));
  return outcomeIn(decideQuestion({ ...policy, rules: [alone], compiled }, asked));
}

function outcomeIn(decision: Decision): Outcome {
  if (decision.effect !== "deny") return "true";
  switch (decision.reason) {
    case "rule_denies":
      return "true";
    case "no_rule":
    case "unknown_connection":
      return "false";
    case "condition_failed":
      return "failed";
    case "body_not_json":
    case "body_ambiguous":
    case "body_too_large_to_decide":
      return decision.reason;
  }
}

/** What stands between the outermost `&&`, as it stands. */
function partsOf(expression: string): readonly string[] {
  let ast: ASTNode;
  try {
    ({ ast } = policyEnvironment().parse(expression));
  } catch {
    return [];
  }
  const parts: string[] = [];
  const split = (node: ASTNode): void => {
    if (node.op === "&&") for (const side of node.args) split(side);
    else if (node.range !== undefined) parts.push(expression.slice(node.range.start, node.range.end));
  };
  split(ast);
  return parts;
}
