// Rules in the form that a decision reads: in the order in which they are asked, with the decisions
// each can give made once, so that deciding walks only what concerns the connection and allocates next
// to nothing.

import type { Digest } from "../ids.ts";
import { MESSAGE_METHODS, METHOD_NAMES } from "../protocol/http/methods.ts";
import type { Condition } from "./condition.ts";
import { type Decision, type DenyReason, deniedByDefault } from "./decision.ts";
import type { ConnectionSettings } from "./policy.ts";
import type { PolicyRule } from "./rule.ts";

export interface CompiledRule {
  readonly rule: PolicyRule;
  /** A bit for each method that can be forwarded, and for messages; see `methodBit`. */
  readonly methods: number;
  /** Rules that are about the same people have the same number, and so have rules with the same routes. */
  readonly who: number;
  readonly path: number;
  readonly roles: readonly string[];
  /** Issuer → subjects. */
  readonly subjects: ReadonlyMap<string, ReadonlySet<string>>;
  readonly condition: Condition | null;
  /** Where the rule holds. */
  readonly decision: Decision;
  /** Where its condition could not be evaluated; null if the rule is passed over then. */
  readonly failed: Decision | null;
}

export interface CompiledConnection {
  readonly settings: ConnectionSettings;
  /** In the order in which they are asked. */
  readonly rules: readonly CompiledRule[];
}

export interface CompiledRules {
  readonly byConnection: ReadonlyMap<string, CompiledConnection>;
  /** How many numbers `who` and `path` of the rules have. */
  readonly whos: number;
  readonly paths: number;
  /** By the rule's id. */
  readonly conditions: ReadonlyMap<string, Condition>;
  readonly noRule: Decision;
  readonly unknownConnection: Decision;
}

const NAMES = [...METHOD_NAMES, ...MESSAGE_METHODS];
const BITS: ReadonlyMap<string, number> = new Map(NAMES.map((name, index) => [name, 2 ** index]));
/** For methods that are not forwarded: `*` of a deny rule holds for them, too, and nothing else does. */
const OTHER = 2 ** NAMES.length;
const ALL_BITS = 2 * OTHER - 1;
if (NAMES.length > 29) throw new RangeError("more methods than a small integer has bits");

export function methodBit(method: string): number {
  return BITS.get(method) ?? OTHER;
}

type Denied = Extract<Decision, { effect: "deny" }>;

/** Deny beats needs-approval beats allow. */
const RANKS: Readonly<Record<PolicyRule["effect"], number>> = { deny: 0, needs_approval: 1, allow: 2 };

/**
 * Every connection gets an entry; `*` in a rule stands for all of them. `console` has none: the API
 * decides about itself. Conditions by the rule's id.
 */
export function compileRules(
  policy: Digest,
  connections: ReadonlyMap<string, ConnectionSettings>,
  rules: readonly PolicyRule[],
  conditions: ReadonlyMap<string, Condition>,
): CompiledRules {
  const whos = new Numbers();
  const paths = new Numbers();
  // The sort is stable: among equals the file's order stays.
  const compiled = rules
    .map((rule) => compileRule(policy, rule, conditions.get(rule.id) ?? null, whos, paths))
    .sort((a, b) => b.rule.priority - a.rule.priority || RANKS[a.rule.effect] - RANKS[b.rule.effect]);
  const byConnection = new Map<string, CompiledConnection>();
  for (const [name, settings] of connections)
    byConnection.set(name, { settings, rules: compiled.filter(({ rule }) => namesConnection(rule, settings)) });
  return {
    byConnection,
    whos: whos.size,
    paths: paths.size,
    conditions,
    noRule: deniedByDefault(policy, "no_rule"),
    unknownConnection: deniedByDefault(policy, "unknown_connection"),
  };
}

/** Whether the rule is about this connection. */
export function namesConnection(rule: PolicyRule, { name, labels }: ConnectionSettings): boolean {
  if (rule.labels !== null) return rule.labels.every((label) => labels.includes(label));
  return rule.connections.has(name) || rule.connections.has("*");
}

/** Numbers for values, equal ones for equal values. */
class Numbers {
  readonly #known = new Map<string, number>();

  get size(): number {
    return this.#known.size;
  }

  of(value: unknown): number {
    const text = JSON.stringify(value);
    const known = this.#known.get(text) ?? this.#known.size;
    this.#known.set(text, known);
    return known;
  }
}

function compileRule(
  policy: Digest,
  rule: PolicyRule,
  condition: Condition | null,
  whos: Numbers,
  paths: Numbers,
): CompiledRule {
  const subjects = new Map<string, Set<string>>();
  for (const { issuer, subject } of rule.subjects) {
    const known = subjects.get(issuer) ?? new Set<string>();
    known.add(subject);
    subjects.set(issuer, known);
  }
  const { message } = rule;
  const failed: Decision = { ...denial(policy, rule, "condition_failed"), message };
  return {
    rule,
    methods: methodBits(rule),
    who: whos.of([rule.anyone, [...rule.roles], [...rule.groups], rule.issuer, rule.subjects]),
    path: paths.of(rule.routes),
    roles: [...rule.roles],
    subjects,
    condition,
    decision: decisionOf(policy, rule),
    failed: condition === null || rule.effect === "allow" ? null : failed,
  };
}

function methodBits({ methods, effect }: PolicyRule): number {
  if (!methods.has("*")) return [...methods].reduce((bits, name) => bits | methodBit(name), 0);
  return effect === "deny" ? ALL_BITS : ALL_BITS & ~OTHER;
}

function decisionOf(policy: Digest, rule: PolicyRule): Decision {
  const { id, line, effect, message, obligations, refused } = rule;
  switch (effect) {
    case "allow":
      return { effect, policy, rule: id, line, obligations };
    case "needs_approval":
      return { effect, policy, rule: id, line, obligations, message, ...(refused === null ? {} : { refused }) };
    case "deny":
      return { ...denial(policy, rule, "rule_denies"), message };
  }
}

/** Without the rule's message: what a rule could not even ask is not what its author speaks of. */
export function denial(policy: Digest, { id, line, refused }: PolicyRule, reason: DenyReason): Denied {
  return {
    effect: "deny",
    policy,
    rule: id,
    line,
    reason,
    message: null,
    ...(refused === null ? {} : { refused }),
  };
}
