// What rules can say beyond people, methods and routes: priority, approval, anyone, labels, conditions,
// bodies, messages and obligations.

import { describe, expect, it, test } from "vitest";
import { deniedByDefault, explainDecision } from "../../../core/policy/decision.ts";
import { decide, rolesOf, type Question } from "../../../core/policy/decide.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import { reachable } from "../../../core/policy/reachable.ts";
import { asking, file, HASH, ISSUER, person, policyOf, rule } from "./sample_policy.ts";

const alice = person("alice", ["engineers"]);

function ask(policy: Policy, parts: Partial<Question> = {}): ReturnType<typeof decide> {
  return decide(policy, asking({ principal: alice, roles: rolesOf(policy.roles, alice, null), ...parts }));
}

const ruled = (...rules: readonly Record<string, unknown>[]): Policy => policyOf(file({ rules: rules.map(rule) }));

describe("the order of rules", () => {
  test.each([
    [
      "a higher priority is asked first, whatever the effects",
      [
        ["a", "deny", 0],
        ["b", "allow", 1],
      ],
      "allow",
      "b",
    ],
    [
      "within a priority deny beats the others",
      [
        ["a", "allow", 5],
        ["b", "needs-approval", 5],
        ["c", "deny", 5],
      ],
      "deny",
      "c",
    ],
    [
      "within a priority needs-approval beats allow",
      [
        ["a", "allow", 5],
        ["b", "needs-approval", 5],
      ],
      "needs_approval",
      "b",
    ],
    [
      "a deny rule of a lower priority is not reached",
      [
        ["a", "allow", 1000],
        ["b", "deny", 999],
      ],
      "allow",
      "a",
    ],
  ] as const)("%s", (_, rules, effect, id) => {
    for (const order of [rules, rules.toReversed()]) {
      const policy = ruled(...order.map(([name, does, priority]) => ({ id: name, effect: does, priority })));
      expect(ask(policy)).toMatchObject({ effect, rule: id });
    }
  });

  test("among equals the first in the file is named", () => {
    expect(ask(ruled({ id: "a" }, { id: "b", priority: 7 }, { id: "c", priority: 7 }))).toMatchObject({ rule: "b" });
    expect(ask(ruled({ id: "c", priority: 7 }, { id: "b", priority: 7 }, { id: "a" }))).toMatchObject({ rule: "c" });
  });

  it("passes over a rule whose condition does not hold", () => {
    const policy = ruled(
      { id: "not-now", effect: "deny", priority: 9, when: "now < timestamp('2000-01-01T00:00:00Z')" },
      { id: "never", effect: "needs-approval", priority: 8, when: "false" },
      { id: "open", when: "principal.subject == 'alice'" },
    );
    expect(ask(policy)).toMatchObject({ effect: "allow", rule: "open" });
  });
});

describe("a condition that cannot be evaluated", () => {
  const when = `command.headers["x-missing"] == "a"`;
  it("does not let an allow rule allow", () => {
    expect(ask(ruled({ when }))).toMatchObject({ effect: "deny", reason: "no_rule", rule: null });
    expect(ask(ruled({ when }, { id: "next" }))).toMatchObject({ effect: "allow", rule: "next" });
  });

  test.each(["deny", "needs-approval"])("makes a %s rule deny", (effect) => {
    const policy = ruled({ id: "open" }, { id: "asks", effect, when, message: "say which" });
    expect(ask(policy)).toEqual({
      effect: "deny",
      policy: HASH,
      rule: "asks",
      line: 1,
      reason: "condition_failed",
      message: "say which",
    });
    expect(ask(policy, { headers: [["x-missing", "b"]] })).toMatchObject({ effect: "allow", rule: "open" });
  });
});

describe("who", () => {
  it("may be anyone: every valid principal, and nobody is asked for a role", () => {
    const policy = ruled({ who: "anyone" });
    expect(
      ask(policy, { principal: person("stranger", [], { issuer: "https://other.example" }), roles: new Set() }),
    ).toMatchObject({ effect: "allow" });
  });
});

describe("connections by labels", () => {
  const at = (labels: readonly string[]): unknown => ({
    protocol: "http",
    upstream: "https://a.example",
    region: "eu",
    labels,
  });
  const connections = { one: at(["npm", "prod"]), two: at(["npm"]), three: at([]) };
  const policy = policyOf(file({ connections, rules: [rule({ connections: { labels: ["prod", "npm"] } })] }));

  test.each([
    ["one", "allow"],
    ["two", "deny"],
    ["three", "deny"],
    ["console", "deny"],
  ])("are those that have all of them: %s", (connection, effect) => {
    expect(ask(policy, { connection }).effect).toBe(effect);
  });
});

describe("captures", () => {
  it("are the raw normal form of what the route matched, so that %2F stays", () => {
    const policy = ruled({ routes: ["/{package}"], when: `command.route.package == "@acme%2Fthing"` });
    expect(ask(policy, { path: "/@acme%2fthing" }).effect).toBe("allow");
    expect(ask(policy, { path: "/%40acme%2Fthing" }).effect).toBe("deny");
  });

  it("of a deny rule are those of either reading of the path", () => {
    const policy = ruled(
      { id: "open" },
      { id: "not-x", effect: "deny", routes: ["/a/{name}"], when: `command.route.name == "x"` },
    );
    for (const path of ["/a/x", "/a/x;v=1", "//a/x", "/a//x", "/a/x/", "/a/x%3bv"])
      expect(ask(policy, { path }), path).toMatchObject({ effect: "deny", rule: "not-x" });
    expect(ask(policy, { path: "/a/y;x" })).toMatchObject({ effect: "allow" });
  });

  it("of an allow rule are those of the path as it stands only", () => {
    const policy = ruled({ routes: ["/a/{name}"], when: `command.route.name == "x"` });
    expect(ask(policy, { path: "/a/x" }).effect).toBe("allow");
    for (const path of ["/a/x;v=1", "//a/x", "/a/x/"]) expect(ask(policy, { path }).effect, path).toBe("deny");
  });

  it("belong to the route that matched: a rule with several routes stands for as many rules", () => {
    const policy = ruled({
      routes: ["/{a}/x", "/y/{b}"],
      when: `command.route[?"a"].orValue("") == "z" || command.route[?"b"].orValue("") == "x"`,
    });
    expect(ask(policy, { path: "/z/x" }).effect).toBe("allow");
    expect(ask(policy, { path: "/y/x" }).effect).toBe("allow");
    expect(ask(policy, { path: "/q/x" }).effect).toBe("deny");
  });
});

describe("a body", () => {
  const reads = { id: "reads", when: `command.json.tag == "latest"` };
  const limited = policyOf(
    file({
      connections: { registry: { protocol: "http", upstream: "https://a.example", region: "eu", json_limit: 100 } },
      rules: [rule(reads), rule({ id: "put", methods: ["PUT"] })],
    }),
  );

  it("is asked for where a rule that fits reads it, with the connection's limit", () => {
    expect(ask(limited)).toEqual({ effect: "needs_body", limit: 100 });
  });

  it("is not asked for where no rule that fits does", () => {
    expect(ask(limited, { method: "PUT" })).toMatchObject({ effect: "allow", rule: "put" });
    expect(ask(limited, { principal: person("x"), roles: new Set() })).toMatchObject({
      effect: "deny",
      reason: "no_rule",
    });
    expect(ask(ruled({ id: "first", priority: 1 }, reads))).toMatchObject({ effect: "allow", rule: "first" });
  });

  it("decides, once it is there", () => {
    expect(ask(limited, { body: { kind: "json", value: { tag: "latest" } } })).toMatchObject({
      effect: "allow",
      rule: "reads",
    });
    expect(ask(limited, { body: { kind: "json", value: { tag: "next" } } })).toMatchObject({
      effect: "deny",
      reason: "no_rule",
    });
    expect(ask(limited, { body: { kind: "none" } })).toMatchObject({ effect: "deny", reason: "no_rule" });
  });

  const refusals = ["body_not_json", "body_ambiguous", "body_too_large_to_decide"] as const;
  test.each(refusals)("that is refused denies, whatever the rule that reads it would do: %s", (reason) => {
    for (const effect of ["allow", "deny", "needs-approval"]) {
      const policy = ruled({ ...reads, effect, priority: 1 }, { id: "open" });
      const decided = ask(policy, { body: { kind: "refused", reason } });
      expect(decided).toEqual({ effect: "deny", policy: HASH, rule: "reads", line: 1, reason, message: null });
    }
  });

  it("that is refused does not matter where another rule decides first", () => {
    const policy = ruled({ id: "open" }, reads);
    expect(ask(policy, { body: { kind: "refused", reason: "body_not_json" } })).toMatchObject({ rule: "open" });
  });

  it("that is refused matters to nobody whose rules do not read it", () => {
    expect(ask(limited, { method: "PUT", body: { kind: "refused", reason: "body_not_json" } })).toMatchObject({
      effect: "allow",
    });
  });
});

describe("what a decision carries", () => {
  it("the message and the line of the rule", () => {
    const text = file({
      rules: [rule({ id: "open" }), rule({ id: "no", effect: "deny", message: "Ask the registry's owners." })],
    });
    expect(ask(policyOf(text))).toEqual({
      effect: "deny",
      policy: HASH,
      rule: "no",
      line: 1,
      reason: "rule_denies",
      message: "Ask the registry's owners.",
    });
  });

  it("obligations", () => {
    expect(ask(ruled({}))).toMatchObject({ effect: "allow", obligations: [] });
    expect(ask(ruled({ record: "full", mask: ["secrets"] }))).toMatchObject({
      effect: "allow",
      obligations: [
        { kind: "mask", rules: ["secrets"] },
        { kind: "record", extent: "full" },
      ],
    });
    expect(ask(ruled({ effect: "needs-approval", record: { head: 4096 } }))).toMatchObject({
      effect: "needs_approval",
      obligations: [{ kind: "record", extent: { head: 4096 } }],
      message: null,
    });
  });

  it("is one object a rule, so that deciding makes none", () => {
    const policy = ruled({});
    expect(ask(policy)).toBe(ask(policy));
  });
});

test("an explanation is one line with the rule and its place", () => {
  const policy = ruled({ id: "open" });
  expect(explainDecision(policy.compiled.noRule)).toBe("denied by default: no rule allows it");
  expect(explainDecision(deniedByDefault(HASH, "unknown_connection"))).toBe(
    "denied by default: there is no such connection",
  );
  const open = ask(policy);
  expect(open.effect === "allow" && explainDecision(open)).toBe("allowed by rule open (line 1)");
  const reasons = [
    "rule_denies",
    "condition_failed",
    "body_not_json",
    "body_ambiguous",
    "body_too_large_to_decide",
  ] as const;
  for (const reason of reasons)
    expect(explainDecision({ effect: "deny", policy: HASH, rule: "x", line: 12, reason, message: null })).toMatch(
      /^denied by rule x \(line 12\): \S.*$/,
    );
  expect(
    explainDecision({ effect: "needs_approval", policy: HASH, rule: "x", line: 3, obligations: [], message: null }),
  ).toBe("needs approval by rule x (line 3)");
});

test("a person reaches the connections that some rule may let them use, conditions aside", () => {
  const at = { protocol: "http", upstream: "https://a.example", region: "eu" };
  const policy = policyOf(
    file({
      connections: { a: at, b: at, c: at, d: { ...at, labels: ["x"] } },
      rules: [
        rule({ id: "1", connections: ["b"], when: "false" }),
        rule({ id: "2", connections: ["c"], effect: "deny" }),
        rule({ id: "3", connections: { labels: ["x"] }, effect: "needs-approval" }),
        rule({ id: "4", connections: ["a"], who: { subjects: [{ issuer: ISSUER, subject: "bob" }] } }),
      ],
    }),
  );
  expect(reachable(policy, alice, new Set(["engineer"]))).toEqual(["b", "d"]);
  expect(reachable(policy, person("bob"), new Set())).toEqual(["a"]);
  expect(reachable(policy, person("nobody"), new Set())).toEqual([]);
});
