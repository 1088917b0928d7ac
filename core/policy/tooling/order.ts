// The order in which rules are considered, and which connections of the file each concerns. Written
// apart from what `decide` compiles, so that the tools' tests hold the one against the other.

import type { ConnectionName } from "../../ids.ts";
import type { Policy } from "../policy.ts";
import type { PolicyRule } from "../rule.ts";

const RANK: Readonly<Record<PolicyRule["effect"], number>> = { deny: 0, needs_approval: 1, allow: 2 };

/** Higher priority first; then deny, needs-approval, allow; then as they stand in the file. */
export function inOrder(rules: readonly PolicyRule[]): readonly PolicyRule[] {
  return rules.toSorted((a, b) => b.priority - a.priority || RANK[a.effect] - RANK[b.effect]);
}

export function concernsConnection(policy: Policy, rule: PolicyRule, name: string): boolean {
  const connection = policy.connections.get(name as ConnectionName);
  if (connection === undefined) return false;
  if (rule.labels !== null) return rule.labels.every((label) => connection.labels.includes(label));
  return rule.connections.has("*") || rule.connections.has(name);
}

export function connectionsOf(policy: Policy, rule: PolicyRule): ReadonlySet<string> {
  return new Set([...policy.connections.keys()].filter((name) => concernsConnection(policy, rule, name)));
}

/** As the file writes it. */
export function effectText(effect: PolicyRule["effect"]): "allow" | "deny" | "needs-approval" {
  return effect === "needs_approval" ? "needs-approval" : effect;
}
