// Plans the macros that run over lists and over the keys of maps. Every turn is paid for, so that what
// runs over what a caller sent ends (core/policy/condition.ts has the arithmetic).

import type { ASTNode } from "@marcbachmann/cel-js";
import { VARIABLES } from "./environment.ts";
import { type Planning, problem } from "./planning.ts";
import type { Scope, Step } from "./scope.ts";
import { elementsOf, FAILED } from "./values.ts";

/** How deep comprehensions may stand in one another. */
const MAX_NESTED = 3;

export type Macro = "all" | "exists" | "exists_one" | "map" | "filter";
const MACROS: ReadonlySet<string> = new Set<Macro>(["all", "exists", "exists_one", "map", "filter"]);

export function isMacro(name: string): name is Macro {
  return MACROS.has(name);
}

export function planMacro(
  node: ASTNode,
  macro: Macro,
  receiver: ASTNode,
  args: readonly ASTNode[],
  planning: Planning,
): Step {
  const [variable, ...rest] = args;
  if (variable?.op !== "id") return problem(planning, variable ?? node, "a variable's name");
  const name = variable.args;
  if (name === "now" || Object.hasOwn(VARIABLES, name) || planning.locals.includes(name))
    return problem(planning, variable, "a variable's name that is not taken");
  if (planning.locals.length >= MAX_NESTED) return problem(planning, node, `at most ${MAX_NESTED} within one another`);
  const range = planning.plan(receiver, planning);
  const before = planning.nodes;
  const place = planning.locals.push(name) - 1;
  const steps = rest.map((one) => planning.plan(one, planning));
  planning.locals.pop();
  const run: Loop = { range, place, cost: 1 + planning.nodes - before };
  const [first, second] = steps;
  if (first === undefined) return problem(planning, node, "what is asked of each element");
  switch (macro) {
    case "all":
      return quantifier(run, first, false);
    case "exists":
      return quantifier(run, first, true);
    case "exists_one":
      return one(run, first);
    case "map":
      return second === undefined ? collected(run, null, first) : collected(run, first, second);
    case "filter":
      return collected(run, first, (scope) => scope.locals[place]);
  }
}

interface Loop {
  readonly range: Step;
  /** Of its variable in `Scope.locals`. */
  readonly place: number;
  /** Steps that each turn takes: one, and one for each node of its body. */
  readonly cost: number;
}

/** Calls `turn` for each element until it answers something; undefined if it never did. */
function loop(scope: Scope, { range, place, cost }: Loop, turn: (element: unknown) => unknown): unknown {
  const elements = elementsOf(range(scope));
  if (elements === null) return FAILED;
  scope.charge(elements.length);
  for (const element of elements) {
    scope.charge(cost);
    scope.locals[place] = element;
    const answer = turn(element);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

/** One element that decides is enough, even if others fail (CEL, "Macros"). */
function quantifier(run: Loop, predicate: Step, decides: boolean): Step {
  return (scope) => {
    let failures = 0;
    const answer = loop(scope, run, () => {
      const value = predicate(scope);
      if (value === decides) return decides;
      if (value !== !decides) failures++;
      return undefined;
    });
    if (answer !== undefined) return answer;
    return failures > 0 ? FAILED : !decides;
  };
}

function one(run: Loop, predicate: Step): Step {
  return (scope) => {
    let found = 0;
    const answer = loop(scope, run, () => {
      const value = predicate(scope);
      if (value === true) found++;
      return typeof value === "boolean" ? undefined : FAILED;
    });
    return answer ?? found === 1;
  };
}

function collected(run: Loop, predicate: Step | null, transform: Step): Step {
  return (scope) => {
    const values: unknown[] = [];
    const answer = loop(scope, run, () => {
      const kept = predicate === null || predicate(scope);
      if (kept === false) return undefined;
      const value = kept === true ? transform(scope) : FAILED;
      if (value === FAILED) return FAILED;
      values.push(value);
      return undefined;
    });
    return answer ?? values;
  };
}
