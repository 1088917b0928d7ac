// What a session object does about approvals in its own time: it tells the registry of them, and follows
// the policy in force.

import { afterEach, expect, test, vi } from "vitest";
import type { Digest, SessionId } from "../../core/ids.ts";
import { ApprovalDesk } from "../../durable/approval_desk.ts";
import { ApprovalOutbox } from "../../durable/approval_outbox.ts";
import { Desk } from "../support/approval_bench.ts";
import { classesOf, newCommand, setClock } from "../support/objects.ts";
import { MINUTE, OTHER_POLICY, POLICY } from "../support/sample_approval.ts";
import { type Bench, withBench } from "../support/session_bench.ts";
import { asking, deciding, NOTICE } from "../support/waiting_commands.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("what was asked under another policy than the one in force ends by the alarm, unless it was asked since", () =>
  withBench(async (bench) => {
    setClock(bench.now);
    const desk = new Desk(bench);
    const before = desk.asked();
    await desk.ask(before);
    bench.now += MINUTE;
    setClock(bench.now);
    const since = desk.asked();
    await desk.ask(since);
    let inForce: Digest | null = null;
    const alarm = async (policy: Digest | null): Promise<unknown[]> => {
      inForce = policy;
      await deskOf(bench, () => inForce).followPolicy();
      return [desk.stateOf(before.approval), desk.stateOf(since.approval)];
    };
    expect(await alarm(null)).toEqual(["pending", "pending"]);
    expect(await alarm(POLICY)).toEqual(["pending", "pending"]);
    bench.faults.push("lost", "lost");
    expect(await alarm(OTHER_POLICY)).toEqual(["pending", "pending"]);
    expect(await alarm(OTHER_POLICY)).toEqual(["cancelled", "pending"]);
    expect(classesOf((await bench.check()).records.at(-1))).toEqual({ reason: "policy_changed" });
  }));

function deskOf({ log, commits }: Bench, inForce: () => Digest | null): ApprovalDesk {
  const { table } = log.approvals;
  const wakeBy = (): void => undefined;
  const sidOf = (no: number): SessionId => log.sidOf(no);
  const outbox = new ApprovalOutbox({ table, object: "00", sidOf, send: () => Promise.resolve(), wakeBy });
  return new ApprovalDesk({
    log,
    commits,
    outbox,
    object: "00",
    ready: () => Promise.resolve(null),
    announce: () => Promise.resolve(),
    policyInForce: () => Promise.resolve(inForce()),
    wakeBy,
  });
}

test("what the registry cannot be told is told later, with what came meanwhile, and nothing is forgotten", () =>
  withBench(async (bench) => {
    setClock(bench.now);
    const desk = new Desk(bench);
    const ask = asking({ notices: [NOTICE] }, newCommand(), bench.now);
    const { approval } = ask;
    await desk.ask(ask);
    const told: [string, number, string[]][] = [];
    const woken: number[] = [];
    let answer: () => Promise<unknown> = () => Promise.reject(new Error("unreachable"));
    const outbox = new ApprovalOutbox({
      table: bench.log.approvals.table,
      object: "00",
      sidOf: (no) => bench.log.sidOf(no),
      wakeBy: (time) => void woken.push(time - bench.now),
      send: async (entry, notices) => {
        await answer();
        told.push([entry.state, entry.version, notices.map(({ event, version }) => `${event} ${version}`)]);
      },
    });
    await outbox.flush();
    await outbox.flush();
    expect([desk.untold(), woken]).toEqual([1, [2000]]);
    bench.now += 2000;
    setClock(bench.now);
    // Decided while the registry is told of what was before.
    answer = () => {
      answer = () => Promise.resolve();
      return desk.decide(deciding(approval));
    };
    await outbox.flush();
    expect(told).toEqual([
      ["pending", 1, ["requested 1"]],
      ["approved", 2, ["requested 1", "approved 2"]],
    ]);
    expect([desk.untold(), outbox.nextDue(bench.now)]).toEqual([0, null]);
  }));
