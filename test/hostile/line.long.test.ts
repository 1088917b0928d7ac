// Bodies of one line of a gibibyte, made as they are masked: what waits for what follows, and what the
// process remembers, must not grow with it. With LONG_SHARE=small a sixteenth of that.

import { expect, test } from "vitest";
import { EVERY_SECRET } from "../../core/mask/mask_plan.ts";
import { PayloadMasker, UNDECIDED_LIMIT } from "../../core/mask/payload_masker.ts";
import { shownPseudonym } from "../support/masking.ts";
import { residentMemory } from "../support/resident_memory.ts";

const MIB = 1024 * 1024;
const CHUNK = 256 * 1024;
const CHUNKS = (process.env.LONG_SHARE === "small" ? 64 : 1024) * (MIB / CHUNK);
/** What the collector of garbage lets stand, and no more for a longer line. */
const MEMORY_LIMIT = 192 * MIB;

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Masks `first`, then `unit` over and over, then `last`; returns how many spans there were. */
function readThrough(first: string, unit: string, last: string): number {
  const masker = new PayloadMasker(EVERY_SECRET, "application/json", shownPseudonym);
  const chunk = encode(unit.repeat(CHUNK / unit.length));
  const before = residentMemory([process.pid]);
  let peak = before;
  let size = 0;
  let spans = 0;
  const push = (bytes: Uint8Array): void => {
    const piece = masker.push(bytes);
    size += bytes.length;
    spans += piece.spans.length;
    expect(size - piece.upto).toBeLessThanOrEqual(UNDECIDED_LIMIT);
  };
  push(encode(first));
  for (let i = 0; i < CHUNKS; i++) {
    push(chunk);
    if (i % 64 === 0) peak = Math.max(peak, residentMemory([process.pid]));
  }
  push(encode(last));
  const end = masker.end();
  expect(end.upto).toBe(size);
  expect(peak - before).toBeLessThan(MEMORY_LIMIT);
  return spans + end.spans.length;
}

const TIMEOUT_MS = 600_000;

test(
  "a line of 1 GiB is read through with what waits and what is remembered in bounds",
  () => {
    expect(readThrough('{"a":"', "words and words, ", '","token":"x"}')).toBe(1);
  },
  TIMEOUT_MS,
);

test(
  "a secret of 1 GiB is one span",
  () => {
    expect(readThrough('{"token":"', "0123456789abcdef", '"}')).toBe(1);
  },
  TIMEOUT_MS,
);

test(
  "levels that take 1 GiB are read through to the secret at their end",
  () => {
    expect(readThrough('{"secret":[', '[{"a":', '"x"')).toBe(1);
  },
  TIMEOUT_MS,
);
