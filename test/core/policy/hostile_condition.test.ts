// Hostile conditions and hostile commands. Work is counted in steps, never in time: what takes more
// steps than a decision has is stopped, and what was stopped does not allow.

import { describe, expect, it, test } from "vitest";
import { Scope } from "../../../core/policy/cel/scope.ts";
import { FAILED } from "../../../core/policy/cel/values.ts";
import { evaluate, MAX_STEPS, parseCondition } from "../../../core/policy/condition.ts";
import { MAX_JSON_VALUES, readJsonBody } from "../../../core/policy/body.ts";
import { decide, type Question } from "../../../core/policy/decide.ts";
import { asking, file, person, policyOf, rule, withoutBody } from "./sample_policy.ts";

const CONNECTION = policyOf(file()).connections.get("registry");

function run(text: string, parts: Partial<Question> = {}): { value: unknown; steps: number } {
  const parsed = parseCondition(text, new Set());
  if (!parsed.ok || CONNECTION === undefined) throw new TypeError(JSON.stringify(parsed));
  const scope = new Scope(asking(parts), CONNECTION, MAX_STEPS);
  const value = evaluate(parsed.condition, scope);
  return { value, steps: MAX_STEPS - scope.left };
}

const json = (value: unknown): Pick<Question, "body"> => ({ body: { kind: "json", value } });

describe("what would not end is stopped", () => {
  const many = Array.from({ length: 10_000 }, (_, i) => i);
  const longs = "a".repeat(500_000);
  test.each([
    ["loops in loops", "command.json.all(a, command.json.all(b, a + b >= 0.0))", json(many)],
    ["loops in loops, where every turn fails", "command.json.all(a, command.json.all(b, a.x == b.y))", json(many)],
    [
      "three loops",
      "command.json.exists(a, command.json.exists(b, command.json.exists(c, a + b + c < 0.0)))",
      json(many),
    ],
    ["lists of lists", "command.json.map(a, command.json.map(b, b)).size() == 1", json(many)],
    ["a list looked for in itself", "command.json.all(a, a in command.json)", json(many)],
    ["lists compared in a loop", "command.json.all(a, command.json == command.json.map(b, b))", json(many)],
    [
      "keys of an object in a loop",
      "command.json.all(a, command.json.size() > 0)",
      json(Object.fromEntries(many.map((i) => [`k${i}`, i]))),
    ],
    [
      "long texts searched for long texts",
      "command.json.a.contains(command.json.b)",
      json({ a: longs, b: `${"a".repeat(250_000)}b` }),
    ],
    [
      "a long text searched in a loop",
      "command.json.l.all(x, !command.json.a.contains('b'))",
      json({ a: longs, l: many.slice(0, 5000) }),
    ],
    ["a pattern over a long text", `command.json.matches("(a*)*b")`, json(longs)],
    [
      "a pattern in a loop",
      `command.json.l.all(x, command.json.a.matches("(a|aa)+$"))`,
      json({ a: longs.slice(0, 10_000), l: many }),
    ],
    ["a glob in a loop", `command.json.l.all(x, !command.json.a.glob("*a*a*a*a*b"))`, json({ a: longs, l: many })],
    [
      "long texts compared in a loop",
      "command.json.l.all(x, command.json.a == command.json.b)",
      json({ a: longs, b: `${longs.slice(1)}a`, l: many }),
    ],
    [
      "zones asked in a loop",
      `command.json.all(x, now.getHours("Europe/Berlin") >= 0)`,
      json([...many, ...many, ...many]),
    ],
  ])("%s", (_, text, parts) => {
    const { value, steps } = run(text, parts);
    expect(value).toBe(FAILED);
    expect(steps).toBeGreaterThan(MAX_STEPS);
  });
});

describe("what could explode is paid for while it is small", () => {
  const doubled = (times: number, over: string): string => {
    let text = over;
    for (let i = 0; i < times; i++) text += ".map(x, x + x)";
    return `${text}.size() == 1`;
  };

  it("texts that double", () => {
    const { value, steps } = run(doubled(24, `["${"a".repeat(64)}"]`));
    expect(value).toBe(FAILED);
    // The last text paid for is twice the largest that was kept: its length is the steps times eight.
    expect(steps).toBeLessThan(3 * MAX_STEPS);
  });

  it("lists that double", () => {
    const { value, steps } = run(doubled(24, "[[1, 2, 3, 4]]"));
    expect(value).toBe(FAILED);
    expect(steps).toBeLessThan(3 * MAX_STEPS);
  });

  test.each([
    ["integers", "9223372036854775807 + 1 > 0"],
    ["integers by multiplication", "4611686018427387904 * 4 > 0"],
    ["integers from doubles", "int(1e300) > 0"],
    ["a negated least integer", "-(-9223372036854775807 - 1) > 0"],
    ["times", `timestamp("9999-12-31T23:59:59Z") + duration("24h") > now`],
    ["division by nothing", "1 / 0 == 1"],
  ])("%s", (_, text) => {
    expect(run(text).value).toBe(FAILED);
  });
});

describe("an honest condition over the largest body has steps enough", () => {
  const items = Array.from({ length: 4500 }, (_, i) => ({ id: i }));
  it("for each element", () => {
    expect(run("command.json.all(item, item.id >= 0.0 && has(item.id))", json(items)).value).toBe(true);
  });
  it("for a pattern over 64 KiB", () => {
    expect(run(`command.json.matches("^[a-z]+$")`, json("a".repeat(65_536))).value).toBe(true);
  });
});

describe("a condition that is too large is refused", () => {
  test.each([
    ["nodes", Array.from({ length: 300 }, () => "true").join(" && ")],
    ["levels of brackets", `${"(".repeat(1000)}true${")".repeat(1000)}`],
    ["levels of lists", `${"[".repeat(1000)}1${"]".repeat(1000)} == []`],
    ["negations", `${"!".repeat(4000)}true`],
    ["signs", `1 == ${"-".repeat(4000)}1`],
    ["branches", `${"true ? true : ".repeat(290)}true`],
    ["indexes", `command.json${"[0]".repeat(500)} == 1`],
    ["members", `command.json${".a".repeat(1000)} == 1`],
    ["comprehensions in one another", "[1].all(a, [1].all(b, [1].all(c, [1].all(d, true))))"],
    ["repetitions of repetitions", `command.path.matches("((a{50}){50}){50}")`],
    ["a wide repetition", `command.path.matches("(aaaaaaaaaaaaaaaaaaaa){100}")`],
    ["a long pattern", `command.path.matches("${"a".repeat(600)}")`],
    ["many alternatives of classes", `command.path.matches("${"[\\\\pL\\\\pN]{9}".repeat(36)}")`],
  ])("%s", (_, text) => {
    expect(parseCondition(text, new Set())).toMatchObject({ ok: false });
  });
});

describe("inherited members are no members", () => {
  const names = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "valueOf"];
  test.each(names)("%s of an object, a list, a text, headers and query", (name) => {
    const body = json({ o: {}, l: [], t: "text" });
    for (const at of ["o", "l", "t"]) {
      expect(run(`command.json.${at}["${name}"] == 1`, body).value).toBe(FAILED);
      expect(run(`command.json.${at}[?"${name}"].hasValue()`, body).value).toBe(at === "t" ? FAILED : false);
    }
    expect(
      run(`"${name}" in command.json.o || "${name}" in command.headers || "${name}" in command.query`, body).value,
    ).toBe(false);
    expect(run(`command.headers[?"${name}"].hasValue() || command.query[?"${name}"].hasValue()`).value).toBe(false);
    expect(run(`principal.hasRole("${name}") || principal.inGroup("${name}")`).value).toBe(false);
  });

  test.each(names)("%s that a caller sends is a member like any other", (name) => {
    const view = readJsonBody(new TextEncoder().encode(`{"${name}":{"admin":true}}`), [
      ["content-type", "application/json"],
    ]);
    expect(view.kind).toBe("json");
    expect(run(`command.json["${name}"].admin == true`, { body: view }).value).toBe(true);
    expect(run(`has(command.json.admin) || command.json[?"admin"].hasValue()`, { body: view }).value).toBe(false);
    expect(run(`command.json == {"other": 1}`, { body: view }).value).toBe(false);
    expect(
      run(`command.headers["${name}"] == "x" && command.query["${name}"] == ["y"]`, {
        headers: [[name, "x"]],
        query: `${name}=y`,
      }).value,
    ).toBe(true);
  });

  it("neither is an object changed, nor any other", () => {
    run(`command.json["__proto__"].x == 1`, json(JSON.parse('{"__proto__":{"x":1}}')));
    expect(Object.hasOwn(Object.prototype, "x")).toBe(false);
  });
});

describe("the worst policy that is accepted with the worst command", () => {
  const deep = "command.json.all(a, command.json.all(b, a + b >= 0.0))";
  const rules = (effect: string): unknown[] =>
    Array.from({ length: 1000 }, (_, i) => rule({ id: `r${i}`, effect, who: "anyone", when: deep }));
  const body = { kind: "json", value: Array.from({ length: MAX_JSON_VALUES }, (_, i) => i) } as const;

  test.each([
    ["allow", { effect: "deny", rule: null, reason: "no_rule" }],
    ["deny", { effect: "deny", rule: "r0", reason: "condition_failed" }],
    ["needs-approval", { effect: "deny", rule: "r0", reason: "condition_failed" }],
  ])("of %s rules has one budget for all of them, and does not allow", (effect, expected) => {
    const policy = policyOf(file({ rules: rules(effect) }));
    expect(decide(policy, asking({ principal: person("x"), body }))).toMatchObject(expected);
  });

  it("an honest rule behind hostile ones does not allow either, once nothing is left", () => {
    const policy = policyOf(
      file({ rules: [...rules("allow").slice(1), rule({ id: "last", who: "anyone", when: "true" })] }),
    );
    expect(withoutBody(decide(policy, asking({ body }))).effect).toBe("deny");
  });

  it("routes that capture are asked one by one, from the same budget", () => {
    const routes = Array.from({ length: 100 }, (_, i) => `/{c${i}}/**`);
    const when = Array.from({ length: 25 }, (_, i) => `command.route[?"c${i}"].orValue("") == "z"`).join(" || ");
    const all = Array.from({ length: 80 }, (_, i) =>
      rule({ id: `r${i}`, effect: "deny", who: "anyone", routes, when }),
    );
    const policy = policyOf(file({ rules: [...all, rule({ id: "open", who: "anyone" })] }));
    expect(decide(policy, asking({ path: "/a;b/c" }))).toMatchObject({ effect: "deny", reason: "condition_failed" });
  });
});
