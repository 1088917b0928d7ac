import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { quorumOf } from "../../../core/approval/quorum.ts";
import type { Vote } from "../../../core/approval/approval.ts";
import { parsePolicy } from "../../../core/policy/policy.ts";
import { file, HASH, ISSUER, rule } from "./sample_policy.ts";

const OTHER = "https://other.example";
const id = (subject: string, issuer: string = ISSUER): { issuer: string; subject: string } => ({ issuer, subject });

const ROLES = {
  engineer: { groups: ["engineers"] },
  pair: { subjects: [id("ann"), id("ben")] },
  empty: {},
};

function problems(by: unknown, parts: { who?: unknown; persons?: unknown; roles?: object } = {}): readonly string[] {
  const { who = { roles: ["engineer"] }, persons = [], roles = {} } = parts;
  const asks = rule({ who, effect: "needs-approval", approve: { by } });
  const parsed = parsePolicy(JSON.stringify(file({ roles: { ...ROLES, ...roles }, persons, rules: [asks] })), HASH);
  return parsed.ok ? [] : parsed.problems.map(({ path, expected }) => `${path}: ${expected}`);
}

const AT = "rules[0].approve.by";

describe("an approval that nobody could ever give is refused", () => {
  test.each<[string, unknown, Parameters<typeof problems>[1], string]>([
    [
      "two of one",
      [{ subjects: [id("ann")], count: 2 }],
      {},
      `${AT}[0]: people enough: 2 have to approve, and only 1 could`,
    ],
    [
      "the same one twice",
      [{ subjects: [id("ann"), id("ann")], count: 2 }],
      {},
      `${AT}[0]: people enough: 2 have to approve, and only 1 could`,
    ],
    [
      "two identities of one person",
      [{ subjects: [id("ann"), id("a", OTHER)], count: 2 }],
      { persons: [[id("a", OTHER), id("ann")]] },
      `${AT}[0]: people enough: 2 have to approve, and only 1 could`,
    ],
    [
      "one person for two kinds of people",
      [{ subjects: [id("ann")] }, { groups: ["leads"] }, { subjects: [id("ann")] }],
      {},
      `${AT}: people enough: 2 have to approve, and only 1 could`,
    ],
    [
      "two people for three",
      [{ roles: ["pair"], count: 2 }, { subjects: [id("ben")] }],
      {},
      `${AT}: people enough: 3 have to approve, and only 2 could`,
    ],
    [
      "a role that nobody can hold",
      [{ roles: ["empty"] }],
      {},
      `${AT}[0]: people enough: 1 have to approve, and nobody could`,
    ],
    [
      "auditors that the file does not name",
      [{ roles: ["auditor"] }],
      {},
      `${AT}[0]: people enough: 1 have to approve, and nobody could`,
    ],
    [
      "two first admins",
      [{ roles: ["admin"], count: 2 }],
      {},
      `${AT}[0]: people enough: 2 have to approve, and only 1 could`,
    ],
    [
      "oneself",
      [{ subjects: [id("ann")] }],
      { who: { subjects: [id("ann")] } },
      `${AT}: people enough beside whoever asks: for nobody who may ask anybody could approve`,
    ],
    [
      "oneself by a role",
      [{ roles: ["pair"], count: 2 }],
      { who: { roles: ["pair"] } },
      `${AT}: people enough beside whoever asks: for nobody who may ask anybody could approve`,
    ],
    [
      "oneself by another identity",
      [{ subjects: [id("a", OTHER)] }],
      { who: { subjects: [id("ann")] }, persons: [[id("a", OTHER), id("ann")]] },
      `${AT}: people enough beside whoever asks: for nobody who may ask anybody could approve`,
    ],
    [
      "the first admin for the first admin",
      [{ roles: ["admin"] }],
      { who: { roles: ["admin"] } },
      `${AT}: people enough beside whoever asks: for nobody who may ask anybody could approve`,
    ],
  ])("%s", (_, by, parts, expected) => {
    expect(problems(by, parts)).toEqual([expected]);
  });
});

describe("an approval that somebody may give is not", () => {
  test.each<[string, unknown, Parameters<typeof problems>[1]]>([
    ["a group, of however many", [{ groups: ["leads"], count: 16 }], {}],
    ["a role with a group", [{ roles: ["engineer"], count: 16 }], {}],
    ["a group beside one person", [{ groups: ["leads"], subjects: [id("ann")], count: 3 }], {}],
    ["two of two", [{ roles: ["pair"], count: 2 }], {}],
    [
      "the first admin, beside those in the file",
      [{ roles: ["admin"], count: 2 }],
      { roles: { admin: { subjects: [id("ann")] } } },
    ],
    ["one of two, for either", [{ roles: ["pair"] }], { who: { roles: ["pair"] } }],
    ["people who have to be told apart", [{ subjects: [id("ann")] }, { roles: ["pair"] }], {}],
    [
      "an approver who is one of many who may ask",
      [{ subjects: [id("ann")] }],
      { who: { groups: ["g"], subjects: [id("ann")] } },
    ],
    [
      "an approver who may ask, as another may",
      [{ subjects: [id("ann")] }],
      { who: { subjects: [id("ann"), id("eve")] } },
    ],
    ["whom anyone may ask", [{ subjects: [id("ann")] }], { who: "anyone" }],
  ])("%s", (_, by, parts) => {
    expect(problems(by, parts)).toEqual([]);
  });
});

it("says that there are people enough where a vote of everybody would be, and only there", () => {
  const people = ["a", "b", "c", "d"];
  const slot = fc.record({ who: fc.subarray(people, { minLength: 1 }), count: fc.integer({ min: 1, max: 3 }) });
  const links = fc.constantFrom<string[][]>(
    [],
    [["a", "b"]],
    [
      ["a", "b"],
      ["c", "d"],
    ],
  );
  fc.assert(
    fc.property(
      fc.array(slot, { minLength: 1, maxLength: 4 }),
      links,
      fc.constantFrom("none", ...people),
      (slots, linked, asking) => {
        const by = slots.map(({ who, count }) => ({ subjects: who.map((one) => id(one)), count }));
        const persons = linked.map((list) => list.map((one) => id(one)));
        const isAsker = (one: string): boolean =>
          one === asking || linked.some((list) => list.includes(one) && list.includes(asking));
        const votes = people
          .filter((one) => !isAsker(one))
          .map((one): Pick<Vote, "decision" | "decider" | "slots"> => ({
            decision: "approve",
            decider: { ...id(one), name: null, email: null },
            slots: slots.flatMap(({ who }, index) => (who.includes(one) ? [index] : [])),
          }));
        const { enough } = quorumOf(by, votes, persons);
        const who = asking === "none" ? { groups: ["g"] } : { subjects: [id(asking)] };
        expect(problems(by, { who, persons }).length === 0).toBe(enough);
      },
    ),
    { numRuns: 500 },
  );
});

it("finds it for a file that is made to cost, too", () => {
  const many = Array.from({ length: 120 }, (_, i) => id(`p${i}`));
  const roles = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [`r${i}`, { subjects: many.slice(i, i + 80) }]),
  );
  const by = Array.from({ length: 8 }, (_, i) => ({ roles: Object.keys(roles).slice(i, i + 5), count: 16 }));
  const rules = Array.from({ length: 650 }, (_, i) =>
    rule({ id: `r${i}`, who: { roles: ["r1", "r2"] }, effect: "needs-approval", approve: { by } }),
  );
  const text = JSON.stringify(file({ roles, rules }));
  expect(text.length).toBeLessThan(512 * 1024);
  const parsed = parsePolicy(text, HASH);
  expect(parsed.ok ? [] : parsed.problems.length).toBe(50);
});
