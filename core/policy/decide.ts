// decide: a pure function of the policy and the command. Default deny; a deny rule beats every allow
// rule; among rules of one effect the first in the file is the one named. Never throws.

import type { Principal } from "../auth/principal.ts";
import type { Header } from "../mask/mask_headers.ts";
import { verbClass } from "../protocol/http/methods.ts";
import type { BodyView } from "./body.ts";
import type { CompiledRule } from "./compile.ts";
import type { Decision } from "./decision.ts";
import type { Policy } from "./policy.ts";
import { looseSegments, matchesRoute } from "./route.ts";
import type { PolicyRole } from "./rule.ts";

export interface Asked {
  readonly principal: Principal;
  readonly roles: ReadonlySet<string>;
  readonly connection: string;
  readonly method: string;
  /** Segments of the raw path, see `routeSegments` in core/protocol/http/target.ts. */
  readonly segments: readonly string[];
  /** Raw path inside the connection. */
  readonly path: string;
  /** Raw query without `?`. */
  readonly query: string;
  /** As the caller sent them, names in lower case. */
  readonly headers: readonly Header[];
  /** The caller's address as the platform says, or null. */
  readonly address: string | null;
  readonly region: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly body: BodyView;
}

/** The decision needs the body: read at most so many bytes of it, then ask again with what was read. */
export interface NeedsBody {
  readonly effect: "needs_body";
  readonly limit: number;
}

export function decide(policy: Policy, asked: Asked): Decision | NeedsBody {
  const { byConnection, noRule, unknownConnection } = policy.compiled;
  const rules = byConnection.get(asked.connection);
  if (rules === undefined) return unknownConnection;
  if (rules.deny.length > 0) {
    // An upstream that merges slashes or cuts path parameters must not be a way around a deny rule.
    const loose = looseSegments(asked.segments);
    for (const rule of rules.deny) {
      if (!asksMethod(rule, asked.method) || !concerns(rule, asked.principal, asked.roles)) continue;
      if (matches(rule, asked.segments) || (loose !== null && matches(rule, loose))) return rule.decision;
    }
  }
  // `*` means every method that can be forwarded, not every text.
  if (verbClass(asked.method) === null) return noRule;
  for (const rule of rules.allow) {
    if (!asksMethod(rule, asked.method) || !matches(rule, asked.segments)) continue;
    if (concerns(rule, asked.principal, asked.roles)) return rule.decision;
  }
  return noRule;
}

/** Whether the rule is about this person. */
export function concerns({ rule, subjects }: CompiledRule, principal: Principal, roles: ReadonlySet<string>): boolean {
  for (const role of rule.roles) if (roles.has(role)) return true;
  if (rule.groups.size > 0 && (rule.issuer === null || rule.issuer === principal.issuer)) {
    for (const group of principal.groups) if (rule.groups.has(group)) return true;
  }
  return subjects.get(principal.issuer)?.has(principal.subject) === true;
}

function asksMethod({ rule, anyMethod }: CompiledRule, method: string): boolean {
  return anyMethod || rule.methods.has(method);
}

function matches({ rule }: CompiledRule, segments: readonly string[]): boolean {
  for (const route of rule.routes) if (matchesRoute(route, segments)) return true;
  return false;
}

/**
 * The roles of a principal. Who acts for somebody gets that person's roles only: an actor chain
 * (RFC 8693 §4.1) never adds any. A group counts only from the issuer that a role is bound to, since
 * another issuer's group of the same name is other people.
 */
export function rolesOf(
  roles: readonly PolicyRole[],
  principal: Principal,
  firstAdmin: { readonly issuer: string; readonly subject: string } | null,
): ReadonlySet<string> {
  const held = new Set<string>();
  for (const role of roles) {
    const byGroup =
      (role.issuer === null || role.issuer === principal.issuer) &&
      principal.groups.some((group) => role.groups.has(group));
    const bySubject = role.subjects.some((one) => one.issuer === principal.issuer && one.subject === principal.subject);
    if (byGroup || bySubject) held.add(role.name);
  }
  if (firstAdmin !== null && firstAdmin.issuer === principal.issuer && firstAdmin.subject === principal.subject)
    held.add("admin");
  return held;
}
