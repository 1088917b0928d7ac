// docs/policy.md against the language: every policy it shows is one and does what its examples say, and
// its tables name what there is.

import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Digest } from "../../core/ids.ts";
import { MAX_WAITING_BODY } from "../../core/policy/approve_schema.ts";
import { MAX_NODES, VARIABLES } from "../../core/policy/cel/environment.ts";
import { MAX_STEPS } from "../../core/policy/condition.ts";
import { MAX_RULES } from "../../core/policy/file_schema.ts";
import { type Policy, parsePolicy } from "../../core/policy/policy.ts";
import { MAX_TEXT } from "../../core/policy/read_yaml.ts";
import { analyse } from "../../core/policy/tooling/analysis.ts";
import { runExamples } from "../../core/policy/tooling/examples.ts";
import { WARNING_CODES } from "../../core/policy/tooling/warning.ts";
import { policySchema } from "../../scripts/policy_schema.ts";
import { blocksOf, sectionOf, textOf } from "./text.ts";

const page = textOf("docs/policy.md");

function parsed(text: string): Policy {
  const policy = parsePolicy(text, createHash("sha256").update(text).digest("hex") as Digest);
  if (!policy.ok) throw new Error(JSON.stringify(policy.problems));
  return policy.value;
}

describe.each(blocksOf(page, "yaml").map((text, index) => [index + 1, text] as const))(
  "policy %i of the page",
  (_, text) => {
    test("is one, does what its examples say, and gives no reason to warn", () => {
      const policy = parsed(text);
      const results = runExamples(policy, Date.UTC(2026, 10, 24, 10));
      expect(results.length).toBeGreaterThan(1);
      expect(results.filter(({ passed }) => !passed)).toEqual([]);
      expect(analyse(policy, text)).toEqual([]);
    });
  },
);

/** The names that a table's first column has in back quotes, also several of them. */
function names(section: string): readonly string[] {
  const cells = [...section.matchAll(/^\| (`[^|]*) \|/gm)].map(([, cell = ""]) => cell);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name));
}

interface Described {
  readonly properties: Readonly<Record<string, Described>>;
  readonly items: Described;
  readonly additionalProperties: Described;
  readonly oneOf?: readonly Described[];
}

describe("docs/policy.md", () => {
  const schema = policySchema() as unknown as Described;
  const [file = "", connection = "", rule = ""] = sectionOf(page, "## Members").split(/^A \*\*\w+\*\*/m);

  test("has a row for each member of the file, of a connection and of a rule", () => {
    const members = (node: Described | undefined): readonly string[] => Object.keys(node?.properties ?? {}).sort();
    expect([...names(file)].sort()).toEqual(members(schema).filter((name) => name !== "$schema"));
    expect([...names(connection)].sort()).toEqual(members(schema.properties.connections?.additionalProperties));
    expect([...names(rule)].sort()).toEqual(members(schema.properties.rules?.items));
  });

  test("has a row for each member of an approval, and of where people are told", () => {
    const section = sectionOf(page, "## Approvals");
    const { rules, notify } = schema.properties;
    const approve = Object.keys(rules?.items.properties.approve?.properties ?? {});
    const [webhook] = notify?.additionalProperties.oneOf ?? [];
    const target = Object.keys(webhook?.properties ?? {});
    expect([approve.length, target.length]).toEqual([13, 3]);
    expect([...names(section)].sort()).toEqual([...approve, ...target].sort());
  });

  test("names each member of an example", () => {
    const example = rule.slice(rule.indexOf("**example**"));
    for (const name of Object.keys(schema.properties.examples?.items.properties ?? {}))
      expect(example).toContain(`\`${name}\``);
  });

  test("has a row for each variable of a condition, with its members", () => {
    const section = sectionOf(page, "## Conditions");
    for (const [variable, members] of Object.entries(VARIABLES)) {
      const row = section.split("\n").find((line) => line.startsWith(`| \`${variable}\` |`));
      for (const member of Object.keys(members)) expect(row).toContain(`\`${member}\``);
    }
    expect(section).toContain("| `now` |");
  });

  test("has a row for each warning", () => {
    expect([...names(sectionOf(page, "## Warnings"))].sort()).toEqual([...WARNING_CODES].sort());
  });

  test("states the limits that hold", () => {
    const section = sectionOf(page, "## Limits");
    expect(section).toContain(`${MAX_TEXT / 1024} KiB`);
    for (const limit of [MAX_RULES, MAX_NODES, MAX_STEPS, MAX_WAITING_BODY])
      expect(section).toContain(limit.toLocaleString("en"));
  });

  test("says who wins as it is", () => {
    const rows = [...sectionOf(page, "## Who wins").matchAll(/^\| ([^|]+) \| ([^|]+) \|$/gm)].slice(1);
    expect(rows.length).toBeGreaterThan(8);
    for (const [, rules = "", decision = ""] of rows) {
      const written = rules === "none" ? [] : rules.split(", ").map(ruleOf);
      const example = { name: "it", as: { subject: "eve" }, on: "tool", do: "GET /", expect: "deny" };
      const connections = { tool: { protocol: "http", upstream: "https://tool.example", region: "eu" } };
      const policy = parsed(JSON.stringify({ version: 1, connections, rules: written, examples: [example] }));
      const [result] = runExamples(policy, 0);
      const effect = result?.decision.effect.replace("_", "-");
      expect([rules, decision]).toEqual([rules, result?.decision.rule === null ? "denied by default" : effect]);
    }
  });
});

/** `deny at priority 10`, `allow whose condition is false`: as the table writes a rule. */
function ruleOf(text: string, index: number): object {
  const effect = text.split(" ", 1)[0];
  const priority = /at priority (\d+)/.exec(text)?.[1] ?? "0";
  const when = text.includes("cannot be computed") ? { when: "command.json.a == 1" } : {};
  return {
    id: `r${index}`,
    effect,
    priority: Number(priority),
    who: "anyone",
    connections: ["tool"],
    methods: ["GET"],
    routes: ["/**"],
    ...(effect === "needs-approval" ? { approve: { by: [{ groups: ["leads"] }] } } : {}),
    ...(text.includes("condition is false") ? { when: "1 == 2" } : when),
  };
}
