// A session that an admin ends: it takes no further command, what runs is told, and it closes after it,
// whatever becomes of its object in between.

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { newSessionId, type SessionId } from "../../core/ids.ts";
import { registryOf } from "../../durable/registry_client.ts";
import type { SessionObject } from "../../durable/session.ts";
import { LEASE_MS } from "../../durable/session_life.ts";
import { fillRandom } from "../../durable/sha256.ts";
import {
  bindings,
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

afterEach(() => {
  vi.useRealTimers();
});

type Session = ReturnType<typeof sessionObject>;

const KILLED = { ok: true, state: "killed" };
const cancelled = (command: ReturnType<typeof newCommand>) =>
  record("command.cancelled", command, { reason: "killed", tool: "none", req_bytes: 0, resp_bytes: 7, ms: 3 });

/** Who killed the session, by its last record; throws if that is another. */
async function killerOf(session: Session, sid: SessionId): Promise<unknown> {
  const { records } = await checkSession(session, sid);
  const closing = records.at(-1);
  expect(kindsOf(records).at(-1)).toBe("session.closed");
  expect(classesOf(closing)).toEqual({ reason: "killed", size: records.length });
  const fields = JSON.parse(closing?.disclosure ?? "[]") as [string, string, string][];
  expect(fields.map(([name]) => name)).toEqual(["by"]);
  return fields[0]?.[2];
}

test("an idle session that is killed closes at once, the registry hears of it, and the next command opens another", async () => {
  const session = sessionObject("kill idle");
  const [command, by] = [newCommand(), newCommand()];
  const sid = sidOf(await session.begin(requested(command), OPENING));
  await session.proceed([completed(command)]);
  expect(await session.kill(sid, { command: by, reason: "left" })).toEqual(KILLED);
  expect(await session.begin(requested(newCommand()), null)).toEqual({ ok: false, reason: "session_needed" });
  expect(await killerOf(session, sid)).toBe(by);
  await ring(session);
  expect(await registryOf(bindings, sid).find(sid)).toMatchObject({ sid, size: 4, reason: "killed" });
  const next = sidOf(await session.begin(requested(newCommand()), OPENING));
  expect(next).not.toBe(sid);
  await checkSession(session, next);
});

test("a session with a command under way takes no other, tells it, and closes after its outcome", async () => {
  const session = sessionObject("kill busy");
  const [command, by] = [newCommand(), newCommand()];
  const sid = sidOf(await session.begin(requested(command), OPENING));
  const cut = session.untilCut(command);
  expect(await session.kill(sid, { command: by, reason: "" })).toEqual(KILLED);
  expect(await cut).toEqual({ reason: "killed", by });
  expect(await session.untilCut(command)).toEqual({ reason: "killed", by });
  // The forwarder may take its time to say how it ended.
  expect(await session.renew(command)).toBe(true);
  await ring(session);
  expect((await session.describe(sid))?.closed).toBe(null);
  const other = newCommand();
  expect(await session.begin(requested(other), null)).toEqual({ ok: false, reason: "session_needed" });
  const next = sidOf(await session.begin(requested(other), OPENING));
  expect(next).not.toBe(sid);
  expect(await session.proceed([cancelled(command)])).toMatchObject({ ok: true, sid, seq: 2 });
  await ring(session);
  expect(await killerOf(session, sid)).toBe(by);
  expect(await session.untilCut(command)).toMatchObject({ reason: "killed" });
  // The one that was opened meanwhile lives.
  expect(await session.describe(next)).toMatchObject({ closed: null, openCommands: [other] });
  expect(await session.begin(requested(newCommand()), null)).toMatchObject({ ok: true, sid: next });
  await checkSession(session, next);
});

test("of commands that arrive together with the kill, those behind it are not taken", async () => {
  const session = sessionObject("kill race");
  const sid = sidOf(await session.begin(requested(newCommand()), OPENING));
  const commands = Array.from({ length: 40 }, newCommand);
  const answers = await runInDurableObject(session, (instance: SessionObject) =>
    Promise.all(
      commands.map((command, at) =>
        at === 20 ? instance.kill(sid, { command, reason: "" }) : instance.begin(requested(command), null),
      ),
    ),
  );
  expect(answers.slice(0, 20).every((answer) => answer.ok)).toBe(true);
  expect(answers.slice(21)).toEqual(commands.slice(21).map(() => ({ ok: false, reason: "session_needed" })));
  const { records, summary } = await checkSession(session, sid);
  expect(records.length).toBe(22);
  expect(summary.openCommands.length).toBe(21);
});

test("the outcome of a killed session's last command sets the alarm that closes it", async () => {
  const start = Date.now();
  setClock(start);
  const session = sessionObject("kill alarm");
  const command = newCommand();
  const sid = sidOf(await session.begin(requested(command), OPENING));
  await session.kill(sid, { command: newCommand(), reason: "" });
  await ring(session);
  const alarm = (): Promise<number | null> =>
    runInDurableObject(session, (_: SessionObject, state) => state.storage.getAlarm());
  await expect.poll(alarm).toBe(start + LEASE_MS);
  await session.proceed([cancelled(command)]);
  expect(await alarm()).toBeLessThanOrEqual(start + 1_000);
});

test("a kill is durable with its answer, and holds in a new instance at each step", async () => {
  const session = sessionObject("kill evicted");
  const [command, by] = [newCommand(), newCommand()];
  const sid = sidOf(await session.begin(requested(command), OPENING));
  await evictDurableObject(session);
  expect(await session.kill(sid, { command: by, reason: "" })).toEqual(KILLED);
  await evictDurableObject(session);
  expect(await session.untilCut(command)).toEqual({ reason: "killed", by });
  expect(await session.begin(requested(newCommand()), null)).toEqual({ ok: false, reason: "session_needed" });
  await evictDurableObject(session);
  await session.proceed([cancelled(command)]);
  await evictDurableObject(session);
  await ring(session);
  await evictDurableObject(session);
  expect(await killerOf(session, sid)).toBe(by);
  expect(await session.untilCut(command)).toMatchObject({ reason: "killed" });
  expect(await session.kill(sid, { command: newCommand(), reason: "" })).toEqual(KILLED);
  expect((await registryOf(bindings, sid).find(sid))?.reason).toBe("killed");
});

test("a new instance of a killed session with nothing under way closes it by itself", async () => {
  const session = sessionObject("kill evicted idle");
  const command = newCommand();
  const sid = sidOf(await session.begin(requested(command), OPENING));
  await session.kill(sid, { command: newCommand(), reason: "" });
  await session.proceed([cancelled(command)]);
  // As after a crash that took the alarm along.
  await runInDurableObject(session, (_: SessionObject, state) => state.storage.deleteAlarm());
  await evictDurableObject(session);
  await session.describe(sid);
  await expect.poll(async () => (await session.describe(sid))?.closed, { timeout: 30_000 }).not.toBe(null);
});

test("killed twice, the first is named; killed after its end, a session stays as it ended", async () => {
  const session = sessionObject("kill twice");
  const [command, by] = [newCommand(), newCommand()];
  const sid = sidOf(await session.begin(requested(command), OPENING));
  const asked = [by, newCommand(), newCommand()];
  const answers = await Promise.all(asked.map((one) => session.kill(sid, { command: one, reason: "" })));
  expect(answers).toEqual([KILLED, KILLED, KILLED]);
  await session.proceed([cancelled(command)]);
  await ring(session);
  expect(await killerOf(session, sid)).toBe(by);
  expect(await session.kill(sid, { command: newCommand(), reason: "" })).toEqual(KILLED);
  expect(await killerOf(session, sid)).toBe(by);

  const start = Date.now();
  const other = newCommand();
  const ended = sidOf(await session.begin(requested(other), OPENING));
  await session.proceed([completed(other)]);
  setClock(start + 3_600_000);
  await ring(session);
  expect(await session.kill(ended, { command: by, reason: "" })).toEqual({ ok: true, state: "closed" });
  expect(classesOf((await checkSession(session, ended)).records.at(-1))).toMatchObject({ reason: "idle" });
});

test("a session that the object does not know is unknown to it", async () => {
  const session = sessionObject("kill unknown");
  const sid = newSessionId(Date.now(), fillRandom);
  expect(await session.kill(sid, { command: newCommand(), reason: "" })).toEqual({ ok: false, state: "unknown" });
  expect(await session.untilCut(newCommand())).toEqual({ reason: "not_open", by: null });
});

test("a command whose forwarder is gone does not keep a killed session open", async () => {
  const start = Date.now();
  setClock(start);
  const session = sessionObject("kill lapsed");
  const [command, by] = [newCommand(), newCommand()];
  const sid = sidOf(await session.begin(requested(command), OPENING));
  await session.kill(sid, { command: by, reason: "" });
  setClock(start + LEASE_MS);
  await ring(session);
  expect(await killerOf(session, sid)).toBe(by);
  // What it says later still comes after the end.
  expect(await session.proceed([cancelled(command)])).toMatchObject({ ok: true, sid, seq: 4 });
  expect(kindsOf((await checkSession(session, sid)).records).slice(2)).toEqual([
    "command.failed",
    "session.closed",
    "outcome.late",
  ]);
});

test("a forwarder that waits for the cut of a command hears when it has ended", async () => {
  const session = sessionObject("cut ended");
  const command = newCommand();
  sidOf(await session.begin(requested(command), OPENING));
  const cut = session.untilCut(command);
  await session.proceed([completed(command)]);
  expect(await cut).toEqual({ reason: "not_open", by: null });
});

test("a kill whose write is refused changes nothing, and can be asked again", async () => {
  const session = sessionObject("kill refused");
  const command = newCommand();
  const sid = sidOf(await session.begin(requested(command), OPENING));
  const answer = await runInDurableObject(session, async (instance: SessionObject, { storage }) => {
    storage.sql.exec("ALTER TABLE killed RENAME TO elsewhere");
    const refused = await instance.kill(sid, { command: newCommand(), reason: "" });
    storage.sql.exec("ALTER TABLE elsewhere RENAME TO killed");
    return refused;
  });
  expect(answer).toEqual({ ok: false, state: "refused" });
  expect(await session.begin(requested(newCommand()), null)).toMatchObject({ ok: true, sid });
  expect(await session.kill(sid, { command: newCommand(), reason: "" })).toEqual(KILLED);
});

test("a reader who waits hears of the next record, of the session's end, and not of what is there already", async () => {
  const session = sessionObject("wait");
  const command = newCommand();
  const sid = sidOf(await session.begin(requested(command), OPENING));
  expect(await session.waitForMore(sid, 0, 20_000)).toBe(2);
  const more = session.waitForMore(sid, 2, 20_000);
  await session.proceed([completed(command)]);
  expect(await more).toBe(3);
  expect(await session.waitForMore(sid, 3, 1)).toBe(3);
  const end = session.waitForMore(sid, 3, 20_000);
  await session.kill(sid, { command: newCommand(), reason: "" });
  expect(await end).toBe(4);
  expect(await session.waitForMore(sid, 4, 20_000)).toBe(4);
  expect(await session.waitForMore(newSessionId(Date.now(), fillRandom), 0, 20_000)).toBe(0);
  await evictDurableObject(session);
  expect(await session.waitForMore(sid, 4, 20_000)).toBe(4);
});

test("of many readers of one object the surplus is answered at once", async () => {
  const session = sessionObject("wait many");
  const command = newCommand();
  const sid = sidOf(await session.begin(requested(command), OPENING));
  let waiting = 80;
  const readers = Array.from({ length: waiting }, () =>
    session.waitForMore(sid, 2, 20_000).then((size) => {
      waiting -= 1;
      return size;
    }),
  );
  await expect.poll(() => waiting).toBe(64);
  await session.proceed([completed(command)]);
  expect((await Promise.all(readers)).filter((size) => size === 3).length).toBe(64);
});
