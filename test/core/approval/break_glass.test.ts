// Going on without anybody's approval: only in person, with a reason, and reviewed afterwards.

import { describe, expect, it } from "vitest";
import type { ApprovalEvent } from "../../../core/approval/event.ts";
import type { ApprovalTerms } from "../../../core/approval/terms.ts";
import { commandId } from "../../support/sample_session.ts";
import {
  ALICE,
  BOB,
  CAROL,
  consumeOf,
  ISSUER,
  MINUTE,
  OTHER_POLICY,
  POLICY,
  run,
  sampleApproval,
  voteOf,
} from "../../support/sample_approval.ts";

const approve = voteOf(2, BOB);
const deny = voteOf(2, BOB, { decision: "deny" });

describe("breaking the glass", () => {
  const terms: Partial<ApprovalTerms> = { breakGlass: { roles: [], groups: ["oncall"], issuer: null, subjects: [] } };
  const broken = (change: object = {}): ApprovalEvent => ({
    kind: "break_glass",
    command: commandId(1),
    requester: { issuer: ALICE.issuer, subject: ALICE.subject },
    reason: "the site is down",
    policy: POLICY,
    ...change,
  });
  const review = (who = BOB, change: object = {}): ApprovalEvent => ({
    kind: "review",
    command: commandId(6),
    reviewer: who,
    slots: [0],
    links: [],
    comment: null,
    ...change,
  });

  it("lets the command go on once, and leaves a review owed until somebody else signs it off", () => {
    const used = run(sampleApproval(terms), [1, broken()], [2, consumeOf(1)]);
    expect(used.facts).toMatchObject([
      {
        kind: "approval.decided",
        part: 0,
        classes: { decision: "break_glass", state: "approved" },
        fields: { by: commandId(1) },
      },
    ]);
    expect(used.approval.breakGlass).toEqual({ reason: "the site is down", review: "owed" });
    expect(run(used.approval, [3, review(ALICE)]).refused).toBe("decider_is_requester");
    expect(run(used.approval, [3, review(BOB, { slots: [] })]).refused).toBe("decider_not_asked");
    const reviewed = run(used.approval, [24 * 60 * MINUTE, review()]);
    expect(reviewed.facts).toEqual([
      {
        kind: "approval.decided",
        part: 1,
        classes: { decision: "review", state: "approved" },
        fields: { by: commandId(6) },
      },
    ]);
    expect(run(reviewed.approval, [25 * 60 * MINUTE, review(CAROL)]).refused).toBe("review_none");
  });

  it.each([
    ["without a reason", terms, {}, { reason: " " }, "reason_needed"],
    ["where the rule lets nobody", {}, {}, {}, "break_glass_none"],
    ["by an agent", terms, { actors: [{ issuer: ISSUER, subject: "agent" }] }, {}, "break_glass_none"],
    [
      "by another than the requester",
      terms,
      {},
      { requester: { issuer: ISSUER, subject: "bob" } },
      "approval_other_command",
    ],
    ["under another policy", terms, {}, { policy: OTHER_POLICY }, "approval_stale"],
  ] as const)("is refused %s", (_, own, change, event, refused) => {
    expect(run(sampleApproval(own, change), [1, broken(event)]).refused).toBe(refused);
  });

  it("opens nothing that was denied", () => {
    expect(run(sampleApproval(terms), [1, deny], [2, broken()]).refused).toBe("approval_denied");
  });

  it("owes no review where the glass was not broken", () => {
    expect(run(sampleApproval(terms), [1, approve], [2, review(CAROL)]).refused).toBe("review_none");
  });
});
