// The gateway crashed under load, again and again, at random moments: by SIGKILL to the runtime and its
// host, and by the loss of power to its disk. Whoever was answered has the record, whatever was
// forwarded has its intent, and every log verifies. `CRASH_SEED` repeats a campaign's choices; what the
// kernel schedules it cannot repeat.

import { execFile } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LEASE_MS } from "../../durable/session_life.ts";
import { eventually } from "../support/gateway.ts";
import { AUDITOR, Campaign } from "./crash_campaign.ts";
import { byCaller, disorder, isOpen, isUnknown } from "./crash_rules.ts";
import { killed, powerCut } from "./crash_storage.ts";
import type { Command, Trail } from "./crash_trail.ts";
import { randomFrom } from "./random.ts";

const isSmall = process.env.LONG_SHARE === "small";
const SEED = Number(process.env.CRASH_SEED ?? randomInt(2 ** 31));
const LAPSED_MS = 120_000;
const random = randomFrom(SEED);

const CAMPAIGNS = [
  { crashed: "killed", rounds: isSmall ? 3 : 20, storageOf: () => killed(random) },
  // Not in every run: where those are made there may be no loop devices.
  ...(isSmall ? [] : [{ crashed: "without power", rounds: 10, storageOf: () => powerCut(random) }]),
];

describe.each(CAMPAIGNS)("$crashed", ({ crashed, rounds, storageOf }) => {
  let folder: string;
  let campaign: Campaign;
  /** Sessions with commands that were open at a crash. */
  const left = new Set<string>();
  let atEnd: Trail;

  beforeAll(async () => {
    console.log(`${crashed}: ${rounds} rounds, CRASH_SEED=${SEED}`);
    folder = mkdtempSync(join(tmpdir(), "sallyport campaign "));
    campaign = await Campaign.start(random, storageOf(), folder);
  });
  afterAll(async () => {
    await campaign?.remove();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  test.each(Array.from({ length: rounds }, (_, round) => round + 1))(
    "killed under load, round %i: who was answered is recorded, and nothing was forwarded unrecorded",
    async (round) => {
      const { attempts, how } = await campaign.crash(round);
      await campaign.restart();
      const trail = await (await campaign.auditor()).trail();
      for (const command of commandsOfOthers(trail)) if (isOpen(command)) left.add(command[0]?.sid ?? "");
      const answered = attempts.filter(({ status }) => status !== 0);
      console.log(
        `${crashed}, round ${round} of ${rounds} (${how}): ${answered.length} answered, ${answered.filter(({ ended }) => !ended).length} of them cut, ${attempts.length - answered.length} unanswered; ${campaign.sockets.at(-1)?.received.size} messages echoed; ${trail.records} records in ${trail.sessions.length} sessions verified`,
      );
      expect(await campaign.contradictions(trail, attempts)).toEqual([]);
      expect(await campaign.messageContradictions(trail)).toEqual([]);
      expect(campaign.strays()).toEqual([]);
    },
  );

  test("the campaign has met every way to be answered, calls that never were, and streams that were cut", () => {
    const whole = campaign.attempts.filter(({ ended, status }) => ended && status !== 503);
    expect([...new Set(whole.map(({ way }) => way))]).toEqual(
      expect.arrayContaining([
        "broken",
        "chunked",
        "console",
        "export",
        "nowhere",
        "refused",
        "sized",
        "slow",
        "small",
        "stranger",
        "upload",
      ]),
    );
    expect([...new Set(whole.map(({ status }) => status))].sort((a, b) => a - b)).toEqual([200, 401, 403, 502]);
    const cut = campaign.attempts.filter(({ ended, way }) => !ended && way === "endless");
    expect(cut.filter(({ bytes }) => bytes > 0).length).toBeGreaterThan(0);
    expect(campaign.attempts.filter(({ status }) => status === 0).length).toBeGreaterThan(0);
    expect(left.size).toBeGreaterThan(0);
    const echoed = campaign.sockets.reduce((sum, { received }) => sum + received.size, 0);
    console.log(`${crashed}: ${echoed} messages came back`);
    expect(echoed).toBeGreaterThan(0);
  });

  test("what is under way at a kill is closed by the alarms of objects that nobody calls", async () => {
    // Not one of the early ones, which may meet no command.
    const { how } = await campaign.crash(3 * rounds);
    const open = campaign.open();
    console.log(`${crashed}, once more (${how}): ${open.length} commands open; nobody calls until they have lapsed`);
    expect(open.length).toBeGreaterThan(0);
    await campaign.restart();
    // Nothing tells of it, and whoever reads an object's file may be in the way of its alarm: so late, and seldom.
    await new Promise((resolve) => setTimeout(resolve, 2 * LEASE_MS));
    expect(
      await eventually(
        async () => campaign.open(),
        (still) => still.length === 0,
        LAPSED_MS,
      ),
    ).toEqual([]);
  });

  test("what was under way at a kill is closed once its lease has lapsed, and says that nobody knows its outcome", async () => {
    const auditor = await campaign.auditor();
    const open = await eventually(
      async () => {
        const counts = [];
        for (const sid of left) counts.push(await auditor.open(sid));
        return counts.reduce((sum, count) => sum + count, 0);
      },
      (count) => count === 0,
      LAPSED_MS,
    );
    expect(open).toBe(0);
    atEnd = await auditor.trail();
    const unknown = commandsOfOthers(atEnd).filter(isUnknown);
    console.log(`${crashed}: ${unknown.length} commands whose outcome nobody knows`);
    expect(unknown.length).toBeGreaterThan(0);
    for (const command of unknown)
      expect(command.at(-1)).toMatchObject({
        kind: "command.failed",
        classes: { transport: "unknown", reason: "outcome_unknown", tool: "none" },
      });
  });

  test("at the end all that was answered in any round is recorded, and every command has one beginning and one outcome", async () => {
    expect(await campaign.contradictions(atEnd, campaign.attempts)).toEqual([]);
    expect(await campaign.messageContradictions(atEnd)).toEqual([]);
    expect(
      commandsOfOthers(atEnd)
        .map(disorder)
        .filter((what) => what !== null),
    ).toEqual([]);
    const byId = byCaller(atEnd.commands.values());
    const answeredAndUnknown = campaign.attempts.filter(
      ({ id, ended, status }) => ended && status === 200 && byId.get(id)?.some(isUnknown) === true,
    );
    expect(answeredAndUnknown).toEqual([]);
  });

  test("the registry's log names every session, the perimeter's no more calls than there were", async () => {
    const auditor = await campaign.auditor();
    const named = (await auditor.registry())
      .filter(({ kind, fields }) => kind === "session.opened" && fields.sid !== undefined)
      .map(({ fields }) => fields.sid ?? "");
    expect(named.sort()).toEqual([...atEnd.sessions.map(({ sid }) => sid), ...atEnd.neverBegan].sort());
    const counted = (await auditor.perimeter())
      .filter(({ kind }) => kind === "command.denied")
      .reduce((sum, { classes }) => sum + Number(classes.count), 0);
    expect(counted).toBeGreaterThan(0);
    expect(counted).toBeLessThanOrEqual(campaign.attempts.filter(({ way }) => way === "stranger").length);
  });

  test("a session goes on after a restart where it was: one for each person and connection", async () => {
    const whose = atEnd.sessions.map(({ subject, connection }) => `${subject} ${connection}`);
    expect(whose.filter((one, index) => whose.indexOf(one) !== index)).toEqual([]);
    const answer = await fetch(`${campaign.gateway.url}/c/tool/small/afterwards`, {
      headers: { authorization: `Bearer ${await campaign.engineer("alice")}` },
    });
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
    const sessions = await (await campaign.auditor()).sessions();
    expect(sessions.map(({ sid }) => sid).sort()).toEqual(
      [...atEnd.sessions.map(({ sid }) => sid), ...atEnd.neverBegan].sort(),
    );
  });

  test("the command line finds every session intact and complete", async () => {
    const cli = fileURLToPath(new URL("../../cli/sallyport.ts", import.meta.url).href);
    const file = join(folder, "export.ndjson");
    for (const text of atEnd.exports.values()) {
      writeFileSync(file, text);
      // Exit code 0, or it rejects.
      const { stdout } = await promisify(execFile)(process.execPath, [cli, "verify-session", file]);
      expect(stdout).toMatch(/^intact: .*\ncomplete: /m);
    }
  });

  test("the gateway ends in order, its files hold the same sessions, and no process is left", async () => {
    expect(await campaign.end()).toEqual([]);
    const stored = campaign.stored();
    expect([...stored.keys()].sort()).toEqual(atEnd.sessions.map(({ sid }) => sid).sort());
    const lengths = [...atEnd.exports]
      .filter(([sid]) => isRead(sid))
      .map(([sid, text]) => [sid, text.split("\n").length - 2]);
    expect(lengths).toEqual(lengths.map(([sid]) => [sid, stored.get(String(sid))]));
  });

  /** Of the sessions that had their last record when all was read. */
  function isRead(sid: string): boolean {
    const session = atEnd.sessions.find((one) => one.sid === sid);
    return session?.subject !== AUDITOR && !(session?.subject === "alice" && session.connection === "tool");
  }
});

/** Without the auditor's own, whose last one is the reading itself. */
function commandsOfOthers({ commands, sessions }: Trail): Command[] {
  const own = new Set(sessions.filter(({ subject }) => subject === AUDITOR).map(({ sid }) => sid));
  return [...commands.values()].filter((command) => !own.has(command[0]?.sid ?? ""));
}
