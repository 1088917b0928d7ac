// Bytes as text, and back.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromBase64, fromBase64Url, fromHex, toBase64, toBase64Url, toHex } from "../../core/bytes.ts";

describe("encodings", () => {
  it("read back what they write, and nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        expect(fromHex(toHex(bytes))).toEqual(new Uint8Array(bytes));
        expect(fromBase64Url(toBase64Url(bytes))).toEqual(new Uint8Array(bytes));
        expect(fromBase64(toBase64(bytes))).toEqual(new Uint8Array(bytes));
        expect(toBase64(bytes)).toBe(btoa(String.fromCharCode(...bytes)));
      }),
    );
    for (const text of ["A", "AB==", "A+B/", "AB ", "AB", "é"])
      expect([text, fromBase64Url(text)]).toEqual([text, null]);
    for (const text of ["A", "AB", "AB=", "AB==", "A===", "A-B_", "AAA=AAAA", "AB ==", "é"])
      expect([text, fromBase64(text)]).toEqual([text, null]);
    for (const text of ["0", "AB", "zz", "0x"]) expect(fromHex(text)).toBeNull();
  });
});
