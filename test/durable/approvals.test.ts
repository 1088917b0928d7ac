// Approvals in a session object, from what asks to how it ended: each step holds in a new instance and
// leaves a log that verifies; time and an admin end what waits.

import { evictDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { IDLE_MS } from "../../durable/session_life.ts";
import {
  checkSession,
  classesOf,
  completed,
  kindsOf,
  newCommand,
  OPENING,
  record,
  requested,
  ring,
  sessionObject,
  setClock,
  sidOf,
} from "../support/objects.ts";
import { ALICE, BOB, CAROL, MINUTE, slot } from "../support/sample_approval.ts";
import {
  asked,
  asking,
  deciding,
  entryOf,
  kindsIn,
  lastClasses,
  seqOf,
  stateOf,
  using,
} from "../support/waiting_commands.ts";

afterEach(() => {
  vi.useRealTimers();
});

const GRANTS = { grant: { maxMs: 30 * MINUTE, scope: "rule" } } as const;

describe("each step holds in a new instance", () => {
  test("asked, decided by two, used, ended", async () => {
    const session = sessionObject("steps");
    const ask = asking({ terms: { by: [slot("leads", 2)] } });
    const { approval } = ask;
    const sid = sidOf(await session.ask(ask, OPENING));
    await evictDurableObject(session);
    // A second call whose first answer was lost.
    expect(await session.ask(ask, OPENING)).toMatchObject({ ok: true, sid, seq: 1 });
    await evictDurableObject(session);
    const first = deciding(approval, { decider: BOB });
    expect(seqOf(await session.decide(first), sid)).toBe(2);
    await evictDurableObject(session);
    expect(seqOf(await session.decide(first), sid)).toBe(2);
    expect((await stateOf(session, approval))?.kind).toBe("pending");
    expect(await session.consume(...using(approval))).toMatchObject({ ok: false, reason: "approval_pending" });
    expect(seqOf(await session.decide(deciding(approval, { decider: CAROL })), sid)).toBe(3);
    await evictDurableObject(session);
    expect((await stateOf(session, approval))?.kind).toBe("approved");
    const use = using(approval);
    expect(await session.consume(...use)).toMatchObject({ ok: true, sid, seq: 4 });
    await evictDurableObject(session);
    expect(await session.consume(...use)).toMatchObject({ ok: true, sid, seq: 4 });
    expect(await session.consume(...using(approval, newCommand()))).toMatchObject({
      ok: false,
      reason: "approval_consumed",
    });
    expect(await stateOf(session, approval)).toMatchObject({ kind: "consumed", by: approval.id });
    expect((await session.describe(sid))?.openCommands).toEqual([approval.id]);
    expect(await session.proceed([completed(approval.id)])).toMatchObject({ ok: true, seq: 5 });
    await evictDurableObject(session);
    expect(await kindsIn(session, sid)).toEqual([
      "approval.requested",
      "approval.decided",
      "approval.decided",
      "command.requested",
      "command.completed",
    ]);
  });

  test("denied, cancelled, revoked, left", async () => {
    const session = sessionObject("ends");
    const [sid, refused] = await asked(session);
    const deny = deciding(refused, { decision: "deny", comment: "not on a Friday" });
    await session.decide(deny);
    const [, taken] = await asked(session);
    const by = newCommand();
    const cancelled = await session.cancel(taken.id, "requester", by);
    const [, approved] = await asked(session);
    await session.decide(deciding(approved));
    await evictDurableObject(session);
    const revoked = await session.revoke(approved.id, by, { comment: "no more" });
    const [, left] = await asked(session, { terms: { ifGone: "keep" } });
    const gone = record(
      "command.cancelled",
      left.id,
      { reason: "client_gone", tool: "none", req_bytes: 3, resp_bytes: 0, ms: 9 },
      { digests: '{"request":null,"response":null}' },
    );
    const leaves = await session.proceed([gone]);
    await evictDurableObject(session);
    // Each of them once more: nothing is added.
    expect(await session.cancel(taken.id, "requester", by)).toEqual(cancelled);
    expect(await session.revoke(approved.id, by, { comment: "no more" })).toEqual(revoked);
    expect(await session.proceed([gone])).toEqual(leaves);
    expect((await session.decide(deny)).ok).toBe(true);
    expect(await stateOf(session, refused)).toMatchObject({ kind: "denied" });
    expect(await stateOf(session, taken)).toMatchObject({ kind: "cancelled", reason: "requester" });
    expect(await stateOf(session, approved)).toMatchObject({ kind: "revoked", reason: "revoked" });
    expect(await stateOf(session, left)).toMatchObject({ kind: "pending" });
    // What asked is over, and what it asked for can be used by another call.
    await session.decide(deciding(left));
    expect(await session.consume(...using(left))).toMatchObject({ ok: false, reason: "approval_other_command" });
    expect(await session.consume(...using(left, newCommand()))).toMatchObject({ ok: true, sid });
    expect(await session.revoke(refused.id, by, {})).toMatchObject({ ok: false, reason: "approval_denied" });
    await checkSession(session, sid);
  });

  test("a client that leaves takes back what it asked for, or ends its call alone, as the rule has it", async () => {
    const session = sessionObject("gone");
    const [sid, cancels] = await asked(session);
    const [, keeps] = await asked(session, { terms: { ifGone: "keep" } });
    await session.cancel(cancels.id, "client_gone", null);
    await session.cancel(keeps.id, "client_gone", null);
    await evictDurableObject(session);
    await session.cancel(cancels.id, "client_gone", null);
    await session.cancel(keeps.id, "client_gone", null);
    expect(await stateOf(session, cancels)).toMatchObject({ kind: "cancelled", reason: "client_gone" });
    expect((await session.approvalOf(keeps.id))?.approval).toMatchObject({ state: { kind: "pending" }, left: true });
    expect((await kindsIn(session, sid)).slice(2)).toEqual(["approval.revoked", "command.cancelled"]);
  });

  test("without approval once, and reviewed when the session is long closed", async () => {
    setClock(Date.now());
    const session = sessionObject("glass");
    const terms = { breakGlass: { roles: [], groups: ["oncall"], issuer: null, subjects: [] } };
    const [sid, approval] = await asked(session, { terms, glass: "the site is down" });
    await evictDurableObject(session);
    expect(await session.consume(...using(approval))).toMatchObject({ ok: true });
    await session.proceed([completed(approval.id)]);
    setClock(Date.now() + IDLE_MS);
    await ring(session);
    expect((await session.describe(sid))?.closed).not.toBe(null);
    expect(await entryOf(approval)).toMatchObject({ review: "owed", state: "consumed" });
    expect(await session.review(deciding(approval, { decider: ALICE }))).toMatchObject({
      reason: "decider_is_requester",
    });
    const review = deciding(approval, { comment: "it was down" });
    const reviewed = await session.review(review);
    expect(reviewed.ok).toBe(true);
    await evictDurableObject(session);
    expect(await session.review(review)).toEqual(reviewed);
    expect(await session.review(deciding(approval))).toMatchObject({ ok: false, reason: "review_none" });
    expect(await entryOf(approval)).toMatchObject({ review: "signed_off" });
    expect(await kindsIn(session, sid)).toEqual([
      "approval.requested",
      "approval.decided",
      "command.requested",
      "command.completed",
      "session.closed",
      "approval.decided",
    ]);
  });

  test("without approval only where the rule lets somebody", async () => {
    const session = sessionObject("no glass");
    expect(await session.ask(asking({ glass: "quick" }), OPENING)).toEqual({ ok: false, reason: "malformed" });
    const current = sidOf(await session.begin(requested(newCommand()), null));
    expect(await kindsIn(session, current)).toEqual(["command.requested"]);
  });
});

describe("time", () => {
  test("what nobody answers, and what nobody uses, ends by the alarm", async () => {
    const start = Date.now();
    setClock(start);
    const session = sessionObject("expiry");
    const [sid, unanswered] = await asked(session);
    const [, unused] = await asked(session);
    await session.decide(deciding(unused));
    await evictDurableObject(session);
    setClock(start + 5 * MINUTE);
    await ring(session);
    expect(await lastClasses(session, sid)).toEqual({ reason: "unused" });
    setClock(start + 60 * MINUTE);
    await ring(session);
    expect(await lastClasses(session, sid)).toEqual({ reason: "unanswered" });
    expect(await session.decide(deciding(unanswered))).toMatchObject({ reason: "approval_expired" });
    expect(await session.consume(...using(unused))).toMatchObject({ reason: "approval_expired" });
  });

  test("ends it before the alarm comes, whoever comes first", async () => {
    const start = Date.now();
    setClock(start);
    const session = sessionObject("lazy expiry");
    const [sid, decided] = await asked(session);
    const [, looked] = await asked(session);
    const [, used] = await asked(session);
    setClock(start + 59 * MINUTE);
    await session.decide(deciding(used));
    setClock(start + 60 * MINUTE);
    expect(await session.decide(deciding(decided))).toMatchObject({ reason: "approval_expired" });
    expect(await session.untilDecided(looked.id, 20_000)).toMatchObject({ approval: { state: { kind: "expired" } } });
    setClock(start + 64 * MINUTE);
    expect(await session.consume(...using(used))).toMatchObject({ reason: "approval_expired" });
    expect((await kindsIn(session, sid)).slice(-3)).toEqual(Array(3).fill("approval.expired"));
  });

  test("a pending one keeps its session open, and the session is idle only after it", async () => {
    const start = Date.now();
    setClock(start);
    const session = sessionObject("held open");
    const [sid, approval] = await asked(session);
    for (const minutes of [16, 32, 59]) {
      setClock(start + minutes * MINUTE);
      await ring(session);
      expect(await session.describe(sid)).toMatchObject({ closed: null, size: 2 });
    }
    setClock(start + 60 * MINUTE);
    await ring(session);
    expect(await stateOf(session, approval)).toMatchObject({ kind: "expired", reason: "unanswered" });
    setClock(start + 60 * MINUTE + IDLE_MS);
    await ring(session);
    expect(await lastClasses(session, sid)).toMatchObject({ reason: "idle" });
  });

  test("at its longest time a session ends what waits in it, also while a command runs", async () => {
    const start = Date.now();
    setClock(start);
    const session = sessionObject("longest");
    const times = { maxMs: 10 * MINUTE, idleMs: MINUTE };
    const [pending, approved, granted] = [asking(), asking(), asking({ terms: GRANTS })];
    const sid = sidOf(await session.ask(pending, { ...OPENING, times }));
    await session.ask(approved, null);
    await session.ask(granted, null);
    await session.decide(deciding(granted.approval, { grantMs: 30 * MINUTE }));
    const running = newCommand();
    expect((await session.consume(...using(granted.approval, running, { asGrant: true }))).ok).toBe(true);
    setClock(start + 8 * MINUTE);
    await session.decide(deciding(approved.approval));
    await session.renew(running);
    setClock(start + 10 * MINUTE);
    expect(await session.consume(...using(approved.approval))).toMatchObject({ reason: "approval_revoked" });
    expect(await session.untilCut(running)).toMatchObject({ reason: "session_over" });
    await session.renew(running);
    await ring(session);
    for (const { approval } of [pending, approved, granted])
      expect((await session.approvalOf(approval.id))?.approval).toMatchObject({
        grant: approval === granted.approval ? { ended: { reason: "session_over" } } : null,
      });
    expect(await stateOf(session, pending.approval)).toMatchObject({ kind: "cancelled", reason: "session_over" });
    await session.proceed([completed(running)]);
    await ring(session);
    expect(await lastClasses(session, sid)).toMatchObject({ reason: "max" });
  });
});

describe("a kill", () => {
  test("ends what waits, what may go on and what was granted, with the admin's name", async () => {
    const session = sessionObject("kill approvals");
    const [sid, pending] = await asked(session);
    const [, approved] = await asked(session);
    const [, granted] = await asked(session, { terms: GRANTS });
    await session.decide(deciding(approved));
    await session.decide(deciding(granted, { grantMs: MINUTE }));
    const running = newCommand();
    await session.consume(...using(granted, running, { asGrant: true }));
    const waits = session.untilDecided(pending.id, 20_000);
    const by = newCommand();
    await session.kill(sid, { command: by, reason: "left" });
    expect(await waits).toMatchObject({ approval: { state: { kind: "cancelled", reason: "killed" } } });
    await evictDurableObject(session);
    expect(await session.untilCut(running)).toEqual({ reason: "killed", by });
    for (const one of [approved, granted])
      expect(await session.consume(...using(one))).toMatchObject({ ok: false, reason: "approval_revoked" });
    expect(await session.decide(deciding(pending))).toMatchObject({ reason: "approval_cancelled" });
    await session.proceed([completed(running)]);
    await ring(session);
    const { records } = await checkSession(session, sid);
    const revoked = records.filter(({ leaf }) => leaf.includes("approval.revoked"));
    expect(revoked.map(classesOf)).toEqual([1, 2, 3].map(() => ({ reason: "killed" })));
    for (const { disclosure } of revoked) expect(disclosure).toContain(by);
    expect(kindsOf(records).at(-1)).toBe("session.closed");
  });

  test("of a session with nothing but what waits closes it in the same turn", async () => {
    const session = sessionObject("kill waiting");
    const [sid] = await asked(session);
    await session.kill(sid, { command: newCommand(), reason: "" });
    expect(await kindsIn(session, sid)).toEqual(["approval.requested", "approval.revoked", "session.closed"]);
    const next = sidOf(await session.begin(requested(newCommand()), OPENING));
    expect(next).not.toBe(sid);
  });
});
