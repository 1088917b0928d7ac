import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { parsePolicy } from "../../../core/policy/policy.ts";
import { file, HASH, rule } from "./sample_policy.ts";

describe("a file that can be read in two ways is refused", () => {
  test.each([
    ["a member twice", '{"version":1,"rules":[],"rules":[]}'],
    ["a member twice, one escaped", '{"version":1,"rules":[],"r\\u0075les":[]}'],
    [
      "a member twice, deep inside",
      JSON.stringify(file()).replace('"effect":"allow"', '"effect":"allow","effect":"deny"'),
    ],
    ["a byte order mark", '\ufeff{"version":1}'],
    ["a comment", '{"version":1 /* */}'],
    ["a comma too many", '{"version":1,,}'],
    ["two values", '{"version":1}{"version":1}'],
    ["nothing", ""],
    ["a cut file", '{"version":1,"rules":['],
  ])("%s", (_, text) => {
    expect(parsePolicy(text, HASH)).toMatchObject({ ok: false, reason: "policy_invalid" });
  });
});

describe("names that objects inherit never slip past the checks", () => {
  const names = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "valueOf"];
  const registry = '{"protocol":"http","upstream":"https://a.example","region":"eu"}';

  test.each(names)("as a role: %s", (name) => {
    const text = `{"version":1,"roles":{"${name}":{"groups":["everybody"]}}}`;
    expect(parsePolicy(text, HASH)).toMatchObject({ ok: false });
  });

  test.each(names)("as a connection: %s", (name) => {
    const text = `{"version":1,"connections":{"${name}":${registry}}}`;
    expect(parsePolicy(text, HASH)).toMatchObject({ ok: false });
  });

  test.each(names)("as a role that a rule names without its definition: %s", (name) => {
    expect(parsePolicy(JSON.stringify(file({ rules: [rule({ who: { roles: [name] } })] })), HASH)).toMatchObject({
      ok: false,
    });
  });

  test.each(names)("as a connection that a rule names without its definition: %s", (name) => {
    expect(parsePolicy(JSON.stringify(file({ rules: [rule({ connections: [name] })] })), HASH)).toMatchObject({
      ok: false,
    });
  });

  test.each(names)("as a role that approves, or where a notice goes, without a definition: %s", (name) => {
    const asks = (approve: object): string =>
      JSON.stringify(
        file({ rules: [rule({ effect: "needs-approval", approve: { by: [{ groups: ["g"] }], ...approve } })] }),
      );
    expect(parsePolicy(asks({ by: [{ roles: [name] }] }), HASH)).toMatchObject({ ok: false });
    expect(parsePolicy(asks({ break_glass: { roles: [name] } }), HASH)).toMatchObject({ ok: false });
    expect(parsePolicy(asks({ notify: [name] }), HASH)).toMatchObject({ ok: false });
    expect(parsePolicy(asks({ masked_only_in: [name] }), HASH)).toMatchObject({ ok: false });
  });

  test.each(names)("as a member, at the top and within a rule: %s", (name) => {
    expect(parsePolicy(`{"version":1,"${name}":{}}`, HASH)).toMatchObject({ ok: false });
    const text = JSON.stringify(file()).replace('"id":"read"', `"id":"read","${name}":{"effect":"allow"}`);
    expect(parsePolicy(text, HASH)).toMatchObject({ ok: false });
  });
});

describe("size and depth are bounded", () => {
  test.each([
    ["a megabyte and more", `{"version":1,"$schema":"${"a".repeat(1024 * 1024)}"}`],
    ["many levels of lists", `{"version":1,"rules":${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
    ["many levels of objects", `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`],
    ["many levels left open", "[".repeat(500_000)],
    ["too many rules", JSON.stringify(file({ rules: Array.from({ length: 1001 }, (_, i) => rule({ id: `r${i}` })) }))],
    [
      "too many routes",
      JSON.stringify(file({ rules: [rule({ routes: Array.from({ length: 101 }, (_, i) => `/${i}`) })] })),
    ],
    ["an endless route", JSON.stringify(file({ rules: [rule({ routes: [`/${"a".repeat(2000)}`] })] }))],
    ["an endless id", JSON.stringify(file({ rules: [rule({ id: "a".repeat(200) })] }))],
  ])("%s", (_, text) => {
    expect(parsePolicy(text, HASH)).toMatchObject({ ok: false, reason: "policy_invalid" });
  });

  it("accepts as many rules as it says", () => {
    const rules = Array.from({ length: 1000 }, (_, i) => rule({ id: `r${i}` }));
    expect(parsePolicy(JSON.stringify(file({ rules })), HASH)).toMatchObject({ ok: true });
  });
});

it("any text gives a policy or a refusal, never an exception", () => {
  const base = JSON.stringify(file());
  fc.assert(
    fc.property(fc.nat(base.length), fc.nat(8), fc.string({ unit: "binary", maxLength: 8 }), (at, drop, insert) => {
      const parsed = parsePolicy(base.slice(0, at) + insert + base.slice(at + drop), HASH);
      expect(typeof parsed.ok).toBe("boolean");
    }),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(typeof parsePolicy(text, HASH).ok).toBe("boolean");
    }),
  );
});

it("any JSON in place of any value gives a policy or a refusal, never an exception", () => {
  const places = ["version", "roles", "persons", "notify", "connections", "rules"];
  fc.assert(
    fc.property(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 4 }), (place, value) => {
      expect(typeof parsePolicy(JSON.stringify(file({ [place]: value })), HASH).ok).toBe("boolean");
    }),
    { numRuns: 300 },
  );
});

it("any JSON for what a rule asks, or for a part of it, gives a policy or a refusal, never an exception", () => {
  const approve = {
    by: [{ groups: ["leads"], issuer: "https://id.example", count: 1 }],
    grant: { minutes: 5, for: "rule" },
    break_glass: { groups: ["oncall"] },
    masked_only_in: ["password"],
    notify: ["ops"],
  };
  const notify = { ops: { format: "webhook", url: "https://hooks.example", secret: "NOTIFY_OPS" } };
  const text = (value: unknown): string =>
    JSON.stringify(file({ notify, rules: [rule({ effect: "needs-approval", approve: value })] }));
  expect(parsePolicy(text(approve), HASH)).toMatchObject({ ok: true });
  fc.assert(
    fc.property(fc.constantFrom("", ...Object.keys(approve)), fc.jsonValue({ maxDepth: 4 }), (place, value) => {
      const parsed = parsePolicy(text(place === "" ? value : { ...approve, [place]: value }), HASH);
      // Whatever it was, a rule that needs an approval has somebody who gives it.
      if (parsed.ok) expect(parsed.value.rules[0]?.approve?.by.length).toBeGreaterThan(0);
    }),
    { numRuns: 300 },
  );
});
