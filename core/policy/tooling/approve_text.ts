// What a rule asks for that needs an approval, as people read it.

import type { ApprovalTerms, Slot } from "../../approval/terms.ts";
import { counted } from "./spans.ts";
import { whoParts, whoText } from "./who_parts.ts";

/** A line each: who has to approve, how long what holds, and what else deciders and callers should know. */
export function approveTexts(terms: ApprovalTerms): readonly string[] {
  const { by, expiresMs, useWithinMs, waitMs, grant, breakGlass } = terms;
  const wait =
    waitMs === 0 ? "a call waits only if it asks to" : `a call waits ${waitMs / 1000} seconds if it does not say`;
  return [
    `has to approve: ${by.map(slotText).join("; and ")}`,
    `open for ${minutes(expiresMs)}, then to be used within ${minutes(useWithinMs)}; ${wait}`,
    ...(grant === null ? [] : [`may be allowed for up to ${minutes(grant.maxMs)}: ${scopeText(grant.scope)}`]),
    ...demands(terms),
    ...(breakGlass === null ? [] : [`may go on without, to be reviewed afterwards: ${peopleText(breakGlass)}`]),
  ];
}

/** Member by member, as the file has them. */
export function approveMembers(terms: ApprovalTerms): readonly string[] {
  const { grant, breakGlass, maskedOnlyIn } = terms;
  return [
    // Sorted: in which order they stand changes nothing.
    ...terms.by.map((slot) => `by ${slotText(slot)}`).sort(),
    `expires after ${minutes(terms.expiresMs)}`,
    `used within ${minutes(terms.useWithinMs)}`,
    `waits ${counted(terms.waitMs / 1000, "second")}`,
    `if gone ${terms.ifGone}`,
    `body up to ${counted(terms.bodyLimit, "byte")}`,
    ...(grant === null ? [] : [`granted up to ${minutes(grant.maxMs)} for the ${grant.scope}`]),
    `comment ${terms.commentNeeded ? "required" : "optional"}`,
    `reason ${terms.reasonNeeded ? "required" : "optional"}`,
    ...(terms.passkey ? ["signed with a passkey"] : []),
    ...(breakGlass === null ? [] : [`without by ${peopleText(breakGlass)}`]),
    ...(maskedOnlyIn === null
      ? []
      : [`masked only by ${maskedOnlyIn.length === 0 ? "nothing" : maskedOnlyIn.toSorted().join(", ")}`]),
    ...terms.notify.map((name) => `tells ${name}`).sort(),
  ];
}

function demands({ commentNeeded, reasonNeeded, passkey, maskedOnlyIn, notify }: ApprovalTerms): readonly string[] {
  const parts = [
    reasonNeeded ? "whoever asks says why" : null,
    commentNeeded ? "deciders say why" : null,
    passkey ? "deciders sign with a passkey" : null,
    maskedOnlyIn === null
      ? null
      : maskedOnlyIn.length === 0
        ? "nothing may be masked"
        : `masked may be: ${maskedOnlyIn.join(", ")}`,
    notify.length === 0 ? null : `told to: ${notify.join(", ")}`,
  ].filter((one) => one !== null);
  return parts.length === 0 ? [] : [parts.join("; ")];
}

function slotText(slot: Slot): string {
  return `${slot.count} of ${peopleText(slot)}`;
}

function peopleText({ roles, groups, issuer, subjects }: Omit<Slot, "count">): string {
  const who = { anyone: false, roles: new Set(roles), groups: new Set(groups), issuer, subjects };
  return whoParts(who).map(whoText).sort().join(", ");
}

function scopeText(scope: NonNullable<ApprovalTerms["grant"]>["scope"]): string {
  switch (scope) {
    case "target":
      return "the same method and target";
    case "rule":
      return "whatever the rule asks about";
  }
}

function minutes(ms: number): string {
  return counted(ms / 60_000, "minute");
}
