// Expressions put together at random, evaluated here and by the library's own evaluator, which shares
// no code with ours behind the syntax tree: both give the same answer, or both fail.

import { Environment } from "@marcbachmann/cel-js";
import fc from "fast-check";
import { expect, it } from "vitest";
import { policyEnvironment } from "../../../core/policy/cel/environment.ts";
import { Scope } from "../../../core/policy/cel/scope.ts";
import { FAILED } from "../../../core/policy/cel/values.ts";
import { MAX_STEPS, parseExpression } from "../../../core/policy/condition.ts";
import { asking, file, policyOf } from "./sample_policy.ts";

const NAMES = ["i", "s", "l", "m", "d"] as const;
const TYPES = ["int", "string", "list<int>", "map<string, int>", "dyn"] as const;
const VALUES = {
  i: 7n,
  s: "some text",
  l: [1n, 2n, 3n],
  m: new Map([
    ["a", 1n],
    ["b", 2n],
  ]),
  d: { a: [1, "x", null], b: { c: true } },
};

const declare = (environment: Environment): Environment => {
  for (const [index, name] of NAMES.entries()) environment.registerVariable(name, TYPES[index] ?? "dyn");
  return environment;
};

const { bool } = fc.letrec<{ bool: string; int: string; text: string; list: string; dyn: string }>((tie) => {
  const pair = (a: string, op: fc.Arbitrary<string>, b: string): fc.Arbitrary<string> =>
    fc.tuple(tie(a as "bool"), op, tie(b as "bool")).map(([x, sign, y]) => `(${x} ${sign} ${y})`);
  const one = (a: string, to: (x: string) => string): fc.Arbitrary<string> => tie(a as "bool").map(to);
  return {
    bool: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom("true", "false"),
      pair("bool", fc.constantFrom("&&", "||", "==", "!="), "bool"),
      one("bool", (x) => `!${x}`),
      pair("int", fc.constantFrom("<", "<=", ">", ">=", "==", "!="), "int"),
      pair("text", fc.constantFrom("<", "<=", ">", ">=", "==", "!="), "text"),
      fc
        .tuple(tie("text"), fc.constantFrom("startsWith", "endsWith", "contains"), tie("text"))
        .map(([x, name, y]) => `${x}.${name}(${y})`),
      pair("int", fc.constant("in"), "list"),
      pair("list", fc.constantFrom("==", "!="), "list"),
      fc
        .tuple(tie("list"), fc.constantFrom("all", "exists", "exists_one"), tie("bool"))
        .map(([x, name, y]) => `${x}.${name}(e, e > 1 && ${y})`),
      fc.tuple(tie("bool"), tie("bool"), tie("bool")).map(([x, y, z]) => `(${x} ? ${y} : ${z})`),
      one("text", (x) => `${x} in m`),
      fc.constantFrom(
        "has(m.a)",
        "has(m.z)",
        "has(d.a)",
        "has(d.z)",
        "has(d.b.c)",
        "d.b.c",
        "d.z.y",
        "d.a[0] == 1.0",
        "d.a[9] == 1.0",
        `d.a[1] == "x"`,
      ),
    ),
    int: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom("0", "1", "-3", "9223372036854775807", "i", `m["a"]`, `m["z"]`, "l[0]", "l[3]", "m.b"),
      pair("int", fc.constantFrom("+", "-", "*", "/", "%"), "int"),
      one("text", (x) => `size(${x})`),
      one("list", (x) => `${x}.size()`),
      one("list", (x) => `${x}[0]`),
    ),
    text: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(`""`, `"a"`, `"text"`, "s", `"\\u00e9\\U0001F600"`),
      pair("text", fc.constant("+"), "text"),
      one("int", (x) => `string(${x})`),
    ),
    list: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom("l", "[1]", "[5, 6]"),
      fc.tuple(tie("list"), tie("int")).map(([x, y]) => `${x}.map(e, e + ${y})`),
      fc.tuple(tie("list"), tie("bool")).map(([x, y]) => `${x}.filter(e, e > 0 || ${y})`),
      pair("list", fc.constant("+"), "list"),
    ),
    dyn: fc.constant("d"),
  };
});

it("answers as the library's own evaluator does", () => {
  const [ours, theirs] = [declare(policyEnvironment().clone()), declare(new Environment())];
  const connection = policyOf(file()).connections.get("registry");
  let answered = 0;
  fc.assert(
    fc.property(bool, (text) => {
      const parsed = parseExpression(text, ours, null, NAMES);
      // Too large, or comprehensions within one another that take each other's variable.
      if (!parsed.ok || connection === undefined) return;
      const scope = new Scope(asking(), connection, MAX_STEPS);
      for (const [index, name] of NAMES.entries()) scope.locals[index] = VALUES[name];
      let wanted: unknown;
      try {
        wanted = theirs.evaluate(text, VALUES);
      } catch {
        wanted = FAILED;
      }
      answered++;
      expect(parsed.condition.step(scope), text).toBe(wanted);
    }),
    { numRuns: 1500 },
  );
  expect(answered).toBeGreaterThan(500);
});
