// What a rule's condition comes to for a command, for whoever is to understand a decision. Asks
// `decide` itself, with a policy of this one rule, so that it cannot be of another opinion.

import type { BodyRefusal } from "../body.ts";
import { compileRules } from "../compile.ts";
import type { Asked } from "../decide.ts";
import type { Policy } from "../policy.ts";
import type { PolicyRule } from "../rule.ts";
import { decideQuestion } from "./question.ts";

export type ConditionOutcome =
  | { readonly kind: "none" }
  | { readonly kind: "true" | "false"; readonly expression: string }
  | { readonly kind: "failed"; readonly expression: string; readonly why: string }
  /** It reads the body, which the gateway refuses to read. */
  | { readonly kind: "unreadable"; readonly expression: string; readonly reason: BodyRefusal };

/** The rest of the rule fits the command. */
export function conditionOutcome(policy: Policy, rule: PolicyRule, asked: Asked): ConditionOutcome {
  if (rule.when === null) return { kind: "none" };
  const expression = rule.when.text;
  // As a deny rule, since those tell a condition that fails from one that is false.
  const alone: PolicyRule = { ...rule, effect: "deny", anyone: true, connections: new Set(["*"]), labels: null };
  const compiled = compileRules(policy.hash, policy.connections, [alone], policy.compiled.conditions);
  const decision = decideQuestion({ ...policy, rules: [alone], compiled }, asked);
  if (decision.effect !== "deny" || decision.reason === "no_rule") return { kind: "false", expression };
  switch (decision.reason) {
    case "rule_denies":
    case "unknown_connection":
      return { kind: "true", expression };
    case "condition_failed":
      return { kind: "failed", expression, why: expression };
    case "body_not_json":
    case "body_ambiguous":
    case "body_too_large_to_decide":
      return { kind: "unreadable", expression, reason: decision.reason };
  }
}
