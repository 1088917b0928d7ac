// Conditions of rules: CEL, parsed and checked by the library when the policy is read, evaluated in
// bounded work when a command is decided (core/policy/cel/).
//
// What one decision may cost, in steps (a node evaluated, an element or some dozens of characters
// looked at; around 10 ns each):
//   - MAX_STEPS = 1,000,000 for all conditions of the decision together, so some 10 ms at worst.
//   - Before any loop turns, 1,000 rules × 256 nodes = 256,000 of them are spent at most.
//   - A comprehension takes 1 + the nodes of its body for each element. Over a body of 10,000 values
//     (MAX_JSON_VALUES) with ten nodes asked of each that is 110,000.
//   - A comprehension within another one multiplies: 10,000 × 10,000 is stopped after 1,000,000.
// A condition that runs out of steps fails, and so does every one after it: a failing allow rule does
// not allow, a failing deny rule denies.

import { ParseError, TypeError as CheckError, type ASTNode, type Environment } from "@marcbachmann/cel-js";
import { MAX_DEPTH, MAX_NODES, policyEnvironment } from "./cel/environment.ts";
import { plan } from "./cel/plan.ts";
import type { Planning } from "./cel/planning.ts";
import type { Scope, Step } from "./cel/scope.ts";
import { FAILED } from "./cel/values.ts";

/** Of one decision. */
export const MAX_STEPS: number = 1_000_000;

export interface Condition {
  readonly step: Step;
  /** Steps that one evaluation takes before any loop turns. */
  readonly nodes: number;
  readonly readsBody: boolean;
  readonly readsRoute: boolean;
}

export interface ConditionProblem {
  /** Index of the character in the condition's text. */
  readonly at: number;
  readonly expected: string;
}

export type ParsedCondition =
  | { readonly ok: true; readonly condition: Condition }
  | { readonly ok: false; readonly problems: readonly ConditionProblem[] };

/** `captures`: names that the rule's routes capture. */
export function parseCondition(text: string, captures: ReadonlySet<string>): ParsedCondition {
  return parseExpression(text, policyEnvironment(), captures, []);
}

/** Also for tests, which bring variables of their own as `locals`. */
export function parseExpression(
  text: string,
  environment: Environment,
  captures: ReadonlySet<string> | null,
  locals: readonly string[],
  mayBe: (type: string) => boolean = (type) => type === "bool" || type === "dyn",
): ParsedCondition {
  const wrong = (at: number, expected: string): ParsedCondition => ({ ok: false, problems: [{ at, expected }] });
  let ast: ASTNode;
  try {
    const parsed = environment.parse(text);
    const checked = parsed.check();
    if (!checked.valid) throw checked.error ?? new RangeError();
    if (!mayBe(checked.type ?? "")) return wrong(0, `a condition that is true or false, not ${checked.type ?? ""}`);
    ast = parsed.ast;
  } catch (error) {
    if (error instanceof ParseError || error instanceof CheckError)
      return wrong(error.range?.start ?? error.node?.pos ?? 0, `a condition in CEL: ${saying(error)}`);
    // Too deep for the parser's recursion, or one of its own faults: either way no condition.
    return wrong(0, "a condition in CEL");
  }
  const planning: Planning = {
    plan,
    locals: [...locals],
    captures,
    problems: [],
    readsBody: false,
    readsRoute: false,
    nodes: 0,
  };
  const step = plan(ast, planning);
  if (planning.problems.length > 0) return { ok: false, problems: planning.problems };
  const { readsBody, readsRoute, nodes } = planning;
  return { ok: true, condition: { step, nodes, readsBody, readsRoute } };
}

function saying(error: ParseError | CheckError): string {
  if (error.code === "limit_exceeded") return `simpler, at most ${MAX_NODES} parts and ${MAX_DEPTH} levels`;
  return error.summary.replaceAll(/\s+/g, " ").slice(0, 160);
}

/** FAILED if it could not be evaluated to true or false. Never throws. */
export function evaluate({ step, nodes }: Condition, scope: Scope): boolean | typeof FAILED {
  try {
    scope.charge(nodes);
    const value = step(scope);
    return typeof value === "boolean" ? value : FAILED;
  } catch {
    // Out of steps; or a fault of this code, which must not become an answer either.
    return FAILED;
  }
}
