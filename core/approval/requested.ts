// What `approval.requested` says of the approval itself, beside what every request's record says.
// docs/record_format.md §5.

import { canonicalText } from "../record/canonical.ts";
import type { Classes, Fields } from "../record/record.ts";
import type { Approval } from "./approval.ts";

/** `reason` is the requester's, masked. */
export function requestedFacts(
  { policy, rule, expires, terms, digest }: Pick<Approval, "policy" | "rule" | "expires" | "terms" | "digest">,
  reason: string | null,
): { readonly classes: Classes; readonly fields: Fields } {
  const people = ({ roles, groups, issuer, subjects }: Omit<(typeof terms.by)[number], "count">) => ({
    roles: [...roles],
    groups: [...groups],
    issuer,
    subjects: subjects.map(({ issuer: one, subject }) => ({ issuer: one, subject })),
  });
  const told = canonicalText({
    ...terms,
    by: terms.by.map((slot) => ({ ...people(slot), count: slot.count })),
    grant: terms.grant === null ? null : { maxMs: terms.grant.maxMs, scope: terms.grant.scope },
    breakGlass: terms.breakGlass === null ? null : people(terms.breakGlass),
  });
  return {
    classes: { policy, rule, expires, if_gone: terms.ifGone },
    fields: { approval: told, command_digest: digest, ...(reason === null ? {} : { reason }) },
  };
}
