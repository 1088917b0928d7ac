// What becomes of a command that people approved and that is under way, once another policy is in force.

import { describe, expect, it, test } from "vitest";
import { decide, rolesOf } from "../../../core/policy/decide.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import { stands, termsOf } from "../../../core/policy/stands.ts";
import { asking, file, ISSUER, person, policyOf, rule, withoutBody } from "./sample_policy.ts";

const alice = person("alice", ["engineers"]);
const ROLES = { engineer: { groups: ["engineers"] }, lead: { groups: ["leads"] } };
const APPROVE = { by: [{ roles: ["lead"] }], grant: { minutes: 30 }, break_glass: { groups: ["oncall"] } };
type Parts = Readonly<Record<string, unknown>>;

function asked(policy: Policy): ReturnType<typeof asking> {
  return asking({ principal: alice, roles: rolesOf(policy.roles, alice, null) });
}

function needing(approve: Parts = {}, parts: Parts = {}, more: Parts = {}): Parts {
  return file({
    roles: ROLES,
    rules: [rule({ effect: "needs-approval", approve: { ...APPROVE, ...approve }, ...parts })],
    ...more,
  });
}

function termsUnder(value: unknown): string {
  const policy = policyOf(value);
  const settings = policy.connections.get("registry");
  if (settings === undefined) throw new TypeError("no connection");
  return termsOf(policy, withoutBody(decide(policy, asked(policy))), settings);
}

function standsUnder(value: unknown, before: unknown = needing()): boolean {
  const policy = policyOf(value);
  return stands(policy, asked(policy), termsUnder(before));
}

describe("a command that was approved, under another policy,", () => {
  test.each<[string, Parts]>([
    ["under the same policy", needing()],
    [
      "where the rule says the same in other words",
      needing({}, { description: "other words", message: "Wait.", priority: 7 }),
    ],
    [
      "where another rule is new",
      needing(
        {},
        {},
        { rules: [rule({ effect: "needs-approval", approve: APPROVE }), rule({ id: "other", methods: ["PUT"] })] },
      ),
    ],
    [
      "where a role has changed that has no part in it",
      needing({}, {}, { roles: { ...ROLES, other: { groups: ["o"] } } }),
    ],
  ])("stands %s", (_, after) => {
    expect(standsUnder(after)).toBe(true);
  });

  const onePerson = [
    [
      { issuer: ISSUER, subject: "alice" },
      { issuer: ISSUER, subject: "bob" },
    ],
  ];
  test.each<[string, Parts]>([
    ["where it is denied", needing({}, { effect: "deny", approve: undefined })],
    ["where no rule is about it", needing({}, { methods: ["PUT"] })],
    [
      "where it would be allowed without: it was not asked under these terms",
      needing({}, { effect: "allow", approve: undefined }),
    ],
    ["where another rule asks the same", needing({}, { id: "renamed" })],
    [
      "where another rule asks first",
      needing(
        {},
        {},
        {
          rules: [
            rule({ id: "first", priority: 1, effect: "needs-approval" }),
            rule({ effect: "needs-approval", approve: APPROVE }),
          ],
        },
      ),
    ],
    ["where others approve", needing({ by: [{ groups: ["leads"] }] })],
    ["where more approve", needing({ by: [{ roles: ["lead"], count: 2 }] })],
    ["where deciders sign", needing({ passkey: true })],
    ["where it is granted for a shorter time", needing({ grant: { minutes: 5 } })],
    ["where others break the glass", needing({ break_glass: { groups: ["leads"] } })],
    [
      "where others hold the role of those who approve",
      needing({}, {}, { roles: { ...ROLES, lead: { groups: ["chiefs"] } } }),
    ],
    [
      "where the role is bound to an issuer",
      needing({}, {}, { roles: { ...ROLES, lead: { groups: ["leads"], issuer: ISSUER } } }),
    ],
    ["where two who were told apart are one person", needing({}, {}, { persons: onePerson })],
    [
      "where it goes elsewhere",
      needing(
        {},
        {},
        { connections: { registry: { protocol: "http", upstream: "https://other.example", region: "eu" } } },
      ),
    ],
    ["where something of it is masked", needing({}, { mask: ["secrets"] })],
    ["where less of it is recorded", needing({}, { record: "metadata" })],
    ["where its condition fails", needing({}, { when: "command.query['a'][0] == 'b'" })],
    ["where a rule reads its body, which nobody kept", needing({}, { when: "!has(command.json)" })],
    ["where there is no such connection", needing({}, { connections: ["*"] }, { connections: {} })],
  ])("is cut %s", (_, after) => {
    expect(standsUnder(after)).toBe(false);
  });
});

it("what was allowed is cut where it needs an approval now", () => {
  const before = needing({}, { effect: "allow", approve: undefined });
  expect(standsUnder(before, before)).toBe(true);
  expect(standsUnder(needing(), before)).toBe(false);
});
