// What a policy says that its author can hardly have meant. Only what is certain: a warning that is wrong
// teaches people to read none.

import type { Policy } from "../policy.ts";
import type { PolicyRule } from "../rule.ts";
import { type Place, readYaml } from "../read_yaml.ts";
import { approvalWarnings, approverRoles } from "./approval_warnings.ts";
import { connectionsOf } from "./order.ts";
import { findShadows, type Shadow } from "./shadows.ts";
import { about, type PolicyWarning } from "./warning.ts";

/** In the file's order. `text` is the one that the policy was parsed from. */
export function analyse(policy: Policy, text: string): readonly PolicyWarning[] {
  const read = readYaml(text);
  const placeOf: PlaceOf = (member, name) => (read.ok ? read.value.placeOf([member, name]) : NOWHERE);
  const shadows = findShadows(policy);
  const warnings = [
    ...shadows.found.map(shadowWarning),
    ...policy.rules.flatMap((rule) => ruleWarnings(policy, rule)),
    ...approvalWarnings(policy),
    ...unusedRoles(policy, placeOf),
    ...unusedNotify(policy, placeOf),
    ...unusedConnections(policy, placeOf),
  ];
  if (!shadows.isWhole) {
    warnings.push({
      code: "analysis_bounded",
      line: 1,
      column: 1,
      message:
        "The file is too large to compare each rule with each other one: some that never decide may not be named.",
      advice: "Fewer routes and people a rule make it comparable.",
      rule: null,
    });
  }
  return warnings.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

function shadowWarning({ rule, by }: Shadow): PolicyWarning {
  const other = `${by.id} (line ${by.line})`;
  if (rule.effect === "deny" && by.effect !== "deny") {
    return about(
      rule,
      "deny_overridden",
      `${rule.id} never denies: ${other} has a higher priority and ${by.effect === "allow" ? "allows" : "takes"} everything that it would deny.`,
      `Give ${rule.id} a priority of at least ${by.priority}, or narrow ${by.id}.`,
    );
  }
  return about(
    rule,
    "rule_unreachable",
    `${rule.id} never decides: ${other} is considered before it and covers everything that it concerns.`,
    `Remove ${rule.id}, or narrow ${by.id}.`,
  );
}

function ruleWarnings(policy: Policy, rule: PolicyRule): readonly PolicyWarning[] {
  const warnings: PolicyWarning[] = [];
  if (connectionsOf(policy, rule).size === 0) {
    const what =
      rule.labels === null
        ? "this file has no connections"
        : `no connection of this file has ${rule.labels.length === 1 ? "the label" : "all the labels"} ${rule.labels.join(", ")}`;
    warnings.push(
      about(rule, "selects_no_connection", `${rule.id} concerns nothing: ${what}.`, "Check the labels' spelling."),
    );
  }
  if (isEverythingForEverybody(rule)) {
    warnings.push(
      about(
        rule,
        "allows_everything",
        `${rule.id} allows everybody everything on every connection.`,
        "Name who, which connections or which methods.",
      ),
    );
  }
  return warnings;
}

function isEverythingForEverybody(rule: PolicyRule): boolean {
  return (
    rule.effect === "allow" &&
    rule.anyone &&
    rule.when === null &&
    rule.methods.has("*") &&
    rule.connections.has("*") &&
    rule.routes.some(([first]) => first?.kind === "rest")
  );
}

type PlaceOf = (member: "roles" | "connections" | "notify", name: string) => Place;

/** Of a text that is not the policy's. */
const NOWHERE: Place = { line: 1, column: 1 };

/** The gateway's own API asks for these two. */
const BUILT_IN: ReadonlySet<string> = new Set(["admin", "auditor"]);

function unusedRoles(policy: Policy, placeOf: PlaceOf): readonly PolicyWarning[] {
  const named = new Set(policy.rules.flatMap((rule) => [...rule.roles, ...approverRoles(rule)]));
  // A condition may ask for a role by any expression: one in whose text the name stands counts as using it.
  const conditions = policy.rules.flatMap((rule) => rule.when?.text ?? []);
  return policy.roles
    .filter(({ name }) => !named.has(name) && !BUILT_IN.has(name) && !conditions.some((text) => text.includes(name)))
    .map(({ name }) => ({
      code: "role_unused",
      ...placeOf("roles", name),
      message: `No rule names the role ${name}.`,
      advice: "Remove it, or name it in a rule.",
      rule: null,
    }));
}

function unusedConnections(policy: Policy, placeOf: PlaceOf): readonly PolicyWarning[] {
  const used = new Set(
    policy.rules.filter(({ effect }) => effect !== "deny").flatMap((rule) => [...connectionsOf(policy, rule)]),
  );
  return [...policy.connections.values()]
    .filter(({ name }) => !used.has(name))
    .map(({ name }) => ({
      code: "connection_unused",
      ...placeOf("connections", name),
      message: `Nobody can use the connection ${name}: no rule allows anything on it.`,
      advice: "Write a rule for it, or remove it.",
      rule: null,
    }));
}

function unusedNotify(policy: Policy, placeOf: PlaceOf): readonly PolicyWarning[] {
  const named = new Set(policy.rules.flatMap(({ approve }) => approve?.notify ?? []));
  return [...policy.notify.keys()]
    .filter((name) => !named.has(name))
    .map((name) => ({
      code: "notify_unused",
      ...placeOf("notify", name),
      message: `Nothing is told to ${name}: no rule names it.`,
      advice: "Name it in a rule's approve, or remove it.",
      rule: null,
    }));
}
