// Who has to approve what a rule stops, and whether somebody is among them: by the policy that is in force.

import type { ApprovalTerms, Slot } from "../approval/terms.ts";
import type { Principal } from "../auth/principal.ts";
import type { Policy } from "./policy.ts";

/** Null if the policy has no such rule, or it asks nobody. */
export function approvalTerms(policy: Policy, rule: string): ApprovalTerms | null {
  return policy.rules.find(({ id }) => id === rule)?.approve ?? null;
}

/** Indexes of the groups of deciders that this person fits. */
export function slotsOf(
  { by }: Pick<ApprovalTerms, "by">,
  principal: Principal,
  roles: ReadonlySet<string>,
): readonly number[] {
  return by.flatMap((slot, index) => (fits(slot, principal, roles) ? [index] : []));
}

/** A person who is among those whom the rule lets go on, and no agent of theirs. */
export function mayBreakGlass(
  { breakGlass }: Pick<ApprovalTerms, "breakGlass">,
  principal: Principal,
  roles: ReadonlySet<string>,
): boolean {
  return breakGlass !== null && principal.actors.length === 0 && fits(breakGlass, principal, roles);
}

/** Groups count from any issuer, unless the slot names one. */
function fits(slot: Omit<Slot, "count">, principal: Principal, roles: ReadonlySet<string>): boolean {
  if (slot.roles.some((role) => roles.has(role))) return true;
  if (slot.subjects.some((one) => one.issuer === principal.issuer && one.subject === principal.subject)) return true;
  if (slot.issuer !== null && slot.issuer !== principal.issuer) return false;
  return slot.groups.some((group) => principal.groups.includes(group));
}
