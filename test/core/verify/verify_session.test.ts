// The verifier's two verdicts: whatever was changed is found and named, and nothing is said that a head does not show.

import { sha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Draft } from "../../../core/record/record.ts";
import type { SessionVerdict, WrongReason } from "../../../core/verify/verdict.ts";
import { verifyExport, verifySession } from "../../../core/verify/verify_session.ts";
import { countingRandom, draft, exportOf, SAMPLE } from "../../support/sample_session.ts";

const sample = exportOf(SAMPLE, countingRandom(), sha256);
const encoder = new TextEncoder();

function firstWrong(verdict: SessionVerdict): { reason: WrongReason; seq: number; line: number } | null {
  return verdict.integrity.kind === "intact" ? null : verdict.integrity.first;
}

async function reasonOf(drafts: readonly Draft[]): Promise<string> {
  const verdict = await verifyExport(exportOf(drafts, countingRandom(), sha256).text);
  return verdict.integrity.kind === "intact"
    ? "intact"
    : `${verdict.integrity.first.seq} ${verdict.integrity.first.detail}`;
}

const join = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");

/** A session of `n` commands, some folded, some streamed, some denied, one after another. */
const sessions = fc
  .array(
    fc.record({
      how: fc.constantFrom("folded", "streamed", "denied", "failed"),
      target: fc.string({ unit: "grapheme" }),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((commands) => {
    const drafts: Draft[] = [draft("session.opened", null, { protocol: "http" }, { connection: "x" })];
    commands.forEach(({ how, target }, i) => {
      if (how === "denied")
        return drafts.push(draft("command.denied", i, { reason: "no_rule", status: 403 }, { target }));
      drafts.push(draft("command.requested", i, { effect: "allow" }, { target }));
      if (how === "streamed") drafts.push(draft("response.started", i, { status: 200 }, { headers: "[]" }));
      return drafts.push(
        how === "failed"
          ? draft("command.failed", i, { reason: "x" })
          : draft("command.completed", i, { folded: how === "folded" ? 1 : 0 }, { digests: target }),
      );
    });
    return exportOf(drafts, countingRandom(), sha256);
  });

describe("an untouched export", () => {
  it("is intact and complete, and says what it leads to", async () => {
    const verdict = await verifyExport(sample.text);
    expect(verdict).toMatchObject({
      integrity: { kind: "intact" },
      completeness: { kind: "shown", by: "head" },
      records: 17,
      root: sample.root,
      tip: sample.tip,
      closed: true,
      log: "session",
    });
    expect(verdict.findings).toMatchObject({ openCount: 0, unknownCount: 1, gaps: [14], backwardsCount: 0 });
  });

  it("is intact however it is cut into chunks", async () => {
    const bytes = encoder.encode(sample.text);
    await fc.assert(
      fc.asyncProperty(sessions, fc.integer({ min: 1, max: 200 }), async ({ text, root }, size) => {
        const all = encoder.encode(text);
        async function* chunks(): AsyncGenerator<Uint8Array> {
          const buffer = new Uint8Array(size);
          for (let at = 0; at < all.length; at += size) {
            const part = all.subarray(at, at + size);
            buffer.set(part);
            // The same buffer again, as readers of files do.
            yield buffer.subarray(0, part.length);
          }
        }
        const verdict = await verifySession(chunks(), { sha256 });
        expect([verdict.integrity.kind, verdict.completeness.kind, verdict.root]).toEqual(["intact", "shown", root]);
      }),
      { numRuns: 30 },
    );
    expect(bytes.length).toBeGreaterThan(sample.text.length);
  });
});

describe("an altered export", () => {
  it("is found out after any changed, added or removed byte, and the record is named", async () => {
    await fc.assert(
      fc.asyncProperty(
        sessions,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.integer({ min: 1, max: 255 }),
        fc.constantFrom("change", "add", "remove"),
        async ({ text }, place, by, how) => {
          const bytes = encoder.encode(text);
          const at = Math.floor(place * bytes.length);
          const changed = Uint8Array.of((bytes[at] ?? 0) ^ by);
          const middle = how === "change" ? [changed] : how === "add" ? [changed, bytes.subarray(at, at + 1)] : [];
          const altered = new Uint8Array([
            ...bytes.subarray(0, at),
            ...middle.flatMap((part) => [...part]),
            ...bytes.subarray(at + 1),
          ]);
          if (altered.length === bytes.length && altered.every((byte, i) => byte === bytes[i])) return;
          const line = bytes.subarray(0, at).filter((byte) => byte === 0x0a).length + 1;
          const verdict = await verifyExport(altered);
          // A head that counts more records than there are is no proof of alteration, but shows nothing complete.
          if (verdict.integrity.kind === "intact") {
            expect(verdict.completeness.kind).toBe("not_shown");
            expect(line).toBe(text.split("\n").length - 1);
            return;
          }
          // A changed LF, or a changed class in the last record, shows in the line after at the latest.
          expect([line - 1, line, line + 1]).toContain(firstWrong(verdict)?.line);
          expect(verdict.completeness).toEqual({ kind: "not_shown", reason: "altered" });
        },
      ),
      { numRuns: 400 },
    );
  });

  it("names exactly the record whose clear part was changed", async () => {
    for (let seq = 0; seq < sample.lines.length - 1; seq++) {
      const lines = sample.lines.map((line, i) =>
        i === seq ? line.replace(/\\"time\\":(\d+)\d/, '\\"time\\":$17') : line,
      );
      const expected = lines[seq] === sample.lines[seq] ? null : seq;
      expect(firstWrong(await verifyExport(join(lines)))?.seq ?? null, `record ${seq}`).toBe(expected);
    }
  });

  it("names the head when only the head was changed, and the last record when only that was", async () => {
    const head = sample.lines.at(-1) ?? "";
    const body = sample.lines.slice(0, -1);
    const flip = (digest: string): string => (digest.startsWith("0") ? "1" : "0") + digest.slice(1);
    for (const digest of [sample.root, sample.tip]) {
      expect(firstWrong(await verifyExport(join([...body, head.replace(digest, flip(digest))])))).toMatchObject({
        reason: "wrong_head",
        line: 18,
        seq: 17,
      });
    }
    const last = (body.at(-1) ?? "").replace('reason\\":\\"idle', 'reason\\":\\"max');
    expect(last).not.toBe(body.at(-1));
    expect(firstWrong(await verifyExport(join([...body.slice(0, -1), last, head])))).toMatchObject({
      reason: "wrong_head",
      line: 17,
      seq: 16,
    });
  });

  it("names exactly the record whose field, salt or link was changed", async () => {
    const changes: [RegExp, string, WrongReason][] = [
      [/"registry"\]/, '"registrz"]', "wrong_root"],
      [/"connection","A/, '"connection","B', "wrong_root"],
    ];
    for (const [from, to, reason] of changes) {
      const lines = [(sample.lines[0] ?? "").replace(from, to), ...sample.lines.slice(1)];
      expect(firstWrong(await verifyExport(join(lines)))).toMatchObject({ reason, seq: 0, line: 1 });
    }
    const flipped = (line: string): string =>
      line.replace(/(prev\\":\\")(.)/, (_, label: string, digit: string) => label + (digit === "0" ? "1" : "0"));
    const lines = sample.lines.map((line, i) => (i === 5 ? flipped(line) : line));
    expect(firstWrong(await verifyExport(join(lines)))).toMatchObject({ reason: "wrong_prev", seq: 5, line: 6 });
  });

  it("names the place of a dropped, doubled or swapped record", async () => {
    await fc.assert(
      fc.asyncProperty(sessions, fc.nat(), fc.nat(), async ({ lines }, a, b) => {
        const count = lines.length - 1;
        const i = a % count;
        const j = b % count;
        const dropped = await verifyExport(join(lines.filter((_, at) => at !== i)));
        if (i === count - 1)
          expect(dropped.completeness).toMatchObject({ kind: "not_shown", reason: "records_missing", seq: i });
        else expect(firstWrong(dropped)).toMatchObject({ reason: "wrong_seq", seq: i, line: i + 1 });
        const doubled = await verifyExport(join([...lines.slice(0, i + 1), ...lines.slice(i)]));
        expect(firstWrong(doubled)).toMatchObject({ reason: "wrong_seq", seq: i + 1, line: i + 2 });
        if (i === j) return;
        const swapped = [...lines];
        swapped[i] = lines[j] ?? "";
        swapped[j] = lines[i] ?? "";
        expect(firstWrong(await verifyExport(join(swapped)))).toMatchObject({
          reason: "wrong_seq",
          seq: Math.min(i, j),
        });
      }),
      { numRuns: 60 },
    );
  });
});

describe("completeness", () => {
  const { lines, root } = sample;
  const headless = join(lines.slice(0, -1));

  it("is not shown without a head, though the records are intact", async () => {
    expect(await verifyExport(headless)).toMatchObject({
      integrity: { kind: "intact" },
      completeness: { kind: "not_shown", reason: "no_head" },
    });
  });

  it("is shown by a head that the reader brings", async () => {
    expect(await verifyExport(headless, { head: { size: 17, root } })).toMatchObject({
      completeness: { kind: "shown", by: "given_head" },
    });
    expect(await verifyExport(sample.text, { head: { size: 17, root } })).toMatchObject({
      completeness: { kind: "shown", by: "both" },
    });
  });

  it("names the first missing record when a brought head counts more", async () => {
    const cut = exportOf(SAMPLE.slice(0, 10), countingRandom(), sha256);
    expect(await verifyExport(cut.text, { head: { size: 17, root } })).toMatchObject({
      integrity: { kind: "intact" },
      completeness: { reason: "records_missing", seq: 10, size: 17 },
    });
  });

  it("accepts an older head that the log still begins with, and calls a rewritten log altered", async () => {
    const older = exportOf(SAMPLE.slice(0, 10), countingRandom(), sha256);
    expect((await verifyExport(sample.text, { head: { size: 10, root: older.root } })).completeness).toEqual({
      kind: "shown",
      by: "head",
    });
    expect(firstWrong(await verifyExport(sample.text, { head: { size: 10, root } }))).toMatchObject({
      reason: "wrong_head",
    });
  });

  it("lists commands that are still open", async () => {
    const open = await verifyExport(exportOf(SAMPLE.slice(0, 5), countingRandom(), sha256).text);
    expect(open).toMatchObject({
      integrity: { kind: "intact" },
      completeness: { kind: "shown" },
      closed: false,
      findings: { openCount: 1, open: [SAMPLE[3]?.command] },
    });
  });

  it("is contradicted by a head of fewer records, or of another session", async () => {
    const shorter = JSON.stringify({
      head: { sid: JSON.parse(lines.at(-1) ?? "").head.sid as string, size: 16, root, tip: sample.tip },
    });
    expect(firstWrong(await verifyExport(headless + shorter + "\n"))).toMatchObject({ reason: "wrong_head", seq: 16 });
    const other = (lines.at(-1) ?? "").replace("0123456789ab", "0123456789ac");
    expect(firstWrong(await verifyExport(headless + other + "\n"))).toMatchObject({ reason: "wrong_head", line: 18 });
  });
});

describe("the order of records", () => {
  const opened = draft("session.opened", null, { protocol: "http" });
  const asked = draft("command.requested", 1, {});
  const done = draft("command.completed", 1, { folded: 1 });
  const lost = draft("command.failed", 1, { reason: "outcome_unknown" });

  it.each<[string, Draft[], string]>([
    ["a log that does not begin with session.opened", [asked], "0 the first record is not session.opened"],
    ["a second session.opened", [opened, opened], "1 a second session.opened"],
    ["an answer without its intent", [opened, done], "1 command.completed without its command.requested"],
    ["a second outcome", [opened, asked, done, draft("command.cancelled", 1, {})], "3 a second outcome of a command"],
    ["a second intent", [opened, asked, asked], "2 command.requested of a command that has records"],
    [
      "a denial of a command that was asked",
      [opened, asked, draft("command.denied", 1, {})],
      "2 command.denied of a command that has records",
    ],
    [
      "a streamed answer that never started",
      [opened, asked, draft("command.completed", 1, { folded: 0 })],
      "2 command.completed without response.started",
    ],
    [
      "a start after the outcome",
      [opened, asked, done, draft("response.started", 1, {})],
      "3 response.started after the command's outcome",
    ],
    [
      "a late outcome of a command that has one",
      [opened, asked, done, draft("outcome.late", 1, {})],
      "3 outcome.late of a command whose outcome is known",
    ],
    [
      "a record after the end",
      [opened, draft("session.closed", null, { size: 2 }), asked],
      "2 a record after session.closed",
    ],
    [
      "an end that miscounts",
      [opened, draft("session.closed", null, { size: 3 })],
      "1 session.closed counts other records than there are",
    ],
    [
      "an end over an open command",
      [opened, asked, draft("session.closed", null, { size: 3 })],
      "2 session.closed while a command is open",
    ],
    [
      "a perimeter that lets something through",
      [draft("session.opened", null, { protocol: "perimeter" }), asked],
      "1 a perimeter only denies",
    ],
    [
      "a registry that closes what it never opened",
      [
        draft("session.opened", null, { protocol: "registry" }, { sid: "a" }),
        draft("session.closed", null, {}, { sid: "b" }),
      ],
      "1 a session that was not open",
    ],
  ])("%s is wrong", async (_, drafts, expected) => {
    expect(await reasonOf(drafts)).toBe(expected);
  });

  it("allows a late outcome after the end, and a registry that opens many sessions", async () => {
    expect(
      await reasonOf([
        opened,
        asked,
        lost,
        draft("session.closed", null, { size: 4 }),
        draft("outcome.late", 1, { late: "command.completed" }),
      ]),
    ).toBe("intact");
    const entry = (sid: string): Draft => draft("session.opened", null, { protocol: "registry" }, { sid });
    expect(await reasonOf([entry("a"), entry("b"), draft("session.closed", null, { size: 9 }, { sid: "a" })])).toBe(
      "intact",
    );
  });
});
