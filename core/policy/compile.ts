// Rules in the form that a decision reads: for each connection its deny rules and its allow rules in
// the file's order, each with the decision it gives made once, so that deciding walks only what
// concerns the connection and allocates next to nothing.

import type { Digest } from "../ids.ts";
import { type Decision, deniedByDefault } from "./decision.ts";
import type { PolicyRule } from "./rule.ts";

export interface CompiledRule {
  readonly rule: PolicyRule;
  readonly anyMethod: boolean;
  /** Issuer → subjects. */
  readonly subjects: ReadonlyMap<string, ReadonlySet<string>>;
  readonly decision: Decision;
}

export interface ConnectionRules {
  readonly deny: readonly CompiledRule[];
  readonly allow: readonly CompiledRule[];
}

export interface CompiledRules {
  readonly byConnection: ReadonlyMap<string, ConnectionRules>;
  readonly noRule: Decision;
  readonly unknownConnection: Decision;
}

/** Every name in `connections` gets an entry, `*` in a rule stands for all of them. `console` has none: its rules are built in. */
export function compileRules(
  policy: Digest,
  connections: Iterable<string>,
  rules: readonly PolicyRule[],
): CompiledRules {
  const compiled = rules.map((rule) => compileRule(policy, rule));
  const byConnection = new Map<string, ConnectionRules>();
  for (const name of connections) {
    byConnection.set(
      name,
      byEffect(compiled.filter(({ rule }) => rule.connections.has(name) || rule.connections.has("*"))),
    );
  }
  return {
    byConnection,
    noRule: deniedByDefault(policy, "no_rule"),
    unknownConnection: deniedByDefault(policy, "unknown_connection"),
  };
}

function byEffect(rules: readonly CompiledRule[]): ConnectionRules {
  return {
    deny: rules.filter(({ rule }) => rule.effect === "deny"),
    allow: rules.filter(({ rule }) => rule.effect === "allow"),
  };
}

function compileRule(policy: Digest, rule: PolicyRule): CompiledRule {
  const subjects = new Map<string, Set<string>>();
  for (const { issuer, subject } of rule.subjects) {
    const known = subjects.get(issuer) ?? new Set<string>();
    known.add(subject);
    subjects.set(issuer, known);
  }
  const decision: Decision =
    rule.effect === "allow"
      ? { effect: "allow", policy, rule: rule.id, line: rule.line, obligations: [] }
      : { effect: "deny", policy, rule: rule.id, line: rule.line, reason: "rule_denies", message: null };
  return { rule, anyMethod: rule.methods.has("*"), subjects, decision };
}
