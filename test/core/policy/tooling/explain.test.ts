import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { explain, type Explanation } from "../../../../core/policy/tooling/explain.ts";
import { explanationLines } from "../../../../core/policy/tooling/explain_lines.ts";
import type { Described } from "../../../../core/policy/tooling/question.ts";
import { plainText } from "../../../../core/policy/tooling/spans.ts";
import { file, person, policyOf, rule } from "../sample_policy.ts";

const NOW = Date.UTC(2026, 10, 24, 10);
const ROLES = { engineer: { groups: ["engineers"] }, lead: { groups: ["leads"] } };

function question(parts: Partial<Described> = {}): Described {
  return {
    as: person("alice", ["engineers"]),
    method: "GET",
    target: "/a",
    connection: "registry",
    headers: [],
    body: { kind: "none" },
    message: null,
    address: null,
    time: null,
    ...parts,
  };
}

function ask(rules: readonly unknown[], parts: Partial<Described> = {}): Extract<Explanation, { kind: "decided" }> {
  const explanation = explain(policyOf(file({ roles: ROLES, rules })), question(parts), NOW);
  if (explanation.kind !== "decided") throw new Error(explanation.reason);
  return explanation;
}

describe("explain", () => {
  it("says of each rule, in the order in which they are considered, why it decides or does not", () => {
    const trail = ask(
      [
        rule(),
        rule({ id: "later", routes: ["/a"] }),
        rule({ id: "elsewhere", routes: ["/b"] }),
        rule({ id: "writes", methods: ["PUT"] }),
        rule({ id: "leads", who: { roles: ["lead"] } }),
        rule({ id: "labelled", connections: ["*"], priority: 5, when: "1 == 2" }),
        rule({ id: "no", effect: "deny", when: 'request.address.inCidr("10.0.0.0/8")', who: "anyone" }),
      ],
      { address: "192.0.2.1" },
    ).trail;
    expect(trail.map(({ rule: id, outcome }) => [id, outcome.kind])).toEqual([
      ["labelled", "condition_false"],
      ["no", "condition_false"],
      ["read", "decides"],
      ["later", "comes_later"],
      ["elsewhere", "other_route"],
      ["writes", "other_method"],
      ["leads", "other_people"],
    ]);
  });

  it("names the part of a condition that is false, or that cannot be computed", () => {
    const when = '"engineers" in principal.groups && command.json.kind == "a" && 1 < 2';
    const outcomeOf = (parts: Partial<Described>, effect = "allow") =>
      ask([rule({ when, effect })], parts).trail[0]?.outcome;
    expect(outcomeOf({ body: { kind: "json", value: { kind: "b" } } })).toMatchObject({
      kind: "condition_false",
      part: 'command.json.kind == "a"',
    });
    expect(outcomeOf({ body: { kind: "json", value: {} } })).toMatchObject({
      kind: "condition_failed",
      part: 'command.json.kind == "a"',
    });
    expect(outcomeOf({ body: { kind: "json", value: {} } }, "deny")).toMatchObject({
      kind: "decides",
      condition: { kind: "failed", part: 'command.json.kind == "a"' },
    });
    expect(outcomeOf({ body: { kind: "refused", reason: "body_ambiguous" } })).toMatchObject({
      kind: "decides",
      condition: { kind: "unreadable", reason: "body_ambiguous" },
    });
  });

  it("says what would decide without the rule that does", () => {
    const rules = [rule(), rule({ id: "no", effect: "deny", who: "anyone", message: "Not here." })];
    expect(ask(rules)).toMatchObject({
      decision: { effect: "deny", rule: "no" },
      next: { rule: "read", effect: "allow" },
    });
    expect(ask([rule()])).toMatchObject({ decision: { effect: "allow" }, next: null });
  });

  it("has one form as text", () => {
    const rules = [
      rule(),
      rule({ id: "no", effect: "deny", who: "anyone", message: "Not here.", when: "command.path == '/a'" }),
    ];
    const text = plainText(explanationLines(ask(rules), false)).replaceAll(/line \d+/g, "line N");
    expect(text).toBe(`denied by rule no (line N): the rule denies it
  the caller is told: Not here.
  without no: allow by read (line N)

who     alice of https://id.example
groups  engineers
roles   engineer
asks    GET /a on registry

rules, in the order in which they are considered
  ▶ no    line N  deny   decides: its condition is true: command.path == '/a'
  · read  line N  allow  would decide if no rule before it did`);
  });

  it("says of what needs an approval who gives it, for how long what holds, and what is done with it then", () => {
    const approve = {
      by: [
        { roles: ["engineer"], count: 2 },
        { groups: ["leads"], subjects: [{ issuer: "https://id.example", subject: "sue" }] },
      ],
      expires_minutes: 1,
      wait_seconds: 30,
      grant: { minutes: 30 },
      comment: "required",
      passkey: true,
      masked_only_in: ["password"],
      break_glass: { groups: ["engineers"] },
    };
    const asks = rule({ effect: "needs-approval", approve, message: "Wait.", record: "metadata", mask: ["secrets"] });
    const text = plainText(explanationLines(ask([asks]), false)).replaceAll(/line \d+/g, "line N");
    expect(text.slice(0, text.indexOf("\n\n"))).toBe(`needs approval by rule read (line N)
  the caller is told: Wait.
  has to approve: 2 of role engineer; and 1 of group leads, subject sue of https://id.example
  not alice, who asks for it
  open for 1 minute, then to be used within 5 minutes; a call waits 30 seconds if it does not say
  may be allowed for up to 30 minutes: the same method and target
  deciders say why; deciders sign with a passkey; masked may be: password
  may go on without, to be reviewed afterwards: group engineers
  alice may go on without, giving a reason
  bodies not recorded; masked towards the caller: secrets
  without read: denied by default`);
  });

  it("says it with less where the rule says less", () => {
    const explained = ask([rule({ effect: "needs-approval" })]);
    expect(explained.approval).toMatchObject({ isAmongApprovers: false, mayBreakGlass: false });
    expect(plainText(explanationLines(explained, false)).split("\n").slice(1, 4)).toEqual([
      "  has to approve: 1 of group approvers",
      "  open for 60 minutes, then to be used within 5 minutes; a call waits only if it asks to",
      "  bodies recorded in full",
    ]);
    expect([ask([rule()]).approval, ask([rule({ effect: "deny" })]).approval]).toEqual([null, null]);
  });

  it("does not let an agent go on without", () => {
    const approve = { by: [{ groups: ["leads"] }], break_glass: { groups: ["engineers"] } };
    const as = person("alice", ["engineers"], { actors: [{ issuer: "https://agents.example", subject: "helper" }] });
    const asks = rule({ effect: "needs-approval", approve });
    expect(ask([asks]).approval?.mayBreakGlass).toBe(true);
    expect(ask([asks], { as }).approval?.mayBreakGlass).toBe(false);
  });

  it("says what of it is recorded, and what is masked towards the caller", () => {
    const told = (parts: Readonly<Record<string, unknown>>): string =>
      plainText(explanationLines(ask([rule(parts)]), false)).split("\n")[1] ?? "";
    expect(told({})).toBe("  bodies recorded in full");
    expect(told({ record: "metadata" })).toBe("  bodies not recorded");
    expect(told({ record: { head: 10 }, mask: ["secrets"] })).toBe(
      "  10 bytes of bodies recorded; masked towards the caller: secrets",
    );
    expect(told({ effect: "deny", record: "metadata" })).not.toContain("recorded");
  });

  it("refuses a target that the gateway refuses", () => {
    const policy = policyOf(file());
    expect(explain(policy, question({ target: "/a/%2e%2e/b" }), NOW)).toEqual({
      kind: "refused",
      reason: "target_climbs",
    });
    expect(explain(policy, question({ method: "TRACE" }), NOW)).toEqual({ kind: "refused", reason: "method_unknown" });
  });

  it("walks to the rule that decide names, whatever the rules and the command are", () => {
    const parts = fc.record({
      effect: fc.constantFrom("allow", "deny", "needs-approval"),
      priority: fc.constantFrom(0, 0, 5),
      who: fc.constantFrom("anyone", { roles: ["engineer"] }, { groups: ["leads"] }),
      connections: fc.constantFrom(["registry"], ["*"]),
      methods: fc.constantFrom(["GET"], ["PUT"], ["*"]),
      routes: fc.constantFrom(["/**", "/{x}"], ["/{x}"], ["/a/**", "/{x}"]),
      when: fc.constantFrom(
        undefined,
        "true || false",
        "1 == 2",
        "command.json.a == 1",
        'has(command.json.a) && command.method == "GET"',
        'command.path.endsWith("a")',
        'command.route.x == "a"',
      ),
    });
    const asked = fc.record({
      method: fc.constantFrom("GET", "PUT"),
      target: fc.constantFrom("/a", "/b", "//a", "/a;x=1", "/a/b"),
      body: fc.constantFrom<Described["body"]>(
        { kind: "none" },
        { kind: "json", value: { a: 1 } },
        { kind: "json", value: {} },
        { kind: "refused", reason: "body_not_json" },
      ),
    });
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 6 }), asked, (all, command) => {
        const rules = all.map((one, index) => rule({ ...JSON.parse(JSON.stringify(one)), id: `r${index}` }));
        const { decision, trail } = ask(rules, command);
        const decider = trail.filter(({ outcome }) => outcome.kind === "decides");
        expect(decider.map((step) => step.rule)).toEqual(decision.rule === null ? [] : [decision.rule]);
      }),
      { numRuns: 500 },
    );
  });
});
