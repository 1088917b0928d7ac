// CEL's own conformance suite against the code that evaluates conditions. What of CEL conditions do
// not have stands in test/vectors/cel/unsupported.json with the reason; a vector that begins to hold
// or to fail otherwise than it says there fails this test.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it, test } from "vitest";
import { failureOf, VECTORS } from "./cel_vectors.ts";

const path = fileURLToPath(new URL("../../vectors/cel/unsupported.json", import.meta.url).href);
const unsupported = JSON.parse(readFileSync(path, "utf8")) as Readonly<Record<string, readonly string[]>>;
const listed = Object.values(unsupported).flat();
const failures = new Map<string, string>();
for (const vector of VECTORS) {
  const failure = failureOf(vector);
  if (failure !== null) failures.set(vector.name, failure);
}

function isListed(name: string): boolean {
  return listed.some((one) => (one.endsWith("/*") ? name.startsWith(one.slice(0, -1)) : one === name));
}

it("holds for every vector that is not listed as unsupported", () => {
  expect([...failures].filter(([name]) => !isListed(name))).toEqual([]);
});

it("fails for every vector that is listed as unsupported", () => {
  expect(VECTORS.filter(({ name }) => isListed(name) && !failures.has(name)).map(({ name }) => name)).toEqual([]);
});

test("nothing is listed that is no vector", () => {
  const isVector = (one: string): boolean =>
    VECTORS.some(({ name }) => (one.endsWith("/*") ? name.startsWith(one.slice(0, -1)) : one === name));
  expect(listed.filter((one) => !isVector(one))).toEqual([]);
});

test("vectors are there, and most of what conditions need is", () => {
  expect(VECTORS.length).toBeGreaterThan(2000);
  for (const section of ["fp_math", "plumbing", "logic", "integer_math", "macros", "string", "timestamps", "lists"]) {
    const names = VECTORS.filter(({ name }) => name.startsWith(`${section}/`)).map(({ name }) => name);
    expect(names.filter((name) => !failures.has(name)).length / names.length).toBeGreaterThan(0.75);
  }
});

/** A vector that is wrong in the list's sense fails closed: it is refused, not answered otherwise. */
test("what is unsupported is refused or fails, with the exceptions that are listed by name", () => {
  const answered = [...failures].filter(([, failure]) => !/^(refused|threw): /.test(failure)).map(([name]) => name);
  expect(answered.sort()).toEqual([
    "comparisons/gt_literal/not_gt_dyn_big_double_int",
    "comparisons/gte_literal/gte_dyn_int_big_lossy_double",
    "comparisons/lt_literal/not_lt_dyn_int_big_lossy_double",
    "comparisons/lte_literal/lte_dyn_big_double_int",
    "namespace/namespace/self_eval_container_lookup",
    "namespace/namespace/self_eval_container_lookup_unchecked",
    "timestamps/timestamp_conversions/toString_timestamp_nanos",
  ]);
});
