// Messages of sockets in a session object's log, and the end of a session that outlasts its time.

import { afterEach, describe, expect, test, vi } from "vitest";
import type { CommandId, SessionId } from "../../core/ids.ts";
import type { Committed } from "../../core/record/record.ts";
import { MAX_AGE_MS } from "../../durable/session_life.ts";
import { type Appended } from "../../durable/session_rpc.ts";
import { message, noise, text } from "../support/bodies.ts";
import {
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
import { REFUSED, withBench } from "../support/session_bench.ts";

afterEach(() => {
  vi.useRealTimers();
});

const STARTED = { status: 200, ms: 1 };

function started(command: CommandId): Committed {
  return record("response.started", command, STARTED, { headers: "[]" });
}

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
      expect(await bench.begin(messages[5] ?? message(socket, text(1)))).toMatchObject({ ok: true, seq: 7 });
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
      // The socket's own command is none of them: its outcome stands.
      expect(await bench.proceed([failed(socket)])).toEqual(conflict);
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
