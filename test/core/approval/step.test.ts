// What becomes of an approval, one behaviour at a time. Interleavings are tried in interleavings.test.ts.

import { describe, expect, it } from "vitest";
import type { ApprovalEvent } from "../../../core/approval/event.ts";
import { nextDue } from "../../../core/approval/step.ts";
import type { ApprovalTerms } from "../../../core/approval/terms.ts";
import type { ConnectionName, Digest } from "../../../core/ids.ts";
import { commandId, STARTED } from "../../support/sample_session.ts";
import {
  ALICE,
  BOB,
  CAROL,
  consumeOf,
  ISSUER,
  MINUTE,
  OTHER_POLICY,
  party,
  POLICY,
  run,
  sampleApproval,
  slot,
  voteOf,
} from "../../support/sample_approval.ts";

const approve = voteOf(2, BOB);
const deny = voteOf(2, BOB, { decision: "deny" });
const expire: ApprovalEvent = { kind: "expire" };
const revoke: ApprovalEvent = { kind: "revoke", by: commandId(9) };
const gone: ApprovalEvent = { kind: "client_gone", command: commandId(1) };
const GRANTS: Partial<ApprovalTerms> = { grant: { maxMs: 30 * MINUTE, scope: "target" } };
const granting = voteOf(2, BOB, { grantMs: 20 * MINUTE });
const OTHER_DIGEST = "0e".repeat(32) as Digest;

describe("approve", () => {
  it("lets exactly the command that was asked about go on, once", () => {
    const { approval, facts } = run(sampleApproval(), [1000, approve], [2000, consumeOf(1)]);
    expect(approval.state).toEqual({ kind: "consumed", at: STARTED + 2000, by: commandId(1) });
    expect(facts).toEqual([
      {
        kind: "approval.decided",
        part: 0,
        classes: { decision: "approve", state: "approved", until: STARTED + 1000 + 5 * MINUTE },
        fields: { by: commandId(2) },
      },
    ]);
    expect(run(approval, [3000, consumeOf(3)])).toMatchObject({ refused: "approval_consumed", facts: [] });
  });

  it("answers the same order again as before, because its answer may have been lost", () => {
    expect(run(sampleApproval(), [1, approve], [2, approve])).toMatchObject({ refused: null, facts: { length: 1 } });
    expect(run(sampleApproval(), [1, approve], [2, { ...deny }]).refused).toBe("decider_decided");
    const used = run(sampleApproval(), [1, approve], [2, consumeOf(1)], [3, consumeOf(1)]);
    expect(used).toMatchObject({ refused: null, approval: { state: { at: STARTED + 2 } } });
  });

  it("needs everybody whom the rule asks", () => {
    const asked = sampleApproval({ by: [slot("leads"), slot("security", 2)] });
    const votes = [BOB, CAROL, party("dan")].map((who, i) => voteOf(2 + i, who, { slots: i === 0 ? [0, 1] : [1] }));
    const [bob, carol, dan] = votes as [ApprovalEvent, ApprovalEvent, ApprovalEvent];
    expect(run(asked, [1, bob], [2, carol], [3, consumeOf(1)]).refused).toBe("approval_pending");
    const { approval, facts } = run(asked, [1, bob], [2, carol], [3, dan]);
    expect(approval.state.kind).toBe("approved");
    expect(facts.map(({ part, classes }) => [part, classes.state])).toEqual([
      [0, "pending"],
      [1, "pending"],
      [2, "approved"],
    ]);
  });

  it.each([
    ["the requester", ALICE, [0], "decider_is_requester"],
    [
      "a second identity of the requester",
      party("al", "ALICE@example.org", "https://b.example"),
      [0],
      "decider_is_requester",
    ],
    ["who was not asked", BOB, [], "decider_not_asked"],
    ["who fits a slot that does not exist", BOB, [1, -1, 0.5], "decider_not_asked"],
  ])("is refused to %s", (_, decider, slots, refused) => {
    for (const decision of ["approve", "deny"] as const)
      expect(run(sampleApproval(), [1, voteOf(2, decider, { slots, decision })])).toMatchObject({ refused, facts: [] });
  });

  it("is refused to whoever acts for the requester", () => {
    const asked = sampleApproval({}, { actors: [{ issuer: ISSUER, subject: "bob" }] });
    expect(run(asked, [1, approve]).refused).toBe("decider_is_requester");
  });

  it("counts one person once, whatever they are called", () => {
    const asked = sampleApproval({ by: [slot("leads", 2)] });
    const again = voteOf(3, party("robert", "BOB@example.org"));
    expect(run(asked, [1, approve], [2, again])).toMatchObject({
      refused: "decider_decided",
      approval: { state: { kind: "pending" } },
    });
  });

  it.each([
    [
      "a comment where the rule wants one",
      { commentNeeded: true },
      voteOf(2, BOB, { comment: " \n" }),
      "comment_needed",
    ],
    ["a passkey where the rule wants one", { passkey: true }, approve, "passkey_needed"],
    ["no grant where the rule has none", {}, granting, "grant_none"],
    [
      "no grant longer than the rule's",
      { grant: { maxMs: 20 * MINUTE - 1, scope: "rule" } },
      granting,
      "grant_too_long",
    ],
    ["whole milliseconds", GRANTS, voteOf(2, BOB, { grantMs: 0.5 }), "grant_too_long"],
    ["no time before now", GRANTS, voteOf(2, BOB, { grantMs: -1 }), "grant_too_long"],
    ["no grant of a denial", GRANTS, voteOf(2, BOB, { decision: "deny", grantMs: 1 }), "grant_none"],
  ] as const)("takes %s", (_, terms, event, refused) => {
    expect(run(sampleApproval(terms), [1, event])).toMatchObject({ refused, facts: [] });
  });

  it("says in its record that it was signed", () => {
    const { facts } = run(sampleApproval({ passkey: true }), [1, { ...approve, stepUp: "passkey" }]);
    expect(facts[0]?.classes).toMatchObject({ step_up: "passkey" });
  });
});

describe("deny", () => {
  it("by anybody who is asked ends it, whoever approved before", () => {
    const asked = sampleApproval({ by: [slot("leads", 2)] });
    const { approval, facts } = run(asked, [1, voteOf(3, CAROL)], [2, deny]);
    expect(approval.state).toEqual({ kind: "denied", at: STARTED + 2 });
    expect(facts[1]).toMatchObject({ part: 1, classes: { decision: "deny", state: "denied" } });
    expect(run(approval, [3, voteOf(4, party("dan"))]).refused).toBe("approval_denied");
    expect(run(approval, [3, consumeOf(1)]).refused).toBe("approval_denied");
  });

  it("comes too late once it is approved", () => {
    expect(run(sampleApproval(), [1, voteOf(3, CAROL)], [2, deny]).refused).toBe("approval_approved");
  });
});

describe("expiry", () => {
  it("ends an unanswered one at its time, with whatever comes next", () => {
    for (const event of [approve, expire, gone, consumeOf(1)]) {
      const { approval, facts } = run(sampleApproval(), [60 * MINUTE, event]);
      expect(approval.state).toEqual({ kind: "expired", at: STARTED + 60 * MINUTE, reason: "unanswered" });
      expect(facts).toEqual([{ kind: "approval.expired", part: 0, classes: { reason: "unanswered" }, fields: {} }]);
    }
    expect(run(sampleApproval(), [60 * MINUTE, approve]).refused).toBe("approval_expired");
    expect(run(sampleApproval(), [60 * MINUTE - 1, approve]).approval.state.kind).toBe("approved");
  });

  it("ends an approved one that nobody used in time", () => {
    const approved = run(sampleApproval(), [1000, approve]).approval;
    expect(nextDue(approved)).toBe(STARTED + 1000 + 5 * MINUTE);
    expect(run(approved, [1000 + 5 * MINUTE - 1, consumeOf(1)]).refused).toBeNull();
    expect(run(approved, [1000 + 5 * MINUTE, consumeOf(1)])).toMatchObject({
      refused: "approval_expired",
      facts: [{ kind: "approval.expired", classes: { reason: "unused" } }],
    });
  });

  it("is told by nextDue, until nothing can change by time any more", () => {
    expect(nextDue(sampleApproval())).toBe(STARTED + 60 * MINUTE);
    expect(nextDue(run(sampleApproval(), [1, approve], [2, consumeOf(1)]).approval)).toBeNull();
    expect(nextDue(run(sampleApproval(GRANTS), [1, granting], [2, consumeOf(1)]).approval)).toBe(
      STARTED + 1 + 20 * MINUTE,
    );
  });
});

describe("using it", () => {
  it.each([
    ["another body, range or destination", { digest: OTHER_DIGEST }],
    ["another connection", { connection: "other" as ConnectionName }],
    ["another rule", { rule: "other" }],
    ["another caller", { requester: { issuer: ISSUER, subject: "mallory" } }],
    ["an agent of the requester", { actors: [{ issuer: ISSUER, subject: "agent" }] }],
  ])("is refused to %s, and changes nothing", (_, change) => {
    const approved = run(sampleApproval(), [1, approve]).approval;
    expect(run(approved, [2, consumeOf(1, change)])).toEqual({
      approval: approved,
      facts: [],
      refused: "approval_other_command",
    });
  });

  it("is refused to the requester alone where an agent asked for them", () => {
    const asked = sampleApproval({}, { actors: [{ issuer: ISSUER, subject: "agent" }] });
    expect(run(asked, [1, approve], [2, consumeOf(1)]).refused).toBe("approval_other_command");
  });

  it("under another policy ends it with a record", () => {
    expect(run(sampleApproval(), [1, approve], [2, consumeOf(1, { policy: OTHER_POLICY })])).toMatchObject({
      refused: "approval_stale",
      approval: { state: { kind: "revoked", reason: "policy_changed" } },
      facts: [{}, { kind: "approval.revoked", part: 0, classes: { reason: "policy_changed" } }],
    });
  });
});

describe("deciding under another policy", () => {
  it("ends it with a record, and the policy's own change does", () => {
    for (const event of [
      { ...approve, policy: OTHER_POLICY },
      { kind: "policy_changed", policy: OTHER_POLICY },
    ] as const)
      expect(run(sampleApproval(), [1, event])).toMatchObject({
        approval: { state: { kind: "cancelled", reason: "policy_changed" } },
        facts: [{ kind: "approval.revoked", classes: { reason: "policy_changed" } }],
      });
    expect(run(sampleApproval(), [1, { ...approve, policy: OTHER_POLICY }]).refused).toBe("approval_stale");
    expect(run(sampleApproval(), [1, { kind: "policy_changed", policy: POLICY }]).facts).toEqual([]);
  });
});

describe("taking it back", () => {
  it("is the requester's right while it waits or is not used", () => {
    const cancel: ApprovalEvent = { kind: "cancel", by: commandId(7) };
    const told = { kind: "approval.revoked", part: 0, classes: { reason: "requester" }, fields: { by: commandId(7) } };
    expect(run(sampleApproval(), [1, cancel])).toMatchObject({
      approval: { state: { kind: "cancelled" } },
      facts: [told],
    });
    expect(run(sampleApproval(), [1, approve], [2, cancel])).toMatchObject({
      approval: { state: { kind: "revoked" } },
      facts: [{}, told],
    });
    expect(run(sampleApproval(), [1, deny], [2, cancel]).refused).toBe("approval_denied");
  });

  it("is a decider's right once it is approved", () => {
    expect(run(sampleApproval(), [1, revoke]).refused).toBe("approval_pending");
    expect(run(sampleApproval(), [1, approve], [2, revoke], [3, consumeOf(1)]).refused).toBe("approval_revoked");
    expect(run(sampleApproval(), [1, approve], [2, consumeOf(1)], [3, revoke]).refused).toBe("approval_consumed");
  });

  it("comes with a kill and with the session's end, each with its record", () => {
    for (const event of [{ kind: "kill", by: commandId(8) }, { kind: "session_over" }] as const) {
      const reason = event.kind === "kill" ? "killed" : "session_over";
      expect(run(sampleApproval(), [1, event]).approval.state).toMatchObject({ kind: "cancelled", reason });
      expect(run(sampleApproval(), [1, approve], [2, event]).approval.state).toMatchObject({ kind: "revoked", reason });
      const used = run(sampleApproval(), [1, approve], [2, consumeOf(1)]).approval;
      expect(run(used, [3, event])).toEqual({ approval: used, facts: [], refused: null });
    }
  });
});

describe("a client who waited and goes away", () => {
  it("takes the request back where the rule says so, also a decided one", () => {
    expect(run(sampleApproval(), [1, gone]).approval.state).toMatchObject({ kind: "cancelled", reason: "client_gone" });
    expect(run(sampleApproval(), [1, approve], [2, gone], [3, consumeOf(1)]).refused).toBe("approval_revoked");
  });

  it("leaves it to a later call where the rule says so, and its own call is over", () => {
    const left = run(sampleApproval({ ifGone: "keep" }), [5, gone]);
    expect(left.facts).toEqual([
      {
        kind: "command.cancelled",
        part: 0,
        classes: { reason: "client_gone", tool: "none", req_bytes: 0, resp_bytes: 0, ms: 5 },
        fields: { digests: `{"request":null,"response":null}` },
      },
    ]);
    expect(run(left.approval, [6, gone]).facts).toEqual([]);
    expect(run(left.approval, [7, approve], [8, consumeOf(1)]).refused).toBe("approval_other_command");
    expect(run(left.approval, [7, approve], [8, consumeOf(3)]).refused).toBeNull();
  });

  it("changes nothing where it was a later call, or where it is used already", () => {
    const asked = sampleApproval({ ifGone: "keep" });
    expect(run(asked, [1, { kind: "client_gone", command: commandId(3) }])).toEqual({
      approval: asked,
      facts: [],
      refused: null,
    });
    expect(run(sampleApproval(), [1, approve], [2, consumeOf(1)], [3, gone]).facts).toHaveLength(1);
  });
});
