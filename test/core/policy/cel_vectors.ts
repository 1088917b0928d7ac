// Runs a vector of CEL's conformance suite (cel-spec, as data in @bufbuild/cel-spec) through the code
// that evaluates conditions. Variables of a vector stand where a comprehension's would.

import type { Environment } from "@marcbachmann/cel-js";
import { tests } from "@bufbuild/cel-spec/testdata/conformance.js";
import { policyEnvironment } from "../../../core/policy/cel/environment.ts";
import { Scope } from "../../../core/policy/cel/scope.ts";
import { Duration, FAILED, Optional, Timestamp } from "../../../core/policy/cel/values.ts";
import { MAX_STEPS, parseExpression } from "../../../core/policy/condition.ts";
import { asking, file, policyOf } from "./sample_policy.ts";

export interface Vector {
  /** `file/section/name`. */
  readonly name: string;
  readonly original: Readonly<Record<string, unknown>>;
}

interface Suite {
  readonly name: string;
  readonly suites?: readonly Suite[];
  readonly tests?: readonly { readonly original: Readonly<Record<string, unknown>> }[];
}

export const VECTORS: readonly Vector[] = vectorsOf(tests as unknown as Suite, []);

function vectorsOf(suite: Suite, above: readonly string[]): Vector[] {
  return [
    ...(suite.tests ?? []).map(({ original }) => ({ name: [...above, original["name"]].join("/"), original })),
    ...(suite.suites ?? []).flatMap((one) => vectorsOf(one, [...above, one.name])),
  ];
}

const connection = policyOf(file()).connections.get("registry");

/** Null if the vector holds, else what came instead. */
export function failureOf({ original }: Vector): string | null {
  const types = (original["typeEnv"] ?? []) as readonly { name: string; ident?: { type: unknown } }[];
  const bindings = Object.entries((original["bindings"] ?? {}) as Record<string, { value: JsonValue }>);
  const environment: Environment = policyEnvironment().clone();
  const names = [...new Set([...types.map(({ name }) => name), ...bindings.map(([name]) => name)])];
  const expected = "value" in original ? (original["value"] as JsonValue) : null;
  const typed = (original["typedResult"] as { result?: JsonValue } | undefined)?.result;
  const fails = "evalError" in original;
  let got: unknown;
  try {
    for (const name of names) {
      const type = types.find((one) => one.name === name)?.ident?.type;
      environment.registerVariable(name, type === undefined ? "dyn" : typeOf(type as JsonValue));
    }
    const parsed = parseExpression(String(original["expr"]), environment, null, names, () => true);
    if (!parsed.ok) return fails ? null : `refused: ${parsed.problems[0]?.expected ?? ""}`;
    if (original["checkOnly"] === true) return null;
    if (connection === undefined) return "no connection";
    const scope = new Scope(asking(), connection, MAX_STEPS);
    for (const [name, { value }] of bindings) scope.locals[names.indexOf(name)] = valueOf(value);
    got = parsed.condition.step(scope);
  } catch (error) {
    return `threw: ${error instanceof Error ? error.message : "something"}`;
  }
  if (fails) return got === FAILED ? null : `${text(got)} instead of a failure`;
  const wanted = expected ?? typed;
  try {
    const hoped = wanted === undefined ? "true" : text(valueOf(wanted));
    return text(got) === hoped ? null : `${text(got)} instead of ${hoped}`;
  } catch (error) {
    return `threw: ${error instanceof Error ? error.message : "something"}`;
  }
}

type JsonValue = Readonly<Record<string, unknown>>;

function typeOf(type: JsonValue): string {
  const inner = (member: string, name: string): string =>
    typeOf(((type[member] as JsonValue)[name] ?? {}) as JsonValue);
  if ("mapType" in type) return `map<${inner("mapType", "keyType")}, ${inner("mapType", "valueType")}>`;
  if ("listType" in type) return `list<${inner("listType", "elemType")}>`;
  const primitive = { BOOL: "bool", INT64: "int", DOUBLE: "double", STRING: "string" }[String(type["primitive"])];
  if (primitive !== undefined) return primitive;
  return (
    { TIMESTAMP: "google.protobuf.Timestamp", DURATION: "google.protobuf.Duration" }[String(type["wellKnown"])] ?? "dyn"
  );
}

function valueOf(value: JsonValue): unknown {
  const [kind = ""] = Object.keys(value);
  const held = value[kind];
  switch (kind) {
    case "nullValue":
      return null;
    case "boolValue":
    case "stringValue":
      return held;
    case "int64Value":
      return BigInt(String(held));
    case "doubleValue":
      return Number(held);
    case "mapValue": {
      const entries = ((held as JsonValue)["entries"] ?? []) as readonly { key: JsonValue; value: JsonValue }[];
      return new Map(entries.map((entry) => [valueOf(entry.key), valueOf(entry.value)]));
    }
    case "listValue":
      return (((held as JsonValue)["values"] ?? []) as readonly JsonValue[]).map(valueOf);
    case "objectValue": {
      const object = held as JsonValue;
      const type = String(object["@type"]).split("/").at(-1);
      if (type === "google.protobuf.Timestamp") return new Timestamp(Date.parse(String(object["value"])));
      if (type === "google.protobuf.Duration") return new Duration(Number.parseFloat(String(object["value"])) * 1000);
    }
  }
  throw new TypeError(`a value that conditions have not: ${kind}`);
}

function text(value: unknown): string {
  if (value === FAILED) return "failure";
  if (Array.isArray(value)) return `[${value.map(text).join()}]`;
  if (value instanceof Map)
    return `{${[...value]
      .map(([key, held]) => `${text(key)}:${text(held)}`)
      .sort()
      .join()}}`;
  if (value instanceof Timestamp) return `time ${value.ms}`;
  if (value instanceof Duration) return `duration ${value.ms}`;
  if (value instanceof Optional) return value.isPresent ? `optional ${text(value.value)}` : "nothing";
  if (typeof value === "bigint") return `${value}i`;
  if (typeof value === "number") return `${value === 0 ? 0 : value}d`;
  return JSON.stringify(value);
}
