// JSON in tokens, for colours: no character is lost, and what is added can be told.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isDense, jsonTokens } from "../../../core/show/json_tokens.ts";

function textOf(text: string, spread: boolean): string {
  return jsonTokens(text, spread)
    .filter(({ kind }) => kind !== "soft")
    .map((token) => token.text)
    .join("");
}

describe("tokens", () => {
  test("are the text, whatever it is, but for what is soft", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string({ unit: "binary" })), fc.boolean(), fc.nat(), (text, spread, cut) => {
        const head = text.slice(0, cut % (text.length + 1));
        expect(textOf(text, spread)).toBe(text);
        expect(textOf(head, spread)).toBe(head);
      }),
    );
  });

  test("with soft ends of lines are what JSON.stringify writes with two spaces", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const tokens = jsonTokens(JSON.stringify(value), true);
        expect(tokens.map(({ text }) => text).join("")).toBe(JSON.stringify(value, null, 2));
      }),
    );
  });

  test("tell names from values", () => {
    const kinds = jsonTokens('{"a" : ["b", -1.5e3, true]}', false).map(({ kind, text }) => `${kind}:${text}`);
    expect(kinds).toEqual([
      ...["sign:{", 'key:"a"', "space: ", "sign::", "space: ", "sign:[", 'string:"b"', "sign:,", "space: "],
      ...["number:-1.5e3", "sign:,", "space: ", "word:true", "sign:]", "sign:}"],
    ]);
  });

  test("take a string without its end, and one with quotes in it", () => {
    expect(jsonTokens('{"a":"b', false).map(({ kind }) => kind)).toEqual(["sign", "key", "sign", "string"]);
    expect(jsonTokens('"a\\"b"', false)).toEqual([{ kind: "string", text: '"a\\"b"' }]);
  });

  test("stay few times as long as the text, however deep it is", () => {
    const deep = "[".repeat(20_000);
    const length = jsonTokens(deep, true).reduce((sum, { text }) => sum + text.length, 0);
    expect(length).toBeLessThan(deep.length * 40);
  });

  test("are spread out only where the text is long and has no ends of lines", () => {
    expect([isDense("{}"), isDense(`{"a":"${"b".repeat(100)}"}`), isDense(`{\n"a":"${"b".repeat(100)}"}`)]).toEqual([
      false,
      true,
      false,
    ]);
  });
});

test("a line's end after it, as echo and printf add one, makes no difference to how it is laid out", () => {
  const text = `{"a":"${"b".repeat(100)}"}`;
  expect([isDense(`${text}\n`), isDense(`${text}\r\n`), isDense(`${text}\n${text}\n`)]).toEqual([true, true, false]);
});
