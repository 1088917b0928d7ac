import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, rolesOf } from "../../../../core/policy/decide.ts";
import { analyse, type PolicyWarning } from "../../../../core/policy/tooling/analysis.ts";
import { findShadows } from "../../../../core/policy/tooling/shadows.ts";
import { routeSegments } from "../../../../core/protocol/http/target.ts";
import { asking, file, person, policyOf, rule, withoutBody } from "../sample_policy.ts";

const CONNECTION = { protocol: "http", upstream: "https://registry.example", region: "eu" };
const ROLES = { engineer: { groups: ["engineers"] }, lead: { groups: ["leads"] } };

function warnings(value: Record<string, unknown>): readonly PolicyWarning[] {
  return analyse(policyOf(value), JSON.stringify(value, null, 2));
}

function ofRules(...rules: readonly unknown[]): readonly PolicyWarning[] {
  const value = file({ rules });
  return warnings(value);
}

describe("analyse", () => {
  it("has nothing to say of a policy that is well", () => {
    expect(warnings(file())).toEqual([]);
  });

  it("names a rule that another one leaves nothing to, and the other one", () => {
    const found = ofRules(rule({ routes: ["/**"] }), rule({ id: "late", routes: ["/a/{x}"] }));
    expect(found).toMatchObject([{ code: "rule_unreachable", rule: "late" }]);
    expect(found[0]?.message).toMatch(/^late never decides: read \(line \d+\) is considered before it/);
    expect(found[0]?.advice).toBe("Remove late, or narrow read.");
  });

  it.each([
    ["other people", { who: { groups: ["others"] } }],
    ["one method more", { methods: ["GET", "HEAD"] }],
    ["any method", { methods: ["*"] }],
    ["a wider route", { routes: ["/**"] }],
  ])("says nothing of a later rule for %s", (_, parts) => {
    expect(ofRules(rule({ routes: ["/a/**"] }), rule({ id: "late", routes: ["/a/b"], ...parts }))).toEqual([]);
  });

  it("says nothing of a deny rule that an equal allow rule stands before: the deny rule wins", () => {
    const found = ofRules(rule(), rule({ id: "no", effect: "deny", routes: ["/a"] }));
    expect(found).toEqual([]);
  });

  it("names roles that no rule names, but not those that the gateway's own API asks for", () => {
    const value = file({ roles: { ...ROLES, admin: { groups: ["a"] }, auditor: { groups: ["b"] } } });
    expect(warnings(value)).toMatchObject([{ code: "role_unused", message: "No rule names the role lead." }]);
  });

  it("names connections on which nothing is allowed, with their place", () => {
    const value = file({ connections: { registry: CONNECTION, idle: CONNECTION, denied: CONNECTION } });
    const rules = [rule(), rule({ id: "no", effect: "deny", connections: ["denied"] })];
    const found = warnings({ ...value, rules });
    expect(found.map(({ code, message }) => [code, message])).toEqual([
      ["connection_unused", expect.stringContaining("idle")],
      ["connection_unused", expect.stringContaining("denied")],
    ]);
    const lines = JSON.stringify({ ...value, rules }, null, 2).split("\n");
    expect(found.map(({ line }) => lines[line - 1]?.trim())).toEqual(['"idle": {', '"denied": {']);
  });
});

const PARTS = fc.record({
  effect: fc.constantFrom("allow", "deny"),
  who: fc.constantFrom(
    { roles: ["engineer"] },
    { roles: ["lead"] },
    { groups: ["engineers"] },
    { groups: ["engineers"], issuer: "https://other.example" },
    { roles: ["engineer", "lead"] },
  ),
  connections: fc.constantFrom(["registry"], ["*"], ["other"]),
  methods: fc.constantFrom(["GET"], ["PUT"], ["GET", "PUT"], ["*"]),
  routes: fc.constantFrom(["/**"], ["/{x}"], ["/a/**"], ["/a", "/b"], ["/a"], ["/"]),
});

const PEOPLE = [["engineers"], ["leads"], ["engineers", "leads"]].flatMap((groups) =>
  ["https://id.example", "https://other.example"].map((issuer) => person("x", groups, { issuer })),
);
const TARGETS = ["/", "/a", "/b", "/a/b", "//a", "/a;x", "/b/", "/%3Ba"];

describe("findShadows", () => {
  it("never names a rule that decides on any command", () => {
    fc.assert(
      fc.property(fc.array(PARTS, { minLength: 2, maxLength: 6 }), (all) => {
        const rules = all.map((parts, index) => rule({ id: `r${index}`, ...parts }));
        const policy = policyOf(
          file({ roles: ROLES, connections: { registry: CONNECTION, other: CONNECTION }, rules }),
        );
        const shadowed = new Set(findShadows(policy).found.map((one) => one.rule.id));
        if (shadowed.size === 0) return;
        for (const principal of PEOPLE)
          for (const connection of ["registry", "other"])
            for (const method of ["GET", "PUT", "DELETE"])
              for (const path of TARGETS) {
                const roles = rolesOf(policy.roles, principal, null);
                const segments = routeSegments(path);
                const decision = withoutBody(
                  decide(policy, asking({ principal, roles, connection, method, path, segments })),
                );
                expect(shadowed.has(decision.rule ?? "")).toBe(false);
              }
      }),
      { numRuns: 300 },
    );
  });

  it("compares a thousand rules, and stops at a bound with files made to cost", () => {
    const many = (count: number, routes: readonly string[]): unknown[] =>
      Array.from({ length: count }, (_, id) => rule({ id: `r${id}`, who: { groups: [`g${id}`] }, routes }));
    expect(findShadows(policyOf(file({ rules: many(1000, ["/a", "/b"]) })))).toEqual({ found: [], isWhole: true });
    const costly = many(
      100,
      Array.from({ length: 100 }, (_, index) => `/${index}`),
    );
    expect(findShadows(policyOf(file({ rules: costly })))).toMatchObject({ isWhole: false });
  });
});
