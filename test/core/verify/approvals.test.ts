// Approvals as a verifier reads them: whatever was used without being approved, twice, late, or by the word of
// the one who asked, is found.

import { sha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ApprovalEvent } from "../../../core/approval/event.ts";
import { step } from "../../../core/approval/step.ts";
import type { Draft } from "../../../core/record/record.ts";
import { verifyExport } from "../../../core/verify/verify_session.ts";
import type { SessionVerdict } from "../../../core/verify/verdict.ts";
import { APPROVALS, asks, at, done, LIVE_APPROVALS, principal } from "../../support/sample_approvals.ts";
import { WRONG_APPROVALS, WRONG_USES } from "../../support/wrong_approvals.ts";
import { commandId, countingRandom, draft, exportOf, withheldExport } from "../../support/sample_session.ts";
import { histories, type History } from "../approval/interleavings.ts";

async function verify(drafts: readonly Draft[], times?: readonly number[]): Promise<SessionVerdict> {
  return verifyExport(exportOf(drafts, countingRandom(), sha256, times).text);
}

async function reasonOf(drafts: readonly Draft[]): Promise<string> {
  const { integrity } = await verify(drafts);
  return integrity.kind === "intact" ? "intact" : `${integrity.first.seq} ${integrity.first.detail}`;
}

describe("the sample session with approvals", () => {
  it("is intact, with nothing left to decide or to review", async () => {
    expect(await verify(APPROVALS)).toMatchObject({
      integrity: { kind: "intact" },
      closed: true,
      findings: { openCount: 0, liveCount: 0, owedCount: 0 },
    });
  });

  it("says which approvals are live, and which reviews are owed", async () => {
    const { findings } = await verify([...LIVE_APPROVALS, asks(13, LIVE_APPROVALS.length)]);
    expect(findings).toMatchObject({ live: [commandId(13)], liveCount: 1, owed: [commandId(8)], owedCount: 1 });
  });

  it("is intact with whatever withheld", async () => {
    const all = exportOf(APPROVALS, countingRandom(), sha256);
    for (const names of [
      ["decider"],
      ["principal"],
      ["approval"],
      ["decider", "principal", "approval", "payload", "by"],
    ]) {
      const { integrity } = await verifyExport(withheldExport(all, new Set(names), sha256));
      expect(integrity).toEqual({ kind: "intact" });
    }
  });

  it("is altered once any one of its records about approvals is left out, as long as that matters", async () => {
    const left: number[] = [];
    for (const [seq, { kind }] of APPROVALS.entries()) {
      if (!kind.startsWith("approval.")) continue;
      const kept = APPROVALS.map((one, i) => ({ one, time: at(i) })).filter((_, i) => i !== seq);
      const rest = kept.map(({ one }, i) =>
        one.kind === "session.closed" ? { ...one, classes: { ...one.classes, size: i + 1 } } : one,
      );
      const times = kept.map(({ time }) => time);
      if ((await verify(rest, times)).integrity.kind === "intact") left.push(seq);
    }
    // Only the review that came after the end: nobody can tell that it is not still owed.
    expect(left).toEqual([APPROVALS.length - 1]);
  });
});

describe("a session is altered in which a command", () => {
  it.each(WRONG_USES)("%s", async (_, drafts, expected) => {
    expect(await reasonOf(drafts)).toBe(expected);
  });
});

describe("a session is altered in which an approval", () => {
  it.each(WRONG_APPROVALS)("%s", async (_, drafts, expected) => {
    expect(await reasonOf(drafts)).toBe(expected);
  });
});

/** What an object appends of it: facts at their times, and the intent and outcome of each use. */
function recordsOf(history: History): { drafts: Draft[]; times: number[] } {
  let approval = history.approval;
  let now = approval.requested;
  const { policy, rule } = approval;
  const actors = history.hasAgent ? ["agent"] : [];
  const drafts: Draft[] = [
    draft("session.opened", null, { protocol: "http" }, { principal: principal("alice", ...actors) }),
    draft(
      "approval.requested",
      1,
      { policy, rule, expires: approval.expires },
      { approval: JSON.stringify(approval.terms) },
    ),
  ];
  const times = [now, now];
  const begun = new Set<string>();
  const add = (one: Draft): void => void (drafts.push(one), times.push(now));
  for (const { event, afterMs } of history.happenings) {
    now += afterMs;
    const { approval: next, facts, refused } = step(approval, event, now);
    approval = next;
    for (const { kind, part, classes, fields } of facts)
      add({ kind, command: approval.id, part, classes, fields: { ...fields, ...deciderOf(event) } });
    if (event.kind !== "consume" || refused !== null || begun.has(event.command)) continue;
    // A grant lets others go on; what waits goes on by its own use.
    if (event.asGrant && event.command === approval.id) continue;
    begun.add(event.command);
    const grant = event.asGrant ? { grant: 1 } : {};
    const classes = { effect: "needs_approval", policy, rule, approval: approval.id, ...grant };
    add({ kind: "command.requested", command: event.command, part: 0, classes, fields: {} });
    add({ kind: "command.completed", command: event.command, part: 0, classes: { folded: 1 }, fields: {} });
  }
  return { drafts, times };
}

function deciderOf(event: ApprovalEvent): Draft["fields"] {
  const who = event.kind === "vote" ? event.vote.decider : event.kind === "review" ? event.reviewer : null;
  return who === null ? {} : { decider: JSON.stringify({ issuer: who.issuer, subject: who.subject }) };
}

describe("whatever happens to an approval", () => {
  it("its records are in order", async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const { drafts, times } = recordsOf(history);
        expect((await verify(drafts, times)).integrity).toEqual({ kind: "intact" });
      }),
      { numRuns: 300 },
    );
  });

  it("one more use than there was is found", async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const { drafts, times } = recordsOf(history);
        const { policy, rule, id } = history.approval;
        const once = drafts.some(({ kind, classes }) => kind === "command.requested" && classes.grant === undefined);
        const extra = draft("command.requested", 77, { effect: "needs_approval", policy, rule, approval: id });
        const isApproved =
          (await verify([...drafts, extra], [...times, times.at(-1) ?? 0])).integrity.kind === "intact";
        if (once) expect(isApproved).toBe(false);
        const twice = await verify(
          [...drafts, extra, done(77), { ...extra, command: commandId(78) }],
          [...times, ...Array.from({ length: 3 }, () => times.at(-1) ?? 0)],
        );
        expect(twice.integrity.kind).toBe("altered");
      }),
      { numRuns: 300 },
    );
  });
});
