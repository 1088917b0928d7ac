// Bodies in the log of a session object: beside their records, in their order, found again, and bounded.

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { CommandId, SessionId } from "../../core/ids.ts";
import { DETACHED_LIMIT, INLINE_LIMIT, type Side } from "../../core/record/payload.ts";
import type { Committed } from "../../core/record/record.ts";
import { GroupCommit, IN_FLIGHT_LIMIT } from "../../durable/group_commit.ts";
import { rows } from "../../durable/migrate.ts";
import { SessionObject } from "../../durable/session.ts";
import { MAX_AGE_MS } from "../../durable/session_life.ts";
import { type Appended, PAYLOAD_PAGE } from "../../durable/session_rpc.ts";
import { SESSION_LIMITS, STORAGE_LIMITS } from "../../durable/storage_budget.ts";
import { isWellFormed } from "../../durable/well_formed.ts";
import { Body, joined, noise, text, withBody } from "../support/bodies.ts";
import {
  bindings,
  checkSession,
  classesOf,
  completed,
  failed,
  kindsOf,
  newCommand,
  OPENING,
  record,
  requested,
  sessionObject,
  setClock,
  sidOf,
} from "../support/objects.ts";
import { type Bench, type Fault, REFUSED, withBench } from "../support/session_bench.ts";

afterEach(() => {
  vi.useRealTimers();
});

const STARTED = { status: 200, ms: 1 };
const ASKED = { protocol: "http", verb: "write", effect: "allow", policy: "5d".repeat(32), rule: "r" };
const ENDED = { transport: "ok", status: 200, tool: "none", req_bytes: 0, ms: 3 };

function started(command: CommandId): Committed {
  return record("response.started", command, STARTED, { headers: "[]" });
}

function ended(command: CommandId, bytes: number): Committed {
  return record("command.completed", command, { ...ENDED, folded: 0, resp_bytes: bytes }, { digests: "{}" });
}

/** A message of a socket that `socket` opened. */
function message(socket: CommandId, body: Uint8Array, command: CommandId = newCommand()): Committed {
  const classes = {
    ...ASKED,
    protocol: "websocket",
    verb: "send",
    oneway: 1,
    socket,
    type: "binary",
    size: body.length,
  };
  return withBody("command.requested", command, classes, body);
}

async function bodyOf(
  session: Pick<SessionObject, "payloadOf"> | DurableObjectStub<SessionObject>,
  sid: SessionId,
  command: CommandId,
  side: Side,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (let from = 0; ;) {
    const page = await session.payloadOf(sid, command, side, from, PAYLOAD_PAGE);
    if (page === null) throw new Error("no such command");
    pieces.push(page.bytes);
    from += page.bytes.length;
    if (from >= page.size) return joined(pieces);
  }
}

describe("a body in a session object", () => {
  test("is read back as it was sent, small or large, in the command's own record or in chunks, and also in a new instance", async () => {
    const session = sessionObject("bodies");
    const small = newCommand();
    const asked = text(300);
    const sid = sidOf(await session.begin(withBody("command.requested", small, ASKED, asked), OPENING));
    const answer = noise(INLINE_LIMIT + 1);
    const folded = { ...ENDED, folded: 1, resp_bytes: answer.length };
    sidOf(await session.proceed([withBody("command.completed", small, folded, answer)]));

    const large = newCommand();
    await session.begin(requested(large), null);
    const up = new Body(large, "request");
    const down = new Body(large, "response");
    for (const bytes of [noise(70_000), text(100), noise(0), noise(20)]) sidOf(await session.proceed([up.next(bytes)]));
    sidOf(await session.proceed([started(large), down.next(text(40))]));
    expect(await session.payloadOf(sid, large, "response", 0, 100)).toMatchObject({ size: 40, complete: false });
    for (const bytes of [noise(DETACHED_LIMIT), noise(INLINE_LIMIT), noise(INLINE_LIMIT + 1)])
      sidOf(await session.proceed([down.next(bytes)]));
    sidOf(await session.proceed([ended(large, down.whole.length)]));

    const expectBodies = async (): Promise<void> => {
      expect(await bodyOf(session, sid, small, "request")).toEqual(asked);
      expect(await bodyOf(session, sid, small, "response")).toEqual(answer);
      expect(await bodyOf(session, sid, large, "request")).toEqual(up.whole);
      expect(await bodyOf(session, sid, large, "response")).toEqual(down.whole);
      expect(await session.payloadOf(sid, large, "response", 0, 1)).toMatchObject({ complete: true });
    };
    await expectBodies();
    await checkSession(session, sid);
    await evictDurableObject(session);
    await expectBodies();
    await checkSession(session, sid);
  });

  test("is read from any place, of any length, and no more at once than a page", () =>
    withBench(async (bench) => {
      const command = newCommand();
      await bench.begin(requested(command));
      await bench.proceed([started(command)]);
      const body = new Body(command, "response");
      for (const size of [0, 5, INLINE_LIMIT, 0, 0, INLINE_LIMIT + 7, 1, DETACHED_LIMIT, 12, 0])
        sidOf(await bench.proceed([body.next(noise(size))]));
      const whole = body.whole;
      const read = (from: number, limit: number): Uint8Array | undefined =>
        bench.log.payloadOf(bench.sid, command, "response", from, limit)?.bytes;
      fc.assert(
        fc.property(fc.nat(whole.length + 10), fc.integer({ min: 1, max: whole.length }), (from, limit) => {
          expect(read(from, limit)).toEqual(whole.slice(from, from + limit));
        }),
        { numRuns: 200 },
      );
      for (let more = 0; more < 4; more++) await bench.proceed([body.next(noise(DETACHED_LIMIT))]);
      expect(read(3, Infinity)?.length).toBe(PAYLOAD_PAGE);
    }));

  test("is not another session's, nor one of a command that is not here, nor of a place that is none", () =>
    withBench(async (bench) => {
      const command = newCommand();
      await bench.begin(withBody("command.requested", command, ASKED, text(10)));
      const { log, sid } = bench;
      expect(log.payloadOf(sid, newCommand(), "request", 0, 10)).toBe(null);
      expect(log.payloadOf(newCommand() as string as SessionId, command, "request", 0, 10)).toBe(null);
      for (const [from, limit] of [
        [-1, 1],
        [0.5, 1],
        [Number.NaN, 1],
        [0, 0],
        [0, Number.NaN],
      ] as const)
        expect(log.payloadOf(sid, command, "request", from, limit)).toBe(null);
      expect(log.payloadOf(sid, command, "response", 0, 10)).toEqual({
        bytes: new Uint8Array(0),
        size: 0,
        complete: false,
      });
      const other = "01935b6e-8c00-7000-8000-0123456789ab" as SessionId;
      bench.now += MAX_AGE_MS;
      bench.log.openSession(other, OPENING, bench.now);
      expect(log.payloadOf(other, command, "request", 0, 10)).toBe(null);
    }));

  test("is not read along when records are", () =>
    withBench(async (bench) => {
      const command = newCommand();
      await bench.begin(requested(command));
      await bench.proceed([started(command)]);
      const body = new Body(command, "response");
      for (let i = 0; i < 40; i++) await bench.proceed([body.next(noise(DETACHED_LIMIT))]);
      const asked: string[] = [];
      bench.onQuery = (query) => asked.push(query);
      const { records } = await bench.check();
      bench.log.log.recordsOf(bench.log.log.live()[0] ?? fail(), command, 0, 100);
      bench.log.log.outlineOf(bench.log.log.live()[0] ?? fail(), command);
      expect(records.length).toBe(43);
      expect(asked.length).toBeGreaterThan(0);
      expect(asked.filter((query) => query.includes("payload") || query.includes("*"))).toEqual([]);
    }));
});

function fail(): never {
  throw new Error("no session");
}

describe("bytes beside a record", () => {
  test("are refused unless they are those that the record commits to", () =>
    withBench(async (bench) => {
      const bytes = noise(INLINE_LIMIT + 1);
      const whole = withBody("command.requested", newCommand(), ASKED, bytes);
      const changed = bytes.slice();
      changed[7] = (changed[7] ?? 0) ^ 1;
      const inline = withBody("command.requested", newCommand(), ASKED, text(20));
      for (const wrong of [
        { ...whole, payload: changed },
        { ...whole, payload: bytes.subarray(1) },
        { ...whole, payload: null },
        { ...whole, payload: "text" as unknown as Uint8Array },
        { ...inline, payload: text(20) },
        withBody("command.requested", newCommand(), ASKED, noise(DETACHED_LIMIT + 1)),
        { ...whole, disclosure: whole.disclosure.replace("payload_digest", "payload_digesu") },
      ]) {
        expect(isWellFormed(wrong)).toBe(false);
        expect(await bench.begin(wrong)).toEqual({ ok: false, reason: "malformed" });
      }
      expect(await bench.begin(whole)).toMatchObject({ ok: true });
      expect(await bench.begin(inline)).toMatchObject({ ok: true });
      await bench.check();
    }));

  test("that a text only seems to speak of are none", () =>
    withBench(async (bench) => {
      const seeming = new TextEncoder().encode('["payload_digest","x"] ["payload","y"] ,"oneway":1,');
      const command = newCommand();
      expect(await bench.begin(withBody("command.requested", command, ASKED, seeming))).toMatchObject({ ok: true });
      expect(bench.log.payloadOf(bench.sid, command, "request", 0, 100)?.bytes).toEqual(seeming);
      expect(bench.log.underWay).toBe(1);
    }));

  test("make a record with the same digest the same record, and with another one a conflict", () =>
    withBench(async (bench) => {
      const command = newCommand();
      await bench.begin(requested(command));
      const body = new Body(command, "request");
      const first = body.next(noise(INLINE_LIMIT + 1));
      const answer = await bench.proceed([first]);
      expect(answer).toMatchObject({ ok: true, seq: 2 });
      // As it comes over RPC a second time: other bytes objects, the same bytes.
      expect(await bench.proceed([{ ...first, payload: first.payload?.slice() ?? null }])).toEqual(answer);
      const other = new Body(command, "request").next(noise(INLINE_LIMIT + 1));
      expect(await bench.proceed([other])).toEqual({ ok: false, reason: "conflict" });
      // With the digest of the first and bytes of its own it is no record at all.
      expect(await bench.proceed([{ ...first, payload: other.payload }])).toEqual({ ok: false, reason: "malformed" });
      expect(await bench.begin(withBody("command.requested", command, ASKED, text(4)))).toEqual({
        ok: false,
        reason: "conflict",
      });
      expect((await bench.check()).records.length).toBe(3);
    }));

  test("come with their record or not at all", () =>
    withBench(async (bench) => {
      const command = newCommand();
      await bench.begin(requested(command));
      const body = new Body(command, "request");
      const first = body.next(noise(INLINE_LIMIT + 1));
      const count = (): number =>
        rows<{ n: number }>(bench.storage.sql, "SELECT COUNT(*) AS n FROM payload")[0]?.n ?? -1;
      bench.faults.push("lost", "lost");
      expect(await bench.proceed([first])).toEqual(REFUSED);
      expect(count()).toBe(0);
      // The payload's own statement fails, after the record's; the second try writes both.
      bench.failPayload = true;
      expect(await bench.proceed([first])).toMatchObject({ ok: true, seq: 2 });
      expect(count()).toBe(1);
      bench.faults.push("persisted");
      expect(await bench.proceed([body.next(noise(INLINE_LIMIT + 2))])).toMatchObject({ ok: true, seq: 3 });
      bench.faults.push("persisted", "lost");
      const third = body.next(noise(INLINE_LIMIT + 3));
      expect(await bench.proceed([third])).toEqual(REFUSED);
      expect(await bench.proceed([third])).toMatchObject({ ok: true, seq: 4 });
      expect(count()).toBe(3);
      expect(bench.log.payloadOf(bench.sid, command, "request", 0, PAYLOAD_PAGE)?.bytes).toEqual(body.whole);
      await bench.check();
    }));
});

describe("chunks", () => {
  test("are refused unless they follow the last one of their side", () =>
    withBench(async (bench) => {
      const command = newCommand();
      await bench.begin(requested(command));
      const up = new Body(command, "request");
      const down = new Body(command, "response");
      const conflict = { ok: false, reason: "conflict" };
      const some = text(10);
      expect(await bench.proceed([up.peek(some, { n: 1 })])).toEqual(conflict);
      expect(await bench.proceed([up.peek(some, { offset: 1 })])).toEqual(conflict);
      expect(await bench.proceed([up.peek(some, { at: 1 })])).toEqual(conflict);
      // An answer that has not begun has no body.
      expect(await bench.proceed([down.peek(some)])).toEqual(conflict);
      sidOf(await bench.proceed([up.next(some), up.next(some)]));
      expect(await bench.proceed([up.peek(some, { offset: 10, at: 10 })])).toEqual(conflict);
      sidOf(await bench.proceed([started(command), down.next(some)]));
      // What memory knew is gone: the log tells where each side stands.
      bench.log.reload(bench.now);
      expect(await bench.proceed([up.peek(some, { n: 3 })])).toEqual(conflict);
      expect(await bench.proceed([down.peek(some, { at: 11 })])).toEqual(conflict);
      sidOf(await bench.proceed([down.next(some)]));
      sidOf(await bench.proceed([up.next(noise(INLINE_LIMIT + 1))]));
      bench.log.reload(bench.now);
      sidOf(await bench.proceed([up.next(some), down.next(some)]));
      // All or none: the second one does not follow.
      expect(await bench.proceed([up.peek(some), up.peek(some)])).toEqual(conflict);
      sidOf(await bench.proceed([ended(command, 30)]));
      expect(await bench.proceed([down.peek(some)])).toEqual(conflict);
      await bench.check();
    }));

  test("do not follow a request that stands in its own record, and none comes late", () =>
    withBench(async (bench) => {
      for (const body of [text(10), noise(INLINE_LIMIT + 1)]) {
        const command = newCommand();
        await bench.begin(withBody("command.requested", command, ASKED, body));
        expect(await bench.proceed([new Body(command, "request").peek(text(1))])).toEqual({
          ok: false,
          reason: "conflict",
        });
      }
      const command = newCommand();
      await bench.begin(requested(command));
      const up = new Body(command, "request");
      const first = up.next(text(5));
      sidOf(await bench.proceed([first]));
      bench.now += 60_000;
      bench.log.lapse(bench.now);
      expect(await bench.proceed([up.peek(text(5))])).toEqual({ ok: false, reason: "conflict" });
      expect(await bench.proceed([first])).toMatchObject({ ok: true });
      expect(await bench.proceed([completed(command)])).toMatchObject({ ok: true });
      await bench.check();
    }));

  test("say where they stand, or are none", () =>
    withBench(async (bench) => {
      const command = newCommand();
      await bench.begin(requested(command));
      const place = { side: "request", offset: 0, length: 1, at: 0 };
      for (const [classes, part] of [
        [{ ...place, side: "both" }, 0],
        [{ ...place, offset: -1 }, 0],
        [{ ...place, length: "1" }, 0],
        [{ side: "request", offset: 0, length: 1 }, 0],
        [place, 1],
        [{ ...place, side: "response" }, 0],
      ] as const)
        expect(await bench.proceed([record("stream.chunk", command, classes, { payload: "x" }, part)])).toEqual({
          ok: false,
          reason: "malformed",
        });
      expect(await bench.proceed([record("stream.chunk", command, place, { payload: "x" }, 0)])).toMatchObject({
        ok: true,
      });
    }));

  test("of a command are read by the page, and all of its records with them", () =>
    withBench(async (bench) => {
      const command = newCommand();
      await bench.begin(requested(command));
      await bench.proceed([started(command)]);
      const body = new Body(command, "response");
      for (let i = 0; i < 60; i++) {
        await bench.proceed([body.next(text(50)), body.next(noise(INLINE_LIMIT))]);
        await bench.begin(requested(newCommand()));
      }
      const [head] = bench.log.log.live();
      if (head === undefined) throw new Error("no session");
      const kinds: string[] = [];
      let pages = 0;
      for (let from: number | null = 0; from !== null; pages++) {
        const page = bench.log.log.recordsOf(head, command, from, 50);
        expect(page.records.length).toBeLessThanOrEqual(50);
        kinds.push(...kindsOf(page.records));
        from = page.next;
      }
      expect(kinds.length).toBe(122);
      expect(kinds.slice(0, 3)).toEqual(["command.requested", "response.started", "stream.chunk"]);
      expect(pages).toBe(3);
      expect(bench.log.log.recordsOf(head, command, 0, 122).next).toBe(null);
      expect(kindsOf(bench.log.log.outlineOf(head, command))).toEqual(["command.requested", "response.started"]);
    }));
});

describe("messages of a socket", () => {
  test("are complete in themselves: none is open, and a session can end after them", () =>
    withBench(async (bench) => {
      const socket = newCommand();
      await bench.begin(requested(socket));
      const messages = Array.from({ length: 300 }, (_, i) => message(socket, noise(i)));
      const answers = await Promise.all(
        messages.map((one) =>
          bench.commits.add<Appended>({
            apply: (careful) => bench.log.begin(one, bench.now, careful, socket),
            refused: () => REFUSED,
          }),
        ),
      );
      answers.forEach((answer, i) => expect(answer).toMatchObject({ ok: true, seq: 2 + i }));
      expect(bench.log.underWay).toBe(1);
      expect(await bench.begin(messages[5] ?? fail())).toMatchObject({ ok: true, seq: 7 });
      const [first] = messages;
      expect(bench.log.payloadOf(bench.sid, messages[40]?.command ?? socket, "request", 0, 50)).toMatchObject({
        size: 40,
        complete: true,
      });
      sidOf(await bench.proceed([completed(socket)]));
      bench.now += MAX_AGE_MS;
      bench.log.closeEnded(bench.now);
      const { records } = await bench.check();
      expect(kindsOf(records).at(-1)).toBe("session.closed");
      expect(first?.command).not.toBe(null);
    }));

  test("can be followed by one word that they were not handed on, while their session lasts", () =>
    withBench(async (bench) => {
      const socket = newCommand();
      await bench.begin(requested(socket));
      const [one, two, three] = [newCommand(), newCommand(), newCommand()];
      for (const command of [one, two, three]) await bench.begin(message(socket, text(3), command));
      const undone = failed(one);
      const answer = await bench.proceed([undone]);
      expect(answer).toMatchObject({ ok: true, seq: 5 });
      expect(await bench.proceed([undone])).toEqual(answer);
      const conflict = { ok: false, reason: "conflict" };
      expect(await bench.proceed([failed(one)])).toEqual(conflict);
      expect(await bench.proceed([record("command.cancelled", one, { reason: "client_gone", tool: "none" })])).toEqual(
        conflict,
      );
      expect(await bench.proceed([completed(two)])).toEqual(conflict);
      expect(await bench.proceed([started(two)])).toEqual(conflict);
      expect(
        await bench.proceed([record("command.cancelled", two, { reason: "client_gone", tool: "none" })]),
      ).toMatchObject({ ok: true });
      sidOf(await bench.proceed([completed(socket)]));
      bench.now += MAX_AGE_MS;
      bench.log.closeEnded(bench.now);
      expect(await bench.proceed([failed(three)])).toEqual(conflict);
      await bench.check();
    }));

  test("stay in the session of their socket, and come no more once it is over", () =>
    withBench(async (bench) => {
      const socket = newCommand();
      await bench.begin(requested(socket));
      const send = (): Appended => bench.log.begin(message(socket, text(3)), bench.now, false, socket);
      expect(bench.log.cutOf(socket, bench.now)).toBe(null);
      bench.now += MAX_AGE_MS - 1;
      bench.log.renew(socket, bench.now);
      expect(send()).toMatchObject({ ok: true, sid: bench.sid });
      expect(bench.log.cutOf(socket, bench.now)).toBe(null);
      bench.now += 1;
      expect(bench.log.cutOf(socket, bench.now)?.reason).toBe("session_over");
      const other = "01935b6e-8c00-7000-8000-0123456789ab" as SessionId;
      bench.log.openSession(other, OPENING, bench.now);
      expect(send()).toEqual({ ok: false, reason: "session_needed" });
      expect(bench.log.begin(message(newCommand(), text(3)), bench.now, false, newCommand())).toEqual({
        ok: false,
        reason: "session_needed",
      });
      await bench.check();
    }));
});

test("a command that waits for the word to end hears it when its session has lasted as long as one may", async () => {
  const session = sessionObject("eight hours");
  const opened = Date.now();
  setClock(opened);
  const command = newCommand();
  sidOf(await session.begin(requested(command), OPENING));
  setClock(opened + MAX_AGE_MS - 300);
  await session.renew(command);
  // Timers go on as they are; the date is the test's.
  const waiting = session.untilCut(command);
  setClock(opened + MAX_AGE_MS);
  expect((await waiting)?.reason).toBe("session_over");
  expect((await session.untilCut(command))?.reason).toBe("session_over");
});

describe("an object's budgets", () => {
  test("past the soft one it opens no session, and the one that is open goes on", async () => {
    const name = "soft";
    const session = sessionObject(name);
    const first = newCommand();
    await session.begin(requested(first), OPENING);
    await runInDurableObject(session, async (_: SessionObject, state) => {
      const limits = { ...SESSION_LIMITS, soft: 1 };
      const full = new SessionObject(state, bindings, limits);
      expect(await full.begin(requested(newCommand()), null)).toMatchObject({ ok: true });
      const second = requested(newCommand());
      expect(await full.begin(second, OPENING)).toMatchObject({ ok: true });
      setClock(Date.now() + MAX_AGE_MS);
      expect(await full.begin(requested(newCommand()), null)).toEqual({ ok: false, reason: "session_needed" });
      expect(await full.begin(requested(newCommand()), OPENING)).toEqual({ ok: false, reason: "overloaded" });
      // What it has is not to begin a second time elsewhere.
      expect(await full.begin(second, OPENING)).toMatchObject({ ok: true, seq: 3 });
      expect(await full.proceed([completed(first)])).toMatchObject({ ok: true });
    });
  });

  test("past the hard one it takes no chunk, no message and no command, and still every outcome", () =>
    withBench(async (bench) => {
      const socket = newCommand();
      const command = newCommand();
      const intent = requested(command);
      await bench.begin(requested(socket));
      await bench.begin(intent);
      const body = new Body(command, "request");
      const first = body.next(text(10));
      sidOf(await bench.proceed([first]));
      bench.size = STORAGE_LIMITS.hard;
      expect(await bench.proceed([body.peek(text(10))])).toEqual({ ok: false, reason: "storage_full" });
      expect(await bench.proceed([first])).toMatchObject({ ok: true });
      expect(await bench.begin(requested(newCommand()))).toEqual({ ok: false, reason: "overloaded" });
      expect(await bench.begin(intent)).toMatchObject({ ok: true, seq: 2 });
      expect(bench.log.begin(message(socket, text(1)), bench.now, false, socket)).toEqual({
        ok: false,
        reason: "storage_full",
      });
      expect(
        await bench.proceed([record("gap", command, { reason: "outcome_not_recorded" }), failed(command)]),
      ).toMatchObject({ ok: true });
      bench.size = STORAGE_LIMITS.hard - 1;
      expect(await bench.begin(requested(newCommand()))).toMatchObject({ ok: true });
      await bench.check();
    }));

  test("with too many bytes under way it takes no further body, still small calls, and everything again once those are durable", async () => {
    const session = sessionObject("busy");
    await runInDurableObject(session, async (_: SessionObject, state) => {
      const object = new SessionObject(state, bindings, { ...SESSION_LIMITS, inFlight: 300_000 });
      const [one, two, three] = [newCommand(), newCommand(), newCommand()];
      const sid = sidOf(await object.begin(requested(one), OPENING));
      await object.begin(requested(two), null);
      const first = new Body(one, "request");
      const second = new Body(two, "request");
      const taken = object.proceed([first.next(noise(200_000))]);
      const refused = object.proceed([second.peek(noise(200_000))]);
      const small = object.begin(requested(three), null);
      expect(await refused).toEqual({ ok: false, reason: "overloaded" });
      expect([await taken, await small]).toMatchObject([{ ok: true }, { ok: true }]);
      await state.storage.sync();
      await Promise.resolve();
      expect(await object.proceed([second.next(noise(200_000))])).toMatchObject({ ok: true });
      await checkSession(object, sid);
    });
  });

  test("bytes that are written count until they are durable", async () => {
    let settle = (): void => undefined;
    const commits = new GroupCommit(
      (work) => work(),
      () => undefined,
      () =>
        new Promise((resolve) => {
          settle = resolve;
        }),
    );
    await commits.add({ apply: () => 1, refused: () => 0, weight: IN_FLIGHT_LIMIT });
    expect(commits.takes(1)).toBe(true);
    expect(commits.takes(65_537)).toBe(false);
    settle();
    await Promise.resolve();
    expect(commits.takes(IN_FLIGHT_LIMIT)).toBe(true);
    expect(commits.takes(IN_FLIGHT_LIMIT + 1)).toBe(false);
  });
});

test("whatever fails and whenever memory is lost, bodies are in the log as far as was answered, once, and the log verifies", async () => {
  const fault = fc.constantFrom<Fault | "none">("none", "none", "none", "lost", "persisted");
  const step = fc.record({
    side: fc.constantFrom<Side>("request", "response"),
    sizes: fc.array(fc.constantFrom(0, 1, 50, INLINE_LIMIT, INLINE_LIMIT + 1, 40_000), { maxLength: 3 }),
    command: fc.nat(2),
    again: fc.boolean(),
    restart: fc.boolean(),
    failPayload: fc.boolean(),
    faults: fc.array(fault, { maxLength: 2 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) =>
      withBench(async (bench: Bench) => {
        const commands = [newCommand(), newCommand(), newCommand()];
        const bodies = commands.map((command) => ({
          request: new Body(command, "request"),
          response: new Body(command, "response"),
        }));
        for (const command of commands) {
          sidOf(await bench.begin(requested(command)));
          sidOf(await bench.proceed([started(command)]));
        }
        for (const { side, sizes, command, again, restart, failPayload, faults } of steps) {
          const body = bodies[command]?.[side];
          if (body === undefined) continue;
          for (const size of sizes) {
            bench.faults.push(...faults.filter((one) => one !== "none"));
            bench.failPayload = failPayload;
            const chunk = body.next(noise(size));
            let answer = await bench.proceed([chunk]);
            bench.faults.length = 0;
            bench.failPayload = false;
            if (again || !answer.ok) {
              const second = await bench.proceed([chunk]);
              if (answer.ok) expect(second).toEqual(answer);
              answer = second;
            }
            expect(answer).toMatchObject({ ok: true });
          }
          if (restart) bench.log.reload(bench.now);
        }
        for (const { request, response } of bodies)
          for (const body of [request, response])
            expect(bench.log.payloadOf(bench.sid, body.command, body.side, 0, PAYLOAD_PAGE)?.bytes).toEqual(body.whole);
        const { records } = await bench.check();
        const chunks = bodies.reduce(
          (sum, { request, response }) => sum + request.parts.length + response.parts.length,
          0,
        );
        expect(kindsOf(records).filter((kind) => kind === "stream.chunk").length).toBe(chunks);
        expect(classesOf(records[0])).toMatchObject({ protocol: "http" });
      }),
    ),
    { numRuns: 30 },
  );
});
