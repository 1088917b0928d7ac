// From a checked expression to closures that evaluate it. The library parses and checks types; this is
// evaluated here, because its own evaluator cannot be stopped, keeps a type for every shape of JSON it
// has seen, and takes inherited members for present ones (docs/decisions/0012-cel-by-cel-js.md).

import type { ASTNode } from "@marcbachmann/cel-js";
import { arithmetic, negate } from "./arithmetic.ts";
import { VARIABLES } from "./environment.ts";
import { planCall, planMethod } from "./plan_calls.ts";
import { membership } from "./functions.ts";
import { isRoute, type Planning, problem, variableOf } from "./planning.ts";
import { READERS, type Scope, type Step } from "./scope.ts";
import { compare, equals, FAILED, hasMembers, keyOf, memberOf, NOTHING, Optional } from "./values.ts";

export function plan(node: ASTNode, planning: Planning): Step {
  planning.nodes++;
  switch (node.op) {
    case "value":
      return planValue(node, planning);
    case "id":
      return planName(node, node.args, planning);
    case ".":
      return planSelect(node, node.args[0], node.args[1], false, planning);
    case ".?":
      return planSelect(node, node.args[0], node.args[1], true, planning);
    case "[]":
    case "[?]":
      return planIndex(node, node.args[0], node.args[1], node.op === "[?]", planning);
    case "call":
      return planCall(node, node.args[0], node.args[1], planning);
    case "rcall":
      return planMethod(node, node.args[0], node.args[1], node.args[2], planning);
    case "list":
      return planList(node.args, planning);
    case "map":
      return planMap(node.args, planning);
    case "?:":
      return planTernary(node.args, planning);
    case "||":
      return planLogical(true, node.args, planning);
    case "&&":
      return planLogical(false, node.args, planning);
    case "!_":
      return planNot(node.args, planning);
    case "-_": {
      const operand = plan(node.args, planning);
      return (scope) => negate(operand(scope));
    }
    case "!=":
    case "==":
      return planEquals(node.op === "==", node.args, planning);
    case "<":
    case "<=":
    case ">":
    case ">=":
      return planCompare(node.op, node.args, planning);
    case "+":
    case "-":
    case "*":
    case "/":
    case "%": {
      const { op } = node;
      return planBoth(node.args, planning, (a, b, scope) => arithmetic(op, a, b, scope));
    }
    case "in":
      return planBoth(node.args, planning, membership);
  }
}

function planValue(node: Extract<ASTNode, { op: "value" }>, planning: Planning): Step {
  const value = node.args;
  if (typeof value === "object" && value !== null) return problem(planning, node, "no bytes and no unsigned numbers");
  return () => value;
}

function planName(node: ASTNode, name: string, planning: Planning): Step {
  const place = planning.locals.lastIndexOf(name);
  if (place >= 0) return (scope) => scope.locals[place];
  if (Object.hasOwn(VARIABLES, name))
    return problem(planning, node, `a member of ${name}: ${Object.keys(VARIABLES[name] ?? {}).join(", ")}`);
  return READERS.get(name) ?? problem(planning, node, "a variable");
}

function planSelect(node: ASTNode, operand: ASTNode, name: string, optional: boolean, planning: Planning): Step {
  const variable = variableOf(operand, planning);
  if (variable !== null) {
    const reader = READERS.get(`${variable}.${name}`);
    if (reader === undefined) return problem(planning, node, `a member of ${variable}`, node.pos);
    if (variable === "command" && name === "json") planning.readsBody = true;
    if (variable === "command" && name === "route") planning.readsRoute = true;
    return optional ? (scope) => optionalOf(reader(scope)) : reader;
  }
  return planMember(node, operand, name, optional, planning);
}

function planIndex(node: ASTNode, operand: ASTNode, key: ASTNode, optional: boolean, planning: Planning): Step {
  if (variableOf(operand, planning) !== null) return problem(planning, operand, "a member by its name");
  if (key.op === "value" && typeof key.args === "string")
    return planMember(node, operand, key.args, optional, planning);
  const at = plan(key, planning);
  const around = plan(operand, planning);
  return (scope) => {
    const value = around(scope);
    const found = value === FAILED ? FAILED : at(scope);
    return found === FAILED ? FAILED : member(value, found, optional);
  };
}

function planMember(node: ASTNode, operand: ASTNode, name: string, optional: boolean, planning: Planning): Step {
  if (isRoute(operand, planning)) {
    planning.readsRoute = true;
    if (planning.captures !== null && !planning.captures.has(name))
      return problem(
        planning,
        node,
        `a capture of this rule's routes: ${[...planning.captures].join(", ") || "they have none"}`,
        node.pos,
      );
    return optional ? (scope) => optionalOf(scope.capture(name)) : (scope) => scope.capture(name);
  }
  const around = plan(operand, planning);
  if (optional) return (scope) => member(around(scope), name, true);
  return (scope) => {
    const value = around(scope);
    // The most frequent kind by far.
    if (value instanceof Map) return value.has(name) ? value.get(name) : FAILED;
    return member(value, name, false);
  };
}

function member(value: unknown, key: unknown, optional: boolean): unknown {
  if (value === FAILED) return FAILED;
  // What is selected of an optional is optional, too.
  if (value instanceof Optional) return value.isPresent ? member(value.value, key, true) : NOTHING;
  const found = memberOf(value, key);
  if (!optional) return found;
  return found !== FAILED || hasMembers(value) ? optionalOf(found) : FAILED;
}

function optionalOf(found: unknown): unknown {
  return found === FAILED ? NOTHING : new Optional(found, true);
}

function planBoth(
  [left, right]: readonly [ASTNode, ASTNode],
  planning: Planning,
  apply: (a: unknown, b: unknown, scope: Scope) => unknown,
): Step {
  const a = plan(left, planning);
  const b = plan(right, planning);
  return (scope) => {
    const x = a(scope);
    if (x === FAILED) return FAILED;
    const y = b(scope);
    return y === FAILED ? FAILED : apply(x, y, scope);
  };
}

function planEquals(wanted: boolean, [left, right]: readonly [ASTNode, ASTNode], planning: Planning): Step {
  const a = plan(left, planning);
  const b = plan(right, planning);
  return (scope) => {
    const x = a(scope);
    const y = b(scope);
    if (x === FAILED || y === FAILED) return FAILED;
    return (typeof x === "string" && x.length < 64 ? x === y : equals(x, y, scope)) === wanted;
  };
}

function planCompare(operator: "<" | "<=" | ">" | ">=", args: readonly [ASTNode, ASTNode], planning: Planning): Step {
  return planBoth(args, planning, (a, b, scope) => {
    if (typeof a === "string") scope.charge(a.length >> 5);
    const order = compare(a, b);
    if (order === FAILED) return FAILED;
    switch (operator) {
      case "<":
        return order < 0;
      case "<=":
        return order <= 0;
      case ">":
        return order > 0;
      case ">=":
        return order >= 0;
    }
  });
}

/** Commutative: either side decides, even if the other one fails. */
function planLogical(decides: boolean, [left, right]: readonly [ASTNode, ASTNode], planning: Planning): Step {
  const a = plan(left, planning);
  const b = plan(right, planning);
  return (scope) => {
    const x = a(scope);
    if (x === decides) return decides;
    const y = b(scope);
    if (y === decides) return decides;
    return x === !decides && y === !decides ? !decides : FAILED;
  };
}

function planNot(operand: ASTNode, planning: Planning): Step {
  const step = plan(operand, planning);
  return (scope) => {
    const value = step(scope);
    return typeof value === "boolean" ? !value : FAILED;
  };
}

function planTernary([condition, yes, no]: readonly [ASTNode, ASTNode, ASTNode], planning: Planning): Step {
  const [asked, left, right] = [plan(condition, planning), plan(yes, planning), plan(no, planning)];
  return (scope) => {
    const value = asked(scope);
    return typeof value === "boolean" ? (value ? left : right)(scope) : FAILED;
  };
}

function planList(items: readonly ASTNode[], planning: Planning): Step {
  const steps = items.map((item) => plan(item, planning));
  return (scope) => {
    const values: unknown[] = [];
    for (const step of steps) {
      const value = step(scope);
      if (value === FAILED) return FAILED;
      values.push(value);
    }
    return values;
  };
}

function planMap(entries: readonly (readonly [ASTNode, ASTNode])[], planning: Planning): Step {
  const steps = entries.map(([key, value]) => [plan(key, planning), plan(value, planning)] as const);
  return (scope) => {
    const values = new Map<unknown, unknown>();
    for (const [key, value] of steps) {
      const name = keyOf(key(scope));
      const held = value(scope);
      const isKey = typeof name === "string" || typeof name === "bigint" || typeof name === "boolean";
      if (!isKey || held === FAILED || values.has(name)) return FAILED;
      values.set(name, held);
    }
    return values;
  };
}
