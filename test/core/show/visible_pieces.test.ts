// Text from outside in pieces: nothing is lost, and what is left as text hides nothing.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { oddLetters } from "../../../core/show/odd_letters.ts";
import { codeText, nameOfCode, type Piece, visibleLine, visiblePieces } from "../../../core/show/visible_pieces.ts";

const HOSTILE = [
  ...["\0", "\x1b[31m", "\r\n", "\n", "\t", "\u202e", "\u202c", "\u2066", "\u2069", "\u200b", "\u200d", "\ufeff"],
  ...["\u2028", "\u2029", "\ud800", "\udfff", "\u00ad", "\u3164", "\u{e0041}", "\u{f0000}", "\uffff", "\u00a0"],
  ...["a", "р", "ο", "Ａ", "𝐩", "e\u0301", "\u0301\u0302\u0303\u0304", "שלום", "مرحبا", "漢字", "<b>", "&amp;", "−"],
];
const hostile = fc.array(fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: "binary" })), { maxLength: 30 });

function kindsOf(text: string, lines = false): string[] {
  return visiblePieces(text, { lines }).pieces.map((piece) => `${piece.kind}:${piece.text}`);
}

function join(pieces: readonly Piece[]): string {
  return pieces.map(({ text }) => text).join("");
}

describe("pieces", () => {
  test("are, one after the other, the text", () => {
    fc.assert(
      fc.property(hostile, fc.boolean(), (parts, lines) => {
        const text = parts.join("");
        const { pieces, upto } = visiblePieces(text, { lines });
        expect(join(pieces)).toBe(text);
        expect(upto).toBe(text.length);
        for (const piece of pieces)
          if (piece.kind === "mark") expect(String.fromCodePoint(piece.code).repeat(piece.count)).toBe(piece.text);
      }),
    );
  });

  test("leave nothing as text that cannot be seen, or moves what stands around it", () => {
    const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/u;
    fc.assert(
      fc.property(hostile, (parts) => {
        for (const { kind, text } of visiblePieces(parts.join(""), { lines: false }).pieces)
          if (kind === "text" || kind === "rtl") {
            expect(text).not.toMatch(unseen);
            expect(text).not.toMatch(/[^\S ]/u);
          }
      }),
    );
  });

  test("are no more than are asked for, and tell where they end", () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 0, max: 5 }), (parts, limit) => {
        const text = parts.join("");
        const { pieces, upto } = visiblePieces(text, { lines: true, limit });
        expect(pieces.length).toBeLessThanOrEqual(limit);
        expect(join(pieces)).toBe(text.slice(0, upto));
      }),
    );
    expect(visiblePieces("\0\x01".repeat(50_000), { lines: true, limit: 10 }).pieces.length).toBe(10);
  });

  test.each([
    ["an override of direction", "a\u202eb", ["text:a", "mark:\u202e", "text:b"]],
    ["an escape of a terminal", "\x1b[2J", ["mark:\x1b", "text:[2J"]],
    ["a run of one character, as one", "\0\0\0", ["mark:\0\0\0"]],
    ["half a character", "x\ud83dy", ["text:x", "mark:\ud83d", "text:y"]],
    ["a whole one outside of the first plane as text", "x😀y", ["text:x😀y"]],
    ["a line separator", "a\u2028b", ["text:a", "mark:\u2028", "text:b"]],
    ["letters that run from right to left, apart", "a אב, גד", ["text:a ", "rtl:אב", "text:, ", "rtl:גד"]],
    ["letters that are stacked", "a\u0301\u0302\u0303\u0304", ["text:a\u0301\u0302", "mark:\u0303", "mark:\u0304"]],
    ["a sign that would join what stands before", "\u0338a", ["mark:\u0338", "text:a"]],
    ["characters for private use and none at all", "\ue000\ufdd0", ["mark:\ue000", "mark:\ufdd0"]],
  ])("mark %s", (_what, text, pieces) => {
    expect(kindsOf(text)).toEqual(pieces);
  });

  test("keep ends of lines where lines are kept, and mark them elsewhere", () => {
    expect(kindsOf("a\n\tb", true)).toEqual(["text:a\n\tb"]);
    expect(kindsOf("a\n\tb")).toEqual(["text:a", "mark:\n", "mark:\t", "text:b"]);
    expect(kindsOf("a\r\nb", true)).toEqual(["text:a", "mark:\r", "text:\nb"]);
  });

  test("are named by code point, and by name where people know one", () => {
    expect([codeText(0x202e), nameOfCode(0x202e)]).toEqual(["U+202E", "right-to-left override"]);
    expect([codeText(0xa), codeText(0x1f600), nameOfCode(0xe000), nameOfCode(0xd801)]).toEqual([
      "U+000A",
      "U+1F600",
      null,
      "half a character",
    ]);
    expect(visibleLine("a\u202eb\nc")).toBe("a[U+202E]b[U+000A]c");
  });
});

describe("letters that can be taken for others", () => {
  const odd = (text: string): string[] => [...oddLetters(text)].map(([at, note]) => `${at} ${note}`);

  test.each([
    ["a Cyrillic letter in a Latin word", "pаypal", ["1 Cyrillic"]],
    ["a Latin letter in a Cyrillic word", "пpивет", ["1 Latin"]],
    ["a Greek letter in a Latin word", "gοogle", ["1 Greek"]],
    ["an Armenian one", "օps", ["0 Armenian"]],
    ["a word of Cyrillic letters that looks Latin", "/рау/", ["1 Cyrillic", "2 Cyrillic", "3 Cyrillic"]],
    ["letters of another width or style", "ａ𝐩", ["0 looks like a", "1 looks like p"]],
    ["signs of addresses", "a∕b․c", ["1 looks like /", "3 looks like ."]],
    ["signs of options", "−f", ["0 looks like -"]],
    ["full-width signs", "／", ["0 looks like /"]],
  ])("are found: %s", (_what, text, found) => {
    expect(odd(text)).toEqual(found);
  });

  test.each([
    "plain text, 42",
    "Müller naïve Łódź",
    "привет, мир",
    "ελληνικά",
    "東京タワーのWiFi",
    "한국어 abc",
    "Yıldız",
    "x²",
  ])("are not seen in what people write: %s", (text) => {
    expect(odd(text)).toEqual([]);
  });
});
