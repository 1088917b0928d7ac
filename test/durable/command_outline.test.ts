// A command without the bulk of it, as an object tells it.

import { describe, expect, test } from "vitest";
import { newCommandId } from "../../core/ids.ts";
import { chunkRecord } from "../../core/mask/mask_draft.ts";
import { payloadFields } from "../../core/mask/payload_fields.ts";
import { commit } from "../../core/record/commit.ts";
import type { Side } from "../../core/record/payload.ts";
import type { Committed } from "../../core/record/record.ts";
import { fillRandom, sha256 } from "../../durable/sha256.ts";
import {
  completed,
  kindsOf,
  newCommand,
  OPENING,
  record,
  requested,
  sessionObject,
  sidOf,
} from "../support/objects.ts";

const TEXT = new TextEncoder().encode("x [masked:jwt]");

function chunk(command: ReturnType<typeof newCommand>, side: Side, n: number, isMasked: boolean): Committed {
  const spans = isMasked ? [{ at: 2, length: 3, put: 12, rule: "jwt", pseudonym: null }] : [];
  const place = { side, n, offset: n * TEXT.length, length: TEXT.length, at: n * TEXT.length, held: 0 };
  const payload = payloadFields([{ bytes: TEXT, spans }], { format: "text" }, sha256);
  return commit(chunkRecord(command, place, payload), fillRandom, sha256);
}

describe("a command's outline", () => {
  test("has its records but for chunks, which it counts for each side, and what was masked in them", async () => {
    const session = sessionObject("outline");
    const command = newCommand();
    const sid = sidOf(await session.begin(requested(command), OPENING));
    const started = record("response.started", command, { status: 200, ms: 1 }, { headers: "[]" });
    for (let n = 0; n < 3; n++)
      expect(await session.proceed([chunk(command, "request", n, n === 1)])).toMatchObject({ ok: true });
    expect(await session.proceed([started])).toMatchObject({ ok: true });
    for (let n = 0; n < 40; n++)
      expect(await session.proceed([chunk(command, "response", n, n % 4 === 0)])).toMatchObject({ ok: true });
    // Another command's chunks are not its own.
    const other = newCommand();
    await session.begin(requested(other), null);
    await session.proceed([chunk(other, "request", 0, true)]);
    const outline = await session.outlineOf(sid, command);
    expect(kindsOf(outline?.records ?? [])).toEqual(["command.requested", "response.started"]);
    const { request, response } = outline?.sides ?? {};
    expect([request?.chunks, request?.spans.length, request?.isCut]).toEqual([3, 1, false]);
    expect([response?.chunks, response?.spans.length, response?.isCut]).toEqual([40, 10, false]);
    const placeOf = (leaf: string | null | undefined): unknown =>
      (JSON.parse(leaf ?? "{}") as { class: { at: number } }).class.at;
    expect([placeOf(response?.first), placeOf(response?.last)]).toEqual([0, 39 * TEXT.length]);
  });

  test("is bounded in what it tells of gaps, and says of a body without chunks that it has none", async () => {
    const session = sessionObject("gaps");
    const command = newCommand();
    const sid = sidOf(await session.begin(requested(command), OPENING));
    await session.proceed([completed(command)]);
    for (let part = 0; part < 120; part++)
      await session.proceed([record("gap", command, { reason: "outcome_not_recorded" }, {}, part)]);
    const outline = await session.outlineOf(sid, command);
    expect(outline?.records).toHaveLength(100);
    expect(outline?.sides.response).toEqual({ chunks: 0, first: null, last: null, spans: [], isCut: false });
  });

  test("is none of a command of another session, or of none", async () => {
    const session = sessionObject("none");
    const sid = sidOf(await session.begin(requested(newCommand()), OPENING));
    expect(await session.outlineOf(sid, newCommandId(Date.now(), fillRandom))).toBeNull();
    const command = newCommand();
    await session.begin(requested(command), null);
    const elsewhere = sidOf(await sessionObject("elsewhere").begin(requested(newCommand()), OPENING));
    expect(await session.outlineOf(elsewhere, command)).toBeNull();
  });
});
