// Storage that fails: before a write, within a batch, or after it was kept. Whatever happens, what was
// answered is in the log once, and the log verifies.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { CommandId, SessionId } from "../../core/ids.ts";
import type { Committed } from "../../core/record/record.ts";
import { GroupCommit } from "../../durable/group_commit.ts";
import { SessionLog } from "../../durable/session_log.ts";
import { IDLE_MS, LEASE_MS } from "../../durable/session_life.ts";
import { SessionOpener } from "../../durable/session_opener.ts";
import type { Appended, AppendRefusal } from "../../durable/session_rpc.ts";
import { checkSession, completed, kindsOf, newCommand, OPENING, requested, withStorage } from "../support/objects.ts";
import { type Fault, REFUSED, withBench } from "../support/session_bench.ts";

test("a batch whose write is refused is refused whole, and nothing of it is kept", () =>
  withBench(async (bench) => {
    bench.faults.push("lost", "lost");
    const batch = Array.from({ length: 5 }, () => requested(newCommand()));
    expect(await Promise.all(batch.map((one) => bench.begin(one)))).toEqual(batch.map(() => REFUSED));
    expect(kindsOf((await bench.check()).records)).toEqual(["session.opened"]);
    expect(bench.log.underWay).toBe(0);
    expect(await Promise.all(batch.map((one) => bench.begin(one)))).toMatchObject(
      [1, 2, 3, 4, 5].map((seq) => ({ ok: true, seq })),
    );
    expect((await bench.check()).summary.openCommands.length).toBe(5);
  }));

test("a batch of more records than one statement takes is written whole, in order", () =>
  withBench(async (bench) => {
    const batch = Array.from({ length: 40 }, () => requested(newCommand()));
    const answers = await Promise.all(batch.map((one) => bench.begin(one)));
    expect(answers).toMatchObject(batch.map((_, index) => ({ ok: true, seq: index + 1 })));
    const { records } = await bench.check();
    expect(records.map(({ disclosure }) => disclosure).slice(1)).toEqual(batch.map(({ disclosure }) => disclosure));
  }));

test("a statement that fails after others of its batch takes the whole batch back", () =>
  withBench(async (bench) => {
    bench.failInsert = 40;
    const batch = Array.from({ length: 40 }, () => requested(newCommand()));
    const answers = await Promise.all(batch.map((one) => bench.begin(one)));
    expect(answers).toMatchObject(batch.map((_, index) => ({ ok: true, seq: index + 1 })));
    expect((await bench.check()).records.length).toBe(41);
  }));

test("a write that fails in the middle of a batch takes the whole batch back", () =>
  withBench(async (bench) => {
    bench.failInsert = 3;
    const batch = Array.from({ length: 5 }, () => requested(newCommand()));
    const answers = await Promise.all(batch.map((one) => bench.begin(one)));
    // The second try succeeds, from a head that the first has not moved.
    expect(answers).toMatchObject([1, 2, 3, 4, 5].map((seq) => ({ ok: true, seq })));
    await bench.check();
  }));

test("a write that was kept though it seemed to fail is found, and not repeated", () =>
  withBench(async (bench) => {
    bench.faults.push("persisted");
    const commands = Array.from({ length: 5 }, newCommand);
    const answers = await Promise.all(commands.map((command) => bench.begin(requested(command))));
    expect(answers).toMatchObject([1, 2, 3, 4, 5].map((seq) => ({ ok: true, seq })));
    bench.faults.push("persisted");
    expect(await Promise.all(commands.map((command) => bench.proceed([completed(command)])))).toMatchObject(
      [6, 7, 8, 9, 10].map((seq) => ({ ok: true, seq })),
    );
    expect(bench.log.underWay).toBe(0);
    expect((await bench.check()).records.length).toBe(11);
  }));

test("a refused batch that was kept after all is answered by the caller's second try", () =>
  withBench(async (bench) => {
    const intent = requested(newCommand());
    bench.faults.push("persisted", "lost");
    expect(await bench.begin(intent)).toEqual(REFUSED);
    expect(await bench.begin(intent)).toMatchObject({ ok: true, seq: 1 });
    expect((await bench.check()).records.length).toBe(2);
  }));

test("an outcome that was refused leaves the command open", () =>
  withBench(async (bench) => {
    const command = newCommand();
    await bench.begin(requested(command));
    bench.faults.push("lost", "lost");
    const outcome = completed(command);
    expect(await bench.proceed([outcome])).toEqual(REFUSED);
    expect(bench.log.renew(command, bench.now)).toBe(true);
    expect(await bench.proceed([outcome])).toMatchObject({ ok: true, seq: 2 });
    await bench.check();
  }));

test("while the storage cannot even be read, everything is refused; afterwards all goes on", () =>
  withBench(async (bench) => {
    const command = newCommand();
    await bench.begin(requested(command));
    bench.readable = false;
    expect(await Promise.all([bench.begin(requested(newCommand())), bench.proceed([completed(command)])])).toEqual([
      REFUSED,
      REFUSED,
    ]);
    expect(await bench.begin(requested(newCommand()))).toEqual(REFUSED);
    bench.readable = true;
    expect(await bench.begin(requested(newCommand()))).toMatchObject({ ok: true, seq: 2 });
    expect(await bench.proceed([completed(command)])).toMatchObject({ ok: true, seq: 3 });
    expect((await bench.check()).records.length).toBe(4);
  }));

test("lapsing and closing survive a write that is refused and one that is kept in silence", () =>
  withBench(async (bench) => {
    const turn = (): Promise<void> =>
      bench.commits.add({
        apply: () => {
          bench.log.lapse(bench.now);
          bench.log.closeEnded(bench.now);
        },
        refused: () => undefined,
      });
    await bench.begin(requested(newCommand()));
    bench.now += LEASE_MS;
    bench.faults.push("lost", "lost");
    await turn();
    expect(bench.log.underWay).toBe(1);
    // Read again from storage, which keeps no leases: it has a fresh one.
    bench.now += LEASE_MS;
    bench.faults.push("persisted");
    await turn();
    expect(bench.log.underWay).toBe(0);
    bench.now += IDLE_MS;
    bench.faults.push("lost");
    await turn();
    bench.faults.push("persisted");
    await turn();
    await turn();
    expect(kindsOf((await bench.check()).records)).toEqual([
      "session.opened",
      "command.requested",
      "command.failed",
      "session.closed",
    ]);
    expect([...bench.storage.sql.exec("SELECT sid FROM registry_outbox")].length).toBe(1);
  }));

test("a lease is not shortened by another batch's failure", () =>
  withBench(async (bench) => {
    const command = newCommand();
    await bench.begin(requested(command));
    bench.now += LEASE_MS - 1;
    bench.faults.push("lost");
    await bench.begin(requested(newCommand()));
    bench.now += 1;
    bench.log.lapse(bench.now);
    expect(bench.log.renew(command, bench.now)).toBe(false);
    await bench.check();
  }));

test("the registry is told first: if it cannot be, no record is written; if the record is refused, the next try takes the same session", () =>
  withStorage("opener", async (storage) => {
    const log = new SessionLog(storage.sql, 1);
    let isFull = true;
    const commits = new GroupCommit(
      (work) => {
        if (isFull) throw new Error("disk is full");
        storage.transactionSync(work);
      },
      () => log.reload(1),
    );
    const told: SessionId[] = [];
    let isUp = false;
    const opener = new SessionOpener(
      log,
      commits,
      async (sid) => {
        if (!isUp) throw new Error("unreachable");
        expect(log.describe(sid)).toBe(null);
        told.push(sid);
      },
      () => 1_800_000_000_000,
    );
    const openTwice = (): Promise<(AppendRefusal | null)[]> =>
      Promise.all([opener.open(OPENING), opener.open(OPENING)]);
    expect(await openTwice()).toEqual(["registry_unavailable", "registry_unavailable"]);
    isUp = true;
    expect(await openTwice()).toEqual(["storage_refused", "storage_refused"]);
    isFull = false;
    expect(await openTwice()).toEqual([null, null]);
    const [sid] = told;
    expect(told.length).toBe(1);
    if (sid === undefined) throw new Error("nobody was told");
    expect(kindsOf((await checkSession(log, sid)).records)).toEqual(["session.opened"]);
  }));

test("an opening that was kept though it seemed to fail is found, and opens one session", () =>
  withStorage("opener persisted", async (storage) => {
    const log = new SessionLog(storage.sql, 1);
    let seemsToFail = true;
    const commits = new GroupCommit(
      (work) => {
        storage.transactionSync(work);
        if (seemsToFail) {
          seemsToFail = false;
          throw new Error("nobody knows");
        }
      },
      () => log.reload(1),
    );
    const now = 1_800_000_000_000;
    const opener = new SessionOpener(
      log,
      commits,
      async () => undefined,
      () => now,
    );
    expect(await opener.open(OPENING)).toBe(null);
    expect([...storage.sql.exec("SELECT no FROM session")].length).toBe(1);
    const sid = log.current(now)?.sid;
    if (sid === undefined) throw new Error("no session");
    await checkSession(log, sid);
  }));

test("whatever fails, what was answered is in the log once, in order, and the log verifies", async () => {
  const fault = fc.constantFrom<Fault | "none">("none", "none", "lost", "persisted");
  const step = fc.record({
    begins: fc.nat(4),
    ends: fc.nat(4),
    repeats: fc.nat(2),
    faults: fc.array(fault, { maxLength: 3 }),
    restart: fc.boolean(),
    failInsert: fc.option(fc.integer({ min: 1, max: 6 })),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) =>
      withBench(async (bench) => {
        const open: CommandId[] = [];
        const answered = new Map<Committed, Appended>();
        const calls: [Committed, () => Promise<Appended>][] = [];
        for (const { begins, ends, repeats, faults, restart, failInsert } of steps) {
          const batch: typeof calls = calls.slice(-repeats - 1, -1);
          for (let i = 0; i < begins; i++) {
            const intent = requested(newCommand());
            batch.push([intent, () => bench.begin(intent)]);
          }
          for (const command of open.splice(0, ends)) {
            const outcome = completed(command);
            batch.push([outcome, () => bench.proceed([outcome])]);
          }
          bench.faults.push(...faults.filter((one) => one !== "none"));
          bench.failInsert = failInsert ?? Infinity;
          const answers = await Promise.all(batch.map(([, call]) => call()));
          bench.faults.length = 0;
          bench.failInsert = Infinity;
          batch.forEach(([one], index) => {
            const answer = answers[index];
            if (answer === undefined || !answer.ok) return;
            const before = answered.get(one);
            if (before !== undefined) expect(answer).toEqual(before);
            else if (one.kind === "command.requested" && one.command !== null) open.push(one.command);
            answered.set(one, answer);
          });
          calls.push(...batch);
          if (restart) bench.log.reload(bench.now);
        }
        const { records } = await bench.check();
        for (const [one, answer] of answered) {
          if (!answer.ok) continue;
          expect(records[answer.seq]?.disclosure).toBe(one.disclosure);
          expect(records.filter(({ disclosure }) => disclosure === one.disclosure).length).toBe(1);
        }
      }),
    ),
    { numRuns: 40 },
  );
});
