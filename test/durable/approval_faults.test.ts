// Approvals on storage that fails: rolled back, or kept though it seemed to fail. Whatever happens, a
// step and its record are there together or not at all, each once, nothing is used twice, and the log
// verifies.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { Approval } from "../../core/approval/approval.ts";
import type { CommandId } from "../../core/ids.ts";
import type { Classes } from "../../core/record/record.ts";
import type { Ask, AskAnswer, Consumed, Stepped } from "../../durable/approval_rpc.ts";
import { Desk, REFUSED, turn } from "../support/approval_bench.ts";
import { checkSession, newCommand, requested, withStorage } from "../support/objects.ts";
import { BOB, CAROL, MINUTE, slot } from "../support/sample_approval.ts";
import { Bench, type Fault, withBench } from "../support/session_bench.ts";
import { asking, deciding, using } from "../support/waiting_commands.ts";

type Step = readonly [
  name: string,
  kinds: readonly string[],
  (desk: Desk, approval: Approval) => () => Promise<{ ok: boolean }>,
];

const by = newCommand();
/** Each with what it appends. What comes before a step of an approval that is used is made for it. */
const STEPS: readonly Step[] = [
  [
    "a decision",
    ["approval.decided"],
    (desk, approval) => {
      const order = deciding(approval);
      return () => desk.decide(order);
    },
  ],
  [
    "a denial",
    ["approval.decided"],
    (desk, approval) => {
      const order = deciding(approval, { decision: "deny" });
      return () => desk.decide(order);
    },
  ],
  [
    "taking it back",
    ["approval.revoked"],
    (desk, { id }) =>
      () =>
        desk.step((now) => desk.bench.log.approvals.cancel(id, "requester", by, now)),
  ],
  [
    "leaving",
    ["approval.revoked"],
    (desk, { id }) =>
      () =>
        desk.step((now) => desk.bench.log.approvals.cancel(id, "client_gone", null, now)),
  ],
];

test.each(STEPS)("%s that is refused changes nothing; one that was kept in silence is found", (_, kinds, make) =>
  withBench(async (bench) => {
    const desk = new Desk(bench);
    const lost = desk.asked();
    await desk.ask(lost);
    const step = make(desk, lost.approval);
    bench.faults.push("lost", "lost");
    expect(await step()).toMatchObject(REFUSED);
    expect(desk.stateOf(lost.approval)).toBe("pending");
    bench.faults.push("persisted");
    const first = await step();
    expect(first.ok).toBe(true);
    // Kept, and refused: the caller asks again.
    bench.faults.push("persisted", "lost");
    await step();
    expect(await step()).toEqual(first);
    expect(await desk.kinds()).toEqual(["approval.requested", ...kinds]);
  }),
);

test("asking, using and revoking that are refused change nothing; what was kept in silence is found", () =>
  withBench(async (bench) => {
    const desk = new Desk(bench);
    const ask = desk.asked({ terms: { grant: { maxMs: 10 * MINUTE, scope: "rule" } } });
    const { approval } = ask;
    bench.faults.push("lost", "lost");
    expect(await desk.ask(ask)).toEqual(REFUSED);
    expect(desk.stateOf(approval)).toBe(undefined);
    expect(desk.untold()).toBe(0);
    bench.faults.push("persisted", "lost");
    expect(await desk.ask(ask)).toEqual(REFUSED);
    expect(await desk.ask(ask)).toMatchObject({ ok: true, seq: 1 });
    expect(desk.untold()).toBe(1);
    await desk.decide(deciding(approval, { grantMs: MINUTE }));
    const [own, granted] = [using(approval), using(approval, newCommand(), { asGrant: true })];
    for (const use of [own, granted]) {
      bench.faults.push("lost", "lost");
      expect(await desk.consume(use)).toEqual(REFUSED);
      expect(bench.log.underWay).toBe(use === own ? 0 : 1);
      bench.faults.push("persisted");
      const used = await desk.consume(use);
      expect(used.ok).toBe(true);
      bench.faults.push("persisted", "lost");
      await desk.consume(use);
      expect(await desk.consume(use)).toEqual(used);
    }
    const revoke = (): Promise<Stepped> =>
      desk.step((now) => bench.log.approvals.revoke(approval.id, by, { comment: "enough" }, now));
    bench.faults.push("lost", "lost");
    expect(await revoke()).toMatchObject(REFUSED);
    const running = granted[0].command;
    if (running === null) throw new Error("an intent without a command");
    expect(bench.log.cutOf(running, bench.now)).toBe(null);
    bench.faults.push("persisted");
    const revoked = await revoke();
    expect(await revoke()).toEqual(revoked);
    expect(bench.log.cutOf(running, bench.now)).toEqual({ reason: "approval_revoked", by });
    expect(await desk.kinds()).toEqual([
      "approval.requested",
      "approval.decided",
      "command.requested",
      "command.requested",
      "approval.revoked",
    ]);
  }));

test("an intent that cannot be written leaves the approval unused", () =>
  withBench(async (bench) => {
    const desk = new Desk(bench);
    const ask = desk.asked();
    await desk.ask(ask);
    await desk.decide(deciding(ask.approval));
    const use = using(ask.approval);
    bench.failInsert = 1;
    // The second try of the batch works, from a state that the first has not moved.
    expect(await desk.consume(use)).toMatchObject({ ok: true, seq: 3 });
    expect(await desk.kinds()).toEqual(["approval.requested", "approval.decided", "command.requested"]);
  }));

test("time that ends approvals survives a write that is refused and one that is kept in silence", () =>
  withBench(async (bench) => {
    const desk = new Desk(bench);
    const ask = desk.asked();
    await desk.ask(ask);
    const tick = (): Promise<void> => turn(bench, () => bench.log.closeEnded(bench.now), undefined);
    bench.now += 60 * MINUTE;
    bench.faults.push("lost", "lost");
    await tick();
    expect(desk.stateOf(ask.approval)).toBe("pending");
    expect(await desk.decide(deciding(ask.approval))).toMatchObject({ reason: "approval_expired" });
    bench.faults.push("persisted");
    await tick();
    expect(await desk.kinds()).toEqual(["approval.requested", "approval.expired"]);
  }));

test("a command that asks cannot begin otherwise in the same turn, nor the other way round", () =>
  withBench(async (bench) => {
    const desk = new Desk(bench);
    const asks = desk.asked();
    const [intent] = using(asks.approval);
    const plain = { ...intent, classes: '{"protocol":"http"}' };
    const answers = await Promise.all([desk.ask(asks), bench.begin(plain), desk.ask(asks)]);
    expect(answers).toMatchObject([
      { ok: true, seq: 1 },
      { ok: false, reason: "conflict" },
      { ok: true, seq: 1 },
    ]);
    expect(await desk.kinds()).toEqual(["approval.requested"]);
  }));

test("whatever fails and whenever it starts anew, a step is answered once and for good, and nothing is used twice", async () => {
  const action = fc.record({
    what: fc.constantFrom("ask", "bob", "carol", "deny", "use", "other", "grant", "cancel", "revoke", "tick"),
    which: fc.nat(2),
    faults: fc.array(fc.constantFrom<Fault>("lost", "persisted"), { maxLength: 2 }),
    restart: fc.boolean(),
    minutes: fc.constantFrom(0, 0, 1, 6, 61),
    again: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 4, maxLength: 24 }), (actions) =>
      withBench(async (bench) => {
        const desk = new Desk(bench);
        const terms = { by: [slot("leads", 2)], grant: { maxMs: 10 * MINUTE, scope: "target" } } as const;
        const asks: Ask[] = [];
        const used = new Map<string, number>();
        for (const { what, which, faults, restart, minutes, again } of actions) {
          if (what === "ask" || asks.length === 0) asks.push(desk.asked({ terms }));
          const ask = asks[Math.min(which, asks.length - 1)];
          if (ask === undefined) continue;
          const { approval } = ask;
          const call = callOf(what, desk, ask);
          bench.faults.push(...faults);
          const first = await call();
          bench.faults.length = 0;
          if (restart) bench.log.reload(bench.now);
          const second =
            again || (!first.ok && "reason" in first && first.reason === "storage_refused") ? await call() : first;
          // What was answered is answered again, whatever failed.
          if (first.ok && "seq" in first) expect(second).toEqual(first);
          if (second.ok && (what === "use" || what === "other"))
            used.set(approval.id, (used.get(approval.id) ?? 0) + 1);
          bench.now += minutes * MINUTE;
        }
        for (const count of used.values()) expect(count).toBe(1);
        await bench.check();
      }),
    ),
    { numRuns: 60 },
  );
});

function callOf(what: string, desk: Desk, ask: Ask): () => Promise<{ ok: boolean }> {
  const { approval } = ask;
  const { approvals } = desk.bench.log;
  const other = newCommand();
  switch (what) {
    case "ask":
      return () => desk.ask(ask);
    case "bob":
    case "carol":
    case "deny": {
      const decision = what === "deny" ? "deny" : "approve";
      const order = deciding(approval, {
        decider: what === "carol" ? CAROL : BOB,
        decision,
        grantMs: decision === "deny" ? 0 : MINUTE,
      });
      return () => desk.decide(order);
    }
    case "use":
    case "other":
    case "grant": {
      const use = using(approval, what === "use" ? approval.id : other, { asGrant: what === "grant" });
      return () => desk.consume(use);
    }
    case "cancel":
      return () => desk.step((now) => approvals.cancel(approval.id, "requester", other, now));
    case "revoke":
      return () => desk.step((now) => approvals.revoke(approval.id, other, {}, now));
    default:
      return () => turn(desk.bench, () => (desk.bench.log.closeEnded(desk.bench.now), { ok: true }), { ok: true });
  }
}

test("an object's parts find in storage what another instance left", () =>
  withStorage("another instance", async (storage) => {
    const first = new Bench(storage);
    const desk = new Desk(first);
    const ask = desk.asked();
    await desk.ask(ask);
    await desk.decide(deciding(ask.approval));
    const second = new Bench(storage);
    second.now = first.now;
    expect(new Desk(second).stateOf(ask.approval)).toBe("approved");
    expect(await new Desk(second).consume(using(ask.approval))).toMatchObject({ ok: true });
    await checkSession(second.log, first.sid);
  }));

test("a message of a socket waits in its socket's session, and is complete in itself once it goes on", () =>
  withBench(async (bench) => {
    const desk = new Desk(bench);
    const socket = newCommand();
    await bench.begin(requested(socket));
    const message = { protocol: "websocket", verb: "send", socket, type: "text", size: 6, oneway: 1, format: "text" };
    const ask = asking({ classes: message, fields: { payload: "deploy" } }, newCommand(), bench.now);
    const within = (command: CommandId): Promise<AskAnswer> =>
      turn<AskAnswer>(bench, () => bench.log.ask(ask, bench.now, command), REFUSED);
    expect(await within(newCommand())).toEqual({ ok: false, reason: "session_needed" });
    expect(await within(socket)).toMatchObject({ ok: true, sid: bench.sid });
    await desk.decide(deciding(ask.approval));
    const use = (classes: Classes): Promise<Consumed> => desk.consume(using(ask.approval, undefined, { classes }));
    const { format: _, ...intent } = message;
    expect(await use({ ...intent, socket: newCommand() })).toEqual({ ok: false, reason: "malformed" });
    expect(await use(intent)).toMatchObject({ ok: true });
    expect(bench.log.underWay).toBe(1);
    await bench.check();
  }));
