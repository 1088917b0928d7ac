// Bodies while writes fail: before they are kept, between a record and its bytes, or after they were kept.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { CommandId } from "../../core/ids.ts";
import { INLINE_LIMIT, type Side } from "../../core/record/payload.ts";
import type { Committed } from "../../core/record/record.ts";
import { rows } from "../../durable/migrate.ts";
import { PAYLOAD_PAGE } from "../../durable/session_rpc.ts";
import { Body, isSame, noise } from "../support/bodies.ts";
import { classesOf, kindsOf, newCommand, record, requested, sidOf } from "../support/objects.ts";
import { type Bench, type Fault, REFUSED, withBench } from "../support/session_bench.ts";

const STARTED = { status: 200, ms: 1 };

function started(command: CommandId): Committed {
  return record("response.started", command, STARTED, { headers: "[]" });
}

test("bytes beside a record come with their record or not at all", () =>
  withBench(async (bench) => {
    const command = newCommand();
    await bench.begin(requested(command));
    const body = new Body(command, "request");
    const first = body.next(noise(INLINE_LIMIT + 1));
    const count = (): number => rows<{ n: number }>(bench.storage.sql, "SELECT COUNT(*) AS n FROM payload")[0]?.n ?? -1;
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
            expect(
              isSame(bench.log.payloadOf(bench.sid, body.command, body.side, 0, PAYLOAD_PAGE)?.bytes, body.whole),
            ).toBe(true);
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
