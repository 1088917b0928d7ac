// What is allowed for a time: which commands, how long, and what ends it.

import { describe, expect, it } from "vitest";
import type { ApprovalEvent } from "../../../core/approval/event.ts";
import { grantCovers } from "../../../core/approval/grant.ts";
import { isLive } from "../../../core/approval/step.ts";
import type { ApprovalTerms } from "../../../core/approval/terms.ts";
import type { Digest } from "../../../core/ids.ts";
import { commandId, STARTED } from "../../support/sample_session.ts";
import {
  BOB,
  CAROL,
  consumeOf,
  MINUTE,
  OTHER_POLICY,
  run,
  sampleApproval,
  sampleUse,
  slot,
  voteOf,
} from "../../support/sample_approval.ts";

const approve = voteOf(2, BOB);
const expire: ApprovalEvent = { kind: "expire" };
const revoke: ApprovalEvent = { kind: "revoke", by: commandId(9) };
const GRANTS: Partial<ApprovalTerms> = { grant: { maxMs: 30 * MINUTE, scope: "target" } };
const granting = voteOf(2, BOB, { grantMs: 20 * MINUTE });
const OTHER_DIGEST = "0e".repeat(32) as Digest;

describe("a grant", () => {
  const granted = run(sampleApproval(GRANTS), [1000, granting]).approval;
  const end = 1000 + 20 * MINUTE;

  it("covers the same target again, with whatever body, for its time from the decision", () => {
    expect(granted.grant).toEqual({ until: STARTED + end, scope: "target", ended: null });
    const change = { digest: OTHER_DIGEST };
    expect(
      run(granted, [end - 1, consumeOf(3, change, true)], [end - 1, consumeOf(4, change, true)]).refused,
    ).toBeNull();
    expect(run(granted, [end, consumeOf(3, change, true)]).refused).toBe("approval_expired");
    expect(run(granted, [2000, consumeOf(3, { targetDigest: OTHER_DIGEST }, true)]).refused).toBe(
      "approval_other_command",
    );
    expect(grantCovers(granted, sampleUse(change), STARTED + end - 1)).toBe(true);
    expect(grantCovers(granted, sampleUse(change), STARTED + end)).toBe(false);
    expect(grantCovers(granted, sampleUse({ policy: OTHER_POLICY }), STARTED + 2000)).toBe(false);
  });

  it("of the scope rule covers whatever else that rule asks about", () => {
    const wide = run(sampleApproval({ grant: { maxMs: 30 * MINUTE, scope: "rule" } }), [1000, granting]).approval;
    expect(
      run(wide, [2000, consumeOf(3, { targetDigest: OTHER_DIGEST, digest: OTHER_DIGEST }, true)]).refused,
    ).toBeNull();
    expect(run(wide, [2000, consumeOf(3, { rule: "other" }, true)]).refused).toBe("approval_other_command");
  });

  it("lasts as long as the one who allowed the least says", () => {
    const asked = sampleApproval({ ...GRANTS, by: [slot("leads", 2)] });
    const second = (grantMs: number): ApprovalEvent => voteOf(3, CAROL, { grantMs });
    expect(run(asked, [1, granting], [2, second(MINUTE)]).approval.grant?.until).toBe(STARTED + 2 + MINUTE);
    expect(run(asked, [1, granting], [2, second(0)]).approval.grant).toBeNull();
  });

  it("ends with a record by its time, by revocation, by a kill, by the session's end and by the policy's change", () => {
    const { approval, facts } = run(granted, [2000, consumeOf(1)], [end, expire]);
    expect(facts).toEqual([{ kind: "approval.expired", part: 0, classes: { reason: "grant_over" }, fields: {} }]);
    expect([isLive(approval), approval.state.kind, approval.grant?.ended?.reason]).toEqual([false, "consumed", "over"]);
    for (const [event, reason] of [
      [revoke, "revoked"],
      [{ kind: "kill", by: null }, "killed"],
      [{ kind: "session_over" }, "session_over"],
      [{ kind: "policy_changed", policy: OTHER_POLICY }, "policy_changed"],
      [{ kind: "cancel", by: null }, "requester"],
    ] as const) {
      const ended = run(granted, [2000, consumeOf(1)], [3000, event]);
      expect(ended.facts).toMatchObject([{ kind: "approval.revoked", classes: { reason } }]);
      expect(run(ended.approval, [4000, consumeOf(3, {}, true)]).refused).toBe("approval_revoked");
    }
  });

  it("that ends unused tells both, each part once", () => {
    const { facts } = run(granted, [end, expire], [end + 1, expire]);
    expect(facts.map(({ part, classes }) => [part, classes.reason])).toEqual([
      [0, "unused"],
      [1, "grant_over"],
    ]);
  });

  it("is none where nobody gave one", () => {
    expect(run(sampleApproval(GRANTS), [1, approve], [2, consumeOf(3, {}, true)]).refused).toBe("grant_none");
  });
});
