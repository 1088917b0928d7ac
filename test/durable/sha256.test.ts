// The digest of records against the platform's, in the runtime where it is used.

import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { toHex } from "../../core/bytes.ts";
import { sha256 } from "../../durable/sha256.ts";

const platform = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

test("FIPS 180-4's examples have their digests", () => {
  const digest = (text: string): string => toHex(sha256(new TextEncoder().encode(text)));
  expect(digest("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).toBe(
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  );
});

test("bytes of any length are digested as the platform does, in views of a larger buffer as well", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4096 }), fc.nat(64), (bytes, offset) => {
      const view = bytes.subarray(Math.min(offset, bytes.length));
      expect(toHex(sha256(view))).toBe(platform(view));
    }),
  );
});

test("a digest stays what it was when others follow", () => {
  const first = sha256(new Uint8Array([1]));
  sha256(new Uint8Array([2]));
  expect(toHex(first)).toBe(platform(new Uint8Array([1])));
});

test("every length around the blocks' borders is digested as the platform does", () => {
  for (let length = 0; length <= 1100; length++) {
    const bytes = Uint8Array.from({ length }, (_, index) => (index * 131 + length) & 0xff);
    expect(toHex(sha256(bytes))).toBe(platform(bytes));
  }
});
