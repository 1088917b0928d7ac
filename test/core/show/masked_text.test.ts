// A masked body as text: masks by the record's spans alone, bytes that are no UTF-8 told apart, nothing lost.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type MaskedText, maskedText, type Span } from "../../../core/show/masked_text.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The bytes again, from the text and what is told of it. */
function bytesOf({ text, wrong }: MaskedText<Span>): number[] {
  const bytes: number[] = [];
  for (let at = 0; at < text.length;) {
    const char = String.fromCodePoint(text.codePointAt(at) ?? 0);
    const byte = wrong.get(at);
    if (byte === undefined) bytes.push(...encode(char));
    else bytes.push(byte);
    at += char.length;
  }
  return bytes;
}

describe("a masked body", () => {
  test("loses no byte, whatever its bytes are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const shown = maskedText(bytes, [], 1_000);
        expect(bytesOf(shown)).toEqual([...bytes]);
        expect(shown.bytes).toBe(bytes.length);
      }),
    );
  });

  test("is cut between characters, and says where", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 20 }), fc.integer({ min: 0, max: 40 }), (text, limit) => {
        const bytes = encode(text);
        const shown = maskedText(bytes, [], limit);
        expect(shown.wrong.size).toBe(0);
        expect(shown.bytes).toBeLessThanOrEqual(limit);
        if (bytes.length <= limit) expect(shown.text).toBe(text);
        else expect(limit - shown.bytes).toBeLessThan(4);
        expect(text.startsWith(shown.text)).toBe(true);
      }),
    );
  });

  test("shows what the record says is masked, and nothing else", () => {
    const text = '{"ü":"[masked:password]","b":"[masked:token]","c":"[masked:password]"}';
    // The plain body had 7 bytes in place of the second placeholder, 30 in place of the third.
    const second = encode(text.slice(0, text.indexOf("[masked:token]"))).length;
    const spans = [
      { at: second, length: 7, put: 14, rule: "token" },
      { at: second + 7 + '","c":"'.length, length: 30, put: 17, rule: "password" },
    ];
    const { masks } = maskedText(encode(text), spans, 1_000);
    expect(masks.map(({ from, to, span }) => [text.slice(from, to), span.length])).toEqual([
      ["[masked:token]", 7],
      ["[masked:password]", 30],
    ]);
  });

  test("cuts no placeholder in two", () => {
    const spans = [{ at: 3, length: 1, put: 10, rule: "x" }] as const;
    expect(maskedText(encode("abc[masked:x]def"), spans, 8)).toMatchObject({ text: "abc", masks: [], bytes: 3 });
    expect(maskedText(encode("abc[masked:x]de"), spans, 14)).toMatchObject({ text: "abc[masked:x]d", bytes: 14 });
  });

  test("takes places that are not there for none", () => {
    const spans = [
      { at: 2, length: 0, put: 2, rule: "x" },
      { at: 1, length: 0, put: 1, rule: "before the last one" },
      { at: 50, length: 1, put: 9, rule: "behind the end" },
    ];
    expect(maskedText(encode("abcdef"), spans, 100).masks.length).toBe(1);
  });
});
