// What a session object does with more than it may hold, at once or altogether.

import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ownRecord } from "../../core/mask/mask_draft.ts";
import type { Committed } from "../../core/record/record.ts";
import { GroupCommit, IN_FLIGHT_LIMIT } from "../../durable/group_commit.ts";
import { SessionObject } from "../../durable/session.ts";
import { MAX_AGE_MS } from "../../durable/session_life.ts";
import { MEASURED_MS, SESSION_LIMITS, STORAGE_LIMITS } from "../../durable/storage_budget.ts";
import type { Appended } from "../../durable/session_rpc.ts";
import { proceed, Session } from "../../workers/session_client.ts";
import { Body, message, noise, text } from "../support/bodies.ts";
import {
  bindings,
  checkSession,
  completed,
  failed,
  newCommand,
  OPENING,
  record,
  requested,
  sessionObject,
  setClock,
  sidOf,
} from "../support/objects.ts";
import { withBench } from "../support/session_bench.ts";

afterEach(() => {
  vi.useRealTimers();
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
      bench.now += MEASURED_MS;
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
      bench.now += MEASURED_MS;
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

  test("a forwarder whose records are not taken for now brings the same ones again, and only then", async () => {
    const answers: Appended[] = [
      { ok: false, reason: "overloaded" },
      { ok: false, reason: "overloaded" },
      { ok: false, reason: "storage_full" },
    ];
    const brought: (readonly Committed[])[] = [];
    const stub = {
      proceed: async (records: readonly Committed[]) => {
        brought.push(records);
        return answers.shift();
      },
    };
    const session = new Session(() => stub as unknown as DurableObjectStub<SessionObject>);
    const draft = { kind: "gap", command: newCommand(), part: 0, classes: {}, fields: { a: "1" } } as const;
    expect(await proceed(session, [ownRecord(draft)])).toBe(false);
    expect(brought.length).toBe(3);
    expect(brought[2]).toBe(brought[0]);
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
