// Plans what is called: functions and methods.

import type { ASTNode } from "@marcbachmann/cel-js";
import { RE2JS } from "re2js";
import { VARIABLES } from "./environment.ts";
import { GLOBALS, type Implementation, isInNetwork, matchesGlob, METHODS, parseCidr } from "./functions.ts";
import { isMacro, planMacro } from "./plan_macros.ts";
import { isRoute, type Planning, problem, variableOf } from "./planning.ts";
import type { Step } from "./scope.ts";
import { clockOf, partOf, TIME_PARTS, UTC } from "./times.ts";
import { FAILED, hasMember, Optional } from "./values.ts";

const MAX_PATTERN = 512;
/** Instructions of a compiled pattern; counted repetitions multiply them. */
const MAX_PROGRAM = 1000;

export function planCall(node: ASTNode, name: string, args: readonly ASTNode[], planning: Planning): Step {
  if (name === "has") return planHas(node, args[0], planning);
  const implementation = GLOBALS.get(name);
  if (implementation === undefined) return problem(planning, node, "a function that conditions have");
  return constant(node, name, args, applied(implementation, args, planning), planning);
}

export function planMethod(
  node: ASTNode,
  name: string,
  receiver: ASTNode,
  args: readonly ASTNode[],
  planning: Planning,
): Step {
  if (isMacro(name)) return planMacro(node, name, receiver, args, planning);
  if (variableOf(receiver, planning) === "principal") return planOfPrincipal(node, name, args, planning);
  if (TIME_PARTS.has(name)) return planTimePart(name, receiver, args, planning);
  switch (name) {
    case "inCidr":
      return planInCidr(receiver, args, planning);
    case "matches":
      return planMatches(receiver, args, planning);
    case "glob":
      return planGlob(receiver, args, planning);
    default: {
      const implementation = METHODS.get(name);
      if (implementation === undefined) return problem(planning, node, "a function that conditions have");
      return applied(implementation, [receiver, ...args], planning);
    }
  }
}

/** The checker has seen that there are one or two of them. */
function applied(implementation: Implementation, [first, second]: readonly ASTNode[], planning: Planning): Step {
  if (first === undefined) return () => FAILED;
  const a = planning.plan(first, planning);
  if (second === undefined)
    return (scope) => {
      const x = a(scope);
      return x === FAILED ? FAILED : implementation(x, undefined, scope);
    };
  const b = planning.plan(second, planning);
  return (scope) => {
    const x = a(scope);
    if (x === FAILED) return FAILED;
    const y = b(scope);
    return y === FAILED ? FAILED : implementation(x, y, scope);
  };
}

/** A time that stands in the condition is read once, and found to be none when the policy is read. */
function constant(node: ASTNode, name: string, args: readonly ASTNode[], step: Step, planning: Planning): Step {
  const [literal] = args;
  if ((name !== "timestamp" && name !== "duration") || literal?.op !== "value") return step;
  const value = GLOBALS.get(name)?.(literal.args, undefined, { charge: () => undefined }) ?? FAILED;
  if (value !== FAILED) return () => value;
  const expected = name === "timestamp" ? "a time: 2026-11-24T10:00:00Z" : "a duration: 1h30m, 10s, 250ms";
  return problem(planning, node, expected);
}

/** `has(a.b)`: whether a has b. What stands before the last dot must be there. */
function planHas(node: ASTNode, arg: ASTNode | undefined, planning: Planning): Step {
  if (arg?.op !== ".") return problem(planning, node, "a member: has(a.b)");
  const [operand, name] = arg.args;
  const isVariable = variableOf(operand, planning) !== null;
  if (isVariable || isRoute(operand, planning)) {
    const read = planning.plan(arg, planning);
    return (scope) => read(scope) !== FAILED;
  }
  const around = planning.plan(operand, planning);
  return (scope) => {
    const value = around(scope);
    if (value instanceof Optional) return value.isPresent ? hasMember(value.value, name) : false;
    return value === FAILED ? FAILED : hasMember(value, name);
  };
}

function planOfPrincipal(node: ASTNode, name: string, args: readonly ASTNode[], planning: Planning): Step {
  const [arg] = args;
  if (arg === undefined || (name !== "inGroup" && name !== "hasRole"))
    return problem(planning, node, `a member of principal: ${Object.keys(VARIABLES["principal"] ?? {}).join(", ")}`);
  const wanted = planning.plan(arg, planning);
  if (name === "hasRole")
    return (scope) => {
      const role = wanted(scope);
      return typeof role === "string" ? scope.asked.roles.has(role) : FAILED;
    };
  return (scope) => {
    const group = wanted(scope);
    if (typeof group !== "string") return FAILED;
    scope.charge(scope.asked.principal.groups.length);
    return scope.asked.principal.groups.includes(group);
  };
}

/** What must stand in the condition itself, so that it is checked when the policy is read. */
function literalOf(node: ASTNode | undefined): string | null {
  return node?.op === "value" && typeof node.args === "string" ? node.args : null;
}

function planInCidr(receiver: ASTNode, args: readonly ASTNode[], planning: Planning): Step {
  const text = literalOf(args[0]);
  const network = text === null ? null : parseCidr(text);
  if (network === null) return problem(planning, args[0] ?? receiver, 'a network as text: "10.0.0.0/8"');
  const address = planning.plan(receiver, planning);
  return (scope) => {
    const value = address(scope);
    if (typeof value !== "string") return FAILED;
    // No address is in no network: the platform names none for some calls.
    if (value === "") return false;
    const parsed = scope.addressOf(value);
    return parsed === null ? FAILED : isInNetwork(parsed, network);
  };
}

function planMatches(receiver: ASTNode, args: readonly ASTNode[], planning: Planning): Step {
  const text = literalOf(args[0]);
  const pattern = text === null || text.length > MAX_PATTERN ? null : compilePattern(text);
  if (pattern === null)
    return problem(
      planning,
      args[0] ?? receiver,
      `a pattern as text, in RE2's syntax, of at most ${MAX_PATTERN} characters`,
    );
  const size = pattern.programSize();
  if (size > MAX_PROGRAM) return problem(planning, args[0] ?? receiver, "a pattern with fewer repetitions");
  const subject = planning.plan(receiver, planning);
  return (scope) => {
    const value = subject(scope);
    if (typeof value !== "string") return FAILED;
    // Every instruction may be looked at for every character; four of them are taken for a step.
    scope.charge(1 + Math.ceil((value.length * size) / 4));
    return pattern.test(value);
  };
}

function compilePattern(text: string): RE2JS | null {
  // Repetitions of repetitions multiply while a pattern is compiled, before its size can be asked for.
  let copies = 1;
  for (const [, least, most] of text.matchAll(/\{(\d+)(?:,(\d*))?\}/g))
    copies *= Math.max(Number(least), Number(most ?? 0), 1);
  if (copies > MAX_PROGRAM) return null;
  try {
    return RE2JS.compile(text);
  } catch {
    return null;
  }
}

function planGlob(receiver: ASTNode, args: readonly ASTNode[], planning: Planning): Step {
  const text = literalOf(args[0]);
  if (text === null) return problem(planning, args[0] ?? receiver, 'a pattern as text: "a*b"');
  const pieces = text.split("*");
  const subject = planning.plan(receiver, planning);
  return (scope) => {
    const value = subject(scope);
    return typeof value === "string" ? matchesGlob(pieces, value, scope) : FAILED;
  };
}

function planTimePart(name: string, receiver: ASTNode, args: readonly ASTNode[], planning: Planning): Step {
  const [zone] = args;
  const text = literalOf(zone);
  const clock = zone === undefined ? UTC : text === null ? null : clockOf(text);
  if (clock === null) return problem(planning, zone ?? receiver, 'a time zone as text: "Europe/Berlin", "+02:00"');
  const time = planning.plan(receiver, planning);
  return (scope) => {
    scope.charge(zone === undefined ? 1 : 50);
    return partOf(name, time(scope), clock);
  };
}
