// What rules say of approvals that can hardly have been meant.

import type { ConnectionName } from "../../ids.ts";
import type { Extent } from "../decision.ts";
import { Fillable } from "../fillable.ts";
import type { Policy } from "../policy.ts";
import type { PolicyRule } from "../rule.ts";
import { connectionsOf } from "./order.ts";
import { about, type PolicyWarning } from "./warning.ts";

/** Roles whose holders have a part in what the rule stops. */
export function approverRoles({ approve }: PolicyRule): readonly string[] {
  if (approve === null) return [];
  return [...approve.by.flatMap(({ roles }) => roles), ...(approve.breakGlass?.roles ?? [])];
}

export function approvalWarnings(policy: Policy): readonly PolicyWarning[] {
  const roles = Object.fromEntries(
    policy.roles.map(({ name, groups, subjects }) => [name, { groups: [...groups], subjects }]),
  );
  const fillable = new Fillable(roles, policy.persons);
  return policy.rules.flatMap((rule) => [
    ...stranded(rule, fillable),
    ...emptyRoles(rule, fillable),
    ...outlives(policy, rule),
    ...unseen(policy, rule),
  ]);
}

/** People named here, at most. */
const NAMED = 5;

function stranded(rule: PolicyRule, fillable: Fillable): readonly PolicyWarning[] {
  const { anyone, roles, groups, subjects, approve } = rule;
  if (approve === null) return [];
  const who = anyone ? "anyone" : { roles: [...roles], groups: [...groups], subjects };
  const alone = fillable.filling(who, approve.by).stranded;
  if (alone.length === 0) return [];
  const names = alone.slice(0, NAMED).map(({ subject }) => subject);
  const more = alone.length > NAMED ? ` and ${alone.length - NAMED} more` : "";
  return [
    about(
      rule,
      "approver_is_requester",
      `Nobody can approve what ${names.join(", ")}${more} ask${alone.length === 1 ? "s" : ""} for by ${rule.id}: without who asks there are too few.`,
      "Name more people who approve.",
    ),
  ];
}

function emptyRoles(rule: PolicyRule, fillable: Fillable): readonly PolicyWarning[] {
  return [...new Set(approverRoles(rule))]
    .filter((role) => fillable.isHeldByNobody(role))
    .map((role) =>
      about(
        rule,
        "approver_role_empty",
        `${rule.id} counts on the role ${role}, which nobody can hold: it has no groups and no subjects.`,
        `Say who holds ${role}, or leave it out.`,
      ),
    );
}

/** An approval ends with its session: what the rule says of a longer time never comes to pass. */
function outlives(policy: Policy, rule: PolicyRule): readonly PolicyWarning[] {
  const { approve } = rule;
  if (approve === null) return [];
  const names = connectionsOf(policy, rule);
  const longest = Math.max(
    0,
    ...[...policy.connections.values()].filter(({ name }) => names.has(name)).map((one) => one.sessionSeconds * 1000),
  );
  if (names.size === 0) return [];
  const times = [
    approve.expiresMs > longest ? `is open for ${minutes(approve.expiresMs)}` : null,
    (approve.grant?.maxMs ?? 0) > longest ? `is granted for up to ${minutes(approve.grant?.maxMs ?? 0)}` : null,
  ].filter((one) => one !== null);
  if (times.length === 0) return [];
  return [
    about(
      rule,
      "approval_outlives_session",
      `What ${rule.id} stops ${times.join(" and ")}, but ends with its session, which lasts ${longest / 1000} seconds at most.`,
      "Make it shorter, or give the connection longer session_seconds.",
    ),
  ];
}

/** Methods whose requests hardly have bodies. */
const WITHOUT_BODY: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "DELETE"]);

/** Deciders see what the record has. */
function unseen(policy: Policy, rule: PolicyRule): readonly PolicyWarning[] {
  const own = rule.obligations.find((one) => one.kind === "record")?.extent ?? null;
  const names = connectionsOf(policy, rule);
  const extents = own === null ? [...names].map((name) => extentOf(policy, name)) : [own];
  const isUnseen = extents.length > 0 && extents.every((extent) => extent === "metadata");
  const hasBody = [...rule.methods].some((method) => !WITHOUT_BODY.has(method));
  if (rule.approve === null || !isUnseen || !hasBody) return [];
  return [
    about(
      rule,
      "approval_unseen",
      `Whoever approves what ${rule.id} stops sees nothing of its bodies: none is recorded.`,
      "Give the rule record: full, or so many bytes as deciders need.",
    ),
  ];
}

function extentOf(policy: Policy, name: string): Extent | null {
  return policy.connections.get(name as ConnectionName)?.record ?? null;
}

function minutes(ms: number): string {
  return `${ms / 60_000} minutes`;
}
