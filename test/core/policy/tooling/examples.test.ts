import { describe, expect, it } from "vitest";
import { expectationText, runExamples } from "../../../../core/policy/tooling/examples.ts";
import { ANY_ISSUER } from "../../../../core/policy/tooling/question.ts";
import { ISSUER, policyOf, rule } from "../sample_policy.ts";

const NOW = Date.UTC(2026, 10, 24, 10);
const CONNECTIONS = {
  registry: { protocol: "http", upstream: "https://registry.example", region: "eu", json_limit: 100 },
};
const ALICE = { subject: "alice", groups: ["engineers"] };

function run(
  example: object,
  rules: readonly unknown[] = [rule()],
  roles: object = { engineer: { groups: ["engineers"] } },
) {
  const examples = [{ name: "it", as: ALICE, on: "registry", do: "GET /a", expect: "allow", ...example }];
  const [result] = runExamples(policyOf({ version: 1, roles, connections: CONNECTIONS, rules, examples }), NOW);
  if (result === undefined) throw new Error("no result");
  return result;
}

describe("runExamples", () => {
  it("passes what is decided as expected, and says by which rule and line", () => {
    expect(run({})).toMatchObject({ passed: true, decision: { effect: "allow", rule: "read" } });
    expect(run({}).decision.why).toMatch(/^allowed by rule read \(line \d+\)$/);
  });

  it.each([
    [{ expect: "deny" }, "deny"],
    [{ by: "default" }, "allow by default"],
    [{ do: "PUT /a" }, "allow"],
    [{ as: { subject: "eve" } }, "allow"],
  ])("fails where something else is decided: %j", (example, expected) => {
    const result = run(example);
    expect(result.passed).toBe(false);
    expect(expectationText(result.expected)).toBe(expected);
  });

  it("tells rules of the same effect apart by `by`", () => {
    const rules = [rule(), rule({ id: "second", routes: ["/a"] })];
    expect(run({ by: "read" }, rules).passed).toBe(true);
    expect(run({ by: "second" }, rules).passed).toBe(false);
    expect(run({ by: "default", do: "GET /a", as: { subject: "eve" }, expect: "deny" }, rules).passed).toBe(true);
  });

  it("gives the roles that a call would have: by group, by subject, by issuer", () => {
    const roles = {
      engineer: { groups: ["engineers"], issuer: ISSUER, subjects: [{ issuer: ISSUER, subject: "carl" }] },
    };
    const other = "https://other.example";
    expect(run({}, [rule()], roles).passed).toBe(true);
    expect(run({ as: { ...ALICE, issuer: ISSUER } }, [rule()], roles).passed).toBe(true);
    expect(run({ as: { ...ALICE, issuer: other } }, [rule()], roles).passed).toBe(false);
    expect(run({ as: { subject: "carl" } }, [rule()], roles).passed).toBe(true);
  });

  it("takes no issuer's part where the file names several", () => {
    const roles = {
      engineer: { groups: ["engineers"], issuer: ISSUER },
      lead: { groups: ["leads"], issuer: "https://other.example" },
    };
    expect(run({}, [rule()], roles)).toMatchObject({ passed: false });
    expect(run({}, [rule({ when: `principal.issuer == "${ANY_ISSUER}"` })])).toMatchObject({ passed: true });
  });

  it("reads bodies, headers, addresses and times", () => {
    const conditions: [string, object][] = [
      ['command.json.kind == "a"', { json: { kind: "a" } }],
      ['command.headers["x-kind"] == "a"', { headers: { "x-kind": "a" } }],
      ['request.address.inCidr("10.0.0.0/8")', { address: "10.1.2.3" }],
      ['now == timestamp("2026-01-02T03:04:05Z")', { time: "2026-01-02T03:04:05Z" }],
    ];
    for (const [when, given] of conditions) {
      expect([when, run({ with: given }, [rule({ when })]).passed]).toEqual([when, true]);
      expect([when, run({}, [rule({ when })]).passed]).toEqual([when, false]);
    }
    expect(run({}, [rule({ when: 'now == timestamp("2026-11-24T10:00:00Z")' })]).passed).toBe(true);
  });

  it("refuses a body that is larger than the connection lets rules read", () => {
    const large = run({ with: { json: { text: "x".repeat(100) } } }, [rule({ when: 'command.json.text != ""' })]);
    expect(large).toMatchObject({ passed: false, decision: { effect: "deny", rule: "read" } });
    expect(large.decision.why).toContain("too large");
  });

  it("shows that an unknown connection is denied", () => {
    const result = run({ on: "nowhere", expect: "deny", by: "default" });
    expect(result).toMatchObject({ passed: true });
    expect(result.decision.why).toContain("no such connection");
  });
});
