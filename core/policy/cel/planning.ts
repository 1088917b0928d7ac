// What planning an expression knows and finds, and the few questions that all parts of it ask.

import type { ASTNode } from "@marcbachmann/cel-js";
import { VARIABLES } from "./environment.ts";
import type { Step } from "./scope.ts";
import { FAILED } from "./values.ts";

export interface Planning {
  /** Plans a node within another one. */
  readonly plan: (node: ASTNode, planning: Planning) => Step;
  /** Names of the comprehensions' variables, by their place in `Scope.locals`. */
  readonly locals: string[];
  /** Captures that the rule's routes have; null if any name will do. */
  readonly captures: ReadonlySet<string> | null;
  readonly problems: { readonly at: number; readonly expected: string }[];
  readsBody: boolean;
  readsRoute: boolean;
  /** Nodes planned so far: what one evaluation without any loop costs. */
  nodes: number;
}

const failed: Step = () => FAILED;

/** `at`: index in the text, of the node's beginning unless another place says more. */
export function problem(planning: Planning, node: ASTNode, expected: string, at: number = node.start): Step {
  planning.problems.push({ at, expected });
  return failed;
}

/** The variable that a node is, if it is one with members. */
export function variableOf(node: ASTNode, planning: Planning): string | null {
  if (node.op !== "id" || planning.locals.includes(node.args)) return null;
  return Object.hasOwn(VARIABLES, node.args) ? node.args : null;
}

/** Whether a node is `command.route`. */
export function isRoute(node: ASTNode, planning: Planning): boolean {
  return node.op === "." && node.args[1] === "route" && variableOf(node.args[0], planning) === "command";
}
