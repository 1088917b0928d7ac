// A body in the record, with the masker that is used: however it is cut into pieces, each step brings it
// on, what is released is what came, and the records' payload is the whole body masked.

import { expect, test } from "vitest";
import { newCommandId } from "../../core/ids.ts";
import { EVERY_SECRET } from "../../core/mask/mask_plan.ts";
import { maskWhole, PayloadMasker } from "../../core/mask/payload_masker.ts";
import type { Masked } from "../../core/record/record.ts";
import { fillRandom } from "../../durable/sha256.ts";
import { BodyRecord, type Reach, type Step } from "../../workers/http/body_record.ts";
import type { Recording } from "../../workers/http/recording.ts";
import { CallerMask } from "../../workers/http/to_caller.ts";

const RECORDING: Recording = {
  extent: "full",
  unreadable: "commit",
  plan: EVERY_SECRET,
  masker: (contentType) => new PayloadMasker(EVERY_SECRET, contentType, () => "p"),
  commitment: () => "c",
};
const DOCUMENT = new TextEncoder().encode(
  `{"user":"alice","password":"abcdefgh-12345-${"x".repeat(40)}","nested":[{"token":"t${"0123456789".repeat(30)}"},"ünïcode ✓"]}`,
);

/** More secrets than one record tells of. */
const MANY = new TextEncoder().encode(
  JSON.stringify(Array.from({ length: 3_000 }, (_, i) => ({ id: i, password: `abcdefgh-${i}`, note: "plain" }))),
);

const joined = (parts: readonly Uint8Array[]): string => Buffer.concat(parts.map((one) => one.slice())).toString();
/** A long piece stands beside its record. */
const payloadOf = (records: readonly Masked[]): string =>
  records.map(({ fields, payload }) => fields.payload ?? Buffer.from(payload ?? []).toString()).join("");
const maskedOf = (bytes: Uint8Array): string =>
  Buffer.from(maskWhole(EVERY_SECRET, "application/json", bytes, () => "p").bytes).toString();

test.each([
  ...[1, 2, 3, 5, 7, 11, 16, 64, 200, 1000].map((size) => [size, DOCUMENT] as const),
  ...[100, 1000, 4096, 65_536, 200_000].map((size) => [size, MANY] as const),
])("pieces of %i bytes", (size, document) => {
  const masked = maskedOf(document);
  for (const toCaller of [null, new CallerMask(EVERY_SECRET).body("application/json")]) {
    const stated = { contentType: "application/json", coding: null };
    const body = new BodyRecord(newCommandId(0, fillRandom), "response", RECORDING, stated, toCaller);
    const steps: Step[] = [];
    const take = (reach: Reach): Step => {
      const step = body.take(reach);
      steps.push(step);
      return step;
    };
    for (let at = 0; at < document.length; at += size) {
      body.add(document.slice(at, at + size));
      while (body.isReady) {
        const { records, release } = take("decided");
        expect(records.length + release.length).toBeGreaterThan(0);
      }
    }
    take("end");
    const records = steps.flatMap((one) => one.records);
    expect(payloadOf(records)).toBe(masked);
    const released = joined(steps.flatMap((one) => one.release));
    expect(released).toBe(toCaller === null ? joined([document]) : masked);
    // The chunks' lengths are those of the body as it came, whatever the caller gets of it.
    const lengths = records.map(({ classes }) => Number(classes.length));
    expect(lengths.reduce((sum, one) => sum + one, 0)).toBe(document.length);
    expect(records.at(-1)?.classes.held ?? 0).toBe(0);
  }
});
