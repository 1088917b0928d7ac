import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cutTo, layOut, tableLines, widthOf } from "../../../cli/table.ts";
import { jsonText, plainOf, shown, styleOf, wantsColor } from "../../../cli/terminal.ts";
import { bytesText, timeText } from "../../../cli/time_text.ts";

const plain = styleOf(false);
const COLUMNS = [
  { title: "ID" },
  { title: "NAME", min: 4 },
  { title: "N", align: "right" },
  { title: "WHY", min: 3, drop: 1 },
  { title: "X", drop: 2 },
] as const;
const rows = [
  ["0123456789", "a long name of somebody", "1", "because", "xx"],
  ["9", "short", "100", "no", "y"],
].map((row) => row.map((text) => ({ text })));

describe("a table", () => {
  test("shows everything where nobody looks at columns", () => {
    expect(tableLines(COLUMNS, rows, null, plain)).toEqual([
      "ID          NAME                       N  WHY      X",
      "0123456789  a long name of somebody    1  because  xx",
      "9           short                    100  no       y",
    ]);
  });

  test("cuts what may be cut, the widest first, then leaves columns out, and never cuts an id", () => {
    expect(tableLines(COLUMNS, rows, 44, plain)[1]).toBe("0123456789  a long name o…    1  because  xx");
    expect(tableLines(COLUMNS, rows, 24, plain)[1]).toBe("0123456789  a long…    1");
    expect(tableLines(COLUMNS, rows, 5, plain)[1]).toContain("0123456789");
  });

  test("puts an id that leaves no room on a line of its own", () => {
    expect(tableLines(COLUMNS, rows, 18, plain)).toEqual([
      "  NAME    N  WHY",
      "0123456789",
      "  a l…    1  beca…",
      "9",
      "  sho…  100  no",
    ]);
  });

  test("colours change no column", () => {
    const painted = rows.map((row) => row.map((cell) => ({ ...cell, style: styleOf(true).red })));
    expect(tableLines(COLUMNS, painted, 44, plain).map(plainOf)).toEqual(tableLines(COLUMNS, rows, 44, plain));
  });

  test("is never wider than the terminal, if what must stand there fits", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string(), fc.string({ unit: "grapheme" })), { maxLength: 5 }),
        fc.integer({ min: 30, max: 90 }),
        (all, width) => {
          const cells = all.map(([a, b]) => [a, b, "1", a, b].map((text) => ({ text: shown(text, 20) })));
          const must = [{ title: "ID", min: 1 }, ...COLUMNS.slice(1, 3), ...COLUMNS.slice(3)];
          for (const line of tableLines(must, cells, width, plain)) expect(widthOf(line)).toBeLessThanOrEqual(width);
        },
      ),
    );
  });

  test("counts a wide character as two columns and a mark as none", () => {
    expect([widthOf("日本"), widthOf("e\u0301"), widthOf("🙂"), widthOf("abc")]).toEqual([4, 1, 2, 3]);
    expect([cutTo("日本語", 4), cutTo("abc", 3), cutTo("abcd", 3), cutTo("a", 0)]).toEqual(["日…", "abc", "ab…", ""]);
  });

  test("gives no column less than nothing", () => {
    expect(layOut([{ title: "A", min: 2 }], [10], 1)).toEqual([{ at: 0, width: 2 }]);
  });
});

describe("text for a terminal", () => {
  test("as JSON it is the same value, and moves nothing", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: "binary" }), (value, text) => {
        const json = jsonText({ value, text, evil: "\u001b[2J\u202e\u009b\u{e0041}" });
        expect(json).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/u);
        expect(JSON.parse(json)).toEqual(
          JSON.parse(JSON.stringify({ value, text, evil: "\u001b[2J\u202e\u009b\u{e0041}" })),
        );
      }),
    );
  });

  test("is coloured where it is wanted: NO_COLOR and --no-color over FORCE_COLOR over what the stream is", () => {
    expect(wantsColor(true, {}, false)).toBe(true);
    expect(wantsColor(false, { FORCE_COLOR: "1" }, false)).toBe(true);
    expect(wantsColor(true, { FORCE_COLOR: "0" }, false)).toBe(false);
    expect(wantsColor(true, { FORCE_COLOR: "1", NO_COLOR: "1" }, false)).toBe(false);
    expect(wantsColor(true, { FORCE_COLOR: "1" }, true)).toBe(false);
    expect(wantsColor(true, { TERM: "dumb" }, false)).toBe(false);
  });

  test("times and sizes that no date or unit has stay numbers", () => {
    expect(timeText(0)).toBe("1970-01-01 00:00:00.000");
    expect([timeText(1e300), timeText(Number.NaN)]).toEqual(["1e+300", "NaN"]);
    expect([bytesText(1023), bytesText(1024), bytesText(123_456_789)]).toEqual(["1023 B", "1.0 KiB", "118 MiB"]);
  });
});
