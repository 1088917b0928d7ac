import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { METHOD_NAMES } from "../../../../core/protocol/http/methods.ts";
import { routeSegments } from "../../../../core/protocol/http/target.ts";
import { decide, rolesOf } from "../../../../core/policy/decide.ts";
import { plainText } from "../../../../core/policy/tooling/spans.ts";
import { whoMay, whoMayLines } from "../../../../core/policy/tooling/who_may.ts";
import { asking, file, person, policyOf, rule, withoutBody } from "../sample_policy.ts";

const ROLES = { engineer: { groups: ["engineers"] }, lead: { groups: ["leads"] } };

function text(rules: readonly unknown[], method = "GET", target = "/a/b"): string {
  return plainText(whoMayLines(whoMay(policyOf(file({ roles: ROLES, rules })), "registry", method, target)));
}

describe("whoMay", () => {
  it("names each role, group and subject with the rule, and what may take it again", () => {
    const rules = [
      rule({ who: { roles: ["engineer"], subjects: [{ issuer: "https://id.example", subject: "eve" }] } }),
      rule({ id: "no", effect: "deny", who: { roles: ["lead"] } }),
      rule({ id: "elsewhere", routes: ["/other"] }),
    ];
    expect(text(rules).split("\n")).toEqual([
      "allow",
      expect.stringMatching(/^ {2}role engineer {2}by read \(line \d+\)$/),
      expect.stringMatching(/^ {4}unless no \(line \d+, deny\) concerns them: role lead$/),
      expect.stringMatching(/^ {2}subject eve of https:\/\/id\.example {2}by read /),
      expect.stringMatching(/^ {4}unless no /),
      "deny",
      expect.stringMatching(/^ {2}role lead {2}by no \(line \d+\)$/),
      "everybody else: denied, no rule allows it",
    ]);
  });

  it("leaves out whom an earlier rule has decided for already", () => {
    const deniedGroup = rule({ id: "no", effect: "deny", who: { groups: ["engineers"] } });
    // The role's only group is denied, so nobody is left whom the role would be allowed for.
    expect(text([rule(), deniedGroup])).not.toContain("allow\n");
    // Other people may be in the group of another role.
    expect(text([rule({ who: { roles: ["engineer", "lead"] } }), deniedGroup])).toMatch(
      /^allow\n {2}role lead {2}by read/,
    );
  });

  it("names conditions as they stand, and takes nobody out by a rule that has one", () => {
    const rules = [
      rule({ when: "1 == 1" }),
      rule({ id: "no", effect: "deny", who: "anyone", when: 'actor.subject != ""', priority: 3 }),
      rule({ id: "ask", effect: "needs-approval", who: { roles: ["lead"] } }),
    ];
    expect(text(rules).replaceAll(/line \d+/g, "line N")).toBe(`allow
  role engineer  by read (line N)
    if 1 == 1
    unless no (line N, deny) concerns them: anyone, if actor.subject != ""
    unless ask (line N, needs-approval) concerns them: role lead
needs-approval
  role lead  by ask (line N)
    has to approve: 1 of group approvers
    unless no (line N, deny) concerns them: anyone, if actor.subject != ""
deny
  anyone  by no (line N)
    if actor.subject != ""
       or if that cannot be computed, which denies
everybody else: denied, no rule allows it`);
  });

  it("names no more rules that may take a grant than a person reads", () => {
    const denials = Array.from({ length: 30 }, (_, id) =>
      rule({ id: `no${id}`, effect: "deny", who: { groups: [`g${id}`] } }),
    );
    const lines = text([rule(), ...denials]).split("\n");
    expect(lines.filter((one) => one.includes("unless no"))).toHaveLength(20);
    expect(lines).toContain("    and unless one of 10 more rules does");
  });

  it("says when it is nobody, and why", () => {
    expect(text([])).toBe("nobody: no rule is about this");
    expect(text([rule()], "TRACE")).toMatch(/^nobody: the gateway does not forward/);
    expect(text([rule()], "GET", "/a/../b")).toMatch(/^nobody: the path could climb/);
    expect(text([rule()], "GET", "//[")).toContain("allow");
    expect(plainText(whoMayLines(whoMay(policyOf(file()), "nowhere", "GET", "/")))).toContain("no such connection");
    expect(plainText(whoMayLines(whoMay(policyOf(file()), "registry/a", "GET", "/")))).toContain(
      "no connection's name",
    );
  });

  it("agrees with decide for everybody in at most one role", () => {
    const someone = fc.constantFrom({ roles: ["engineer"] }, { roles: ["lead"] }, { groups: ["engineers"] });
    const one = fc.record({
      effect: fc.constantFrom("allow", "deny"),
      who: someone,
      methods: fc.constantFrom(["GET"], ["PUT"], ["*"]),
      routes: fc.constantFrom(["/**"], ["/a/{x}"], ["/b"]),
    });
    fc.assert(
      fc.property(
        fc.array(one, { maxLength: 5 }),
        fc.constantFrom(...METHOD_NAMES.slice(0, 6)),
        fc.constantFrom("/a/b", "/b", "//b", "/b;x"),
        (rules, method, target) => {
          const policy = policyOf(
            file({ roles: ROLES, rules: rules.map((parts, id) => rule({ id: `r${id}`, ...parts })) }),
          );
          const may = whoMay(policy, "registry", method, target);
          if (may.kind === "refused") throw new Error(may.reason);
          for (const [role, group] of [
            ["engineer", "engineers"],
            ["lead", "leads"],
          ] as const) {
            const principal = person("x", [group]);
            const decision = withoutBody(
              decide(
                policy,
                asking({
                  principal,
                  roles: rolesOf(policy.roles, principal, null),
                  method,
                  path: target,
                  segments: routeSegments(target),
                }),
              ),
            );
            const grant = may.grants.find(
              ({ who }) => (who.kind === "role" && who.role === role) || (who.kind === "group" && who.group === group),
            );
            expect(grant?.effect ?? "deny").toBe(decision.effect);
            expect(grant?.rule ?? null).toBe(decision.rule);
          }
        },
      ),
    );
  });
});
