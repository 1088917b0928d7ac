// Whether somebody may decide an approval now, by the policy in force and what their token says of them.
// The session object has the last word (core/approval/step.ts); this is for lists, forms, and the order
// that is sent to it.

import type { Approval, Party } from "../../core/approval/approval.ts";
import { isInvolved } from "../../core/approval/person.ts";
import { approvalTerms, slotsOf } from "../../core/policy/approvers.ts";
import type { Policy } from "../../core/policy/policy.ts";
import type { Digest } from "../../core/ids.ts";
import { type Caller, partyOf } from "../caller.ts";
import type { Config } from "../config.ts";

/** How old what a token says of groups may be where somebody decides: DESIGN, *Approval*. */
export const GROUPS_MAX_AGE_MS: number = 5 * 60_000;

/** What of an approval tells who may decide it. */
export interface Asked {
  readonly requester: Party;
  readonly actors: Approval["actors"];
  readonly rule: string;
  readonly policy: Digest;
}

export type Standing =
  /** `slots`: indexes of the rule's groups of deciders that they fit. */
  | { readonly mayDecide: true; readonly slots: readonly number[] }
  | { readonly mayDecide: false; readonly reason: StandingRefusal };

export type StandingRefusal =
  | "decider_is_requester"
  | "decider_not_asked"
  /** Somebody, or something, acts for them: a decision is a person's own. */
  | "decider_not_in_person"
  /** Asked for under another policy: it is good for nothing any more. */
  | "approval_stale";

export function standingOf(
  { requester, actors, rule, policy: askedUnder }: Asked,
  caller: Caller,
  policy: Policy,
): Standing {
  const { principal } = caller.authenticated;
  const no = (reason: StandingRefusal): Standing => ({ mayDecide: false, reason });
  if (principal.actors.length > 0) return no("decider_not_in_person");
  if (isInvolved(partyOf(caller), { requester, actors }, policy.persons)) return no("decider_is_requester");
  if (policy.hash !== askedUnder) return no("approval_stale");
  const terms = approvalTerms(policy, rule);
  const slots = terms === null ? [] : slotsOf(terms, principal, caller.roles);
  return slots.length === 0 ? no("decider_not_asked") : { mayDecide: true, slots };
}

/** False where their groups are as of longer ago than a decision may rest on; a token without `iat` tells of no time. */
export function isFresh({ authenticated: { principal, token } }: Caller, { issuers }: Config, now: number): boolean {
  if (token.issuedAt === null) return false;
  const skew = issuers.find(({ issuer }) => issuer === principal.issuer)?.clock_skew_seconds ?? 0;
  return now - token.issuedAt * 1000 <= GROUPS_MAX_AGE_MS + skew * 1000;
}
