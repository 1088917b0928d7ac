// What of a policy only its region's configuration can tell. Checked before a policy is applied, and
// again by each isolate that loads one, because the configuration may have changed since.

import type { Policy } from "../core/policy/policy.ts";
import type { PolicyProblem } from "../core/policy/problem.ts";
import type { Config } from "./config.ts";

type Known = Pick<Config, "hosts" | "hostForm" | "console" | "allowInsecureHttp">;

/** Empty if the policy can be used here. A connection of another region is none of this one's business, but for its address. */
export function checkAgainstConfig(policy: Policy, config: Known): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  for (const { name, upstream, upstreamAt } of policy.connections.values()) {
    const expected = expectedOf(new URL(upstream), config);
    if (expected !== null) problems.push({ path: `connections.${name}.upstream`, ...upstreamAt, expected });
  }
  return problems;
}

function expectedOf(upstream: URL, { hosts, hostForm, console: own, allowInsecureHttp }: Known): string | null {
  // A gateway that calls itself would loop, and let callers reach its own surfaces with its own credential.
  // A dot at the end of a name names the same host (RFC 1034 §3.1).
  const host = upstream.host.replace(/\.(?=:|$)/, "");
  const isConsole = own !== null && new URL(own.origin).host === host;
  const isOurs = hosts.has(host) || isConsole || (hostForm !== null && host.endsWith(hostForm.suffix));
  if (isOurs) return "an upstream that is not the gateway itself";
  if (upstream.protocol !== "https:" && !allowInsecureHttp) return "an upstream over https";
  return null;
}
