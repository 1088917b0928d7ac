// A line of a gibibyte through the masker, in chunks: what waits stays bounded, and memory flat.

import { expect, test } from "vitest";
import { EVERY_SECRET } from "../../core/mask/mask_plan.ts";
import { PayloadMasker, UNDECIDED_LIMIT } from "../../core/mask/payload_masker.ts";
import { repeated } from "../support/repeated.ts";
import { residentMemory } from "../support/resident_memory.ts";

const MIB = 1024 * 1024;
const CHUNK = MIB / 4;
/** The share that every run of .ci/run has is a sixteenth. */
const BYTES = process.env.LONG_SHARE === "small" ? 64 * MIB : 1024 * MIB;
/** What a collector of garbage has not yet taken may come and go; a gibibyte would not. */
const GROWTH = 96 * MIB;

test.each([
  ["application/json", `{"note":"`, "some text, and no end of it; "],
  ["application/json", `{"password":"`, "correct horse "],
  ["application/json", `{"note":"`, "\\u0041"],
  ["text/plain", "", "x"],
  ["text/plain", "-----BEGIN PRIVATE KEY-----\n", "MIIEvgIBADANBgkqhkiG9w0BAQEFAASC"],
  ["text/plain", "eyJhbGciOiJIUzI1NiJ9.", "abcDEF123"],
  ["application/xml", "<a>", "text &amp; more "],
  ["application/x-www-form-urlencoded", "a=", "%41b+"],
  ["text/event-stream", "data: ", "word "],
])("%s that begins with %j and repeats %j", (type, begin, text) => {
  const masker = new PayloadMasker(EVERY_SECRET, type, () => "one");
  const chunk = repeated(text, CHUNK);
  let sent = 0;
  let waits = 0;
  let out = 0;
  const push = (bytes: Uint8Array): void => {
    const piece = masker.push(bytes);
    sent += bytes.length;
    out += piece.bytes.length;
    waits = Math.max(waits, sent - piece.upto);
  };
  push(new TextEncoder().encode(begin));
  while (sent < 32 * MIB) push(chunk);
  const before = residentMemory([process.pid]);
  let peak = before;
  while (sent < BYTES) {
    push(chunk);
    peak = Math.max(peak, residentMemory([process.pid]));
  }
  out += masker.end().bytes.length;
  console.log(
    `${type} ${JSON.stringify(text)}: ${(out / MIB).toFixed(1)} MiB out, ${waits} bytes waited, ${((peak - before) / MIB).toFixed(1)} MiB more memory`,
  );
  expect(waits).toBeLessThanOrEqual(UNDECIDED_LIMIT);
  expect(peak - before).toBeLessThan(GROWTH);
});
