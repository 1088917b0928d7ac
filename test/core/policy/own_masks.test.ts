// An admin's own masks in a policy: what is one, where a bad one is told, and what rules make of them.

import { describe, expect, it, test } from "vitest";
import { decide } from "../../../core/policy/decide.ts";
import { callerPlan, extentOf } from "../../../core/policy/obligations.ts";
import { parsePolicy, type Policy } from "../../../core/policy/policy.ts";
import { stands, termsOf } from "../../../core/policy/stands.ts";
import { diffPolicies } from "../../../core/policy/tooling/policy_diff.ts";
import { asking, file, HASH, policyOf, rule, withoutBody } from "./sample_policy.ts";

type Parts = Readonly<Record<string, unknown>>;

const NUMBER = { pattern: "EMP-[0-9]{6}", keywords: ["EMP-"] };
const NOTES = { fields: ["notes", "customer_comment"] };

function masked(masks: Parts, parts: Parts = {}, connection: Parts = {}): Parts {
  const connections = {
    registry: { protocol: "http", upstream: "https://registry.example", region: "eu", ...connection },
  };
  return file({ masks, connections, rules: [rule({ who: "anyone", ...parts })] });
}

function problemsOf(text: string): readonly string[] {
  const parsed = parsePolicy(text, HASH);
  if (parsed.ok) return [];
  return parsed.problems.map(({ path, line, column, expected }) => `${line}:${column} ${path}: ${expected}`);
}

describe("a mask", () => {
  it("is kept with its defaults, the same list for each connection", () => {
    const policy = policyOf(masked({ number: NUMBER, notes: { ...NOTES, pseudonym: true } }));
    expect(policy.masks).toEqual([
      { id: "number", fields: [], pattern: "EMP-[0-9]{6}", keywords: ["EMP-"], pseudonym: false },
      { id: "notes", fields: ["notes", "customer_comment"], pattern: null, keywords: [], pseudonym: true },
    ]);
    expect(policy.connections.get("registry")?.masks).toBe(policy.masks);
  });

  test.each<[string, Parts, string]>([
    ["nothing", {}, "masks.x: fields, a pattern with keywords, or both"],
    ["a pattern without keywords", { pattern: "a+" }, "masks.x.pattern: keywords beside it"],
    ["keywords without a pattern", { keywords: ["abc"], fields: ["f"] }, "masks.x.keywords: a pattern beside them"],
    ["a keyword of two characters", { ...NUMBER, keywords: ["ab"] }, "masks.x.keywords[0]: a keyword of at least 3"],
    ["too many keywords", { ...NUMBER, keywords: Array.from({ length: 33 }, (_, i) => `key${i}`) }, "at most 32"],
    ["an empty field", { fields: [""] }, "masks.x.fields[0]"],
    ["a pattern that fits everything", { pattern: "x*", keywords: ["xxx"] }, "does not fit the empty text"],
    ["a pattern of too many copies", { pattern: "(a{100}){100}", keywords: ["aaa"] }, "fewer repetitions"],
    ["a pattern that is too long", { pattern: "a".repeat(513), keywords: ["aaa"] }, "at most 512"],
    ["a look-ahead", { pattern: "a(?=b)", keywords: ["aaa"] }, "RE2's syntax"],
    ["a back reference", { pattern: "(a)\\1", keywords: ["aaa"] }, "RE2's syntax"],
    ["an unknown member", { ...NOTES, regex: "a" }, "no such member"],
    ["a list", [] as unknown as Parts, "an object"],
  ])("is none with %s", (_, mask, expected) => {
    expect(problemsOf(JSON.stringify(masked({ x: mask }))).join("; ")).toContain(expected);
  });

  it("has a name of its own, in lower case", () => {
    for (const name of ["secrets", "password", "github-token"])
      expect(problemsOf(JSON.stringify(masked({ [name]: NOTES }))).join()).toContain(
        `masks.${name}: a name that no built-in mask has`,
      );
    expect(problemsOf(JSON.stringify(masked({ Notes: NOTES }))).join()).toContain("a name: a-z");
  });

  it("is told where its pattern goes wrong, to the character", () => {
    const text = `version: 1
masks:
  number:
    keywords: [EMP-]
    pattern: 'EMP-[0-9]{6}(?!x)'
  other: { keywords: [ABC], pattern: "ABC(" }
`;
    expect(problemsOf(text)).toEqual([
      "5:27 masks.number.pattern: a pattern in RE2's syntax",
      "6:39 masks.other.pattern: a pattern in RE2's syntax",
    ]);
  });
});

describe("a rule's mask and record", () => {
  it("name masks of the file, or the built-in ones", () => {
    expect(problemsOf(JSON.stringify(masked({ number: NUMBER }, { mask: ["secrets", "number", "iban"] })))).toEqual([]);
    const [problem = ""] = problemsOf(JSON.stringify(masked({ number: NUMBER }, { mask: ["secrets", "numbers"] })));
    expect(problem).toContain("rules[0].mask[1]: a mask of this file");
  });

  const decided = (policy: Policy): Parameters<typeof extentOf>[0] => withoutBody(decide(policy, asking()));
  const settingsOf = (policy: Policy): Parameters<typeof termsOf>[2] => {
    const settings = policy.connections.get("registry");
    if (settings === undefined) throw new TypeError("no connection");
    return settings;
  };

  it("say how much is recorded, in place of the connection", () => {
    const extent = (parts: Parts, connection: Parts): unknown => {
      const policy = policyOf(masked({}, parts, connection));
      return extentOf(decided(policy), settingsOf(policy));
    };
    expect(extent({}, {})).toBe("full");
    expect(extent({}, { record: "metadata" })).toBe("metadata");
    expect(extent({ record: { head: 5 } }, { record: "metadata" })).toEqual({ head: 5 });
    expect(extent({ record: "full" }, { record: { head: 5 } })).toBe("full");
    expect(extent({ effect: "deny", record: "full" }, { record: "metadata" })).toBe("metadata");
    expect(extent({ effect: "needs-approval", record: { head: 5 } }, { record: "metadata" })).toEqual({ head: 5 });
  });

  it("say what is masked towards the caller, compiled once for the same list", () => {
    const plan = (policy: Policy): unknown => callerPlan(decided(policy), settingsOf(policy));
    const policy = policyOf(masked({ number: NUMBER, notes: NOTES }, { mask: ["number"] }));
    expect(plan(policy)).not.toBe(null);
    expect(plan(policy)).toBe(plan(policy));
    expect(plan(policyOf(masked({ number: NUMBER }, { effect: "needs-approval", mask: ["number"] })))).not.toBe(null);
    expect(plan(policyOf(masked({ number: NUMBER })))).toBe(null);
    expect(plan(policyOf(masked({}, { effect: "deny", mask: ["secrets"] })))).toBe(null);
  });

  it("are terms: what is under way does not stand once they are others", () => {
    const before = policyOf(masked({ number: NUMBER }, { mask: ["number"] }));
    const terms = termsOf(before, decided(before), settingsOf(before));
    const standsUnder = (value: unknown): boolean => stands(policyOf(value), asking(), terms);
    expect(standsUnder(masked({ number: NUMBER }, { mask: ["number"], description: "other words" }))).toBe(true);
    expect(standsUnder(masked({ number: NUMBER }, { mask: ["number"], id: "renamed" }))).toBe(true);
    expect(standsUnder(masked({ number: NUMBER }, { mask: [] }))).toBe(false);
    expect(standsUnder(masked({ number: NUMBER }, { mask: ["number", "secrets"] }))).toBe(false);
    expect(standsUnder(masked({ number: { ...NUMBER, pattern: "EMP-[0-9]+" } }, { mask: ["number"] }))).toBe(false);
    expect(standsUnder(masked({ number: NUMBER, notes: NOTES }, { mask: ["number"] }))).toBe(false);
    expect(standsUnder(masked({ number: NUMBER }, { mask: ["number"], record: "metadata" }))).toBe(false);
    expect(standsUnder(masked({ number: NUMBER }, { mask: ["number"] }, { upstream: "https://other.example" }))).toBe(
      false,
    );
    expect(standsUnder(masked({ number: NUMBER }, { mask: ["number"], effect: "deny" }))).toBe(false);
    // A rule that now reads a body which nobody kept cannot be asked.
    const unread = { ...asking(), body: { kind: "unread" } as const };
    const reads = policyOf(masked({ number: NUMBER }, { mask: ["number"], when: "!has(command.json)" }));
    expect(stands(reads, unread, terms)).toBe(false);
    expect(stands(reads, { ...unread, body: { kind: "none" } }, terms)).toBe(true);
  });
});

test("what changes of masks and of what is recorded is named by a diff", () => {
  const before = policyOf(masked({ number: NUMBER, old: NOTES }, { mask: ["number"] }));
  const after = policyOf(
    masked(
      { number: { ...NUMBER, pseudonym: true }, fresh: NOTES },
      { mask: ["number", "secrets"] },
      { record: { head: 7 }, framing: ["https://wiki.example"] },
    ),
  );
  const diff = diffPolicies(before, after, 0);
  expect(diff.masks).toEqual({
    added: ["fresh"],
    removed: ["old"],
    changed: [{ name: "number", members: [{ member: "pseudonym", before: ["false"], after: ["true"] }] }],
  });
  expect(diff.connections.changed[0]?.members).toEqual([
    { member: "record", before: ["full"], after: ["head 7"] },
    { member: "framing", before: ["none"], after: ["https://wiki.example"] },
  ]);
  expect(diff.rules.changed[0]?.members).toEqual([
    { member: "obligations", before: ["mask number"], after: ["mask number, secrets"] },
  ]);
  expect(diff.isSame).toBe(false);
});
