// The corpus of secrets and look-alikes through the masker: how much is found, and that what is found does
// not depend on the pieces in which a body comes.

import { describe, expect, test } from "vitest";
import { EVERY_SECRET } from "../../../core/mask/mask_plan.ts";
import { maskWhole } from "../../../core/mask/payload_masker.ts";
import type { Span } from "../../../core/mask/span.ts";
import { splitDifferences } from "../../support/masked_pieces.ts";
import { CARRIER_NAMES } from "../../vectors/secrets/carriers.ts";
import { lookAlikes } from "../../vectors/secrets/look_alikes.ts";
import {
  covers,
  type Document,
  documentsWithout,
  documentsWithSecret,
  type Range,
  score,
  totalOf,
} from "../../vectors/secrets/score.ts";
import { secrets } from "../../vectors/secrets/secrets.ts";

const PRECISION = 0.98;
/** Look-alikes that are masked somewhere. */
const NOT_STAYING = 17;

const encoder = new TextEncoder();
function spansOf({ type, body }: Document): readonly Span[] {
  return maskWhole(EVERY_SECRET, type, encoder.encode(body), () => "one").spans;
}

const rangesOf = (document: Document): Range[] => spansOf(document).map(({ at, length }) => [at, at + length]);

test("the corpus is as large as it claims: a hundred kinds of secrets, a dozen carriers, two hundred look-alikes", () => {
  expect(new Set(secrets(1).map(({ kind }) => kind)).size).toBeGreaterThanOrEqual(100);
  expect(new Set(secrets(1).map(({ value }) => value)).size).toBe(secrets(1).length);
  expect(new Set(CARRIER_NAMES).size).toBeGreaterThanOrEqual(12);
  expect(
    lookAlikes(1).length + documentsWithout().filter(({ carrier }) => carrier === "as it is").length,
  ).toBeGreaterThanOrEqual(200);
});

test("at least two hundred look-alikes stay as they are, in every carrier", async () => {
  const documents = documentsWithout();
  const { wrong } = await score(documents, rangesOf, covers);
  const stay = new Set(documents.map(({ what }) => what));
  const all = stay.size;
  for (const what of stay) if (wrong.some((one) => one.includes(`: ${what}: `))) stay.delete(what);
  expect(stay.size).toBeGreaterThanOrEqual(200);
  // Others are a name that tells with a placeholder, or a key of a map under `key`: docs/masking.md.
  expect(all - stay.size).toBeLessThanOrEqual(NOT_STAYING);
});

test("all secrets are masked to their last byte, and nearly all that is masked is one", async () => {
  const { scores, missed, wrong } = await score([...documentsWithSecret(), ...documentsWithout()], rangesOf, covers);
  const { recall, precision } = totalOf(scores);
  const some = (list: readonly string[]): string => list.slice(0, 40).join("\n");
  expect(recall, some(missed)).toBe(1);
  expect(precision, some(wrong)).toBeGreaterThanOrEqual(PRECISION);
});

/** Each secret in four carriers and each carrier with twenty secrets; all with all: test/hostile/masking_splits.long.test.ts. */
const SHARE = 7;

describe("a body in two pieces, split anywhere, or byte by byte, is masked as it is in one", () => {
  const documents = documentsWithSecret();
  test.each(CARRIER_NAMES)("%s", (carrier) => {
    const differs = documents
      .filter((one) => one.carrier === carrier)
      .filter((_, index) => (index + CARRIER_NAMES.indexOf(carrier)) % SHARE === 0)
      .flatMap((one) => splitDifferences(one, 200));
    expect(differs).toEqual([]);
  });
});
