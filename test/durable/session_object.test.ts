// A session object over RPC, in the real runtime: what a Worker sees.

import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import type { Committed } from "../../core/record/record.ts";
import { registryOf, registryShard } from "../../durable/registry_client.ts";
import type { SessionObject } from "../../durable/session.ts";
import { IDLE_MS, LEASE_MS, MAX_AGE_MS, QUEUE_LIMIT } from "../../durable/session_life.ts";
import type { Appended } from "../../durable/session_rpc.ts";
import {
  bindings,
  checkLog,
  checkSession,
  classesOf,
  completed,
  denied,
  failed,
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

const CONFLICT = { ok: false, reason: "conflict" };

test("the first command opens a session, and its records are a log that verifies", async () => {
  const session = sessionObject("first");
  const command = newCommand();
  expect(await session.begin(requested(command), null)).toEqual({ ok: false, reason: "session_needed" });
  const sid = sidOf(await session.begin(requested(command), OPENING));
  expect(await session.proceed([completed(command)])).toMatchObject({ ok: true, sid, seq: 2 });
  const { records, summary } = await checkSession(session, sid);
  expect(kindsOf(records)).toEqual(["session.opened", "command.requested", "command.completed"]);
  expect(summary.openCommands).toEqual([]);
});

test("a call made again with the same bytes gets the same answer and leaves no second record", async () => {
  const session = sessionObject("idempotent");
  const command = newCommand();
  const [intent, outcome] = [requested(command), completed(command)];
  const begun = await session.begin(intent, OPENING);
  expect(await session.begin(intent, OPENING)).toEqual(begun);
  expect(await session.begin(intent, null)).toEqual(begun);
  const ended = await session.proceed([outcome]);
  expect(await session.proceed([outcome])).toEqual(ended);
  expect(await session.begin(intent, null)).toEqual(begun);
  const { records } = await checkSession(session, sidOf(begun));
  expect(records.length).toBe(3);
});

test("an id used again with other bytes is refused, and the others of its batch are not", async () => {
  const session = sessionObject("conflict");
  const [command, other] = [newCommand(), newCommand()];
  const sid = sidOf(await session.begin(requested(command), OPENING));
  const answers = await Promise.all([
    session.begin(requested(command), null),
    session.begin(requested(other), null),
    session.begin(denied(command), null),
  ]);
  expect(answers).toMatchObject([CONFLICT, { ok: true }, CONFLICT]);
  expect(await session.proceed([completed(command)])).toMatchObject({ ok: true });
  expect(await session.proceed([completed(command)])).toEqual(CONFLICT);
  expect(await session.proceed([failed(command)])).toEqual(CONFLICT);
  expect(await session.begin(denied(command), null)).toEqual(CONFLICT);
  // The leaf would be the same; what it commits to would not be shown.
  const intent = requested(newCommand());
  expect(await session.begin(intent, null)).toMatchObject({ ok: true });
  expect(await session.begin({ ...intent, disclosure: "[]" }, null)).toEqual(CONFLICT);
  const refusedOnce = newCommand();
  expect(await session.begin(denied(refusedOnce), null)).toMatchObject({ ok: true });
  expect(await session.begin(requested(refusedOnce), null)).toEqual(CONFLICT);
  expect((await checkSession(session, sid)).records.length).toBe(6);
});

test("records of one call are kept all or none", async () => {
  const session = sessionObject("all or none");
  const command = newCommand();
  const sid = sidOf(await session.begin(requested(command), OPENING));
  const started = record("response.started", command, { status: 200, ms: 1 }, { headers: "[]" });
  expect(await session.proceed([started, completed(command), failed(command)])).toEqual(CONFLICT);
  expect(await session.proceed([started, record("outcome.late", command)])).toEqual({ ok: false, reason: "malformed" });
  expect(await session.proceed([started, completed(newCommand())])).toEqual({ ok: false, reason: "malformed" });
  expect((await checkSession(session, sid)).records.length).toBe(2);
  expect(await session.renew(command)).toBe(true);
  const streamed = record("command.completed", command, {
    transport: "ok",
    status: 200,
    tool: "none",
    req_bytes: 0,
    resp_bytes: 2,
    ms: 3,
    folded: 0,
  });
  expect(await session.proceed([started, streamed])).toMatchObject({ ok: true, seq: 3 });
  expect(await session.proceed([started, streamed])).toMatchObject({ ok: true, seq: 3 });
  expect(kindsOf((await checkSession(session, sid)).records)).toEqual([
    "session.opened",
    "command.requested",
    "response.started",
    "command.completed",
  ]);
});

test("a command that never began has no outcome", async () => {
  const session = sessionObject("no intent");
  const sid = sidOf(await session.begin(requested(newCommand()), OPENING));
  expect(await session.proceed([completed(newCommand())])).toEqual({ ok: false, reason: "malformed" });
  expect(await session.proceed([])).toEqual({ ok: false, reason: "malformed" });
  expect(await session.renew(newCommand())).toBe(false);
  expect((await checkSession(session, sid)).records.length).toBe(2);
});

test("a record that no reader could read is refused alone", async () => {
  const session = sessionObject("malformed");
  const sid = sidOf(await session.begin(requested(newCommand()), OPENING));
  const good = requested(newCommand());
  const bad: Committed[] = [
    { ...good, classes: "{}x" },
    { ...good, classes: '{"a":"\u00e9"}' },
    { ...good, classes: '{"a":1,}' },
    { ...good, classes: `{"a":"${"x".repeat(2048)}"}` },
    { ...good, classes: '{"a":"b"c"}' },
    { ...good, root: "00" as Committed["root"] },
    { ...good, command: "1" as unknown as NonNullable<Committed["command"]> },
    { ...good, command: null },
    { ...good, part: -1 },
    { ...good, part: 1 },
    { ...good, part: 0.5 },
    { ...good, kind: "session.closed" },
    { ...good, kind: "outcome.late" },
    { ...good, kind: "made.up" as unknown as Committed["kind"] },
    { ...good, disclosure: "x".repeat(600 * 1024) },
  ];
  const answers = await Promise.all([...bad.map((one) => session.begin(one, null)), session.begin(good, null)]);
  expect(answers.map((answer) => (answer.ok ? "ok" : answer.reason))).toEqual([...bad.map(() => "malformed"), "ok"]);
  await checkSession(session, sid);
});

test("an answer's head and its outcome have part 0 only, as a verifier demands", async () => {
  const session = sessionObject("parts");
  const command = newCommand();
  const sid = sidOf(await session.begin(requested(command), OPENING));
  const head = record("response.started", command, { status: 200, ms: 1 }, { headers: "[]" }, 1);
  for (const one of [head, { ...completed(command), part: 1 }])
    expect(await session.proceed([one])).toEqual({ ok: false, reason: "malformed" });
  expect(await session.proceed([{ ...head, part: 0 }])).toMatchObject({ ok: true, seq: 2 });
  await checkSession(session, sid);
});

test("first commands that arrive together open one session", async () => {
  const session = sessionObject("together");
  const answers = await Promise.all(Array.from({ length: 20 }, () => session.begin(requested(newCommand()), OPENING)));
  const sids = new Set(answers.map(sidOf));
  expect(sids.size).toBe(1);
  const [sid] = [...sids];
  if (sid === undefined) throw new Error("no session");
  const { records } = await checkSession(session, sid);
  expect(kindsOf(records).filter((kind) => kind === "session.opened").length).toBe(1);
  const entries = await Promise.all(
    [..."0123456789abcdef"].map((shard) =>
      registryShard(bindings, shard).list({ owner: OPENING.owner, before: null, limit: 1000 }),
    ),
  );
  expect(entries.flat().filter(({ object }) => object === session.id.toString()).length).toBe(1);
});

test("calls that arrive together are appended in their order, in one log", async () => {
  const session = sessionObject("order");
  const sid = sidOf(await session.begin(requested(newCommand()), OPENING));
  const commands = Array.from({ length: 200 }, newCommand);
  const answers = await Promise.all(commands.map((command) => session.begin(requested(command), null)));
  expect(answers.map((answer) => (answer.ok ? answer.seq : -1))).toEqual(commands.map((_, index) => index + 2));
  await checkSession(session, sid);
});

test("a full queue says so before it takes a call", async () => {
  const session = sessionObject("overloaded");
  sidOf(await session.begin(requested(newCommand()), OPENING));
  const answers = await runInDurableObject(session, (instance: SessionObject) =>
    Promise.all(Array.from({ length: QUEUE_LIMIT + 10 }, () => instance.begin(denied(newCommand()), null))),
  );
  expect(answers.filter((answer) => answer.ok).length).toBe(QUEUE_LIMIT);
  expect(answers.filter((answer) => !answer.ok && answer.reason === "overloaded").length).toBe(10);
});

test("a batch is kept although the call that started it was given up", async () => {
  const session = sessionObject("aborted");
  sidOf(await session.begin(requested(newCommand()), OPENING));
  const [first, second] = [newCommand(), newCommand()];
  const givenUp = session.begin(requested(first), null) as Promise<Appended> & Partial<Disposable>;
  const kept = session.begin(requested(second), null);
  givenUp[Symbol.dispose]?.();
  void givenUp.catch(() => undefined);
  const sid = sidOf(await kept);
  expect((await checkSession(session, sid)).summary.openCommands).toContain(second);
});

test("eviction between intent and outcome loses nothing", async () => {
  const session = sessionObject("evicted");
  const command = newCommand();
  const sid = sidOf(await session.begin(requested(command), OPENING));
  await evictDurableObject(session);
  expect(await session.renew(command)).toBe(true);
  await evictDurableObject(session);
  expect(await session.proceed([completed(command)])).toMatchObject({ ok: true, sid, seq: 2 });
  await evictDurableObject(session);
  const next = newCommand();
  expect(await session.begin(requested(next), null)).toMatchObject({ ok: true, sid, seq: 3 });
  const { summary } = await checkSession(session, sid);
  expect(summary.openCommands).toEqual([next]);
});

test("a lapsed lease is closed by the alarm, and what comes later is recorded as late", async () => {
  const start = Date.now();
  setClock(start);
  const session = sessionObject("lapsed");
  const [gone, alive] = [newCommand(), newCommand()];
  const sid = sidOf(await session.begin(requested(gone), OPENING));
  await session.begin(requested(alive), null);
  setClock(start + LEASE_MS - 1);
  expect(await session.renew(alive)).toBe(true);
  setClock(start + LEASE_MS);
  expect(await runDurableObjectAlarm(session)).toBe(true);
  expect(await session.renew(gone)).toBe(false);
  expect(await session.renew(alive)).toBe(true);
  const late = completed(gone);
  const answer = await session.proceed([late]);
  expect(answer).toMatchObject({ ok: true, sid });
  expect(await session.proceed([late])).toEqual(answer);
  expect(await session.proceed([completed(gone)])).toEqual(CONFLICT);
  const { records, verdict } = await checkSession(session, sid);
  expect(kindsOf(records).slice(3)).toEqual(["command.failed", "outcome.late"]);
  expect(classesOf(records[3])).toEqual({ transport: "unknown", reason: "outcome_unknown", tool: "none" });
  expect(classesOf(records[4])).toMatchObject({ late: "command.completed", status: 200 });
  expect(verdict.findings.unknown).toEqual([gone]);
});

test("the alarm is never later than the lease of a command that has just begun", async () => {
  const start = Date.now();
  setClock(start);
  const session = sessionObject("alarm");
  const alarm = (): Promise<number | null> =>
    runInDurableObject(session, (_: SessionObject, state) => state.storage.getAlarm());
  const command = newCommand();
  await session.begin(requested(command), OPENING);
  expect(await alarm()).toBe(start + LEASE_MS);
  setClock(start + 10_000);
  await session.renew(command);
  setClock(start + LEASE_MS);
  await runDurableObjectAlarm(session);
  expect(await alarm()).toBe(start + 10_000 + LEASE_MS);
  await session.proceed([completed(command)]);
  setClock(start + 10_000 + LEASE_MS);
  await runDurableObjectAlarm(session);
  // Nothing under way: the alarm now waits for the session's idle end, yet a new command brings it forward.
  expect(await alarm()).toBe(start + LEASE_MS + IDLE_MS);
  await session.begin(requested(newCommand()), null);
  expect(await alarm()).toBe(start + 10_000 + 2 * LEASE_MS);
});

test("an idle session is closed once, the registry hears of it, and the next command opens another", async () => {
  const start = Date.now();
  setClock(start);
  const session = sessionObject("idle");
  const command = newCommand();
  const sid = sidOf(await session.begin(requested(command), OPENING));
  await session.proceed([completed(command)]);
  setClock(start + IDLE_MS);
  expect(await session.begin(requested(newCommand()), null)).toEqual({ ok: false, reason: "session_needed" });
  await runDurableObjectAlarm(session);
  await ring(session);
  const { records, summary } = await checkSession(session, sid);
  expect(kindsOf(records)).toEqual(["session.opened", "command.requested", "command.completed", "session.closed"]);
  expect(classesOf(records[3])).toEqual({ reason: "idle", size: 4 });
  expect(summary.closed).toBe(start + IDLE_MS);
  expect(await registryOf(bindings, sid).find(sid)).toMatchObject({ sid, closed: start + IDLE_MS, size: 4 });
  const next = sidOf(await session.begin(requested(newCommand()), OPENING));
  expect(next).not.toBe(sid);
  await checkSession(session, next);
});

test("an open intent keeps a session from being idle, not from being too old", async () => {
  const start = Date.now();
  setClock(start);
  const session = sessionObject("old");
  const command = newCommand();
  const sid = sidOf(await session.begin(requested(command), OPENING));
  for (let time = start; time < start + MAX_AGE_MS; time += IDLE_MS) {
    setClock(time);
    await session.renew(command);
  }
  const second = newCommand();
  expect(await session.begin(requested(second), null)).toMatchObject({ ok: true, sid });
  await session.proceed([completed(second)]);
  setClock(start + MAX_AGE_MS);
  await session.renew(command);
  const next = sidOf(await session.begin(requested(newCommand()), OPENING));
  expect(next).not.toBe(sid);
  // What had begun still ends where it began; only then is that session closed.
  expect(await session.proceed([completed(command)])).toMatchObject({ ok: true, sid });
  await ring(session);
  const { records } = await checkSession(session, sid);
  expect(kindsOf(records).at(-1)).toBe("session.closed");
  expect(classesOf(records.at(-1))).toMatchObject({ reason: "max" });
  await checkSession(session, next);
});

test("an outcome that comes after its session was closed still goes into that session", async () => {
  const start = Date.now();
  setClock(start);
  const session = sessionObject("late after closing");
  const command = newCommand();
  const sid = sidOf(await session.begin(requested(command), OPENING));
  setClock(start + LEASE_MS);
  await ring(session);
  setClock(start + LEASE_MS + IDLE_MS);
  await ring(session);
  const answer = await session.proceed([failed(command)]);
  expect(answer).toMatchObject({ ok: true, sid, seq: 4 });
  expect(kindsOf((await checkSession(session, sid)).records)).toEqual([
    "session.opened",
    "command.requested",
    "command.failed",
    "session.closed",
    "outcome.late",
  ]);
});

test("a gap may follow an outcome: the answer was recorded, and then it was cut", async () => {
  const session = sessionObject("gap");
  const command = newCommand();
  const sid = sidOf(await session.begin(requested(command), OPENING));
  await session.proceed([completed(command)]);
  const gap = record("gap", command, { reason: "outcome_not_recorded" });
  const answer = await session.proceed([gap]);
  expect(answer).toMatchObject({ ok: true, seq: 3 });
  expect(await session.proceed([gap])).toEqual(answer);
  expect((await checkSession(session, sid)).verdict.findings.gapCount).toBe(1);
});

test("the registry knows of a session before its first record", async () => {
  const session = sessionObject("registry first");
  const sid = sidOf(await session.begin(requested(newCommand()), OPENING));
  const entry = await registryOf(bindings, sid).find(sid);
  expect(entry).toMatchObject({
    sid,
    object: session.id.toString(),
    connection: "registry",
    owner: OPENING.owner,
    closed: null,
  });
  const shard = registryOf(bindings, sid);
  const { records } = await checkLog({
    describe: () => shard.describe(),
    read: (from, limit) => shard.read(from, limit),
  });
  expect(records.some(({ disclosure }) => disclosure.includes(sid))).toBe(true);
});
