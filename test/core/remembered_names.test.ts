// What is remembered of names never changes what is said of them, however many a caller makes up.

import { expect, it } from "vitest";
import { rememberNames } from "../../core/remembered_names.ts";

/** Judges by the first letter, and counts how often it is asked. */
function counting(): { readonly judge: (name: string) => string; readonly asked: string[] } {
  const asked: string[] = [];
  return { judge: (name) => (asked.push(name), name.slice(0, 1)), asked };
}

it("a name is judged once", () => {
  const { judge, asked } = counting();
  const known = rememberNames(judge);
  expect(["accept", "host", "accept", "accept"].map(known)).toEqual(["a", "h", "a", "a"]);
  expect(asked).toEqual(["accept", "host"]);
});

it("a flood of names takes no more memory than the first thousand, and each is judged rightly", () => {
  const { judge, asked } = counting();
  const known = rememberNames(judge);
  const names = Array.from({ length: 5000 }, (_, at) => `${at % 2 === 0 ? "a" : "b"}-${at}`);
  for (const name of [...names, ...names]) expect(known(name)).toBe(name.slice(0, 1));
  // Twice for all but those that are remembered.
  expect(asked.length).toBe(2 * names.length - 1024);
});

it("a name longer than any honest one is judged and forgotten", () => {
  const { judge, asked } = counting();
  const known = rememberNames(judge);
  const long = "x".repeat(65);
  expect([known(long), known(long), known("x".repeat(64)), known("x".repeat(64))]).toEqual(["x", "x", "x", "x"]);
  expect(asked.length).toBe(3);
});

it("a judgement of false is remembered like any other", () => {
  let asked = 0;
  const known = rememberNames(() => (asked++, false));
  expect([known("a"), known("a")]).toEqual([false, false]);
  expect(asked).toBe(1);
});
