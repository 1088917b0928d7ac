import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_DIFF, unifiedDiff } from "../../../../core/policy/tooling/text_diff.ts";

const NAMES = { before: "now", after: "new" };

describe("unifiedDiff", () => {
  it("is empty for the same text, and otherwise a diff as everybody reads it", () => {
    expect(unifiedDiff("a\n", "a\n", NAMES)).toEqual({ text: "", added: 0, removed: 0, isWhole: true });
    expect(unifiedDiff("a\nb\nc\n", "a\nB\nc\nd", NAMES)).toEqual({
      text: "--- now\n+++ new\n@@ -1,3 +1,4 @@\n a\n-b\n+B\n c\n+d\n\\ No newline at end of file\n",
      added: 2,
      removed: 1,
      isWhole: true,
    });
  });

  it("counts lines, and holds its limit, whatever the texts are", () => {
    const text = fc.array(fc.constantFrom("a", "b", "c", "", "\r"), { maxLength: 30 }).map((lines) => lines.join("\n"));
    fc.assert(
      fc.property(text, text, fc.integer({ min: 0, max: 200 }), (before, after, limit) => {
        const whole = unifiedDiff(before, after, NAMES);
        const lines = whole.text.split("\n").slice(2);
        expect(lines.filter((line) => line.startsWith("+"))).toHaveLength(whole.added ?? -1);
        expect(lines.filter((line) => line.startsWith("-"))).toHaveLength(whole.removed ?? -1);
        expect(whole.text === "").toBe(before === after);
        const cut = unifiedDiff(before, after, NAMES, limit);
        expect(cut.text.length).toBeLessThanOrEqual(limit);
        expect(cut.isWhole).toBe(cut.text === whole.text);
      }),
    );
  });

  it("ends with a sentence where it is cut", () => {
    const long = Array.from({ length: 1500 }, (_, index) => `${index} ${"x".repeat(100)}`).join("\n");
    const cut = unifiedDiff("", long, NAMES);
    expect(cut).toMatchObject({ added: 1500, isWhole: false });
    expect(cut.text.length).toBeLessThanOrEqual(MAX_DIFF);
    expect(cut.text).toMatch(/\n\[the rest of the difference is left out\]\n$/);
  });

  it("gives up on texts with nothing in common, and says how long they are", () => {
    const lines = (letter: string): string => `${letter}\n`.repeat(250_000);
    const given = unifiedDiff(lines("a"), lines("b"), NAMES);
    expect(given).toMatchObject({ added: null, removed: null, isWhole: false });
    expect(given.text).toContain("250000 lines before, 250000 after");
  });
});
