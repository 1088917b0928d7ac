// Rules that never decide, because an unconditional rule that is considered before them concerns
// everything that they concern. Sound: what is reported holds for every command that can be forwarded.
// Not complete: two rules that cover a third only together are not found.

import type { Policy } from "../policy.ts";
import type { PolicyRule } from "../rule.ts";
import { connectionsOf, inOrder } from "./order.ts";
import { routeCovers, routesCover } from "./route_covers.ts";
import { coversWho, type RoleTable, roleTable } from "./who_parts.ts";

export interface Shadow {
  readonly rule: PolicyRule;
  /** The first rule, in the order in which they are considered, that leaves nothing to it. */
  readonly by: PolicyRule;
}

export interface Shadows {
  readonly found: readonly Shadow[];
  /** False if the file is so large that not every pair was compared. */
  readonly isWhole: boolean;
}

/** Comparisons of single names and patterns: some tenths of a second. A thousand usual rules take a tenth of them. */
const MAX_STEPS = 20_000_000;

export function findShadows(policy: Policy): Shadows {
  const table = roleTable(policy.roles);
  const selected = new Map(policy.rules.map((rule) => [rule, connectionsOf(policy, rule)]));
  const found: Shadow[] = [];
  const before: PolicyRule[] = [];
  let steps = 0;
  for (const rule of inOrder(policy.rules)) {
    const names = selected.get(rule) ?? new Set();
    // Without a connection it never decides for a reason of its own.
    if (names.size === 0) continue;
    for (const one of before) {
      steps += 1 + costOf(one, rule);
      if (steps > MAX_STEPS) return { found, isWhole: false };
      if (covers(table, one, selected.get(one) ?? new Set(), rule, names)) {
        found.push({ rule, by: one });
        break;
      }
    }
    if (rule.when === null) before.push(rule);
  }
  return { found, isWhole: true };
}

function costOf(wide: PolicyRule, narrow: PolicyRule): number {
  const people = (rule: PolicyRule): number => rule.roles.size + rule.groups.size + rule.subjects.length;
  return wide.routes.length * narrow.routes.length + (1 + people(wide)) * people(narrow);
}

function covers(
  table: RoleTable,
  wide: PolicyRule,
  wideNames: ReadonlySet<string>,
  narrow: PolicyRule,
  narrowNames: ReadonlySet<string>,
): boolean {
  if (!isWithin(narrowNames, wideNames)) return false;
  if (!wide.methods.has("*") && !isWithin(narrow.methods, wide.methods)) return false;
  return coversRoutes(wide, narrow) && coversWho(table, wide, narrow);
}

function isWithin(narrow: ReadonlySet<string>, wide: ReadonlySet<string>): boolean {
  for (const one of narrow) if (!wide.has(one)) return false;
  return true;
}

/**
 * A deny rule also matches paths that an upstream could read as its routes (`//a;x=1` as `/a`, see
 * `looseSegments`); an allow rule takes a path as it stands. So only a rule for every path covers all
 * that a deny rule matches, unless it is one itself.
 */
function coversRoutes(wide: PolicyRule, narrow: PolicyRule): boolean {
  if (narrow.effect === "deny" && wide.effect !== "deny")
    return wide.routes.some((one) => routeCovers(one, EVERY_PATH));
  return routesCover(wide.routes, narrow.routes);
}

const EVERY_PATH = [{ kind: "rest" }] as const;
