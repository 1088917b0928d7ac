// Session objects that go away under a command: put away because they were idle, or ended by force as
// a deployment does. The next call finds a new instance over the same storage.

import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import type { CommandId } from "../../core/ids.ts";
import type { Masked } from "../../core/record/record.ts";
import { ownRecord } from "../../core/mask/mask_draft.ts";
import type { SessionObject } from "../../durable/session.ts";
import { IDLE_MS, LEASE_MS, RENEW_EVERY_MS, RESEND_MS } from "../../durable/session_life.ts";
import type { Appended } from "../../durable/session_rpc.ts";
import { proceed, proceedAfter, Session } from "../../workers/session_client.ts";
import {
  checkSession,
  classesOf,
  completed,
  kindsOf,
  newCommand,
  OPENING,
  requested,
  ring,
  sessionObject,
  setClock,
  sidOf,
} from "../support/objects.ts";

afterEach(() => {
  vi.useRealTimers();
});

function alarmOf(name: string): Promise<number | null> {
  return runInDurableObject(sessionObject(name), (_: SessionObject, state) => state.storage.getAlarm());
}

test("a command whose forwarder is gone lapses although its object is put away before each alarm", async () => {
  const start = Date.now();
  setClock(start);
  const session = sessionObject("orphan");
  const sid = sidOf(await session.begin(requested(newCommand()), OPENING));
  // Renewals may have been lost with the instance, so that the first alarm cannot tell yet.
  for (const time of [LEASE_MS, 2 * LEASE_MS]) {
    await evictDurableObject(session);
    setClock(start + time);
    expect(await runDurableObjectAlarm(session)).toBe(true);
  }
  const { records } = await checkSession(session, sid);
  expect(kindsOf(records)).toEqual(["session.opened", "command.requested", "command.failed"]);
  expect(classesOf(records[2])).toMatchObject({ reason: "outcome_unknown" });
});

test("a command that is renewed never lapses, whenever its object is put away", async () => {
  const start = Date.now();
  setClock(start);
  const session = sessionObject("renewed");
  const command = newCommand();
  const sid = sidOf(await session.begin(requested(command), OPENING));
  for (let time = RENEW_EVERY_MS; time <= 20 * RENEW_EVERY_MS; time += RENEW_EVERY_MS) {
    setClock(start + time);
    expect(await session.renew(command)).toBe(true);
    await evictDurableObject(session);
    // Just before the next renewal, which is the latest that an alarm can come.
    setClock(start + time + RENEW_EVERY_MS - 1);
    await ring(session);
    await evictDurableObject(session);
  }
  expect(await session.proceed([completed(command)])).toMatchObject({ ok: true, sid, seq: 2 });
  expect(kindsOf((await checkSession(session, sid)).records).length).toBe(3);
});

test("two renewals that did not arrive are outlived by an object that was put away, too", async () => {
  const start = Date.now();
  setClock(start);
  const session = sessionObject("two missed");
  const command = newCommand();
  await session.begin(requested(command), OPENING);
  for (let time = RENEW_EVERY_MS; time <= 9 * RENEW_EVERY_MS; time += RENEW_EVERY_MS) {
    setClock(start + time);
    expect(await session.renew(command)).toBe(true);
    await evictDurableObject(session);
    setClock(start + time + LEASE_MS - 1);
    await ring(session);
  }
  expect(await session.renew(command)).toBe(true);
});

test("an object that lost its alarm sets it again when something wakes it", async () => {
  const start = Date.now();
  setClock(start);
  const session = sessionObject("alarm lost");
  const command = newCommand();
  const sid = sidOf(await session.begin(requested(command), OPENING));
  const lose = async (): Promise<void> => {
    // Else the alarm would be for the index.
    await expect.poll(() => session.indexLag(), { timeout: 30_000 }).toBe(0);
    // Polling moves a clock that is held.
    setClock(start);
    await runInDurableObject(session, (_: SessionObject, state) => state.storage.deleteAlarm());
    await evictDurableObject(session);
  };
  await lose();
  // A read is enough.
  await session.describe(sid);
  expect(await alarmOf("alarm lost")).toBe(start + LEASE_MS);
  await session.proceed([completed(command)]);
  await lose();
  await session.describe(sid);
  expect(await alarmOf("alarm lost")).toBe(start + IDLE_MS);
});

test("commands that begin, each in another instance, do not put off the alarm that an earlier one waits for", async () => {
  const start = Date.now();
  setClock(start);
  const session = sessionObject("put off");
  await session.begin(requested(newCommand()), OPENING);
  for (let time = 11_000; time < LEASE_MS; time += 6_000) {
    await evictDurableObject(session);
    setClock(start + time);
    expect(await session.begin(requested(newCommand()), null)).toMatchObject({ ok: true });
    expect(await alarmOf("put off")).toBe(start + LEASE_MS);
  }
});

test("an alarm that should have rung long ago is set again by the next command", async () => {
  const start = Date.now();
  setClock(start);
  const session = sessionObject("overdue");
  await session.begin(requested(newCommand()), OPENING);
  const later = start + LEASE_MS + RESEND_MS;
  setClock(later);
  await session.begin(requested(newCommand()), null);
  expect(await alarmOf("overdue")).toBe(later + LEASE_MS);
});

/** As workers/session_client.ts holds an object, counting how often it had to be found. */
function held(name: string): { session: Session; found: () => number } {
  let count = 0;
  const session = new Session(() => {
    count += 1;
    return sessionObject(name);
  });
  return { session, found: () => count };
}

function outcome(command: CommandId): Masked {
  const classes = { transport: "ok", status: 200, tool: "none", req_bytes: 0, resp_bytes: 2, ms: 3, folded: 1 };
  return ownRecord({ kind: "command.completed", command, part: 0, classes, fields: { digests: "{}", headers: "[]" } });
}

test("an object that was ended by force is found again: renewals and the outcome reach its next instance", async () => {
  const { session, found } = held("aborted");
  const [first, second] = [newCommand(), newCommand()];
  const sid = sidOf(await session.call<Appended>((stub) => stub.begin(requested(first), OPENING)));
  await session.call<Appended>((stub) => stub.begin(requested(second), null));
  await abortAllDurableObjects();
  // Whoever comes first may hear that the old instance is gone, and nobody hears it twice.
  await session.renew(first);
  expect(await session.renew(second)).toBe(true);
  await abortAllDurableObjects();
  expect(await proceed(session, [outcome(first)])).toBe(true);
  await abortAllDurableObjects();
  expect(await proceedAfter([0, 0], session, [outcome(second)])).toBe(true);
  expect(found()).toBeGreaterThan(1);
  const { records } = await checkSession(sessionObject("aborted"), sid);
  expect(kindsOf(records)).toEqual([
    "session.opened",
    "command.requested",
    "command.requested",
    "command.completed",
    "command.completed",
  ]);
});
