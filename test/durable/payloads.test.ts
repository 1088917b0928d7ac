// Bodies in the log of a session object: beside their records, in their order, found again, and bounded.

import { evictDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { CommandId, SessionId } from "../../core/ids.ts";
import { DETACHED_LIMIT, INLINE_LIMIT, type Side } from "../../core/record/payload.ts";
import type { Classes, Committed } from "../../core/record/record.ts";
import type { SessionObject } from "../../durable/session.ts";
import { MAX_AGE_MS } from "../../durable/session_life.ts";
import { PAYLOAD_PAGE } from "../../durable/session_rpc.ts";
import { isWellFormed } from "../../durable/well_formed.ts";
import { ASKED, Body, isSame, joined, noise, text, withBody } from "../support/bodies.ts";
import {
  checkSession,
  completed,
  kindsOf,
  newCommand,
  OPENING,
  record,
  requested,
  sessionObject,
  sidOf,
} from "../support/objects.ts";
import { withBench } from "../support/session_bench.ts";

afterEach(() => {
  vi.useRealTimers();
});

const STARTED = { status: 200, ms: 1 };
const ENDED = { transport: "ok", status: 200, tool: "none", req_bytes: 0, ms: 3 };

function started(command: CommandId): Committed {
  return record("response.started", command, STARTED, { headers: "[]" });
}

function ended(command: CommandId, bytes: number): Committed {
  return record("command.completed", command, { ...ENDED, folded: 0, resp_bytes: bytes }, { digests: "{}" });
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
          expect(isSame(read(from, limit), whole.subarray(from, from + limit))).toBe(true);
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
      for (const head of bench.log.log.live()) {
        bench.log.log.recordsOf(head, command, 0, 100);
        bench.log.log.outlineOf(head, command);
      }
      expect(records.length).toBe(43);
      expect(asked.length).toBeGreaterThan(0);
      expect(asked.filter((query) => query.includes("payload") || query.includes("*"))).toEqual([]);
    }));
});

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

  test("are counted by the outcome: a body that is said to be complete is all of them and what was left out", () =>
    withBench(async (bench) => {
      const conflict = { ok: false, reason: "conflict" };
      const complete = (side: Side): string =>
        JSON.stringify({ request: null, response: null, [side]: { complete: true } });
      const end = (command: CommandId, classes: Classes, digests: string): Committed =>
        record("command.completed", command, { ...ENDED, folded: 0, resp_bytes: 0, ...classes }, { digests });
      for (const [side, bytes, cut] of [
        ["request", "req_bytes", "req_cut"],
        ["response", "resp_bytes", "resp_cut"],
      ] as const)
        for (const forgets of [false, true]) {
          const command = newCommand();
          await bench.begin(requested(command));
          sidOf(await bench.proceed([started(command)]));
          const body = new Body(command, side);
          sidOf(await bench.proceed([body.next(text(10)), body.next(noise(INLINE_LIMIT + 1))]));
          const size = body.whole.length;
          if (forgets) bench.log.reload(bench.now);
          for (const classes of [{ [bytes]: size - 1 }, { [bytes]: size + 1 }, { [bytes]: size + 5, [cut]: 4 }])
            expect(await bench.proceed([end(command, classes, complete(side))])).toEqual(conflict);
          // Chunks of the same call count, too.
          expect(await bench.proceed([body.peek(text(7)), end(command, { [bytes]: size }, complete(side))])).toEqual(
            conflict,
          );
          const whole = { [bytes]: size + 5, [cut]: 5 };
          sidOf(await bench.proceed([end(command, whole, complete(side))]));
        }
      // One that is not said to be complete may have been cut anywhere.
      const broken = newCommand();
      await bench.begin(requested(broken));
      sidOf(await bench.proceed([started(broken), new Body(broken, "response").next(text(5))]));
      const digests = JSON.stringify({ request: null, response: { complete: false } });
      sidOf(await bench.proceed([end(broken, { resp_bytes: 3 }, digests)]));
      await bench.check();
    }));

  test("or none: an answer that began is not told whole in its outcome, and one that did not has no end", () =>
    withBench(async (bench) => {
      const conflict = { ok: false, reason: "conflict" };
      const folded = { ...ENDED, folded: 1, resp_bytes: 0 };
      for (const forgets of [false, true]) {
        const begun = newCommand();
        await bench.begin(requested(begun));
        sidOf(await bench.proceed([started(begun)]));
        const other = newCommand();
        await bench.begin(requested(other));
        if (forgets) bench.log.reload(bench.now);
        expect(await bench.proceed([record("command.completed", begun, folded, { digests: "{}" })])).toEqual(conflict);
        for (const body of [text(4), noise(INLINE_LIMIT + 1)])
          expect(await bench.proceed([withBody("command.completed", begun, { ...folded, folded: 0 }, body)])).toEqual(
            conflict,
          );
        sidOf(await bench.proceed([ended(begun, 0)]));
        expect(await bench.proceed([ended(other, 0)])).toEqual(conflict);
        expect(await bench.proceed([started(other), withBody("command.completed", other, folded, text(4))])).toEqual(
          conflict,
        );
        sidOf(await bench.proceed([withBody("command.completed", other, folded, text(4))]));
      }
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
