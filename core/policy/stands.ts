// Whether a command that is under way may go on as it is once another policy is in force: it must be
// allowed by it, and on the same terms. Terms are what the running command was built with and cannot
// change in its course: where it goes, with which credential, what of it is recorded and masked.
//
// One that people approved stands only where it would be asked for again, by the same rule, of the same
// people and on the same terms: what they approved was that. An approval that is not used yet is good for no
// other policy at all, however alike, and a grant neither; see core/approval/step.ts.

import { approvalTerms } from "./approvers.ts";
import { decide, type Question } from "./decide.ts";
import type { Decision } from "./decision.ts";
import { extentOf } from "./obligations.ts";
import type { ConnectionSettings, Policy } from "./policy.ts";

/** Equal texts are equal terms. `decision` is the policy's. */
export function termsOf(policy: Policy, decision: Decision, settings: ConnectionSettings): string {
  const masked = decision.effect === "deny" ? [] : decision.obligations.filter(({ kind }) => kind === "mask");
  const { protocol, upstream, region, credential, unreadable, masks, messageLimit, framing, browser } = settings;
  return JSON.stringify([
    [protocol, upstream, region, credential, unreadable, messageLimit, framing, browser],
    [extentOf(decision, settings), masked, masks],
    askedOf(policy, decision),
  ]);
}

/** What was asked of whom; null for what nobody has to approve. Equal texts, of whichever policies, ask the same. */
export function askedOf(policy: Policy, decision: Decision): string | null {
  if (decision.effect !== "needs_approval") return null;
  const terms = approvalTerms(policy, decision.rule);
  const named = new Set([...(terms?.by.flatMap(({ roles }) => roles) ?? []), ...(terms?.breakGlass?.roles ?? [])]);
  // Who holds a role, and who is one person with whom, says who approves as much as the rule does.
  const roles = policy.roles
    .filter(({ name }) => named.has(name))
    .map(({ name, groups, issuer, subjects }) => [name, [...groups], issuer, subjects]);
  return JSON.stringify([decision.rule, terms, roles, policy.persons]);
}

/**
 * `asked` is the question as it was, with the roles that the new policy gives, and `terms` those under which it was
 * forwarded. A body that this policy has to read and that nobody kept cannot be judged, so the command does not stand.
 */
export function stands(policy: Policy, asked: Question, terms: string): boolean {
  const decision = decide(policy, asked);
  const settings = policy.connections.get(asked.connection);
  switch (decision.effect) {
    case "needs_body":
    case "deny":
      return false;
    case "allow":
    case "needs_approval":
      // Never the terms of the one where they were those of the other: only what needs an approval names a rule.
      return settings !== undefined && termsOf(policy, decision, settings) === terms;
  }
}
