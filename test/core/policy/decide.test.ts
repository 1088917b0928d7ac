import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { Principal } from "../../../core/auth/principal.ts";
import { decide, rolesOf } from "../../../core/policy/decide.ts";
import type { Decision } from "../../../core/policy/decision.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import { METHOD_NAMES } from "../../../core/protocol/http/methods.ts";
import { asking, file, HASH, ISSUER, person, policyOf, rule, withoutBody } from "./sample_policy.ts";

const alice = person("alice", ["engineers"]);

function ask(policy: Policy, principal: Principal, method: string, path: string, connection = "registry"): Decision {
  const roles = rolesOf(policy.roles, principal, null);
  return withoutBody(decide(policy, asking({ principal, roles, connection, method, path })));
}

describe("a command is allowed only by a rule", () => {
  const policy = policyOf(file({ rules: [rule({ routes: ["/api/**"] })] }));

  it("names the rule and the policy that allowed it", () => {
    expect(ask(policy, alice, "GET", "/api/x")).toEqual({
      effect: "allow",
      policy: HASH,
      rule: "read",
      line: 1,
      obligations: [],
    });
  });

  test.each([
    ["another method", alice, "POST", "/api/x"],
    ["HEAD, which GET does not include", alice, "HEAD", "/api/x"],
    ["another route", alice, "GET", "/other"],
    ["another person", person("bob", ["leads"]), "GET", "/api/x"],
    ["a group of a similar name", person("bob", ["Engineers", "engineer"]), "GET", "/api/x"],
  ])("denies %s by default", (_, principal, method, path) => {
    expect(ask(policy, principal, method, path)).toEqual({
      effect: "deny",
      policy: HASH,
      rule: null,
      line: null,
      reason: "no_rule",
      message: null,
    });
  });

  test.each(["other", "console", "__proto__", "constructor", "", "*"])(
    "denies a connection that is not defined: %j",
    (connection) => {
      expect(ask(policy, alice, "GET", "/api/x", connection)).toMatchObject({
        effect: "deny",
        reason: "unknown_connection",
      });
    },
  );

  test.each(["TRACE", "CONNECT", "get", "BREW", "", "*", "__proto__"])(
    "denies a method that cannot be forwarded under *: %j",
    (method) => {
      const any = policyOf(file({ rules: [rule({ methods: ["*"] })] }));
      expect(ask(any, alice, method, "/")).toMatchObject({ effect: "deny", reason: "no_rule" });
    },
  );

  it("allows every method that can be forwarded under *", () => {
    const any = policyOf(file({ rules: [rule({ methods: ["*"] })] }));
    for (const method of METHOD_NAMES) expect(ask(any, alice, method, "/").effect).toBe("allow");
  });

  it("does not open the console by * for connections", () => {
    const any = policyOf(file({ rules: [rule({ connections: ["*"], methods: ["*"] })] }));
    expect(ask(any, alice, "GET", "/api/v1/sessions", "console").effect).toBe("deny");
  });

  it("does not let an encoded slash reach a deeper route", () => {
    const one = policyOf(file({ rules: [rule({ routes: ["/api/*/public"] })] }));
    expect(ask(one, alice, "GET", "/api/x%2Fpublic").effect).toBe("deny");
    expect(ask(one, alice, "GET", "/api/%2F/public").effect).toBe("allow");
  });
});

describe("among rules", () => {
  it("a deny rule beats every allow rule, wherever it stands", () => {
    const rules = [rule({ id: "all" }), rule({ id: "no-admin", effect: "deny", routes: ["/admin/**"] })];
    for (const order of [rules, rules.toReversed()]) {
      expect(ask(policyOf(file({ rules: order })), alice, "GET", "/admin/x")).toEqual({
        effect: "deny",
        policy: HASH,
        rule: "no-admin",
        line: 1,
        reason: "rule_denies",
        message: null,
      });
      expect(ask(policyOf(file({ rules: order })), alice, "GET", "/x").effect).toBe("allow");
    }
  });

  it("of one effect the first in the file is named", () => {
    const rules = ["b", "a", "c"].map((id) => rule({ id }));
    expect(ask(policyOf(file({ rules })), alice, "GET", "/").rule).toBe("b");
    const denying = ["z", "y"].map((id) => rule({ id, effect: "deny" }));
    expect(ask(policyOf(file({ rules: [...rules, ...denying] })), alice, "GET", "/").rule).toBe("z");
  });

  test.each([
    "//admin/x",
    "/admin//x",
    "/admin;v=1/x",
    "/admin%3bv/x",
    "/%61dmin/x",
    "/admin",
    "/admin/",
    "//admin",
    "/;/admin/x",
  ])("an upstream's tolerance is no way around a deny rule: %s", (path) => {
    const rules = [rule({ id: "all" }), rule({ id: "no-admin", effect: "deny", routes: ["/admin/**"] })];
    expect(ask(policyOf(file({ rules })), alice, "GET", path)).toMatchObject({ effect: "deny", rule: "no-admin" });
  });
});

describe("roles", () => {
  const roles = {
    engineer: { groups: ["engineers"] },
    lead: { issuer: ISSUER, groups: ["leads"] },
    dan: { subjects: [{ issuer: ISSUER, subject: "dan" }] },
  };
  const policy = policyOf(file({ roles, rules: [] }));
  const of = (principal: Principal, firstAdmin: { issuer: string; subject: string } | null = null): string[] =>
    [...rolesOf(policy.roles, principal, firstAdmin)].sort();

  test("come by group and by subject", () => {
    expect(of(person("dan", ["engineers", "leads"]))).toEqual(["dan", "engineer", "lead"]);
  });

  test("that name an issuer count its groups only", () => {
    expect(of(person("eve", ["engineers", "leads"], { issuer: "https://other.example" }))).toEqual(["engineer"]);
  });

  test("by subject need the issuer, too", () => {
    expect(of(person("dan", [], { issuer: "https://other.example" }))).toEqual([]);
  });

  test("are never added by who acts for the person", () => {
    expect(
      of(person("alice", [], { actors: [{ issuer: ISSUER, subject: "dan" }] }), { issuer: ISSUER, subject: "dan" }),
    ).toEqual([]);
  });

  test("include admin for the first admin only, by issuer and subject", () => {
    const first = { issuer: ISSUER, subject: "root" };
    expect(of(person("root"), first)).toEqual(["admin"]);
    expect(of(person("root", [], { issuer: "https://other.example" }), first)).toEqual([]);
  });

  test.each(["__proto__", "constructor", "toString"])("are not inherited by a group named %s", (group) => {
    expect(of(person("eve", [group]))).toEqual([]);
  });
});

describe("a rule", () => {
  test("can name groups of one issuer, and single people", () => {
    const who = {
      issuer: ISSUER,
      groups: ["leads"],
      subjects: [{ issuer: "https://other.example", subject: "guest" }],
    };
    const policy = policyOf(file({ rules: [rule({ who })] }));
    expect(ask(policy, person("bob", ["leads"]), "GET", "/").effect).toBe("allow");
    expect(ask(policy, person("bob", ["leads"], { issuer: "https://other.example" }), "GET", "/").effect).toBe("deny");
    expect(ask(policy, person("guest", [], { issuer: "https://other.example" }), "GET", "/").effect).toBe("allow");
    expect(ask(policy, person("guest"), "GET", "/").effect).toBe("deny");
  });
});

// A second, slow reading of the same rules: what the compiled form must agree with.
it("the compiled rules decide as the rules read one by one", () => {
  const paths = ["/", "/a", "/a/b", "/admin", "/admin/x"];
  const anyRule = fc.record({
    effect: fc.constantFrom("allow", "deny", "needs-approval"),
    priority: fc.constantFrom(0, 0, 1, 500),
    when: fc.constantFrom("true", "true", "false", `principal.subject == "dan"`),
    who: fc.constantFrom(
      { roles: ["engineer"] },
      { groups: ["leads"] },
      { subjects: [{ issuer: ISSUER, subject: "dan" }] },
    ),
    methods: fc.constantFrom(["GET"], ["POST", "PUT"], ["*"]),
    routes: fc.constantFrom(["/**"], ["/a"], ["/a/*", "/"], ["/admin/**"]),
    connections: fc.constantFrom(["registry"], ["other"], ["*"]),
  });
  const other = { protocol: "http", upstream: "https://other.example", region: "eu" };
  const connections = { registry: other, other };
  fc.assert(
    fc.property(
      fc.array(anyRule, { maxLength: 8 }),
      fc.constantFrom(alice, person("bob", ["leads"]), person("dan", ["engineers"])),
      fc.constantFrom("GET", "POST"),
      fc.constantFrom(...paths),
      (parts, principal, method, path) => {
        const rules = parts.map((part, i) => rule({ ...part, id: `r${i}` }));
        const policy = policyOf(file({ connections, rules }));
        const holds = policy.rules.filter(
          (one) =>
            (one.connections.has("*") || one.connections.has("registry")) &&
            (one.methods.has("*") || one.methods.has(method)) &&
            ((one.roles.has("engineer") && principal.groups.includes("engineers")) ||
              principal.groups.some((group) => one.groups.has(group)) ||
              one.subjects.some(({ subject }) => subject === principal.subject)) &&
            (one.when?.text === "true" || (one.when?.text !== "false" && principal.subject === "dan")) &&
            parts[policy.rules.indexOf(one)]?.routes.some((route) => slowMatch(route, path)),
        );
        const highest = holds.filter((one) => holds.every(({ priority }) => priority <= one.priority));
        const deciding =
          highest.find(({ effect }) => effect === "deny") ??
          highest.find(({ effect }) => effect === "needs_approval") ??
          highest[0];
        const decision = ask(policy, principal, method, path);
        expect(decision.effect).toBe(deciding?.effect ?? "deny");
        expect(decision.rule).toBe(deciding?.id ?? null);
      },
    ),
    { numRuns: 500 },
  );
});

function slowMatch(route: string, path: string): boolean {
  if (route === "/**") return true;
  if (route.endsWith("/**")) return path === route.slice(0, -3) || path.startsWith(route.slice(0, -2));
  return new RegExp(`^${route.replaceAll("*", "[^/]+")}$`).test(path);
}
