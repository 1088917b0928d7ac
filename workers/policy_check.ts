// What of a policy only its region's configuration can tell. Checked before a policy is applied, and
// again by each isolate that loads one, because the configuration may have changed since.

import type { Policy } from "../core/policy/policy.ts";
import type { PolicyProblem } from "../core/policy/problem.ts";
import { type AddressProblem, addressProblem, type KnownHosts } from "./own_hosts.ts";

/** Empty if the policy can be used here. A connection of another region is none of this one's business, but for its address. */
export function checkAgainstConfig(policy: Policy, config: KnownHosts): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  for (const { name, upstream, upstreamAt } of policy.connections.values()) {
    const problem = addressProblem(upstream, config);
    if (problem !== null)
      problems.push({ path: `connections.${name}.upstream`, ...upstreamAt, expected: expectedOf("upstream", problem) });
  }
  for (const [name, { url, urlAt }] of policy.notify) {
    const problem = url === null ? null : addressProblem(url, config);
    if (problem !== null) problems.push({ path: `notify.${name}.url`, ...urlAt, expected: expectedOf("URL", problem) });
  }
  return problems;
}

function expectedOf(what: "upstream" | "URL", problem: AddressProblem): string {
  switch (problem) {
    case "none":
      return `${ARTICLE[what]} over http(s)`;
    case "own":
      // Of a notice its own answer would say that it has arrived, and nobody would have been told.
      return what === "URL" ? "a URL that is not the gateway's own" : "an upstream that is not the gateway itself";
    case "insecure":
      return `${ARTICLE[what]} over https`;
  }
}

const ARTICLE = { upstream: "an upstream", URL: "a URL" } as const;
