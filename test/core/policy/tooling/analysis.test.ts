import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, rolesOf } from "../../../../core/policy/decide.ts";
import { analyse } from "../../../../core/policy/tooling/analysis.ts";
import type { PolicyWarning } from "../../../../core/policy/tooling/warning.ts";
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

describe("analyse, of conditions, priorities and demands", () => {
  it("says nothing of a rule behind one that has a condition", () => {
    expect(ofRules(rule({ when: "1 == 1" }), rule({ id: "late", routes: ["/a"] }))).toEqual([]);
    expect(ofRules(rule(), rule({ id: "late", when: "1 == 1" }))).toMatchObject([{ code: "rule_unreachable" }]);
  });

  it("names a deny rule that a rule of higher priority leaves nothing to, and both", () => {
    const deny = rule({ id: "no", effect: "deny", routes: ["/a"] });
    const found = ofRules(rule({ priority: 10 }), deny);
    expect(found).toMatchObject([{ code: "deny_overridden", rule: "no" }]);
    expect(found[0]?.message).toMatch(/^no never denies: read \(line \d+\) has a higher priority/);
    // A deny rule also matches `//a`, which a rule for /a does not allow.
    expect(ofRules(rule({ priority: 10, routes: ["/a"] }), deny)).toEqual([]);
  });

  it("compares people by what roles are defined as, and never takes `admin` for its groups", () => {
    const roles = { ...ROLES, admin: { groups: ["admins"] } };
    const found = (role: string, group: string) =>
      warnings(
        file({
          roles,
          rules: [
            rule({ who: { groups: [group] } }),
            rule({ id: "late", who: { roles: [role] } }),
            rule({ id: "x", who: { roles: ["engineer", "lead"] }, methods: ["PUT"] }),
          ],
        }),
      );
    expect(found("engineer", "engineers")).toMatchObject([{ code: "rule_unreachable", rule: "late" }]);
    // The first admin holds it without being in a group.
    expect(found("admin", "admins")).toEqual([]);
  });

  it("has nothing to say of what a rule demands", () => {
    expect(ofRules(rule({ effect: "needs-approval", mask: ["secrets"] }))).toEqual([]);
    expect(ofRules(rule({ mask: ["secrets"], record: { head: 10 } }))).toEqual([]);
  });

  it("tells of a rule that allows everybody everything, and of one that concerns nothing", () => {
    const open = rule({ who: "anyone", connections: ["*"], methods: ["*"], routes: ["/**"] });
    const value = file({ roles: {}, rules: [open] });
    expect(warnings(value)).toMatchObject([{ code: "allows_everything" }]);
    expect(warnings({ ...value, rules: [{ ...open, when: "1 == 1" }] })).toEqual([]);
    expect(warnings({ ...value, connections: {} }).map(({ code }) => code)).toContain("selects_no_connection");
  });

  it("takes a role that a condition speaks of for used", () => {
    const value = file({ roles: ROLES, rules: [rule({ when: 'principal.hasRole("lead")' })] });
    expect(warnings(value)).toEqual([]);
  });
});

describe("analyse, of approvals", () => {
  const ann = { issuer: "https://id.example", subject: "ann" };
  const ben = { ...ann, subject: "ben" };
  const told = (approve: object, parts: object = {}, who: unknown = { roles: ["engineer"] }): readonly string[] => {
    const asks = rule({ who, effect: "needs-approval", approve });
    const value = file({
      roles: ROLES,
      rules: [asks, rule({ id: "other", who: { roles: ["lead", "engineer"] } })],
      ...parts,
    });
    return warnings(value)
      .filter(({ rule: id }) => id !== "other")
      .map(({ code, message }) => `${code}: ${message}`);
  };

  it("names people for whom nobody could approve, since nobody approves what they asked for", () => {
    const who = { groups: ["engineers"], subjects: [ann, ben] };
    expect(told({ by: [{ subjects: [ann] }] }, {}, who)).toEqual([
      "approver_is_requester: Nobody can approve what ann asks for by read: without who asks there are too few.",
    ]);
    expect(told({ by: [{ subjects: [ann, ben], count: 2 }] }, {}, who)).toEqual([
      "approver_is_requester: Nobody can approve what ann, ben ask for by read: without who asks there are too few.",
    ]);
    expect(told({ by: [{ subjects: [ann, ben] }] }, {}, who)).toEqual([]);
    expect(told({ by: [{ subjects: [ann], groups: ["leads"] }] }, {}, who)).toEqual([]);
    // One role for both is fine: another of its people approves.
    expect(told({ by: [{ roles: ["engineer"] }] })).toEqual([]);
  });

  it("names roles that nobody can hold, of approvers and of those who break the glass", () => {
    const roles = { ...ROLES, nobody: {} };
    const empty =
      "approver_role_empty: read counts on the role nobody, which nobody can hold: it has no groups and no subjects.";
    expect(told({ by: [{ groups: ["g"], roles: ["nobody"] }] }, { roles })).toEqual([empty]);
    expect(told({ by: [{ groups: ["g"] }], break_glass: { roles: ["nobody"] } }, { roles })).toEqual([empty]);
    // The first admin may hold it without being named.
    expect(told({ by: [{ groups: ["g"], roles: ["admin"] }] })).toEqual([]);
  });

  it("takes a role that approves, or breaks the glass, for used", () => {
    const roles = { engineer: ROLES.engineer, boss: { groups: ["bosses"] } };
    const rules = (approve: object): object => ({ roles, rules: [rule({ effect: "needs-approval", approve })] });
    expect(told({}, rules({ by: [{ roles: ["boss"] }] }))).toEqual([]);
    expect(told({}, rules({ by: [{ groups: ["g"] }], break_glass: { roles: ["boss"] } }))).toEqual([]);
    expect(told({}, rules({ by: [{ groups: ["g"] }] }))).toEqual(["role_unused: No rule names the role boss."]);
  });

  it("tells of times that end with the session before they are over", () => {
    const short = { connections: { registry: { ...CONNECTION, session_seconds: 1800 } } };
    expect(told({ by: [{ groups: ["g"] }], expires_minutes: 30, grant: { minutes: 30 } }, short)).toEqual([]);
    expect(told({ by: [{ groups: ["g"] }], grant: { minutes: 31 } }, short)).toEqual([
      "approval_outlives_session: What read stops is open for 60 minutes and is granted for up to 31 minutes, but ends with its session, which lasts 1800 seconds at most.",
    ]);
    const either = { connections: { registry: short.connections.registry, long: CONNECTION } };
    const asks = rule({ effect: "needs-approval", connections: ["*"] });
    expect(told({}, { ...either, rules: [asks], roles: { engineer: ROLES.engineer } })).toEqual([]);
  });

  it("tells of bodies that deciders cannot see, because none is recorded", () => {
    const approve = { by: [{ groups: ["g"] }] };
    const asks = (parts: object, record: unknown = "full"): readonly string[] =>
      warnings(
        file({
          connections: { registry: { ...CONNECTION, record }, other: CONNECTION },
          rules: [rule({ effect: "needs-approval", approve, ...parts }), rule({ id: "x", connections: ["other"] })],
        }),
      ).map(({ code }) => code);
    expect(asks({ methods: ["GET", "PUT"], record: "metadata" })).toEqual(["approval_unseen"]);
    expect(asks({ methods: ["PUT"] }, "metadata")).toEqual(["approval_unseen"]);
    expect(asks({ methods: ["PUT"], record: { head: 100 } }, "metadata")).toEqual([]);
    expect(asks({ methods: ["GET", "DELETE"], record: "metadata" })).toEqual([]);
    expect(asks({ methods: ["PUT"], connections: ["*"] }, "metadata")).toEqual([]);
    expect(asks({ methods: ["PUT"] })).toEqual([]);
  });

  it("names addresses to which nothing is told, with their place", () => {
    const notify = { ops: { format: "slack", secret: "NOTIFY_OPS" }, idle: { format: "slack", secret: "NOTIFY_IDLE" } };
    const value = file({
      notify,
      rules: [rule({ effect: "needs-approval", approve: { by: [{ groups: ["g"] }], notify: ["ops"] } })],
    });
    const found = warnings(value);
    expect(found).toMatchObject([{ code: "notify_unused", message: "Nothing is told to idle: no rule names it." }]);
    expect(JSON.stringify(value, null, 2).split("\n")[(found[0]?.line ?? 0) - 1]?.trim()).toBe('"idle": {');
  });
});

const PARTS = fc.record({
  effect: fc.constantFrom("allow", "deny", "needs-approval"),
  priority: fc.constantFrom(0, 0, 7),
  who: fc.constantFrom<unknown>(
    "anyone",
    { roles: ["engineer"] },
    { roles: ["lead"] },
    { groups: ["engineers"] },
    { groups: ["engineers"], issuer: "https://other.example" },
    { roles: ["engineer", "lead"] },
  ),
  connections: fc.constantFrom<unknown>(
    ["registry"],
    ["*"],
    ["other"],
    { labels: ["npm"] },
    { labels: ["npm", "own"] },
  ),
  methods: fc.constantFrom(["GET"], ["PUT"], ["GET", "PUT"], ["*"]),
  routes: fc.constantFrom(["/**"], ["/{x}"], ["/a/**"], ["/a", "/b"], ["/a"], ["/"]),
});

const PEOPLE = [["engineers"], ["leads"], ["engineers", "leads"]].flatMap((groups) =>
  ["https://id.example", "https://other.example"].map((issuer) => person("x", groups, { issuer })),
);
const LABELLED = {
  registry: { ...CONNECTION, labels: ["npm"] },
  other: { ...CONNECTION, labels: ["npm", "own"] },
};
const TARGETS = ["/", "/a", "/b", "/a/b", "//a", "/a;x", "/b/", "/%3Ba"];

describe("findShadows", () => {
  it("never names a rule that decides on any command", () => {
    fc.assert(
      fc.property(fc.array(PARTS, { minLength: 2, maxLength: 6 }), (all) => {
        const rules = all.map((parts, index) => rule({ id: `r${index}`, ...parts }));
        const policy = policyOf(file({ roles: ROLES, connections: LABELLED, rules }));
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
