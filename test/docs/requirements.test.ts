// test/REQUIREMENTS.md against the tests it names.

import { describe, expect, test } from "vitest";
import { textOf, trackedFiles } from "./text.ts";

const rows = [...textOf("test/REQUIREMENTS.md").matchAll(/^\|([^|]*)\| `([^`]+)` \| (.+) \|$/gm)].map(
  ([, promise = "", file = "", name = ""]) => ({ promise: promise.trim(), file, name }),
);

describe("test/REQUIREMENTS.md", () => {
  test("has rows, and begins each table with a promise", () => {
    expect(rows.length).toBeGreaterThan(60);
    expect(rows.filter((row) => row.promise !== "").length).toBeGreaterThan(40);
  });

  test("names tests that exist", () => {
    const missing = rows.filter(({ file, name }) => !titlesOf(file).includes(name));
    expect(missing).toEqual([]);
  });
});

/** Titles as they stand in the file: the first text of a call of test, it or describe, or of what their `each` gives. */
function titlesOf(file: string): readonly string[] {
  const text = textOf(file);
  return [...text.matchAll(/(?<=^|[^\w.])(?:\(|\[)?\s*"((?:[^"\\]|\\.)+)",\s*(?:\d+,\s*)?(?:async )?\(/gm)].map(
    ([, title = ""]) => title.replaceAll('\\"', '"'),
  );
}

test("what may be skipped has its row, with the reason", () => {
  const skipping = trackedFiles().filter(
    (path) => path.endsWith(".test.ts") && /\.skipIf\(|\bskip\(/.test(textOf(path)) && !path.startsWith("test/docs/"),
  );
  const [, section = ""] = textOf("test/REQUIREMENTS.md").split("## Skipped");
  expect([...section.matchAll(/^\| `([^`]+)`/gm)].map(([, path = ""]) => path).sort()).toEqual(skipping.sort());
});

test("no test is skipped, left for later or run alone", () => {
  const tests = trackedFiles().filter((path) => path.endsWith(".test.ts"));
  // Put together, so that this file does not find itself.
  const markers = new RegExp(`\\b(?:test|it|describe)\\.(?:${["skip", "todo", "only", "fails"].join("|")})\\b`);
  const marked = tests.filter((path) => markers.test(textOf(path)));
  expect(tests.length).toBeGreaterThan(30);
  expect(marked).toEqual([]);
});
