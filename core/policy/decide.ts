// decide: a pure function of the policy and the command. Default deny; a deny rule beats every allow
// rule; among rules of one effect the first in the file is the one named.

import type { Principal } from "../auth/principal.ts";
import type { Decision } from "./decision.ts";
import type { Policy, PolicyRole, PolicyRule } from "./policy.ts";
import { matchesRoute } from "./route.ts";

export interface Asked {
  readonly principal: Principal;
  readonly roles: ReadonlySet<string>;
  readonly connection: string;
  readonly method: string;
  /** Segments of the raw path, see core/protocol/http/target.ts. */
  readonly segments: readonly string[];
}

export function decide(policy: Policy, asked: Asked): Decision {
  if (!policy.connections.has(asked.connection)) return { effect: "deny", policy: policy.hash, rule: null, reason: "unknown_connection" };
  let allowing: PolicyRule | null = null;
  for (const rule of policy.rules) {
    if (rule.effect === "allow" && allowing !== null) continue;
    if (!applies(rule, asked)) continue;
    if (rule.effect === "deny") return { effect: "deny", policy: policy.hash, rule: rule.id, reason: "rule_denies" };
    allowing = rule;
  }
  if (allowing === null) return { effect: "deny", policy: policy.hash, rule: null, reason: "no_rule" };
  return { effect: "allow", policy: policy.hash, rule: allowing.id, obligations: [] };
}

function applies(rule: PolicyRule, { principal, roles, connection, method, segments }: Asked): boolean {
  if (!rule.connections.has(connection) && !rule.connections.has("*")) return false;
  if (!rule.methods.has(method) && !rule.methods.has("*")) return false;
  return isWho(rule, principal, roles) && rule.routes.some((route) => matchesRoute(route, segments));
}

function isWho(rule: PolicyRule, principal: Principal, roles: ReadonlySet<string>): boolean {
  for (const role of rule.roles) if (roles.has(role)) return true;
  if (rule.groups.size > 0 && principal.groups.some((group) => rule.groups.has(group))) return true;
  return rule.subjects.some((one) => one.issuer === principal.issuer && one.subject === principal.subject);
}

/** The roles of a principal. Who acts for somebody gets that person's roles only, never roles of its own. */
export function rolesOf(roles: readonly PolicyRole[], principal: Principal, firstAdmin: { readonly issuer: string; readonly subject: string } | null): ReadonlySet<string> {
  const held = new Set<string>();
  for (const role of roles) {
    const byGroup = (role.issuer === null || role.issuer === principal.issuer) && principal.groups.some((group) => role.groups.has(group));
    const bySubject = role.subjects.some((one) => one.issuer === principal.issuer && one.subject === principal.subject);
    if (byGroup || bySubject) held.add(role.name);
  }
  if (firstAdmin !== null && firstAdmin.issuer === principal.issuer && firstAdmin.subject === principal.subject) held.add("admin");
  return held;
}
