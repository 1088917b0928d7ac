// Who may use the gateway's own API: built in, so that no policy can hand the audit trail to those
// it watches over. Everybody reads what is their own; handlers narrow to it.

import type { Digest } from "../ids.ts";
import { type Decision, deniedByDefault } from "./decision.ts";
import { matchesRoute, parseRoute, type RoutePattern } from "./route.ts";

interface ConsoleRule {
  readonly id: string;
  readonly method: string;
  readonly route: RoutePattern;
  /** Null: anybody with a valid identity. */
  readonly role: "auditor" | "admin" | null;
}

const RULES: readonly ConsoleRule[] = [
  rule("console-whoami", "GET", "/api/v1/whoami", null),
  rule("console-own-sessions", "GET", "/api/v1/sessions", null),
  rule("console-own-sessions", "GET", "/api/v1/sessions/{sid}", null),
  rule("console-own-sessions", "GET", "/api/v1/sessions/{sid}/records", null),
  rule("console-auditor", "GET", "/api/v1/policies/{hash}", "auditor"),
  rule("console-admin", "GET", "/api/v1/policies/{hash}", "admin"),
  rule("console-auditor", "GET", "/api/v1/registry/{shard}/records", "auditor"),
  rule("console-auditor", "GET", "/api/v1/perimeter/{shard}", "auditor"),
  rule("console-auditor", "GET", "/api/v1/perimeter/{shard}/{sid}/records", "auditor"),
  rule("console-admin", "POST", "/api/v1/revocations", "admin"),
];

function rule(id: string, method: string, path: string, role: ConsoleRule["role"]): ConsoleRule {
  const route = parseRoute(path);
  if (route === null) throw new TypeError(path);
  return { id, method, route, role };
}

export function decideConsole(
  policy: Digest,
  roles: ReadonlySet<string>,
  method: string,
  segments: readonly string[],
): Decision {
  const reads = method === "HEAD" ? "GET" : method;
  const found = RULES.find(
    (one) => one.method === reads && (one.role === null || roles.has(one.role)) && matchesRoute(one.route, segments),
  );
  if (found === undefined) return deniedByDefault(policy, "no_rule");
  return { effect: "allow", policy, rule: found.id, line: 0, obligations: [] };
}
