// Which connections somebody could use at all: what is shown to them as theirs. A rule with a
// condition counts as one that may hold; what a command is really allowed is for `decide` to say.

import type { Principal } from "../auth/principal.ts";
import type { ConnectionName } from "../ids.ts";
import { concerns } from "./decide.ts";
import type { Policy } from "./policy.ts";

/** In the file's order. */
export function reachable(policy: Policy, principal: Principal, roles: ReadonlySet<string>): ConnectionName[] {
  const names: ConnectionName[] = [];
  for (const { name } of policy.connections.values()) {
    const rules = policy.compiled.byConnection.get(name)?.rules ?? [];
    if (rules.some((one) => one.rule.effect !== "deny" && concerns(one, principal, roles))) names.push(name);
  }
  return names;
}
