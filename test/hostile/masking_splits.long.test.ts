// Every secret of the corpus in every carrier, in two pieces split at every byte, and byte by byte.

import { describe, expect, test } from "vitest";
import { splitDifferences } from "../support/masked_pieces.ts";
import { CARRIER_NAMES } from "../vectors/secrets/carriers.ts";
import { documentsWithSecret } from "../vectors/secrets/score.ts";

/** The share that every run of .ci/run has. */
const SHARE = process.env.LONG_SHARE === "small" ? 12 : 1;

describe("a body in two pieces, split at every byte, or byte by byte, is masked as it is in one", () => {
  const documents = documentsWithSecret();
  test.each(CARRIER_NAMES)("%s", (carrier) => {
    const differs = documents
      .filter((one) => one.carrier === carrier)
      .filter((_, index) => (index + CARRIER_NAMES.indexOf(carrier)) % SHARE === 0)
      .flatMap((one) => splitDifferences(one, 10_000));
    expect(differs).toEqual([]);
  });
});
