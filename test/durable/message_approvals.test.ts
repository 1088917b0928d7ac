// Messages of a socket that people have to approve: each direction stands until they have decided, in its
// order, and whatever ends the socket ends what waits over it, in the same turn.

import { describe, expect, test, vi } from "vitest";
import type { Approval } from "../../core/approval/approval.ts";
import type { Digest } from "../../core/ids.ts";
import { CHUNK_LIMIT } from "../../core/record/payload.ts";
import { LEASE_MS } from "../../durable/session_life.ts";
import { classesOf, kindsOf, newCommand } from "../support/objects.ts";
import { type End, kinds, policy, quiet, type Relayed, withRelay } from "../support/relay_bench.ts";
import { MINUTE, OTHER_POLICY } from "../support/sample_approval.ts";
import { deciding } from "../support/waiting_commands.ts";

const ASKS = {
  id: "asks",
  effect: "needs-approval",
  who: { roles: ["engineer"] },
  connections: ["chat"],
  methods: ["SEND", "RECEIVE"],
  routes: ["/**"],
  when: 'command.message.type == "text" && has(command.json) && has(command.json.deploy)',
  approve: { by: [{ groups: ["leads"] }] },
};
const CLOSES = { ...ASKS, refused: "close" };
const GRANTS = { ...ASKS, approve: { ...ASKS.approve, grant: { minutes: 10 } } };

function asking(rule: object, work: (relayed: Relayed) => Promise<void>, connection: object = {}): Promise<void> {
  return withRelay(work, [rule], connection);
}

function heard(end: End, texts: readonly string[]): Promise<void> {
  return vi.waitFor(() => expect(end.heard).toEqual(texts));
}

function deploy(n: number): string {
  return `{"deploy":${n}}`;
}

/** The one that waits. */
async function waiting({ bench }: Relayed): Promise<Approval> {
  return vi.waitFor(() => pendingOf(bench));
}

function pendingOf(bench: Relayed["bench"]): Approval {
  const found = bench.log.approvals.table.live().find(({ approval }) => approval.state.kind === "pending");
  if (found === undefined) throw new Error("nothing waits");
  return found.approval;
}

async function decide(relayed: Relayed, change: Parameters<typeof deciding>[1] = {}): Promise<Approval> {
  const approval = await waiting(relayed);
  expect(await relayed.desk.decide(deciding(approval, change))).toMatchObject({ ok: true });
  await quiet();
  return approval;
}

async function lastOf({ bench }: Relayed, kind: string): Promise<Record<string, unknown>> {
  const { records } = await bench.check();
  const at = kindsOf(records).lastIndexOf(kind);
  return at < 0 ? {} : classesOf(records[at]);
}

describe("a message that needs an approval", () => {
  test("waits, and what comes after it in its direction waits behind it, while the other direction goes on", () =>
    asking(ASKS, async (relayed) => {
      const { bench, caller, tool } = relayed;
      for (const text of ["before", deploy(1), "after", "and after"]) caller.socket.send(text);
      tool.socket.send("back");
      await quiet();
      expect(tool.heard).toEqual(["before"]);
      await heard(caller, ["back"]);
      expect(await kinds(bench)).toEqual(["command.requested", "command.requested", "approval.requested"]);
      const { id } = await decide(relayed);
      await heard(tool, ["before", deploy(1), "after", "and after"]);
      const { records } = await bench.check();
      expect(kindsOf(records).slice(6)).toEqual(["approval.decided", ...Array(3).fill("command.requested")]);
      expect(classesOf(records[7])).toMatchObject({ approval: id, effect: "needs_approval", oneway: 1, verb: "send" });
    }));

  test("of the upstream waits as well, and the caller goes on sending", () =>
    asking(ASKS, async (relayed) => {
      const { caller, tool } = relayed;
      tool.socket.send(deploy(1));
      tool.socket.send("after");
      caller.socket.send("to it");
      await quiet();
      await heard(tool, ["to it"]);
      expect(caller.heard).toEqual([]);
      await decide(relayed);
      await heard(caller, [deploy(1), "after"]);
      expect(await lastOf(relayed, "approval.requested")).toMatchObject({ verb: "receive", if_gone: "cancel" });
    }));

  test("is asked about one after the other", () =>
    asking(ASKS, async (relayed) => {
      const { bench, caller, tool } = relayed;
      for (const text of [deploy(1), "between", deploy(2), "after"]) caller.socket.send(text);
      await quiet();
      expect(await kinds(bench)).toEqual(["approval.requested"]);
      await decide(relayed);
      await heard(tool, [deploy(1), "between"]);
      await decide(relayed);
      await heard(tool, [deploy(1), "between", deploy(2), "after"]);
    }));

  test.each([
    ["denied", (relayed: Relayed) => decide(relayed, { decision: "deny" })],
    [
      "taken back",
      async (relayed: Relayed) => relayed.desk.cancel((await waiting(relayed)).id, "requester", newCommand()),
    ],
  ])("that is %s is dropped, and the socket goes on", (_, act) =>
    asking(ASKS, async (relayed) => {
      const { bench, caller, tool } = relayed;
      for (const text of [deploy(1), "after"]) caller.socket.send(text);
      await quiet();
      await act(relayed);
      await quiet();
      await heard(tool, ["after"]);
      expect((await kinds(bench)).filter((kind) => kind.startsWith("command."))).toEqual(["command.requested"]);
    }),
  );

  test("that is denied closes the socket where its rule says so, and nothing after it leaves", () =>
    asking(CLOSES, async (relayed) => {
      const { caller, tool } = relayed;
      for (const text of ["before", deploy(1), "after"]) caller.socket.send(text);
      await quiet();
      await decide(relayed, { decision: "deny" });
      expect([await caller.closed, await tool.closed]).toEqual([1008, 1008]);
      expect(tool.heard).toEqual(["before"]);
      await quiet();
      expect(await lastOf(relayed, "command.cancelled")).toMatchObject({
        reason: "message_not_approved",
        closed_by: "gateway",
        req_messages: 1,
      });
    }));

  test("that nobody answers is refused when its time is over", () =>
    asking(ASKS, async (relayed) => {
      const { relay, caller, tool } = relayed;
      for (const text of [deploy(1), "after"]) caller.socket.send(text);
      await quiet();
      const { id } = await waiting(relayed);
      const { table } = relayed.bench.log.approvals;
      // The alarm of the object, or the next look at the socket, whichever comes first.
      const row = table.find(id);
      if (row !== null) table.keep({ ...row, approval: { ...row.approval, expires: Date.now() - 1 } }, []);
      relay.decided(Date.now());
      await quiet();
      expect(table.find(id)?.approval.state).toMatchObject({ kind: "expired", reason: "unanswered" });
      await heard(tool, ["after"]);
    }));

  test("under what is allowed for a time passes at once, and one that comes when that is over is asked about", () =>
    asking(GRANTS, async (relayed) => {
      const { bench, caller, tool, desk } = relayed;
      caller.socket.send(deploy(1));
      await quiet();
      const { id } = await decide(relayed, { grantMs: 5 * MINUTE });
      caller.socket.send(deploy(2));
      await quiet();
      await heard(tool, [deploy(1), deploy(2)]);
      expect(await lastOf(relayed, "command.requested")).toMatchObject({ approval: id, grant: 1, oneway: 1 });
      await desk.revoke(id, newCommand(), {});
      caller.socket.send(deploy(3));
      await quiet();
      expect(tool.heard).toHaveLength(2);
      expect((await kinds(bench)).at(-1)).toBe("approval.requested");
    }));

  test("under a grant that ends in this moment is refused on record", () =>
    asking(GRANTS, async (relayed) => {
      const { bench, caller, tool } = relayed;
      caller.socket.send(deploy(1));
      await quiet();
      const { id } = await decide(relayed, { grantMs: 5 * MINUTE });
      const { consume } = bench.log;
      bench.log.consume = (record, consumption, now) => {
        bench.log.approvals.revoke(id, newCommand(), {}, now);
        return consume.call(bench.log, record, consumption, now);
      };
      caller.socket.send(deploy(2));
      await quiet();
      expect(tool.heard).toEqual([deploy(1)]);
      expect(await lastOf(relayed, "command.denied")).toMatchObject({ reason: "approval_revoked", approval: id });
    }));

  test("larger than one record is shown whole to those who decide, in chunks before they do", () =>
    asking(
      {
        ...ASKS,
        priority: 1,
        when: "command.message.size > 1000000",
        approve: { ...ASKS.approve, body_limit: 4_000_000 },
      },
      async (relayed) => {
        const { bench, caller, tool } = relayed;
        const text = "ü".repeat(1_000_000);
        const chunks: string[] = Array(Math.ceil((2 * text.length) / CHUNK_LIMIT)).fill("stream.chunk");
        for (const one of [text, "after"]) caller.socket.send(one);
        await waiting(relayed);
        expect(await kinds(bench)).toEqual(["approval.requested", ...chunks]);
        await decide(relayed);
        await heard(tool, [text, "after"]);
        await quiet();
        expect((await kinds(bench)).slice(1 + chunks.length).toSorted()).toEqual([
          "approval.decided",
          "command.completed",
          ...Array(2).fill("command.requested"),
        ]);
      },
      { message_limit: 4_000_000 },
    ));

  test.each([
    ["its rule wants a reason", { reason: "required" }, "reason_needed"],
    ["it is larger than one that waits", { body_limit: 5 }, "body_too_large_to_wait"],
    ["something is masked that deciders are to see", { masked_only_in: [] }, "approval_hidden"],
  ])("is refused on record where %s", (_, terms, reason) =>
    asking({ ...ASKS, approve: { ...ASKS.approve, ...terms } }, async (relayed) => {
      const { bench, caller, tool } = relayed;
      caller.socket.send('{"deploy":1,"password":"correct horse"}');
      caller.socket.send("after");
      await quiet();
      await heard(tool, ["after"]);
      expect(await kinds(bench)).toEqual(["command.denied", "command.requested"]);
      expect(await lastOf(relayed, "command.denied")).toMatchObject({ reason, effect: "needs_approval" });
    }),
  );
});

describe("what waits over a socket ends with it, in the same turn,", () => {
  async function revoked(relayed: Relayed, reason: string): Promise<void> {
    await quiet();
    expect(await lastOf(relayed, "approval.revoked")).toMatchObject({ reason });
    expect(relayed.bench.log.approvals.table.live()).toEqual([]);
    expect(relayed.tool.heard).toEqual([]);
  }

  test.each(["caller", "tool"] as const)("when the %s closes it", (who) =>
    asking(ASKS, async (relayed) => {
      for (const text of [deploy(1), "after"]) relayed.caller.socket.send(text);
      await quiet();
      relayed[who].socket.close(1000, "done");
      await relayed[who === "tool" ? "caller" : "tool"].closed;
      await revoked(relayed, "client_gone");
      expect(await lastOf(relayed, "command.completed")).toMatchObject({ req_messages: 0, close: 1000 });
    }),
  );

  test("when its session is killed", () =>
    asking(CLOSES, async (relayed) => {
      const { bench, caller, relay } = relayed;
      caller.socket.send(deploy(1));
      await quiet();
      bench.storage.transactionSync(() => bench.log.kill(bench.sid, newCommand(), Date.now()));
      bench.onCommit();
      expect(relay.isEnding).toBe(true);
      await revoked(relayed, "killed");
      expect(await lastOf(relayed, "command.cancelled")).toMatchObject({ reason: "killed" });
    }));

  test("when a policy comes in force that would not have let it open", () =>
    asking(ASKS, async (relayed) => {
      relayed.caller.socket.send(deploy(1));
      await quiet();
      relayed.relay.end("policy_changed");
      await revoked(relayed, "policy_changed");
    }));

  test("when it was approved and the socket ended before it went on", () =>
    asking(ASKS, async (relayed) => {
      const { caller, bench } = relayed;
      caller.socket.send(deploy(1));
      await quiet();
      const { id } = await waiting(relayed);
      // Nobody knows what is in force: it is not handed on.
      relayed.knowledge = null;
      await relayed.desk.decide(deciding(await waiting(relayed)));
      await quiet();
      expect(bench.log.approvals.table.find(id)?.approval.state.kind).toBe("approved");
      relayed.relay.end("control_unavailable");
      await revoked(relayed, "client_gone");
    }));

  test("when its object has gone: once nobody holds the socket any more", () =>
    asking(ASKS, async (relayed) => {
      const { bench, caller } = relayed;
      caller.socket.send(deploy(1));
      await quiet();
      bench.onCommit = () => undefined;
      // What a new instance finds in storage, and does when its alarm rings.
      bench.log.reload(Date.now());
      const then = Date.now() + 3 * LEASE_MS;
      bench.storage.transactionSync(() => bench.log.lapse(then));
      const { records } = await bench.check();
      expect(kindsOf(records).slice(-2)).toEqual(["command.failed", "approval.revoked"]);
      expect(classesOf(records.at(-1))).toEqual({ reason: "client_gone" });
    }));
});

test("another policy ends what waits, which is refused, and decides what comes after it", () =>
  asking(ASKS, async (relayed) => {
    const { caller, tool, relay, knowledge } = relayed;
    for (const text of [deploy(1), "after"]) caller.socket.send(text);
    await quiet();
    const changed = policy([], {}, OTHER_POLICY);
    relayed.knowledge = knowledge === null ? null : { ...knowledge, policy: changed };
    relay.decided(Date.now());
    await quiet();
    expect(await lastOf(relayed, "approval.revoked")).toEqual({ reason: "policy_changed" });
    await heard(tool, ["after"]);
    expect((await lastOf(relayed, "command.requested")).policy).toBe(OTHER_POLICY satisfies Digest);
  }));

test("too many messages behind one that waits close the socket, and none of them leaves", () =>
  asking(ASKS, async (relayed) => {
    const { caller, tool } = relayed;
    caller.socket.send(deploy(1));
    for (let n = 0; n < 1001; n++) caller.socket.send("x");
    expect(await caller.closed).toBe(1013);
    await quiet();
    expect(tool.heard).toEqual([]);
    expect(await lastOf(relayed, "command.failed")).toMatchObject({ reason: "approval_backlog" });
    expect(await lastOf(relayed, "approval.revoked")).toEqual({ reason: "client_gone" });
  }));

test("so do too many bytes", () =>
  asking(ASKS, async (relayed) => {
    const { caller, tool } = relayed;
    caller.socket.send(deploy(1));
    for (let n = 0; n < 3; n++) caller.socket.send("x".repeat(500_000));
    expect(await tool.closed).toBe(1013);
    await quiet();
    expect(tool.heard).toEqual([]);
  }));

test("an approval whose use cannot be recorded closes the socket, and nothing is handed on", () =>
  asking(ASKS, async (relayed) => {
    const { bench, caller, tool, desk } = relayed;
    for (const text of [deploy(1), "after"]) caller.socket.send(text);
    await quiet();
    const approval = await waiting(relayed);
    const { consume } = bench.log;
    bench.log.consume = () => {
      throw new Error("disk is full");
    };
    await desk.decide(deciding(approval));
    expect(await caller.closed).toBe(1011);
    bench.log.consume = consume;
    await quiet();
    expect(tool.heard).toEqual([]);
    expect(await lastOf(relayed, "approval.revoked")).toEqual({ reason: "client_gone" });
  }));

test("a request that cannot be recorded closes the socket", () =>
  asking(ASKS, async (relayed) => {
    const { bench, caller, tool } = relayed;
    bench.faults.push("lost", "lost");
    for (const text of [deploy(1), "after"]) caller.socket.send(text);
    expect(await caller.closed).toBe(1011);
    await quiet();
    expect(tool.heard).toEqual([]);
    expect(await kinds(bench)).toEqual(["command.failed"]);
  }));
