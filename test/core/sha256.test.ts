import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sha256OfShort } from "../../core/sha256.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const platform = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

test("FIPS 180-4's examples have their digests", () => {
  expect(hex(sha256OfShort(Buffer.from("abc")))).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  expect(hex(sha256OfShort(Buffer.from("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")))).toBe(
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  );
});

test("every length up to eight blocks is digested as the platform does", () => {
  for (let length = 0; length <= 512; length++) {
    const bytes = Uint8Array.from({ length }, (_, index) => (index * 131 + length) & 0xff);
    expect(hex(sha256OfShort(bytes))).toBe(platform(bytes));
  }
});

test("any bytes are digested as the platform does, in views of a larger buffer as well", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4096 }), fc.nat(64), (bytes, offset) => {
      const view = bytes.subarray(Math.min(offset, bytes.length));
      expect(hex(sha256OfShort(view))).toBe(platform(view));
    }),
  );
});
