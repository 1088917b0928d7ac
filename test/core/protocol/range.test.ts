import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rangeHolds, wantedRange } from "../../../core/protocol/http/range.ts";

const WHOLE = { kind: "whole" };
const NONE = { kind: "unsatisfiable" };
const part = (from: number, to: number): unknown => ({ kind: "part", from, to });

describe("a range", () => {
  // Of 1000 bytes; those of RFC 9110 §14.1.2 among them.
  it.each<[string | null, unknown]>([
    [null, WHOLE],
    ["bytes=0-499", part(0, 500)],
    ["bytes=500-999", part(500, 1000)],
    ["bytes=-500", part(500, 1000)],
    ["bytes=950-", part(950, 1000)],
    ["bytes=0-0", part(0, 1)],
    ["bytes=-1", part(999, 1000)],
    ["bytes=0-99999", part(0, 1000)],
    ["bytes=-99999", part(0, 1000)],
    ["bytes= 1-2 ", part(1, 3)],
    ["BYTES=1-2", part(1, 3)],
    ["bytes=1000-", NONE],
    ["bytes=1000-2000", NONE],
    ["bytes=-0", NONE],
    ["bytes=5-4", WHOLE],
    ["bytes=-", WHOLE],
    ["bytes=", WHOLE],
    ["bytes=0-1,5-6", WHOLE],
    ["bytes=0-1, 5-6, -1", WHOLE],
    ["lines=1-2", WHOLE],
    ["bytes 0-1", WHOLE],
    ["bytes=+1-2", WHOLE],
    ["bytes=1.5-2", WHOLE],
    ["bytes=0x1-2", WHOLE],
    [`bytes=${"9".repeat(400)}-`, WHOLE],
    [`bytes=0-${"9".repeat(400)}`, WHOLE],
    ["bytes=999999999999999-", NONE],
  ])("%s of 1000 bytes is %j", (range, wanted) => {
    expect(wantedRange(range, 1000)).toEqual(wanted);
  });

  it("of nothing is none", () => {
    for (const range of ["bytes=0-", "bytes=0-0", "bytes=-5"]) expect(wantedRange(range, 0)).toEqual(NONE);
    expect(wantedRange(null, 0)).toEqual(WHOLE);
  });

  it("from the end of what still grows is ignored, and others are of what there is", () => {
    expect(wantedRange("bytes=-5", 10, true)).toEqual(WHOLE);
    expect(wantedRange("bytes=5-", 10, true)).toEqual(part(5, 10));
    expect(wantedRange("bytes=10-", 10, true)).toEqual(NONE);
  });

  it("whatever is sent, is a part of what there is, or none", () => {
    const texts = fc.oneof(
      fc.tuple(fc.nat(3000), fc.nat(3000)).map(([a, b]) => `bytes=${a}-${b}`),
      fc.nat(3000).map((n) => `bytes=-${n}`),
      fc.string({ unit: fc.constantFrom(..."bytes=-,0123456789 ") }),
    );
    fc.assert(
      fc.property(texts, fc.nat(2000), (text, size) => {
        const wanted = wantedRange(text, size);
        if (wanted.kind !== "part") return;
        expect(wanted.from).toBeGreaterThanOrEqual(0);
        expect(wanted.to).toBeGreaterThan(wanted.from);
        expect(wanted.to).toBeLessThanOrEqual(size);
      }),
    );
  });
});

describe("If-Range", () => {
  it.each<[string | null, string | null, boolean]>([
    [null, '"a"', true],
    [null, null, true],
    ['"a"', '"a"', true],
    ['"b"', '"a"', false],
    ['W/"a"', '"a"', false],
    ['W/"a"', 'W/"a"', false],
    ['"a"', null, false],
    ["*", '"a"', false],
    ["Tue, 24 Nov 2026 10:00:00 GMT", '"a"', false],
  ])("%s beside the tag %s: %s", (stated, etag, holds) => {
    expect(rangeHolds(stated, etag)).toBe(holds);
  });
});
