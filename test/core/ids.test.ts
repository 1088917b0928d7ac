// Identifiers: what the gateway makes reads back, and what only looks like one does not.

import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import {
  type FillRandom,
  newCommandId,
  newSessionId,
  parseCommandId,
  parseConnectionName,
  parseDigest,
  parseSeq,
  parseSessionId,
} from "../../core/ids.ts";

const filled =
  (byte: number): FillRandom =>
  (bytes) =>
    bytes.fill(byte);

describe("an id of a session or a command", () => {
  const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });

  it("that was made reads back, whatever the time and the random bytes", () => {
    fc.assert(
      fc.property(time, fc.nat(255), (now, byte) => {
        const sid = newSessionId(now, filled(byte));
        expect(parseSessionId(sid)).toBe(sid);
        const command = newCommandId(now, filled(byte));
        expect(parseCommandId(command)).toBe(command);
      }),
    );
  });

  it("that was made later sorts later, whatever the random bytes", () => {
    fc.assert(
      fc.property(time, time, (one, other) => {
        fc.pre(one < other);
        expect(newCommandId(one, filled(255)) < newCommandId(other, filled(0))).toBe(true);
      }),
    );
  });

  it("has the form of RFC 9562 §5.7", () => {
    // The example of its appendix A.6: the time, and the random bits where version and variant leave room.
    const random = Uint8Array.from([0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f]);
    const fill: FillRandom = (bytes) => (bytes.set(random), bytes);
    expect(newSessionId(0x017f22e279b0, fill)).toBe("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  });

  test.each([
    "",
    "017f22e279b07cc398c4dc0c0c07398f",
    "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",
    "017f22e2-79b0-4cc3-98c4-dc0c0c07398f",
    "017f22e2-79b0-7cc3-18c4-dc0c0c07398f",
    "017f22e2-79b0-7cc3-98c4-dc0c0c07398f ",
    "017f22e2-79b0-7cc3-98c4-dc0c0c07398f\n",
    "{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}",
    "../017f22e2-79b0-7cc3-98c4-dc0c0c0739",
  ])("is none in another form: %j", (text) => {
    expect([parseSessionId(text), parseCommandId(text)]).toEqual([null, null]);
  });
});

describe("a connection's name", () => {
  test.each(["a", "0", "registry", "a-b-c", "x".repeat(32)])("%s", (text) => {
    expect(parseConnectionName(text)).toBe(text);
  });

  test.each([
    "",
    "-a",
    "a-",
    "a--b",
    "A",
    "a_b",
    "a.b",
    "a/b",
    "a%2fb",
    "ä",
    "a ",
    "a\n",
    "..",
    "x".repeat(33),
    `${"x".repeat(31)}-`,
  ])("is none: %j", (text) => {
    expect(parseConnectionName(text)).toBeNull();
  });
});

test("a place in a session is a whole number from 0 that counts exactly", () => {
  for (const n of [0, 1, Number.MAX_SAFE_INTEGER]) expect(parseSeq(n)).toBe(n);
  for (const n of [-1, 0.5, 2 ** 53, Number.NaN, Infinity]) expect(parseSeq(n)).toBeNull();
});

test("a digest is 64 hex digits in lower case", () => {
  expect(parseDigest("0a".repeat(32))).toBe("0a".repeat(32));
  for (const text of ["", "0a".repeat(31), "0a".repeat(33), "0A".repeat(32), `${"0a".repeat(32)}\n`, "0g".repeat(32)])
    expect(parseDigest(text)).toBeNull();
});
