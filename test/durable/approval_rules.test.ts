// What is granted for a time, who comes first of several, and what a session object takes of approvals at
// all; who hears of it, the registry included.

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Approval } from "../../core/approval/approval.ts";
import type { CommandId, SessionId } from "../../core/ids.ts";
import { PENDING_LIMIT } from "../../durable/approvals.ts";
import type { SessionObject } from "../../durable/session.ts";
import { LEASE_MS } from "../../durable/session_life.ts";
import { Body, noise } from "../support/bodies.ts";
import {
  checkSession,
  completed,
  newCommand,
  OPENING,
  record,
  requested,
  ring,
  sessionObject,
  setClock,
  sidOf,
} from "../support/objects.ts";
import { BOB, CAROL, MINUTE, OTHER_POLICY, slot } from "../support/sample_approval.ts";
import {
  asked,
  asking,
  deciding,
  entryOf,
  kindsIn,
  lastClasses,
  type Session,
  stateOf,
  using,
} from "../support/waiting_commands.ts";

afterEach(() => {
  vi.useRealTimers();
});

const GRANTS = { grant: { maxMs: 30 * MINUTE, scope: "rule" } } as const;

describe("a grant", () => {
  async function granted(session: Session, grantMs = 10 * MINUTE): Promise<[SessionId, Approval]> {
    const [sid, approval] = await asked(session, { terms: GRANTS });
    await session.decide(deciding(approval, { grantMs }));
    return [sid, approval];
  }

  function use(approval: Approval): Parameters<Session["grantFor"]>[0] {
    return using(approval)[1];
  }

  test("lets the like go on until it ends, and what runs under it is cut then", async () => {
    const start = Date.now();
    setClock(start);
    const session = sessionObject("grant over");
    const [sid, approval] = await granted(session);
    await evictDurableObject(session);
    expect(await session.grantFor(use(approval))).toBe(approval.id);
    expect(await session.grantFor({ ...use(approval), policy: OTHER_POLICY })).toBe(null);
    const [one, two] = [newCommand(), newCommand()];
    expect(await session.consume(...using(approval, one, { asGrant: true }))).toMatchObject({ ok: true, sid });
    // The one that asked goes on once, and under the grant as well.
    expect(await session.consume(...using(approval))).toMatchObject({ ok: true, sid });
    expect(await session.consume(...using(approval, two, { asGrant: true }))).toMatchObject({ ok: true });
    await session.proceed([completed(two)]);
    await evictDurableObject(session);
    for (const command of [one, approval.id]) await session.renew(command);
    setClock(start + 10 * MINUTE);
    for (const command of [one, approval.id])
      expect(await session.untilCut(command)).toEqual({ reason: "grant_over", by: null });
    expect(await session.untilCut(two)).toMatchObject({ reason: "not_open" });
    expect(await session.grantFor(use(approval))).toBe(null);
    expect(await session.consume(...using(approval, newCommand(), { asGrant: true }))).toMatchObject({
      reason: "approval_expired",
    });
    expect(await lastClasses(session, sid)).toEqual({ reason: "grant_over" });
  });

  test("that is taken back cuts at once what runs under it, and nothing else", async () => {
    const session = sessionObject("grant revoked");
    const [sid, approval] = await granted(session);
    const [running, other] = [newCommand(), newCommand()];
    await session.consume(...using(approval, running, { asGrant: true }));
    await session.begin(requested(other), null);
    await evictDurableObject(session);
    const cut = session.untilCut(running);
    const by = newCommand();
    await session.revoke(approval.id, by, { comment: "enough" });
    expect(await cut).toEqual({ reason: "approval_revoked", by });
    await evictDurableObject(session);
    expect(await session.untilCut(running)).toEqual({ reason: "approval_revoked", by });
    expect(await session.grantFor(use(approval))).toBe(null);
    expect(await session.consume(...using(approval, newCommand(), { asGrant: true }))).toMatchObject({
      reason: "approval_revoked",
    });
    await session.proceed([completed(running), completed(other)]);
    const held = await runInDurableObject(session, (_: SessionObject, { storage }) =>
      storage.sql.exec("SELECT * FROM grant_use").toArray(),
    );
    expect(held).toEqual([]);
    await checkSession(session, sid);
  });

  test("keeps its session open while it holds", async () => {
    const start = Date.now();
    setClock(start);
    const session = sessionObject("grant idle");
    const [sid, approval] = await granted(session, 25 * MINUTE);
    setClock(start + 24 * MINUTE);
    await ring(session);
    expect(await session.consume(...using(approval, newCommand(), { asGrant: true }))).toMatchObject({ ok: true, sid });
  });

  test("and what waits end when another policy comes in force for who touches them", async () => {
    const session = sessionObject("stale");
    const [sid, approval] = await granted(session);
    const [, pending] = await asked(session);
    const running = newCommand();
    await session.consume(...using(approval, running, { asGrant: true }));
    const stale = using(approval, newCommand(), {
      asGrant: true,
      use: { policy: OTHER_POLICY },
      classes: { policy: OTHER_POLICY },
    });
    expect(await session.consume(...stale)).toMatchObject({ ok: false, reason: "approval_stale" });
    expect(await session.untilCut(running)).toEqual({ reason: "approval_revoked", by: null });
    expect(await session.decide(deciding(pending, { policy: OTHER_POLICY }))).toMatchObject({
      reason: "approval_stale",
    });
    expect(await stateOf(session, pending)).toMatchObject({ kind: "cancelled", reason: "policy_changed" });
    expect(await lastClasses(session, sid)).toEqual({ reason: "policy_changed" });
  });
});

describe("races", () => {
  test("of one approval used by many at once one is taken", async () => {
    const session = sessionObject("use race");
    const [sid, approval] = await asked(session);
    await session.decide(deciding(approval));
    const commands = [approval.id, ...Array.from({ length: 20 }, newCommand)];
    const answers = await runInDurableObject(session, (instance: SessionObject) =>
      Promise.all(commands.map((command) => instance.consume(...using(approval, command)))),
    );
    expect(answers.filter(({ ok }) => ok).length).toBe(1);
    expect(answers.slice(1)).toEqual(
      Array(20).fill(expect.objectContaining({ ok: false, reason: "approval_consumed" })),
    );
    await checkSession(session, sid);
  });

  test("two deciders at once both count, or the one who denies ends it", async () => {
    const session = sessionObject("decide race");
    const [sid, both] = await asked(session, { terms: { by: [slot("leads", 2)] } });
    const [, split] = await asked(session);
    const answers = await runInDurableObject(session, (instance: SessionObject) =>
      Promise.all([
        instance.decide(deciding(both, { decider: BOB })),
        instance.decide(deciding(both, { decider: CAROL })),
        instance.decide(deciding(both, { decider: BOB })),
        instance.decide(deciding(split, { decider: BOB, decision: "deny" })),
        instance.decide(deciding(split, { decider: CAROL })),
      ]),
    );
    expect(answers.map((answer) => (answer.ok ? answer.approval.state.kind : answer.reason))).toEqual([
      "pending",
      "approved",
      "approval_approved",
      "denied",
      "approval_denied",
    ]);
    await checkSession(session, sid);
  });

  test("approve and revoke, use and revoke, use and kill: what comes second finds it so", async () => {
    const session = sessionObject("revoke race");
    const [sid, first] = await asked(session);
    const [, second] = await asked(session);
    const [, third] = await asked(session);
    await session.decide(deciding(second));
    await session.decide(deciding(third));
    const by = newCommand();
    const answers = await runInDurableObject(session, (instance: SessionObject) =>
      Promise.all([
        instance.revoke(first.id, by, {}),
        instance.decide(deciding(first)),
        instance.revoke(first.id, by, {}),
        instance.consume(...using(first)),
        instance.consume(...using(second)),
        instance.revoke(second.id, by, {}),
        instance.kill(sid, { command: by, reason: "" }),
        instance.consume(...using(third)),
      ]),
    );
    expect(answers.map((answer) => ("reason" in answer ? answer.reason : "ok"))).toEqual([
      "approval_pending",
      "ok",
      "ok",
      "approval_revoked",
      "ok",
      "approval_consumed",
      "ok",
      "approval_revoked",
    ]);
    await checkSession(session, sid);
  });
});

describe("what is held against the rules", () => {
  test("nobody but the object says what becomes of an approval, and an intent that names one comes with its use", async () => {
    const session = sessionObject("order");
    const [sid, approval] = await asked(session);
    const refused = { ok: false, reason: "malformed" };
    const decided = record("approval.decided", approval.id, { decision: "approve", state: "approved", until: 9 }, {});
    expect(await session.proceed([decided])).toEqual(refused);
    expect(await session.proceed([record("approval.requested", newCommand())])).toEqual(refused);
    expect(await session.begin(asking().records[0] ?? decided, null)).toEqual(refused);
    const [intent] = using(approval);
    expect(await session.begin(intent, null)).toEqual(refused);
    // Its own intent without the approval, or a denial of it.
    expect(await session.begin(requested(approval.id), null)).toEqual({ ok: false, reason: "conflict" });
    expect(await session.proceed([completed(approval.id)])).toEqual(refused);
    await session.decide(deciding(approval));
    const wrong = [
      using(approval, approval.id, { classes: { grant: 1 } }),
      using(approval, approval.id, { classes: { approval: newCommand() } }),
      using(approval, approval.id, { classes: { rule: "other" } }),
    ];
    for (const one of wrong) expect(await session.consume(...one)).toEqual(refused);
    expect(await session.consume(...using(approval, newCommand(), { asGrant: true }))).toMatchObject({
      reason: "grant_none",
    });
    const others = { digest: OTHER_POLICY, targetDigest: OTHER_POLICY };
    expect(await session.consume(...using(approval, newCommand(), { use: others }))).toMatchObject({
      reason: "approval_other_command",
    });
    expect(await session.consume(...using({ ...approval, id: newCommand() }))).toMatchObject({
      reason: "approval_unknown",
    });
    expect(await kindsIn(session, sid)).toEqual(["approval.requested", "approval.decided"]);
    expect((await session.consume(...using(approval))).ok).toBe(true);
  });

  test("what asks is taken as a whole, with its body in pieces, which is complete then", async () => {
    const session = sessionObject("pieces");
    const id = newCommand();
    const chunk = (n: number, offset: number, text: string, command: CommandId = id) =>
      record(
        "stream.chunk",
        command,
        { side: "request", offset, length: text.length, at: offset, format: "text" },
        { payload: text },
        2 * n,
      );
    const gap = asking({ chunks: [chunk(0, 0, "one "), chunk(1, 5, "two")] }, id);
    expect(await session.ask(gap, OPENING)).toEqual({ ok: false, reason: "malformed" });
    const sid = sidOf(await session.ask(asking({ chunks: [chunk(0, 0, "one "), chunk(1, 4, "two")] }, id), OPENING));
    const watch = await session.approvalOf(id);
    if (watch === null) throw new Error("not asked");
    expect(watch).toMatchObject({ sid, title: "PUT /left-pad" });
    expect(await session.proceed([chunk(2, 7, "three")])).toMatchObject({ ok: false });
    await session.decide(deciding(watch.approval));
    await session.consume(...using(watch.approval));
    for (const next of [chunk(2, 7, "three"), chunk(0, 0, "other")])
      expect(await session.proceed([next])).toMatchObject({ ok: false, reason: "conflict" });
    const body = await session.payloadOf(sid, id, "request", 0, 100);
    expect(new TextDecoder().decode(body?.bytes)).toBe("one two");
    await session.proceed([completed(id)]);
    await checkSession(session, sid);
  });

  test("the largest body that may wait is taken, while a command is under way", async () => {
    const session = sessionObject("large");
    const id = newCommand();
    const body = new Body(id, "request");
    const chunks = Array.from({ length: 16 }, () => body.next(noise(1024 * 1024)));
    await session.begin(requested(newCommand()), OPENING);
    const sid = sidOf(await session.ask(asking({ chunks }, id), null));
    expect((await session.payloadOf(sid, id, "request", 0, 1))?.size).toBe(16 * 1024 * 1024);
  });

  test("no more wait in one session than the bound, and a place comes free", async () => {
    const session = sessionObject("many");
    const [sid, first] = await asked(session);
    for (let i = 1; i < PENDING_LIMIT; i++) await session.ask(asking(), null);
    expect(await session.ask(asking(), null)).toEqual({ ok: false, reason: "approvals_too_many" });
    await session.cancel(first.id, "requester", null);
    expect(await session.ask(asking(), null)).toMatchObject({ ok: true, sid });
  });

  test("without a session one is asked for; what asks twice with other bytes is refused", async () => {
    const session = sessionObject("needed");
    const ask = asking();
    expect(await session.ask(ask, null)).toEqual({ ok: false, reason: "session_needed" });
    expect(await session.ask(ask, OPENING)).toMatchObject({ ok: true, seq: 1 });
    expect(await session.ask(asking({}, ask.approval.id), null)).toEqual({ ok: false, reason: "conflict" });
    const command = newCommand();
    await session.begin(requested(command), null);
    expect(await session.ask(asking({}, command), null)).toEqual({ ok: false, reason: "conflict" });
    expect(await session.approvalOf(command)).toBe(null);
    expect(await session.decide(deciding({ ...ask.approval, id: command }))).toMatchObject({
      reason: "approval_unknown",
    });
  });
});

describe("whoever waits", () => {
  test("hears of the decision that counts, or of its own time's end", async () => {
    const session = sessionObject("wait");
    const [, approval] = await asked(session, { terms: { by: [slot("leads", 2)] } });
    const waits = session.untilDecided(approval.id, 20_000);
    await session.decide(deciding(approval));
    expect(await session.untilDecided(approval.id, 10)).toMatchObject({ approval: { state: { kind: "pending" } } });
    expect(await Promise.race([waits, Promise.resolve("waits")])).toBe("waits");
    await session.decide(deciding(approval, { decider: CAROL }));
    expect(await waits).toMatchObject({ approval: { state: { kind: "approved" } } });
    expect(await session.untilDecided(newCommand(), 20_000)).toBe(null);
  });
});

describe("the registry", () => {
  test("knows of it before its record, and of each change by the time the answer comes", async () => {
    const session = sessionObject("registry");
    const [sid, approval] = await asked(session);
    const object = session.id.toString();
    expect(await entryOf(approval)).toMatchObject({
      sid,
      object,
      state: "pending",
      version: 1,
      title: "PUT /left-pad",
    });
    await session.decide(deciding(approval));
    expect(await entryOf(approval)).toMatchObject({ state: "approved", version: 2, deciders: [BOB] });
  });

  test("hears by the alarm what a crash left in the outbox", async () => {
    const session = sessionObject("outbox");
    const [, approval] = await asked(session);
    await session.decide(deciding(approval));
    await runInDurableObject(session, (_: SessionObject, { storage }) => {
      storage.sql.exec("INSERT INTO approval_outbox (id, version, news) VALUES (?, 3, '[]')", approval.id);
      storage.sql.exec("UPDATE approval SET version = 3, title = 'later'");
    });
    await evictDurableObject(session);
    await ring(session);
    expect(await entryOf(approval)).toMatchObject({ version: 3, title: "later" });
    const left = await runInDurableObject(session, (_: SessionObject, { storage }) =>
      storage.sql.exec("SELECT * FROM approval_outbox").toArray(),
    );
    expect(left).toEqual([]);
  });

  test("an object that waits for people has an alarm by the time that something is due", async () => {
    const start = Date.now();
    setClock(start);
    const session = sessionObject("alarm");
    await asked(session);
    const alarm = (): Promise<number | null> =>
      runInDurableObject(session, (_: SessionObject, state) => state.storage.getAlarm());
    expect(await alarm()).toBe(start + LEASE_MS);
    await ring(session);
    await runInDurableObject(session, (_: SessionObject, state) => state.storage.deleteAlarm());
    await evictDurableObject(session);
    await session.approvalOf(newCommand());
    expect(await alarm()).toBe(start + 60 * MINUTE);
  });
});
