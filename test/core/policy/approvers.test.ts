import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { rolesOf } from "../../../core/policy/decide.ts";
import { approvalTerms, mayBreakGlass, slotsOf } from "../../../core/policy/approvers.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import type { Principal } from "../../../core/auth/principal.ts";
import { file, ISSUER, person, policyOf, rule } from "./sample_policy.ts";

const OTHER = "https://other.example";

function policyWith(approve: Readonly<Record<string, unknown>>, roles: Record<string, unknown> = {}): Policy {
  return policyOf(
    file({
      roles: { engineer: { groups: ["engineers"] }, ...roles },
      rules: [rule({ effect: "needs-approval", approve })],
    }),
  );
}

function slots(policy: Policy, principal: Principal): readonly number[] {
  const terms = approvalTerms(policy, "read");
  if (terms === null) throw new TypeError("no terms");
  return slotsOf(terms, principal, rolesOf(policy.roles, principal, null));
}

describe("who may approve", () => {
  const policy = policyWith(
    {
      by: [
        { groups: ["leads"], issuer: ISSUER },
        { roles: ["security"], subjects: [{ issuer: OTHER, subject: "guest" }], count: 2 },
        { groups: ["leads", "oncall"] },
      ],
    },
    { security: { groups: ["sec"], issuer: ISSUER } },
  );

  test.each<[string, Principal, number[]]>([
    ["somebody in a group of two of them", person("bob", ["leads"]), [0, 2]],
    [
      "somebody of another issuer, where a group counts only from one",
      person("bob", ["leads"], { issuer: OTHER }),
      [2],
    ],
    ["somebody by role", person("sue", ["sec"]), [1]],
    ["nobody by a group of the role's name", person("eve", ["security"]), []],
    ["a named person", person("guest", [], { issuer: OTHER }), [1]],
    ["nobody of the same name elsewhere", person("guest"), []],
    ["somebody who fits all of them", person("all", ["leads", "sec", "oncall"]), [0, 1, 2]],
    ["nobody for what they may do", person("alice", ["engineers"]), []],
    ["no admin for being one", person("dan", ["admins"]), []],
  ])("is %s", (_, principal, expected) => {
    expect(slots(policy, principal)).toEqual(expected);
  });

  it("is nobody by the roles of whoever acts for them: only the person's own count", () => {
    const actors = [{ issuer: ISSUER, subject: "guest" }];
    expect(slots(policy, person("eve", [], { actors }))).toEqual([]);
  });

  it("is nobody for a rule that asks nobody, or that is not there", () => {
    const none = policyOf(file());
    expect([approvalTerms(none, "read"), approvalTerms(none, "gone"), approvalTerms(none, "toString")]).toEqual([
      null,
      null,
      null,
    ]);
  });

  it("is who a rule for the same people would concern", () => {
    const names = fc.subarray(["a", "b", "c"]);
    const people = fc.record({ roles: fc.subarray(["r", "s"]), groups: names, issuer: fc.constantFrom(ISSUER, OTHER) });
    const roles = { r: { groups: ["a"], issuer: ISSUER }, s: { groups: ["b", "c"] } };
    fc.assert(
      fc.property(people, names, fc.constantFrom(ISSUER, OTHER), (slot, groups, issuer) => {
        fc.pre(slot.roles.length + slot.groups.length > 0);
        const principal = person("x", groups, { issuer });
        const inSlot = slots(policyWith({ by: [slot] }, roles), principal).length === 1;
        const asker = policyOf(file({ roles, rules: [rule({ who: slot })] }));
        const held = rolesOf(asker.roles, principal, null);
        const fits =
          slot.roles.some((role) => held.has(role)) ||
          (slot.issuer === issuer && slot.groups.some((group) => groups.includes(group)));
        expect(inSlot).toBe(fits);
      }),
    );
  });
});

describe("who may break the glass", () => {
  const terms = approvalTerms(
    policyWith(
      { by: [{ groups: ["leads"] }], break_glass: { groups: ["oncall"], roles: ["security"] } },
      {
        security: { groups: ["sec"] },
      },
    ),
    "read",
  );
  const may = (principal: Principal, roles: readonly string[] = []): boolean =>
    terms !== null && mayBreakGlass(terms, principal, new Set(roles));

  it("is whom the rule names, and not whoever approves", () => {
    expect([may(person("ann", ["oncall"])), may(person("sue"), ["security"]), may(person("bob", ["leads"]))]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("is no agent: it could do without a person's approval by giving a reason", () => {
    expect(may(person("ann", ["oncall"], { actors: [{ issuer: ISSUER, subject: "helper" }] }))).toBe(false);
  });

  it("is nobody where the rule does not say", () => {
    const none = approvalTerms(policyWith({ by: [{ groups: ["leads"] }] }), "read");
    expect(none !== null && mayBreakGlass(none, person("ann", ["oncall", "leads"]), new Set(["admin"]))).toBe(false);
  });
});
