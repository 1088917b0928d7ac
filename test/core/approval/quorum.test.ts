// Enough people: every slot filled, one person one place, whichever they fit.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { quorumOf } from "../../../core/approval/quorum.ts";
import { ISSUER, party } from "../../support/sample_approval.ts";

const approve = (subject: string, ...slots: number[]): Parameters<typeof quorumOf>[1][number] => ({
  decision: "approve",
  decider: party(subject),
  slots,
});

describe("a quorum", () => {
  it("of two groups wants two people, though one fits both", () => {
    const by = [{ count: 1 }, { count: 1 }];
    expect(quorumOf(by, [approve("a", 0, 1)], [])).toEqual({ enough: false, missing: [0, 1] });
    expect(quorumOf(by, [approve("a", 0, 1), approve("b", 0)], [])).toEqual({ enough: true, missing: [0, 0] });
  });

  it("counts a person with two identities once", () => {
    const links = [
      [
        { issuer: ISSUER, subject: "a" },
        { issuer: ISSUER, subject: "b" },
      ],
    ];
    const votes = [approve("a", 0), approve("b", 0)];
    expect(quorumOf([{ count: 2 }], votes, links)).toEqual({ enough: false, missing: [1] });
    expect(quorumOf([{ count: 2 }], votes, [])).toEqual({ enough: true, missing: [0] });
  });

  it("joins two who are shown to be one person by a third identity", () => {
    const votes = [
      { ...approve("a", 0), decider: party("a", "x@example.org") },
      { ...approve("b", 0), decider: party("b", "y@example.org") },
      { ...approve("a", 0), decider: party("a", "y@example.org") },
    ];
    expect(quorumOf([{ count: 2 }], votes, []).enough).toBe(false);
  });

  it("is not there where nobody is asked, and takes no denial or unknown slot", () => {
    expect(quorumOf([], [approve("a", 0)], []).enough).toBe(false);
    expect(quorumOf([{ count: 1 }], [approve("a", 1), { ...approve("b", 0), decision: "deny" }], []).enough).toBe(
      false,
    );
  });

  it("is found exactly where trying every assignment finds one", () => {
    const counts = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 });
    const people = fc.array(fc.subarray([0, 1, 2]), { maxLength: 6 });
    fc.assert(
      fc.property(counts, people, (wanted, fits) => {
        const by = wanted.map((count) => ({ count }));
        const { enough, missing } = quorumOf(
          by,
          fits.map((slots, i) => approve(`p${i}`, ...slots)),
          [],
        );
        const most = mostFilled(wanted, fits);
        const total = wanted.reduce((sum, count) => sum + count, 0);
        expect(enough).toBe(most === total);
        expect(missing.reduce((sum, one) => sum + one, 0)).toBe(total - most);
      }),
      { numRuns: 500 },
    );
  });
});

/** Every person in every slot that they fit, or in none. */
function mostFilled(wanted: readonly number[], [first, ...rest]: readonly (readonly number[])[]): number {
  if (first === undefined) return 0;
  const without = mostFilled(wanted, rest);
  const placed = first
    .filter((slot) => (wanted[slot] ?? 0) > 0)
    .map(
      (slot) =>
        1 +
        mostFilled(
          wanted.map((count, i) => (i === slot ? count - 1 : count)),
          rest,
        ),
    );
  return Math.max(without, ...placed);
}
