import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY_POLICY, type Policy } from "../../../../core/policy/policy.ts";
import { diffPolicies } from "../../../../core/policy/tooling/policy_diff.ts";
import { file, policyOf, rule } from "../sample_policy.ts";

const NOW = Date.UTC(2026, 10, 24);

function withRules(...rules: readonly unknown[]): Policy {
  return policyOf(file({ rules }));
}

describe("diffPolicies", () => {
  it("is empty for a policy and itself, however it is written", () => {
    const parts = { methods: ["GET", "HEAD"], who: { roles: ["engineer"], groups: ["x", "y"] } };
    const other = { methods: ["HEAD", "GET"], who: { groups: ["y", "x"], roles: ["engineer"] } };
    expect(diffPolicies(withRules(rule(parts)), withRules(rule(other)), NOW)).toMatchObject({
      isSame: true,
      effects: [],
    });
    expect(diffPolicies(EMPTY_POLICY, EMPTY_POLICY, NOW)).toMatchObject({ isSame: true });
  });

  it("names rules that were added, removed and changed, and in the changed ones what each member held and holds", () => {
    const before = withRules(rule(), rule({ id: "gone" }));
    const after = withRules(rule({ methods: ["GET", "PUT"], effect: "deny" }), rule({ id: "fresh" }));
    expect(diffPolicies(before, after, NOW)).toMatchObject({
      isSame: false,
      rules: {
        added: ["fresh"],
        removed: ["gone"],
        changed: [
          {
            name: "read",
            members: [
              { member: "effect", before: ["allow"], after: ["deny"] },
              { member: "methods", before: ["GET"], after: ["GET", "PUT"] },
            ],
          },
        ],
        moved: [],
      },
    });
  });

  it("names connections and roles that change", () => {
    const connection = { protocol: "http", upstream: "https://a.example", region: "eu" };
    const before = policyOf(
      file({ roles: { r: { groups: ["g"] } }, connections: { a: connection, b: connection }, rules: [] }),
    );
    const after = policyOf(
      file({
        roles: { r: { groups: ["g"], issuer: "https://id.example" }, s: {} },
        connections: { a: { ...connection, upstream: "https://evil.example", timeout_seconds: 5 } },
        rules: [],
      }),
    );
    expect(diffPolicies(before, after, NOW)).toMatchObject({
      roles: {
        added: ["s"],
        changed: [
          { name: "r", members: [{ member: "who", before: ["group g"], after: ["group g of https://id.example"] }] },
        ],
      },
      connections: {
        removed: ["b"],
        changed: [
          {
            name: "a",
            members: [
              { member: "upstream", before: ["https://a.example"], after: ["https://evil.example"] },
              { member: "timeout_seconds", before: ["60"], after: ["5"] },
            ],
          },
        ],
      },
    });
  });

  it("names the fewest rules that moved", () => {
    const named = (ids: readonly string[]): Policy => withRules(...ids.map((id) => rule({ id })));
    const moved = (before: string, after: string): readonly string[] =>
      diffPolicies(named([...before]), named([...after]), NOW).rules.moved;
    expect(moved("abcde", "bcdea")).toEqual(["a"]);
    expect(moved("abcde", "abcde")).toEqual([]);
    expect(moved("abc", "xabcy")).toEqual([]);
    expect(moved("abcd", "dcba")).toHaveLength(3);
    fc.assert(
      fc.property(fc.shuffledSubarray([..."abcdef"]), fc.shuffledSubarray([..."abcdef"]), (before, after) => {
        const gone = new Set(moved(before.join(""), after.join("")));
        const stay = (ids: readonly string[], other: readonly string[]): readonly string[] =>
          ids.filter((id) => other.includes(id) && !gone.has(id));
        expect(stay(after, before)).toEqual(stay(before, after));
      }),
    );
  });

  it("names the examples of either policy that the two decide differently", () => {
    const example = { as: { subject: "eve", groups: ["engineers"] }, on: "registry", do: "GET /a", expect: "allow" };
    const named = (name: string, parts: object = {}) => ({ name, ...example, ...parts });
    const before = policyOf(file({ examples: [named("reads"), named("gone", { do: "GET /old" })] }));
    const after = policyOf(
      file({
        rules: [rule({ routes: ["/a"] }), rule({ id: "no", effect: "deny", routes: ["/a/**"] })],
        examples: [named("reads", { expect: "deny" }), named("new", { do: "GET /b", expect: "deny" })],
      }),
    );
    const { examples, effects } = diffPolicies(before, after, NOW);
    expect(examples).toMatchObject({ added: ["new"], removed: ["gone"], changed: [{ name: "reads" }] });
    const allowed = { effect: "allow", rule: "read" };
    expect(effects).toMatchObject([
      { name: "reads", before: allowed, after: { effect: "deny", rule: "no" } },
      { name: "new", before: allowed, after: { effect: "deny", rule: null } },
      { name: "gone", before: allowed, after: { effect: "deny", rule: null } },
    ]);
  });
});
