// Approvals as a registry shard finds and lists them: the newest state of each, by what people look for.

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import type { ApprovalId } from "../../core/approval/approval.ts";
import type { ConnectionName, Digest } from "../../core/ids.ts";
import type { ApprovalEntry } from "../../durable/approval_rpc.ts";
import type { RegistryObject } from "../../durable/registry.ts";
import { bindings, newCommand, OPENING, sessionObject } from "../support/objects.ts";
import { BOB, CAROL } from "../support/sample_approval.ts";
import { listed as entry } from "../support/listed_approvals.ts";
import { asking, deciding, NOTICE } from "../support/waiting_commands.ts";

function shard(name: string): DurableObjectStub<RegistryObject> {
  return bindings.REGISTRY.get(bindings.REGISTRY.idFromName(name));
}

const ids = (entries: readonly ApprovalEntry[]): ApprovalId[] => entries.map(({ id }) => id);

function noticesIn(registry: DurableObjectStub<RegistryObject>): Promise<Record<string, unknown>[]> {
  return runInDurableObject(registry, (_: RegistryObject, { storage }) =>
    storage.sql.exec("SELECT approval, target, event, tries FROM notice_outbox ORDER BY time, event DESC").toArray(),
  );
}

test("the newest version stays, whichever comes last, also in a new instance", async () => {
  const registry = shard("versions");
  const [first, second] = [entry(), entry({ state: "approved", version: 3 })];
  await registry.approvalChanged(first, []);
  await registry.approvalChanged({ ...second, id: first.id }, []);
  await registry.approvalChanged({ ...first, state: "denied", version: 2 }, []);
  await evictDurableObject(registry);
  expect(await registry.findApproval(first.id)).toEqual({ ...second, id: first.id });
  expect(await registry.findApproval(newCommand())).toBe(null);
});

test("one whose first record is not durable is found, and in no list; it may be asked for elsewhere then", async () => {
  const registry = shard("announced");
  const announced = entry({ version: 0, object: "aa" });
  await registry.approvalChanged(announced, []);
  await registry.approvalChanged({ ...announced, object: "bb" }, []);
  expect(await registry.findApproval(announced.id)).toMatchObject({ object: "bb" });
  expect(await registry.listApprovals({ before: null, limit: 10 })).toEqual([]);
  await registry.approvalChanged({ ...announced, object: "bb", version: 1 }, []);
  await registry.approvalChanged(announced, []);
  expect(await registry.listApprovals({ before: null, limit: 10 })).toMatchObject([{ object: "bb" }]);
});

test("lists are narrowed by what is asked for, newest first, page by page", async () => {
  const registry = shard("lists");
  const other = "0e".repeat(32) as Digest;
  const entries = [
    entry(),
    entry({ requester: BOB, digest: other }),
    entry({ state: "denied", deciders: [BOB] }),
    entry({ connection: "wiki" as ConnectionName, deciders: [BOB, CAROL] }),
    entry({ state: "consumed", review: "owed", requester: BOB }),
  ];
  for (const one of entries) await registry.approvalChanged(one, []);
  const list = async (query: object): Promise<number[]> => {
    const found = await registry.listApprovals({ before: null, limit: 10, ...query });
    return ids(found).map((id) => entries.findIndex((one) => one.id === id));
  };
  expect(await list({})).toEqual([4, 3, 2, 1, 0]);
  expect(await list({ state: "pending" })).toEqual([3, 1, 0]);
  expect(await list({ requester: BOB })).toEqual([4, 1]);
  expect(await list({ decider: BOB })).toEqual([3, 2]);
  expect(await list({ decider: CAROL, state: "denied" })).toEqual([]);
  expect(await list({ review: "owed" })).toEqual([4]);
  expect(await list({ connection: "wiki" })).toEqual([3]);
  expect(await list({ digest: other, state: "pending" })).toEqual([1]);
  const before = entries[3]?.id ?? null;
  expect(await list({ before, limit: 2 })).toEqual([2, 1]);
  expect(await list({ decider: BOB, before })).toEqual([2]);
});

test("a list of what waits reads by an index, however much is decided", async () => {
  const registry = shard("thousand");
  await runInDurableObject(registry, async (object: RegistryObject, { storage }) => {
    for (let i = 0; i < 1000; i++)
      await object.approvalChanged(entry({ state: i % 10 === 0 ? "pending" : "denied" }), []);
    const waiting = await object.listApprovals({ state: "pending", before: null, limit: 1000 });
    expect(waiting.length).toBe(100);
    const plan = storage.sql
      .exec(
        "EXPLAIN QUERY PLAN SELECT a.entry FROM approval_entry a WHERE a.state = 'pending' AND a.version > 0 AND a.id < '~' ORDER BY a.id DESC LIMIT 9",
      )
      .toArray();
    expect(JSON.stringify(plan)).toContain("approval_entry_by_state");
    expect(JSON.stringify(plan)).not.toContain("TEMP B-TREE");
  });
});

test("whoever watches hears of a change, and of one that came before it asked", async () => {
  const registry = shard("watch");
  expect(await registry.approvalChanges(0, 1)).toBe(0);
  const next = registry.approvalChanges(0, 20_000);
  await registry.approvalChanged(entry(), []);
  expect(await next).toBe(1);
  expect(await registry.approvalChanges(0, 20_000)).toBe(1);
});

test("notices come with the change that they tell of, once, however often it is told", async () => {
  const registry = shard("notices");
  const one = entry();
  const requested = { event: "requested", version: 1, target: NOTICE } as const;
  const denied = { event: "denied", version: 2, target: NOTICE } as const;
  await registry.approvalChanged(one, [requested]);
  await registry.approvalChanged(one, [requested]);
  // The answer to the first was lost, so both are told again.
  await registry.approvalChanged({ ...one, state: "denied", version: 2 }, [requested, denied]);
  const told = { approval: one.id, target: JSON.stringify(NOTICE), tries: 0 };
  expect(await noticesIn(registry)).toEqual([
    { ...told, event: "requested" },
    { ...told, event: "denied" },
  ]);
});

test("a session object tells those who are named of what is asked, and of how it was decided", async () => {
  const session = sessionObject("told");
  const ask = asking({ notices: [NOTICE] });
  await session.ask(ask, OPENING);
  await session.decide(deciding(ask.approval));
  const { id } = ask.approval;
  const notices = await noticesIn(shard(`registry/${id.slice(-1)}`));
  expect(notices.filter(({ approval }) => approval === id).map(({ event }) => event)).toEqual([
    "requested",
    "approved",
  ]);
});
