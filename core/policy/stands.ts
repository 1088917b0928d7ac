// Whether a command that is under way may go on as it is once another policy is in force: it must be
// allowed by it, and on the same terms. Terms are what the running command was built with and cannot
// change in its course: where it goes, with which credential, what of it is recorded and masked.

import { decide, type Question } from "./decide.ts";
import type { Decision } from "./decision.ts";
import { extentOf } from "./obligations.ts";
import type { ConnectionSettings, Policy } from "./policy.ts";

/** Equal texts are equal terms. */
export function termsOf(decision: Decision, settings: ConnectionSettings): string {
  const masked = decision.effect === "deny" ? [] : decision.obligations.filter(({ kind }) => kind === "mask");
  const { protocol, upstream, region, credential, unreadable, masks, messageLimit, framing, browser } = settings;
  return JSON.stringify([
    [protocol, upstream, region, credential, unreadable, messageLimit, framing, browser],
    [extentOf(decision, settings), masked, masks],
  ]);
}

/**
 * `asked` is the question as it was, with the roles that the new policy gives. A body that this policy
 * has to read and that nobody kept cannot be judged, so the command does not stand.
 */
export function stands(policy: Policy, asked: Question, terms: string): boolean {
  const decision = decide(policy, asked);
  const settings = policy.connections.get(asked.connection);
  return decision.effect === "allow" && settings !== undefined && termsOf(decision, settings) === terms;
}
