// Notices as a registry shard sends them: when, how often, and that no receiver and no restart loses one or
// holds anybody up. What is sent over the network is the affair of test/gateway/notices.test.ts.

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ApprovalEntry, Notice } from "../../durable/approval_rpc.ts";
import type { Sql } from "../../durable/migrate.ts";
import type { Delivery, NoticeEntry, NoticePorts, Sending } from "../../durable/notice_rpc.ts";
import { NoticeTable } from "../../durable/notice_table.ts";
import { Notices, RETRY_AFTER_MS } from "../../durable/notices.ts";
import type { RegistryObject } from "../../durable/registry.ts";
import { listed } from "../support/listed_approvals.ts";
import { bindings, setClock } from "../support/objects.ts";
import { NOTICE } from "../support/waiting_commands.ts";

type Shard = DurableObjectStub<RegistryObject>;

/** Far enough for the platform's own clock not to ring an alarm meanwhile: the tests ring them. */
const START = Date.now() + 365 * 24 * 60 * 60_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

beforeEach(() => setClock(START));
afterEach(() => {
  vi.useRealTimers();
});

function failing(failure: "timeout" | `status_${number}`, more: object = {}): Delivery {
  return { ok: false, failure, isFinal: false, retryAfterMs: null, ...more };
}

/** What receivers get, and answer. */
class Receivers implements NoticePorts {
  readonly got: Sending[] = [];
  /** Of a target by its name. */
  answer: (sending: Sending) => Delivery | Promise<Delivery> = () => ({ ok: true });

  async deliver(sending: Sending): Promise<Delivery> {
    this.got.push(sending);
    return this.answer(sending);
  }

  names(): string[] {
    return this.got.map(({ target }) => target.name);
  }
}

/** A shard that nothing else uses, whose instance sends to these. */
async function shardFor(name: string, receivers: Receivers): Promise<Shard> {
  const shard = bindings.REGISTRY.get(bindings.REGISTRY.idFromName(`notices ${name}`));
  await connect(shard, receivers);
  return shard;
}

function connect(shard: Shard, receivers: Receivers): Promise<void> {
  return runInDurableObject(shard, (object: RegistryObject) => {
    Object.assign(object, { noticePorts: () => receivers });
  });
}

function ring(shard: Shard): Promise<void> {
  return runInDurableObject(shard, (object: RegistryObject) => object.alarm());
}

/** As events of the object: a promise of one is not to be settled from elsewhere. */
function inside(shard: Shard, work: () => void): Promise<void> {
  return runInDurableObject(shard, work);
}

function alarmOf(shard: Shard): Promise<number | null> {
  return runInDurableObject(shard, (_: RegistryObject, { storage }) => storage.getAlarm());
}

function to(name: string): Notice {
  return { ...NOTICE, name };
}

function tell(shard: Shard, entry: ApprovalEntry, ...names: string[]): Promise<void> {
  return shard.approvalChanged(
    entry,
    names.map((name) => ({ event: "requested", version: entry.version, target: to(name) })),
  );
}

const waiting = (shard: Shard): Promise<NoticeEntry[]> =>
  shard.listNotices({ state: "waiting", before: null, limit: 100 });
const dead = (shard: Shard): Promise<NoticeEntry[]> => shard.listNotices({ state: "dead", before: null, limit: 100 });

describe("a notice", () => {
  test("is sent at once, says what it is about, and is gone once it was taken", async () => {
    const receivers = new Receivers();
    const shard = await shardFor("sent", receivers);
    const entry = listed();
    await tell(shard, entry, "ops");
    await expect.poll(() => waiting(shard)).toEqual([]);
    expect(receivers.got).toEqual([
      { id: `${entry.id}_requested_ops`, event: "requested", time: entry.requested, target: to("ops"), entry },
    ]);
    expect(await dead(shard)).toEqual([]);
  });

  test("that is not taken is tried again after each time of the schedule by the alarm, under the same id, and then is a dead letter", async () => {
    const receivers = new Receivers();
    receivers.answer = () => failing("status_500");
    const shard = await shardFor("schedule", receivers);
    const entry = listed();
    await tell(shard, entry, "ops");
    let now = START;
    for (const [index, wait] of RETRY_AFTER_MS.entries()) {
      await expect.poll(() => waiting(shard)).toMatchObject([{ tries: index + 1, due: now + wait }]);
      // Earlier, if one was pending: the alarm looks, and finds nothing to do.
      expect(await alarmOf(shard)).toBeLessThanOrEqual(now + wait);
      // A moment too early nothing happens.
      setClock(now + wait - 1);
      await ring(shard);
      expect(receivers.got.length).toBe(index + 1);
      now += wait;
      setClock(now);
      await ring(shard);
      expect(receivers.got.length).toBe(index + 2);
    }
    expect(RETRY_AFTER_MS).toEqual([5_000, 30_000, 2 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR]);
    expect(await waiting(shard)).toEqual([]);
    expect(await dead(shard)).toMatchObject([
      { id: `${entry.id}_requested_ops`, to: "ops", tries: 7, due: null, tried: now, failure: "status_500" },
    ]);
    expect(new Set(receivers.got.map(({ id }) => id)).size).toBe(1);
    setClock(now + 7 * HOUR);
    await ring(shard);
    expect(receivers.got.length).toBe(7);
  });

  test("survives the shard's being put away between tries, and while it is being sent", async () => {
    const receivers = new Receivers();
    receivers.answer = () => failing("status_503");
    const shard = await shardFor("evicted", receivers);
    await tell(shard, listed(), "ops");
    await expect.poll(() => waiting(shard)).toMatchObject([{ tries: 1 }]);
    await evictDurableObject(shard);
    await connect(shard, receivers);
    receivers.answer = () => new Promise(() => undefined);
    setClock(START + 5_000);
    await runInDurableObject(shard, (object: RegistryObject) => void object.alarm());
    await expect.poll(() => receivers.got.length).toBe(2);
    // Nobody knows whether the receiver took it.
    await evictDurableObject(shard);
    receivers.answer = () => ({ ok: true });
    await connect(shard, receivers);
    setClock(START + 5_000 + MINUTE);
    await ring(shard);
    expect(receivers.got.length).toBe(3);
    expect(new Set(receivers.got.map(({ id }) => id)).size).toBe(1);
    expect(await waiting(shard)).toEqual([]);
  });

  test("whose alarm is lost is sent all the same: whatever wakes the shard sets it again", async () => {
    const receivers = new Receivers();
    receivers.answer = () => failing("status_500");
    const shard = await shardFor("lost", receivers);
    await tell(shard, listed(), "ops");
    await expect.poll(() => waiting(shard)).toMatchObject([{ tries: 1 }]);
    await runInDurableObject(shard, (_: RegistryObject, { storage }) => storage.deleteAlarm());
    await evictDurableObject(shard);
    expect(await shard.find(listed().sid)).toBe(null);
    expect(await alarmOf(shard)).toBe(START + 5_000);
  });

  test("of which it cannot be written that it was taken is sent again", async () => {
    const receivers = new Receivers();
    const shard = await shardFor("unwritten", receivers);
    receivers.answer = () => failing("status_500");
    await tell(shard, listed(), "ops");
    await expect.poll(() => waiting(shard)).toMatchObject([{ tries: 1 }]);
    receivers.answer = () => ({ ok: true });
    setClock(START + 5_000);
    await runInDurableObject(shard, async (_: RegistryObject, { storage }) => {
      let isFull = true;
      const sql: Sql = {
        exec: (query, ...values) => {
          if (isFull && query.startsWith("DELETE")) throw new Error("disk is full");
          return storage.sql.exec(query, ...values);
        },
      };
      const notices = new Notices({ table: new NoticeTable(sql), ports: () => receivers, wakeBy: () => undefined });
      notices.changed();
      await notices.settled();
      expect(receivers.got.length).toBe(2);
      isFull = false;
      setClock(START + 2 * MINUTE);
      notices.changed();
      await notices.settled();
    });
    expect(receivers.got.map(({ id }) => id)).toEqual(Array(3).fill(receivers.got[0]?.id));
    expect(await waiting(shard)).toEqual([]);
  });
});

describe("a receiver", () => {
  test("that hangs holds up neither the approval nor the other receivers", async () => {
    const receivers = new Receivers();
    let release: (delivery: Delivery) => void = () => undefined;
    receivers.answer = ({ target }) =>
      target.name === "hangs" ? new Promise((resolve) => (release = resolve)) : { ok: true };
    const shard = await shardFor("hangs", receivers);
    const first = listed();
    await tell(shard, first, "hangs", "ops");
    await tell(shard, listed(), "hangs", "ops");
    expect(await shard.findApproval(first.id)).toEqual(first);
    await expect.poll(() => receivers.names().filter((name) => name === "ops").length).toBe(2);
    expect(receivers.names().filter((name) => name === "hangs").length).toBe(1);
    await inside(shard, () => release(failing("timeout")));
    // All that is for it waits a while, not only the one that was tried.
    await expect.poll(() => waiting(shard)).toMatchObject([{ tries: 0 }, { tries: 1 }]);
    await ring(shard);
    expect(receivers.names().filter((name) => name === "hangs").length).toBe(1);
    receivers.answer = () => ({ ok: true });
    setClock(START + 5_000);
    await ring(shard);
    expect(await waiting(shard)).toEqual([]);
  });

  test("that hangs does not take the lanes of those that are well, however many hang", async () => {
    const receivers = new Receivers();
    const hanging: ((delivery: Delivery) => void)[] = [];
    receivers.answer = ({ target }) =>
      target.name.startsWith("hangs") ? new Promise((resolve) => hanging.push(resolve)) : { ok: true };
    const shard = await shardFor("lanes", receivers);
    const names = Array.from({ length: 9 }, (_, i) => `hangs-${i}`);
    await tell(shard, listed(), ...names, "ops");
    await expect.poll(() => hanging.length).toBe(4);
    for (let i = 0; !receivers.names().includes("ops"); i++) {
      expect(i).toBeLessThan(9);
      await expect.poll(() => hanging.length + Number(receivers.names().includes("ops"))).toBeGreaterThan(i);
      await inside(shard, () => hanging[i]?.(failing("timeout")));
      await expect.poll(() => receivers.got.length).toBeGreaterThan(Math.min(4 + i, 9));
    }
    // From now on those that hung come after those that were well.
    setClock(START + HOUR);
    await tell(shard, listed(), "ops");
    await inside(shard, () => hanging.forEach((release) => release(failing("timeout"))));
    await expect.poll(() => receivers.names().filter((name) => name === "ops").length).toBe(2);
  });

  test("that says it is gone is not asked again", async () => {
    const receivers = new Receivers();
    receivers.answer = () => failing("status_410", { isFinal: true });
    const shard = await shardFor("gone", receivers);
    await tell(shard, listed(), "ops");
    await expect.poll(() => dead(shard)).toMatchObject([{ tries: 1, failure: "status_410" }]);
  });

  test.each([
    ["a minute", MINUTE, MINUTE],
    ["less than the schedule has", 1_000, 5_000],
    ["a year", 365 * 24 * HOUR, 6 * HOUR],
  ])("that asks for a pause of %s gets one, within bounds, for all that is for it", async (name, asked, wait) => {
    const receivers = new Receivers();
    receivers.answer = () => failing("status_429", { retryAfterMs: asked });
    const shard = await shardFor(`pause ${name}`, receivers);
    await tell(shard, listed(), "ops");
    await expect.poll(() => waiting(shard)).toMatchObject([{ tries: 1, due: START + wait }]);
    await tell(shard, listed(), "ops");
    setClock(START + wait - 1);
    await ring(shard);
    expect(receivers.got.length).toBe(1);
    receivers.answer = () => ({ ok: true });
    setClock(START + wait);
    await ring(shard);
    expect(await waiting(shard)).toEqual([]);
  });
});

describe("a dead letter", () => {
  async function killed(name: string): Promise<{ shard: Shard; receivers: Receivers; entry: ApprovalEntry }> {
    const receivers = new Receivers();
    receivers.answer = () => failing("status_410", { isFinal: true });
    const shard = await shardFor(name, receivers);
    const entry = listed();
    await tell(shard, entry, "ops");
    await expect.poll(() => dead(shard)).toMatchObject([{ tries: 1 }]);
    return { shard, receivers, entry };
  }

  test("is sent again when somebody says so, to where its target is now, with all its tries", async () => {
    const { shard, receivers, entry } = await killed("again");
    receivers.answer = () => failing("status_500");
    const moved = { ...to("ops"), url: "https://chat.example/moved" };
    const id = `${entry.id}_requested_ops`;
    expect(await shard.retryNotice(id, moved)).toMatchObject({ id, tries: 0, due: START });
    await expect.poll(() => waiting(shard)).toMatchObject([{ tries: 1, due: START + 5_000 }]);
    expect(receivers.got.at(-1)).toMatchObject({ id, target: moved });
    receivers.answer = () => ({ ok: true });
    await shard.retryNotice(id, moved);
    await expect.poll(() => waiting(shard)).toEqual([]);
    expect(await shard.retryNotice(id, moved)).toBe(null);
    expect(await shard.findNotice(id)).toBe(null);
  });

  test("is kept for a month", async () => {
    const { shard, receivers } = await killed("month");
    setClock(START + 30 * 24 * HOUR + 1);
    const later = listed();
    await tell(shard, later, "ops");
    await expect.poll(() => receivers.got.length).toBe(2);
    await expect.poll(() => dead(shard)).toMatchObject([{ approval: later.id }]);
  });

  test("stands in lists page by page, the newest first", async () => {
    const receivers = new Receivers();
    receivers.answer = () => failing("status_410", { isFinal: true });
    const shard = await shardFor("pages", receivers);
    const entries = [listed(), listed(), listed()];
    for (const entry of entries) await tell(shard, entry, "ops");
    await expect.poll(async () => (await dead(shard)).length).toBe(3);
    const first = await shard.listNotices({ state: "dead", before: null, limit: 2 });
    const rest = await shard.listNotices({ state: "dead", before: first[1]?.id ?? "", limit: 2 });
    expect([...first, ...rest].map(({ approval }) => approval)).toEqual(entries.map(({ id }) => id).toReversed());
  });
});
