// Opening content codings: as they pass, in whatever pieces, and never more than is allowed.

import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import {
  type Coding,
  codingOf,
  NotOpened,
  OPENED_FREE,
  OPENED_RATIO,
  Opener,
  openWhole,
} from "../../workers/http/coding.ts";

const MEBIBYTE = 1024 * 1024;
const text = new TextEncoder().encode(
  Array.from({ length: 20_000 }, (_, at) => `line ${at} ${(at * 7919) % 10_007}\n`).join(""),
);
const CODERS: readonly (readonly [string, Coding, (body: Uint8Array) => Uint8Array])[] = [
  ["gzip", "gzip", (body) => gzipSync(body)],
  ["deflate", "deflate", (body) => deflateSync(body)],
  ["deflate without zlib's header", "deflate", (body) => deflateRawSync(body)],
  ["br", "br", (body) => brotliCompressSync(body)],
];

/** All that comes out, and the largest piece of it. */
async function opened(
  coding: Coding,
  body: Uint8Array,
  size = body.length,
): Promise<{ readonly bytes: Uint8Array; readonly largest: number }> {
  const opener = new Opener(coding);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < body.length; at += size)
    for await (const piece of opener.open(body.subarray(at, at + size))) pieces.push(piece);
  for await (const piece of opener.end()) pieces.push(piece);
  const bytes = new Uint8Array(await new Blob(pieces as Uint8Array<ArrayBuffer>[]).arrayBuffer());
  return { bytes, largest: Math.max(0, ...pieces.map(({ length }) => length)) };
}

/** What was opened before it was given up; null if it never was. */
async function openedUntilRefused(coding: Coding, body: Uint8Array): Promise<number | null> {
  const opener = new Opener(coding);
  let bytes = 0;
  try {
    for await (const piece of opener.open(body)) bytes += piece.length;
    for await (const piece of opener.end()) bytes += piece.length;
    return null;
  } catch (error) {
    expect(error).toBeInstanceOf(NotOpened);
    return bytes;
  }
}

test.each([
  [null, null],
  ["", null],
  ["identity", null],
  ["GZIP", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
  [" br ", "br"],
  ["zstd", "unknown"],
  ["gzip, br", "unknown"],
  ["gzip, gzip", "unknown"],
])("Content-Encoding %o is read as %o", (header, coding) => {
  expect(codingOf(header)).toBe(coding);
});

describe.each(CODERS)("%s", (_, coding, code) => {
  const coded = code(text);

  test("is opened whole", () => {
    expect(new Uint8Array(openWhole(coding, coded, MEBIBYTE) ?? [])).toEqual(text);
  });

  test.each([100, 5000, coded.length])("is opened as it passes, %i bytes at a time", async (size) => {
    expect((await opened(coding, coded, size)).bytes).toEqual(text);
  });

  test("is opened byte by byte", async () => {
    const short = text.subarray(0, 500);
    expect((await opened(coding, code(short), 1)).bytes).toEqual(short);
  });

  test("that ends too early, or is none, is not opened", async () => {
    const half = coded.subarray(0, coded.length / 2);
    expect(await openedUntilRefused(coding, half)).not.toBe(null);
    expect(() => openWhole(coding, half, MEBIBYTE)).toThrow(NotOpened);
    expect(() => openWhole(coding, new Uint8Array(500).fill(0xff), MEBIBYTE)).toThrow(NotOpened);
  });

  test("of more than is to be read at once is told from one that is malformed", () => {
    expect(openWhole(coding, coded, 1000)).toBe(null);
  });

  test("that opens to more than a body of its size may is given up there, and costs no memory before", async () => {
    const bomb = code(new Uint8Array(64 * MEBIBYTE));
    const bytes = await openedUntilRefused(coding, bomb);
    expect(bytes).toBeLessThanOrEqual(OPENED_FREE + OPENED_RATIO * bomb.length);
  });

  test("that opens to much is opened in pieces", async () => {
    const much = await opened(coding, code(new Uint8Array(text.length * 3).fill(65)));
    expect(much.largest).toBeLessThanOrEqual(MEBIBYTE);
    expect(much.bytes.length).toBe(text.length * 3);
  });
});

test("an empty body is empty in any coding", async () => {
  for (const [, coding] of CODERS) {
    expect(openWhole(coding, new Uint8Array(0), 10)?.length).toBe(0);
    expect((await opened(coding, new Uint8Array(0))).bytes.length).toBe(0);
  }
});

describe.each(CODERS)("behind the end of a body in %s", (_, coding, encode) => {
  const body = encode(text);
  const more = new Uint8Array([...body, ...new TextEncoder().encode('{"hidden":"text"}')]);

  test("nothing may stand that no reader would see", async () => {
    expect(() => openWhole(coding, more, 10 * MEBIBYTE)).toThrow(NotOpened);
    for (const size of [more.length, body.length, 1000, 7])
      await expect(opened(coding, more, size)).rejects.toThrow(NotOpened);
  });
});
