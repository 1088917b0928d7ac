// A rule's `who`, part by part, and whether one rule holds for everybody in a part. Sound: true only
// where it holds for every principal that any issuer could vouch for.

import type { PolicyRole, PolicyRule } from "../rule.ts";

export type WhoPart =
  | { readonly kind: "anyone" }
  | { readonly kind: "role"; readonly role: string }
  /** `issuer` null: from any issuer. */
  | { readonly kind: "group"; readonly group: string; readonly issuer: string | null }
  | { readonly kind: "subject"; readonly subject: string; readonly issuer: string };

type Who = Pick<PolicyRule, "anyone" | "roles" | "groups" | "issuer" | "subjects">;

export function whoParts(rule: Who): readonly WhoPart[] {
  if (rule.anyone) return [{ kind: "anyone" }];
  return [
    ...[...rule.roles].map((role) => ({ kind: "role", role }) as const),
    ...[...rule.groups].map((group) => ({ kind: "group", group, issuer: rule.issuer }) as const),
    ...rule.subjects.map(({ issuer, subject }) => ({ kind: "subject", subject, issuer }) as const),
  ];
}

export function whoText(part: WhoPart): string {
  switch (part.kind) {
    case "anyone":
      return "anyone";
    case "role":
      return `role ${part.role}`;
    case "group":
      return part.issuer === null ? `group ${part.group}` : `group ${part.group} of ${part.issuer}`;
    case "subject":
      return `subject ${part.subject} of ${part.issuer}`;
  }
}

/** The roles of a file, and what of them is looked up often. */
export type RoleTable = ReadonlyMap<string, PolicyRole>;

export function roleTable(roles: readonly PolicyRole[]): RoleTable {
  return new Map(roles.map((role) => [role.name, role]));
}

/** Whoever is in the part is concerned by the rule. */
export function coversPart(table: RoleTable, rule: Who, part: WhoPart): boolean {
  if (rule.anyone) return true;
  switch (part.kind) {
    case "anyone":
      return false;
    case "role":
      return rule.roles.has(part.role) || coversDefinition(table, rule, part.role);
    case "group": {
      const { group, issuer } = part;
      if (rule.groups.has(group) && (rule.issuer === null || rule.issuer === issuer)) return true;
      return rolesIn(table, rule).some(
        (role) => role.groups.has(group) && (role.issuer === null || role.issuer === issuer),
      );
    }
    case "subject": {
      const isThere = (list: PolicyRule["subjects"]): boolean =>
        list.some((one) => one.issuer === part.issuer && one.subject === part.subject);
      return isThere(rule.subjects) || rolesIn(table, rule).some((role) => isThere(role.subjects));
    }
  }
}

export function coversWho(table: RoleTable, wide: Who, narrow: Who): boolean {
  return wide.anyone || whoParts(narrow).every((part) => coversPart(table, wide, part));
}

/** By who holds the role. The first admin holds `admin` without being named in the file, so that role is never looked into. */
function coversDefinition(table: RoleTable, rule: Who, name: string): boolean {
  const role = table.get(name);
  if (role === undefined || name === "admin") return false;
  const parts = whoParts({ ...role, anyone: false, roles: new Set() });
  return parts.length > 0 && parts.every((part) => coversPart(table, rule, part));
}

function rolesIn(table: RoleTable, rule: Who): readonly PolicyRole[] {
  return [...rule.roles].flatMap((name) => table.get(name) ?? []);
}
