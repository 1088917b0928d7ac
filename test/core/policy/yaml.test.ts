// The policy's text: YAML with every problem's place, and hostile YAML, which is refused before
// anything that recurses sees it.

import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { parsePolicy, type PolicyProblem } from "../../../core/policy/policy.ts";
import { MAX_PROBLEMS } from "../../../core/policy/problem.ts";
import { MAX_TEXT, readYaml } from "../../../core/policy/read_yaml.ts";
import { file, HASH, rule } from "./sample_policy.ts";

const POLICY = `# What people may do with the registry.
version: 1
description: the registry's policy
roles:
  lead: { groups: [leads] }   # by the directory
connections:
  registry:
    protocol: http
    upstream: https://npm.example.net
    region: eu
    labels: [npm]
rules:
  - id: leads-publish
    description: >-
      Leads publish
      in working hours.
    effect: allow
    who: { roles: [lead] }
    connections: { labels: [npm] }
    methods: [PUT, DELETE]
    routes: ["/{package}"]
    when: |
      command.route.package.startsWith("@acme%2F") &&
        now.getHours("Europe/Berlin") >= 8
    message: Not now.
examples:
  - name: a lead publishes
    as: { subject: bob, groups: [leads] }
    do: PUT /@acme%2Fthing?tag=1
    on: registry
    with:
      headers: { x-env: prod }
      json: { dist-tags: { latest: 1.0.0 }, private: false }
      address: 10.0.0.1
      time: 2026-11-24T10:00:00Z
    expect: allow
    by: leads-publish
`;

function problemsOf(text: string): readonly PolicyProblem[] {
  const parsed = parsePolicy(text, HASH);
  return parsed.ok ? [] : parsed.problems;
}

/** The problems of the policy above with one thing replaced in it, by line and column. */
function placesOf(search: string, replacement: string): string[] {
  const text = POLICY.replace(search, replacement);
  if (text === POLICY) throw new TypeError(search);
  return problemsOf(text).map(({ path, line, column }) => `${line}:${column} ${path}`);
}

describe("a policy in YAML", () => {
  it("is read, with where its rules and examples stand", () => {
    const parsed = parsePolicy(POLICY, HASH);
    expect(problemsOf(POLICY)).toEqual([]);
    if (!parsed.ok) return;
    const { description, rules, examples } = parsed.value;
    expect(description).toBe("the registry's policy");
    expect(rules[0]).toMatchObject({
      id: "leads-publish",
      line: 13,
      column: 5,
      description: "Leads publish in working hours.",
      message: "Not now.",
      labels: ["npm"],
      when: { line: 23, column: 7, readsBody: false },
    });
    expect(examples).toEqual([
      {
        name: "a lead publishes",
        line: 27,
        column: 5,
        as: {
          issuer: null,
          subject: "bob",
          name: null,
          email: null,
          emailVerified: false,
          groups: ["leads"],
          authTime: null,
          methods: [],
          actors: [],
        },
        method: "PUT",
        target: "/@acme%2Fthing?tag=1",
        path: "/@acme%2Fthing",
        query: "tag=1",
        connection: "registry",
        headers: [["x-env", "prod"]],
        body: { kind: "json", value: { "dist-tags": { latest: "1.0.0" }, private: false } },
        message: null,
        address: "10.0.0.1",
        time: Date.UTC(2026, 10, 24, 10),
        expect: "allow",
        by: "leads-publish",
      },
    ]);
  });

  it("may be JSON, which YAML includes, on one line or on many, with tabs and escapes", () => {
    for (const text of [JSON.stringify(file()), JSON.stringify(file(), null, 2), JSON.stringify(file(), null, "\t")])
      expect(problemsOf(text)).toEqual([]);
    const escaped = JSON.stringify(file({ rules: [rule({ who: { groups: ["é\u{1f600}"] } })] }))
      .replace("é", "\\u00e9")
      .replace("\u{1f600}", "\\ud83d\\ude00");
    const parsed = parsePolicy(escaped, HASH);
    expect(parsed.ok && [...(parsed.value.rules[0]?.groups ?? [])]).toEqual(["é\u{1f600}"]);
  });

  it("reads words as YAML 1.2 does: no `yes`, no `on`, no dates, no octal numbers by a leading zero", () => {
    const read = readYaml("a: yes\nb: on\nc: 2026-11-24\nd: 010\ne: ~\nf: 1.0.0\ng: 1_000\nno: no\n");
    expect(read.ok && read.value.value).toEqual({
      a: "yes",
      b: "on",
      c: "2026-11-24",
      d: 10,
      e: null,
      f: "1.0.0",
      g: "1_000",
      no: "no",
    });
  });
});

describe("a problem has its line and column", () => {
  test.each([
    ["a value", "effect: allow\n    who", "effect: alow\n    who", ["17:13 rules[0].effect"]],
    ["an item of a list", "[PUT, DELETE]", "[PUT, delete]", ["20:20 rules[0].methods[1]"]],
    ["a name that is not known", "groups: [leads] }   #", "group: [leads] }   #", ["5:11 roles.lead.group"]],
    [
      "something that is missing, by what it is missing in",
      "    region: eu\n",
      "",
      ["7:3 connections.registry.region"],
    ],
    ["a name that is used and not defined", "roles: [lead] }", "roles: [lad] }", ["18:20 rules[0].who.roles[0]"]],
    ["labels that no connection has", "labels: [npm] }", "labels: [npn] }", ["19:20 rules[0].connections.labels"]],
    ["a condition in a block", ">= 8", ">= '8'", ["24:9 rules[0].when"]],
    [
      "a condition on one line",
      'when: |\n      command.route.package.startsWith("@acme%2F") &&\n        now.getHours("Europe/Berlin") >= 8',
      "when: now.getHours() >= hour",
      ["22:29 rules[0].when"],
    ],
    [
      "a condition in quotes",
      'when: |\n      command.route.package.startsWith("@acme%2F") &&\n        now.getHours("Europe/Berlin") >= 8',
      "when: 'now.getHours() >= hour'",
      ["22:30 rules[0].when"],
    ],
    [
      "a folded condition, by its beginning",
      "when: |\n",
      'when: >\n      princpal.subject == "a" &&\n',
      ["22:11 rules[0].when"],
    ],
    ["an example's rule", "by: leads-publish", "by: leads-publsh", ["37:9 examples[0].by"]],
    ["an example's command", "do: PUT /@acme%2Fthing?tag=1", "do: PUT @acme", ["29:9 examples[0].do"]],
    ["an example's command that climbs", "do: PUT /@acme%2Fthing?tag=1", "do: PUT /../x", ["29:9 examples[0].do"]],
    [
      "an example's header that no caller's could be",
      "x-env: prod",
      "X-Env: prod",
      ["32:18 examples[0].with.headers.X-Env"],
    ],
    ["the rule that would stand for no rule", "id: leads-publish", "id: default", ["13:9 rules[0].id"]],
    ["a message on two lines", "message: Not now.", 'message: "Not\\nnow."', ["25:14 rules[0].message"]],
    [
      "a priority too high",
      "effect: allow\n    who",
      "effect: allow\n    priority: 1001\n    who",
      ["18:15 rules[0].priority"],
    ],
    [
      "a priority that is no whole number",
      "effect: allow\n    who",
      "effect: allow\n    priority: 1.5\n    who",
      ["18:15 rules[0].priority"],
    ],
    ["a who that is neither", "who: { roles: [lead] }", "who: everyone", ["18:10 rules[0].who"]],
    [
      "a limit past what is ever read",
      "region: eu\n",
      "region: eu\n    json_limit: 1048577\n",
      ["11:17 connections.registry.json_limit"],
    ],
    ["an obligation that is none", "message: Not now.", "record: { head: 0 }", ["25:21 rules[0].record.head"]],
    ["wrong YAML", "roles:\n", "roles: [\n", ["6:1 "]],
  ])("%s", (_, search, replacement, places) => {
    expect(placesOf(search, replacement)).toEqual(places);
  });

  it("and all of them are found at once, in the file's order", () => {
    const text = POLICY.replace("effect: allow\n    who", "effect: alow\n    who")
      .replace("region: eu", "region: EU")
      .replace("expect: allow", "expect: ok");
    expect(problemsOf(text).map(({ path }) => path)).toEqual([
      "connections.registry.region",
      "rules[0].effect",
      "examples[0].expect",
    ]);
    const dangling = POLICY.replace("roles: [lead] }", "roles: [lad] }")
      .replace(">= 8", ">= '8'")
      .replace("by: leads-publish", "by: x");
    expect(problemsOf(dangling).map(({ path }) => path)).toEqual([
      "rules[0].who.roles[0]",
      "rules[0].when",
      "examples[0].by",
    ]);
  });

  it(`up to ${MAX_PROBLEMS}`, () => {
    const rules = Array.from({ length: 80 }, (_, i) => rule({ id: `r${i}`, effect: "perhaps" }));
    expect(problemsOf(JSON.stringify(file({ rules })))).toHaveLength(MAX_PROBLEMS);
    const conditions = Array.from({ length: 80 }, (_, i) => rule({ id: `r${i}`, when: "x == 1" }));
    expect(problemsOf(JSON.stringify(file({ rules: conditions })))).toHaveLength(MAX_PROBLEMS);
    expect(problemsOf("- &a x\n".repeat(100))).toHaveLength(MAX_PROBLEMS);
  });
});

describe("what could be read in two ways is refused", () => {
  test.each([
    ["an anchor", "version: &v 1", "no anchors"],
    ["an alias", "version: 1\nroles: *r", "no aliases"],
    ["a merge key", "version: 1\nroles: { <<: { a: { groups: [b] } } }", "no merge keys"],
    ["a tag", "version: !!int 1", "no tags"],
    ["a tag of another kind", "version: !<tag:yaml.org,2002:str> 1", "no tags"],
    ["a directive", "%YAML 1.1\n---\nversion: 1", "no directives"],
    ["two documents", "version: 1\n---\nversion: 1", "one document"],
    ["two documents, one of them empty", "---\n---\nversion: 1", "one document"],
    ["a document after an end", "version: 1\n...\nversion: 1", "one document"],
    ["a name twice", "version: 1\nversion: 1", "each name once"],
    ["a name twice, once in quotes", 'version: 1\n"version": 1', "each name once"],
    ["a name twice, once escaped", 'version: 1\n"\\x76ersion": 1', "each name once"],
    ["a name twice, in a flow", "version: 1\nroles: { a: {}, a: {} }", "each name once"],
    ["a number as a name", "version: 1\nroles: { 1: {} }", "a name that is text"],
    ["no name", "version: 1\nroles: { ? : {} }", "a name that is text"],
    ["a list as a name", "version: 1\nroles: { [a]: {} }", "a name that is text"],
    ["a byte order mark", "\ufeffversion: 1", "no byte order mark"],
    ["a control character", "version: 1 # \u0007", "no control characters"],
    ["the lexer's own mark", "version: 1\n\u0018\u001f", "no control characters"],
  ])("%s", (_, text, expected) => {
    expect(problemsOf(text)[0]?.expected).toBe(expected);
  });

  test.each(["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"])(
    "a name that objects inherit, anywhere: %s",
    (name) => {
      for (const text of [
        `${name}: 1`,
        `version: 1\nroles: { ${name}: { groups: [a] } }`,
        `version: 1\nrules: [{ "${name}": 1 }]`,
        `version: 1\nexamples: [{ with: { json: { a: [{ ${name}: 1 }] } } }]`,
      ])
        expect(problemsOf(text)[0]?.expected).toBe("a name that objects do not inherit");
    },
  );
});

describe("hostile text is refused before it is composed", () => {
  const bomb = Array.from(
    { length: 20 },
    (_, i) => `a${i}: &a${i} [${Array.from({ length: 20 }, () => `*a${i - 1}`).join()}]`,
  ).join("\n");
  test.each([
    ["a million brackets", "[".repeat(500_000), "at most 64 levels"],
    ["a million braces", "{a: ".repeat(120_000), "at most 64 levels"],
    ["a million dashes", `${"- ".repeat(250_000)}x`, "at most 64 levels"],
    ["a million question marks", "? ".repeat(250_000), "at most 64 levels"],
    [
      "levels by indentation",
      Array.from({ length: 700 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"),
      "at most 64 levels",
    ],
    [
      "levels by dashes on lines",
      Array.from({ length: 700 }, (_, i) => `${" ".repeat(i)}-`).join("\n"),
      "at most 64 levels",
    ],
    [
      "levels of both kinds",
      `${Array.from({ length: 60 }, (_, i) => `${" ".repeat(i)}a:`).join("\n")} ${"[".repeat(10)}`,
      "at most 64 levels",
    ],
    ["an alias bomb", bomb, "no anchors"],
    ["very many anchors", "- &a x\n".repeat(70_000), "no anchors"],
    ["nothing but commas", `[${",".repeat(500_000)}`, "at most 250000 words and signs"],
    ["a hundred thousand documents", "---\n".repeat(100_000), "one document"],
    ["a text past the limit", `# ${"a".repeat(MAX_TEXT)}`, "at most 512 KiB"],
    ["a text past the limit in bytes only", `# ${"é".repeat(MAX_TEXT / 2)}`, "at most 512 KiB"],
  ])("%s", (_, text, expected) => {
    expect(problemsOf(text)[0]?.expected).toBe(expected);
  });

  it("sixty-four levels are accepted, sixty-five are not", () => {
    const levels = (n: number): string => `${"[".repeat(n)}${"]".repeat(n)}`;
    expect(readYaml(levels(64)).ok).toBe(true);
    expect(readYaml(levels(65)).ok).toBe(false);
  });

  it("names by the ten thousands are compared once each, and a name twice among them is found", () => {
    const names = Array.from({ length: 30_000 }, (_, i) => `k${i}: 1`);
    expect(readYaml(names.join("\n")).ok).toBe(true);
    expect(readYaml([...names, "k0: 1"].join("\n")).ok).toBe(false);
  });
});

it("any change of the text gives a policy or problems with places within it, never an exception", () => {
  const piece = fc.oneof(
    fc.string({ unit: "binary", maxLength: 6 }),
    fc.constantFrom(
      "- ",
      ": ",
      "? ",
      "[",
      "]",
      "{",
      "}",
      "|\n",
      ">-\n",
      "&a ",
      "*a ",
      "!!",
      "---\n",
      "...\n",
      "%",
      "#",
      "\t",
      '"',
      "'",
      "\\",
      ",",
      "\r\n",
      "  ",
    ),
  );
  fc.assert(
    fc.property(fc.nat(POLICY.length), fc.nat(8), piece, (at, drop, insert) => {
      const text = POLICY.slice(0, at) + insert + POLICY.slice(at + drop);
      const lines = text.split("\n").length;
      for (const { line, column } of problemsOf(text)) {
        expect(line).toBeGreaterThan(0);
        expect(column).toBeGreaterThan(0);
        expect(line).toBeLessThanOrEqual(lines);
      }
    }),
    { numRuns: 1500 },
  );
});
