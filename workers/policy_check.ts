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
  for (const [name, { url, urlAt }] of policy.notify) {
    const expected = url === null ? null : expectedOfNotice(new URL(url), config);
    if (expected !== null) problems.push({ path: `notify.${name}.url`, ...urlAt, expected });
  }
  return problems;
}

function expectedOf(upstream: URL, config: Known): string | null {
  // A gateway that calls itself would loop, and let callers reach its own surfaces with its own credential.
  if (isOurs(upstream, config)) return "an upstream that is not the gateway itself";
  return isInsecure(upstream, config) ? "an upstream over https" : null;
}

function expectedOfNotice(url: URL, config: Known): string | null {
  // Its answer would say that the notice has arrived, and nobody would have been told.
  if (isOurs(url, config)) return "a URL that is not the gateway's own";
  return isInsecure(url, config) ? "a URL over https" : null;
}

function isOurs(url: URL, { hosts, hostForm, console: own }: Known): boolean {
  // A dot at the end of a name names the same host (RFC 1034 §3.1).
  const host = url.host.replace(/\.(?=:|$)/, "");
  const isConsole = own !== null && new URL(own.origin).host === host;
  return hosts.has(host) || isConsole || (hostForm !== null && host.endsWith(hostForm.suffix));
}

function isInsecure(url: URL, { allowInsecureHttp }: Known): boolean {
  return url.protocol !== "https:" && !allowInsecureHttp;
}
