import { sha256 } from "@noble/hashes/sha2.js";
import { describe, expect, it } from "vitest";
import { fromHex } from "../../../core/bytes.ts";
import { digestText, rootOf } from "../../../core/log/merkle.ts";
import { ownRecord } from "../../../core/mask/mask_draft.ts";
import { commit, commitment } from "../../../core/record/commit.ts";
import { withhold } from "../../../core/record/withhold.ts";
import { fromBase64Url } from "../../../core/bytes.ts";
import { countingRandom } from "../../support/sample_session.ts";

const FIELDS = {
  payload: 'with "quotes", ["pseudonyms","x","y"] in it\u2028',
  pseudonyms: '["p1",null]',
  spans: "[]",
  target: "GET /x",
};

function committed(fields: Readonly<Record<string, string>>) {
  const draft = { kind: "gap", command: null, part: 0, classes: {}, fields } as const;
  return commit(ownRecord(draft), countingRandom(), sha256);
}

describe("a withheld field", () => {
  it("is replaced by its commitment, and the root stays within reach", () => {
    const { root, disclosure } = committed(FIELDS);
    const text = withhold(disclosure, new Set(["pseudonyms"]), sha256);
    const shown = JSON.parse(text) as (readonly [string, string, string] | readonly [string, string])[];
    expect(text).not.toContain("p1");
    expect(shown.map((field) => field.length)).toEqual([3, 2, 3, 3]);
    expect(JSON.stringify(shown)).toBe(text);
    const leaves = shown.map(([name, salt, value]) =>
      value === undefined ? fromHex(salt) : commitment(fromBase64Url(salt) ?? new Uint8Array(0), name, value, sha256),
    );
    expect(digestText(rootOf(leaves as Uint8Array[], sha256))).toBe(root);
  });

  it("is found only where it is a field, not where a value speaks of it", () => {
    const { pseudonyms: _, ...others } = FIELDS;
    const { disclosure } = committed(others);
    expect(withhold(disclosure, new Set(["pseudonyms"]), sha256)).toBe(disclosure);
  });

  it("can be any, and all of them", () => {
    const { disclosure } = committed(FIELDS);
    const shown = JSON.parse(withhold(disclosure, new Set(Object.keys(FIELDS)), sha256)) as string[][];
    expect(shown.map(([name]) => name)).toEqual(Object.keys(FIELDS));
    expect(shown.every(([, digest, ...rest]) => /^[0-9a-f]{64}$/.test(digest ?? "") && rest.length === 0)).toBe(true);
  });
});
