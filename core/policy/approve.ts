// What the policy file says of approvals, in the form in which it is used, and what of it no single value
// shows: names that are not defined, members that are missing or too many, people who stand twice.

import type { Identity } from "../approval/approval.ts";
import type { ApprovalTerms, Slot } from "../approval/terms.ts";
import type { FileApprove, FilePeopleWithRoles, FileRule, PolicyFile } from "./file.ts";
import { Fillable } from "./fillable.ts";
import { ALL_BUILT_IN, isBuiltInMask } from "./own_masks.ts";
import type { Place, ValuePath } from "./read_yaml.ts";
import type { NotifyTarget } from "./rule.ts";

/** `ofName`: the member's name is what is wrong. */
export type Report = (path: ValuePath, expected: string, ofName?: boolean) => void;

/** Of what findApprovals found nothing wrong with. */
export function approvalTermsOf({ approve }: Pick<FileRule, "approve">): ApprovalTerms | null {
  if (approve === undefined) return null;
  const { grant, break_glass: breakGlass } = approve;
  return {
    by: approve.by.map((slot) => ({ ...peopleOf(slot), count: slot.count })),
    expiresMs: approve.expires_minutes * MINUTE,
    useWithinMs: approve.use_within_minutes * MINUTE,
    waitMs: approve.wait_seconds * SECOND,
    ifGone: approve.if_gone,
    bodyLimit: approve.body_limit,
    grant: grant === undefined ? null : { maxMs: grant.minutes * MINUTE, scope: grant.for },
    commentNeeded: approve.comment === "required",
    reasonNeeded: approve.reason === "required",
    passkey: approve.passkey,
    breakGlass: breakGlass === undefined ? null : peopleOf(breakGlass),
    maskedOnlyIn: approve.masked_only_in ?? null,
    // Nobody needs to be told twice.
    notify: [...new Set(approve.notify)],
  };
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;

function peopleOf({ roles, groups, issuer, subjects }: FilePeopleWithRoles): Omit<Slot, "count"> {
  return { roles, groups, issuer: issuer ?? null, subjects };
}

export function notifyOf(file: PolicyFile, placeOf: (path: ValuePath) => Place): ReadonlyMap<string, NotifyTarget> {
  return new Map(
    Object.entries(file.notify).map(([name, { format, url, secret }]) => {
      const urlAt = placeOf(["notify", name, "url"]);
      return [name, { format, url: url ?? null, urlAt, secret: secret ?? null }];
    }),
  );
}

/** `builtIn`: roles that exist without being defined. */
export function findApprovals(file: PolicyFile, builtIn: readonly string[], report: Report): void {
  const hasRole = (name: string): boolean => Object.hasOwn(file.roles, name) || builtIn.includes(name);
  for (const [index, rule] of file.rules.entries()) {
    const at = ["rules", index, "approve"];
    if (rule.approve === undefined) {
      if (rule.effect === "needs-approval") report(at, "who has to approve; it is missing");
    } else if (rule.effect !== "needs-approval") report(at, "effect: needs-approval", true);
    else findInApprove(rule.approve, at, file, hasRole, report);
  }
  for (const [name, target] of Object.entries(file.notify))
    if (target.format === "slack" && (target.url === undefined) === (target.secret === undefined))
      report(["notify", name], "a url, or a secret that is the URL", true);
  findTwice(file.persons, report);
}

/** Approvals that nobody could ever give. Of a file in which nothing else is wrong. */
export function findShortages(file: PolicyFile, report: Report): void {
  const fillable = new Fillable(file.roles, file.persons);
  for (const [index, { who, approve }] of file.rules.entries()) {
    if (approve === undefined) continue;
    const at = ["rules", index, "approve", "by"];
    const { shortage, isNobodyLeft } = fillable.filling(who, approve.by);
    if (shortage !== null) {
      const { slots, wanted, there } = shortage;
      const [only] = slots;
      report(
        slots.length === 1 && only !== undefined ? [...at, only] : at,
        `people enough: ${wanted} have to approve, and ${there === 0 ? "nobody" : `only ${there}`} could`,
      );
    } else if (isNobodyLeft)
      report(at, "people enough beside whoever asks: for nobody who may ask anybody could approve");
  }
}

function findInApprove(
  { by, break_glass: breakGlass, notify, masked_only_in: masks = [] }: FileApprove,
  at: ValuePath,
  file: PolicyFile,
  hasRole: (name: string) => boolean,
  report: Report,
): void {
  const people: [ValuePath, FilePeopleWithRoles][] = by.map((slot, i) => [[...at, "by", i], slot]);
  if (breakGlass !== undefined) people.push([[...at, "break_glass"], breakGlass]);
  for (const [path, { roles, groups, subjects }] of people) {
    if (roles.length + groups.length + subjects.length === 0) report(path, "a role, a group or a subject");
    for (const [i, name] of roles.entries()) if (!hasRole(name)) report([...path, "roles", i], "a role of this file");
  }
  for (const [i, name] of notify.entries())
    if (!Object.hasOwn(file.notify, name)) report([...at, "notify", i], "a name of this file's notify");
  for (const [i, name] of masks.entries())
    if (name === ALL_BUILT_IN || (!isBuiltInMask(name) && !Object.hasOwn(file.masks, name)))
      report([...at, "masked_only_in", i], "a mask of this file, or one that is built in");
}

/** Two lists that share one would be three or more identities of one person, which one list says more plainly. */
function findTwice(persons: readonly (readonly Identity[])[], report: Report): void {
  const seen = new Set<string>();
  for (const [index, identities] of persons.entries())
    for (const [i, { issuer, subject }] of identities.entries()) {
      const key = JSON.stringify([issuer, subject]);
      if (seen.has(key)) report(["persons", index, i], "an identity that stands here once: a person has one list");
      seen.add(key);
    }
}
