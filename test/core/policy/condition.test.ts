import { describe, expect, it, test } from "vitest";
import { Scope } from "../../../core/policy/cel/scope.ts";
import { FAILED } from "../../../core/policy/cel/values.ts";
import { evaluate, MAX_STEPS, parseCondition } from "../../../core/policy/condition.ts";
import type { Question } from "../../../core/policy/decide.ts";
import { parseRoute } from "../../../core/policy/route.ts";
import { asking, file, ISSUER, person, policyOf } from "./sample_policy.ts";

const CONNECTION = policyOf(
  file({
    connections: {
      registry: { protocol: "http", upstream: "https://a.example", region: "eu", labels: ["npm", "prod"] },
    },
  }),
).connections.get("registry");

const BOB = person("bob", ["leads", "staff"], {
  name: "Bob",
  email: "bob@example.com",
  emailVerified: true,
  authTime: Date.UTC(2026, 10, 24, 9) / 1000,
  methods: ["pwd", "mfa"],
  actors: [
    { issuer: ISSUER, subject: "agent" },
    { issuer: ISSUER, subject: "tool" },
  ],
});

const ASKED = asking({
  principal: BOB,
  roles: new Set(["lead"]),
  method: "PUT",
  path: "/@acme%2Fthing",
  query: "a=1&a=2&b=x%20y+z&c&=e&d=%zz&__proto__=1",
  headers: [
    ["accept", "text/html"],
    ["accept", "text/plain"],
    ["x-env", "prod"],
    ["authorization", "Bearer secret"],
    ["proxy-authorization", "Basic secret"],
    ["cookie", "a=secret"],
    ["sallyport-approval", "forged"],
    ["__proto__", "x"],
  ],
  address: "10.1.2.3",
  body: {
    kind: "json",
    value: { name: "thing", count: 3, price: 1.5, tags: ["a", "b"], nested: { deep: [1, { x: null }] }, none: null },
  },
});

function ask(text: string, parts: Partial<Question> = {}): boolean | "failed" {
  const pattern = parseRoute("/{package}");
  const parsed = parseCondition(text, new Set(["package", "other"]));
  if (!parsed.ok) throw new TypeError(parsed.problems.map(({ expected }) => expected).join("\n"));
  if (CONNECTION === undefined || pattern === null) throw new TypeError("no connection");
  const asked = { ...ASKED, ...parts };
  const scope = new Scope(asked, CONNECTION, MAX_STEPS);
  scope.pattern = pattern;
  scope.segments = asked.segments;
  const value = evaluate(parsed.condition, scope);
  return value === FAILED ? "failed" : value;
}

describe("a condition sees", () => {
  test.each([
    `principal.issuer == "${ISSUER}" && principal.subject == "bob" && principal.name == "Bob"`,
    `principal.email == "bob@example.com" && principal.email_verified`,
    `principal.groups == ["leads", "staff"] && "leads" in principal.groups && principal.inGroup("leads")`,
    `!principal.inGroup("Leads") && !principal.inGroup("toString")`,
    `principal.roles == ["lead"] && principal.hasRole("lead") && !principal.hasRole("admin")`,
    `now - principal.auth_time == duration("1h") && "mfa" in principal.methods`,
    `actor.issuer == "${ISSUER}" && actor.subject == "agent" && actor.chain.size() == 2`,
    `actor.chain[1].subject == "tool" && actor.chain.exists(one, one.subject == "tool")`,
    `connection.name == "registry" && connection.protocol == "http" && connection.region == "eu"`,
    `"prod" in connection.labels && !("dev" in connection.labels)`,
    `command.method == "PUT" && command.path == "/@acme%2Fthing"`,
    `command.route.package == "@acme%2Fthing" && command.route["package"].startsWith("@acme%2F")`,
    `command.route == {"package": "@acme%2Fthing"}`,
    `command.query["a"] == ["1", "2"] && command.query.b == ["x y z"] && command.query.c == [""]`,
    `command.query[""] == ["e"] && command.query.d == ["%zz"]`,
    `command.headers.accept == "text/html, text/plain" && command.headers["x-env"] == "prod"`,
    `command.json.name == "thing" && command.json.count == 3 && command.json.price > 1`,
    `command.json.tags.all(tag, tag in ["a", "b"]) && command.json.nested.deep[1].x == null`,
    `command.json.tags.map(tag, tag + "!") == ["a!", "b!"] && command.json.tags.filter(tag, tag > "a").size() == 1`,
    `command.json.exists(name, name == "none") && command.json.none == null`,
    `request.region == "eu" && request.address == "10.1.2.3" && request.time == now`,
    `now == timestamp("2026-11-24T10:00:00Z") && now.getHours("Europe/Berlin") == 11 && now.getHours("-01:30") == 8`,
    `now > timestamp("2026-01-01T00:00:00Z") && now.getDayOfWeek() == 2`,
    `"X-Env".lowerAscii() == "x-env" && "Ä".lowerAscii() == "Ä"`,
  ])("%s", (text) => {
    expect(ask(text)).toBe(true);
  });

  it("what is not there as empty text, or not at all", () => {
    const nobody = { principal: person("x"), address: null, headers: [], query: "", body: { kind: "none" } as const };
    expect(ask(`principal.name == "" && principal.email == "" && !principal.email_verified`, nobody)).toBe(true);
    expect(ask(`actor.subject == "" && actor.issuer == "" && actor.chain == []`, nobody)).toBe(true);
    expect(ask(`request.address == "" && !request.address.inCidr("0.0.0.0/0")`, nobody)).toBe(true);
    expect(ask("!has(principal.auth_time) && !has(command.json) && command.headers.size() == 0", nobody)).toBe(true);
    expect(ask("principal.auth_time < now", nobody)).toBe("failed");
    expect(ask("command.json.x == 1", nobody)).toBe("failed");
  });

  test.each(["authorization", "proxy-authorization", "cookie", "sallyport-approval"])("never the header %s", (name) => {
    expect(ask(`"${name}" in command.headers || command.headers.exists(name, name == "${name}")`)).toBe(false);
  });
});

describe("what may be missing", () => {
  test.each([
    [`command.headers["x-nope"] == "a"`, "failed"],
    [`command.headers["x-nope"] != "a"`, "failed"],
    [`"x-nope" in command.headers && command.headers["x-nope"] == "a"`, false],
    [`has(command.headers.accept) && !has(command.headers.range)`, true],
    [`command.headers[?"x-nope"].orValue("none") == "none"`, true],
    [`command.headers[?"x-env"].orValue("none") == "prod"`, true],
    [`command.headers[?"x-nope"].hasValue()`, false],
    [`command.json.?nope.?deeper.orValue("") == ""`, true],
    [`command.json.?nested.deep[?1].hasValue()`, true],
    [`command.json.name.?first.hasValue()`, "failed"],
    [`has(command.json.nested.deep) && !has(command.json.nested.other)`, true],
    [`has(command.json.nope.deeper)`, "failed"],
    [`has(command.route.package) && !has(command.route.other)`, true],
    [`command.route.other == "x"`, "failed"],
    [`command.query[?"zz"].orValue([]) == []`, true],
    // Either side decides, whatever the other one is (CEL, "Logical operators").
    [`command.headers["x-nope"] == "a" || command.method == "PUT"`, true],
    [`command.headers["x-nope"] == "a" && command.method == "GET"`, false],
    [`command.json.tags.exists(tag, tag == "b" || tag.size() > command.json.nope)`, true],
    [`command.json.tags.all(tag, tag.nope == 1)`, "failed"],
  ] as const)("%s: %s", (text, expected) => {
    expect(ask(text)).toBe(expected);
  });
});

describe("an address is in a network", () => {
  test.each([
    ["10.1.2.3", "10.0.0.0/8", true],
    ["11.1.2.3", "10.0.0.0/8", false],
    ["10.1.2.3", "10.1.2.3/32", true],
    ["::ffff:10.1.2.3", "10.0.0.0/8", true],
    ["::ffff:a01:203", "10.0.0.0/8", true],
    ["10.1.2.3", "::ffff:10.0.0.0/104", true],
    ["10.1.2.3", "::/0", false],
    ["2001:db8::1", "2001:db8::/32", true],
    ["2001:DB8:0:0::1", "2001:db8::/32", true],
    ["2001:db9::1", "2001:db8::/32", false],
    ["2001:db8::1", "0.0.0.0/0", false],
    ["010.1.2.3", "10.0.0.0/8", "failed"],
    ["0x0a010203", "10.0.0.0/8", "failed"],
    ["167838211", "10.0.0.0/8", "failed"],
    ["10.1", "10.0.0.0/8", "failed"],
    ["10.1.2.3 ", "10.0.0.0/8", "failed"],
    ["localhost", "127.0.0.0/8", "failed"],
  ] as const)("%s in %s: %s", (address, network, expected) => {
    expect(ask(`request.address.inCidr("${network}")`, { address })).toBe(expected);
  });
});

describe("a glob", () => {
  test.each([
    ["abc", "abc", true],
    ["abc", "ab", false],
    ["a*c", "abc", true],
    ["a*c", "ac", true],
    ["a*c", "abcd", false],
    ["*", "", true],
    ["**", "anything", true],
    ["a*b*c", "a-b-b-c", true],
    ["aa*aa", "aaa", false],
    ["a*a", "a", false],
    ["*.example.com", "x.example.com", true],
    ["*.example.com", "example.com", false],
    ["a.c", "abc", false],
    ["[ab]", "a", false],
    ["a?c", "abc", false],
  ])("%s of %s: %s", (pattern, subject, expected) => {
    expect(ask(`principal.subject.glob("${pattern}")`, { principal: person(subject) })).toBe(expected);
  });
});

it("a pattern is searched for, as CEL says, unless it is anchored", () => {
  expect(ask(`command.path.matches("acme")`)).toBe(true);
  expect(ask(`command.path.matches("^acme")`)).toBe(false);
  expect(ask(`command.path.matches("^/@acme%2F[a-z]+$")`)).toBe(true);
});

describe("a condition is refused, with the place, for", () => {
  test.each([
    ["an unknown variable", `princpal.subject == "a"`, 0],
    ["an unknown member", `principal.emial == "a"`, 10],
    ["another type", `principal.email == 3`, 0],
    ["a result that is no truth", `principal.email`, 0],
    ["a member that only looks like one", `principal.constructor == "a"`, 10],
    ["an unknown capture", `command.method == "GET" && command.route.pakage == "a"`, 41],
    ["a variable as a whole", `principal == actor`, 0],
    ["a member by its index", `principal["subject"] == "a"`, 0],
    ["an unknown function", `principal.email.reverse() == "a"`, 0],
    ["a function that is not there", `type(principal.email) == string`, 0],
    ["binding, which could grow", `cel.bind(x, "a", x + x) == "aa"`, 0],
    ["a comprehension over the name of a variable", `command.json.exists(principal, principal == 1)`, 20],
    ["a network that is a variable", `request.address.inCidr(principal.subject)`, 23],
    ["a network that is none", `request.address.inCidr("10.0.0.0")`, 23],
    ["a network with bits behind its prefix", `request.address.inCidr("10.0.0.1/8")`, 23],
    ["a network too wide", `request.address.inCidr("10.0.0.0/33")`, 23],
    ["a network in short form", `request.address.inCidr("10/8")`, 23],
    ["a pattern that is a variable", `command.path.matches(principal.subject)`, 21],
    ["a pattern that is none", `command.path.matches("(")`, 21],
    ["a pattern that only backtracking could match", `command.path.matches("(a)\\\\1")`, 21],
    ["a pattern that looks ahead", `command.path.matches("(?=a)")`, 21],
    ["a glob that is a variable", `command.path.glob(principal.subject)`, 18],
    ["a time that is none", `now > timestamp("2026-02-30T00:00:00Z")`, 6],
    ["a duration that is none", `now - now > duration("1 hour")`, 12],
    ["a zone that is none", `now.getHours("Mars/Olympus") == 1`, 13],
    ["a zone that is a variable", `now.getHours(principal.subject) == 1`, 13],
    ["bytes", `b"a" == b"a"`, 0],
    ["unsigned numbers", `1u == 1u`, 0],
    ["nothing", ` `, 1],
    ["a cut expression", `principal.email ==`, 18],
    ["two expressions", `true true`, 5],
  ])("%s", (_, text, at) => {
    const parsed = parseCondition(text, new Set(["package"]));
    expect(parsed).toMatchObject({ ok: false });
    expect(parsed.ok ? -1 : parsed.problems[0]?.at).toBe(at);
  });
});

it("says which conditions read the body and which read captures", () => {
  const of = (text: string): unknown => parseCondition(text, new Set(["a"]));
  expect(of("command.json.x == 1")).toMatchObject({ condition: { readsBody: true, readsRoute: false } });
  expect(of("has(command.json)")).toMatchObject({ condition: { readsBody: true } });
  expect(of("command.?json.hasValue()")).toMatchObject({ condition: { readsBody: true } });
  expect(of(`principal.groups.exists(g, command.json.?x.orValue("") == g)`)).toMatchObject({
    condition: { readsBody: true },
  });
  expect(of(`command.route.a == "json"`)).toMatchObject({ condition: { readsBody: false, readsRoute: true } });
  expect(of("command.route.size() == 1")).toMatchObject({ condition: { readsRoute: true } });
  expect(of(`command.path == "/json"`)).toMatchObject({ condition: { readsBody: false, readsRoute: false } });
});
