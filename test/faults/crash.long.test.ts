// The gateway killed like a machine that loses power, again and again, under load, with its storage
// kept: whoever was answered has the record, whatever was forwarded has its intent, and every log
// verifies. `CRASH_SEED` repeats a campaign's choices; what the kernel schedules it cannot repeat.

import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RuntimeOptions } from "../../local/runtime.ts";
import { eventually, freePort, runtimeOptions, testPolicy } from "../support/gateway.ts";
import { startIssuer, type TestIssuer } from "../support/issuer.ts";
import { type Attempt, startLoad } from "./crash_load.ts";
import {
  Auditor,
  type Command,
  commandsOf,
  contradiction,
  idOf,
  isOpen,
  kindsOf,
  verifyByCommandLine,
} from "./crash_trail.ts";
import { type CrashUpstream, startCrashUpstream } from "./crash_upstream.ts";
import { type GatewayProcess, startGatewayProcess } from "./gateway_process.ts";
import { randomFrom } from "./random.ts";

const ROUNDS = process.env.LONG_SHARE === "small" ? 3 : 20;
const SEED = Number(process.env.CRASH_SEED ?? randomInt(2 ** 31));
const CONNECTIONS = 24;
const PEOPLE = 3;

const random = randomFrom(SEED);
let state: string;
let issuer: TestIssuer;
let upstream: CrashUpstream;
let options: RuntimeOptions;
let gateway: GatewayProcess;
/** Sessions with commands that were open at a kill, by id, and those commands' ids. */
const left = new Map<string, string[]>();
const all = { attempts: 0, cut: 0, unanswered: 0 };

beforeAll(async () => {
  console.log(`seed ${SEED}, ${ROUNDS} rounds`);
  state = mkdtempSync(join(tmpdir(), "sallyport crash "));
  issuer = await startIssuer();
  upstream = await startCrashUpstream();
  options = runtimeOptions({ policy: testPolicy({ tool: upstream.url }), state }, issuer, await freePort());
  gateway = await startGatewayProcess(options);
});
afterAll(async () => {
  await gateway?.kill();
  await upstream?.stop();
  await issuer?.stop();
  if (state !== undefined) rmSync(state, { recursive: true });
});

const person = (name: string): Promise<string> => issuer.token({ subject: name, groups: ["engineers"] });

async function auditor(): Promise<Auditor> {
  return new Auditor(gateway.url, await issuer.token({ subject: "carol", groups: ["auditors"] }));
}

/** Load for a moment, then the kill, and what the callers remember. */
async function crash(round: number): Promise<readonly Attempt[]> {
  const load = startLoad({
    url: gateway.url,
    allowed: await Promise.all(Array.from({ length: PEOPLE }, (_, index) => person(`person-${round}-${index}`))),
    refused: await issuer.token({ subject: `stranger-${round}` }),
    connections: CONNECTIONS,
    random,
  });
  await new Promise((resolve) => setTimeout(resolve, 300 + random() * 2_000));
  await gateway.kill();
  await load.stop();
  return load.attempts;
}

/** The commands of a round's sessions by the id that their caller gave them. Every session verifies. */
async function readRound(round: number): Promise<Map<string, Command[]>> {
  const reader = await auditor();
  const byId = new Map<string, Command[]>();
  for (const { sid, subject } of await reader.sessions()) {
    if (!new RegExp(`^(person|stranger)-${round}(-|$)`).test(subject)) continue;
    const { text, records } = await reader.session(sid);
    if (random() < 0.25) verifyByCommandLine(text);
    for (const command of commandsOf(records)) {
      const id = idOf(command);
      if (id !== null) byId.set(id, [...(byId.get(id) ?? []), command]);
      if (isOpen(command)) left.set(sid, [...(left.get(sid) ?? []), command[0]?.command ?? ""]);
    }
  }
  await reader.regionsOwn();
  return byId;
}

test.each(Array.from({ length: ROUNDS }, (_, round) => round + 1))(
  "killed under load, round %i: who was answered is recorded, and nothing was forwarded unrecorded",
  async (round) => {
    const attempts = await crash(round);
    gateway = await startGatewayProcess(options);
    const byId = await readRound(round);
    const wrong = attempts.flatMap((attempt) => {
      const what = contradiction(attempt, byId.get(attempt.id) ?? [], upstream.heard.has(attempt.id));
      return what === null ? [] : [{ what, attempt, kinds: (byId.get(attempt.id) ?? []).map(kindsOf) }];
    });
    expect(wrong).toEqual([]);
    const answered = attempts.filter((one) => one.status !== 0);
    const cut = answered.filter((one) => !one.ended).length;
    all.attempts += attempts.length;
    all.cut += cut;
    all.unanswered += attempts.length - answered.length;
    console.log(
      `round ${round} of ${ROUNDS}: ${answered.length} answered, ${cut} of them cut, ${attempts.length - answered.length} unanswered; ${[...left.values()].flat().length} commands left open so far`,
    );
  },
);

test("the campaign has met calls under way, and answers that it cut", () => {
  expect(all.attempts).toBeGreaterThan(10 * ROUNDS);
  expect(all.cut).toBeGreaterThan(0);
  expect(all.unanswered).toBeGreaterThan(0);
  expect(left.size).toBeGreaterThan(0);
});

test("what was under way at a kill is closed once its lease has lapsed, and says that nobody knows its outcome", async () => {
  const reader = await auditor();
  for (const [sid, commands] of left) {
    const { records } = await eventually(
      () => reader.session(sid),
      (session) => commandsOf(session.records).every((command) => !isOpen(command)),
      120_000,
    );
    for (const id of commands) {
      const outcome = records.filter((record) => record.command === id).at(-1);
      expect(outcome).toMatchObject({
        kind: "command.failed",
        classes: { transport: "unknown", reason: "outcome_unknown" },
      });
    }
  }
});

test("a session goes on after a restart where it was", async () => {
  const token = await person(`person-${ROUNDS}-0`);
  const reader = await auditor();
  const own = async (): Promise<string[]> =>
    (await reader.sessions())
      .filter(({ subject, connection }) => subject === `person-${ROUNDS}-0` && connection === "tool")
      .map(({ sid }) => sid);
  const before = await own();
  const answer = await fetch(`${gateway.url}/c/tool/small/afterwards`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(answer.status).toBe(200);
  await answer.arrayBuffer();
  expect(before.length).toBeGreaterThan(0);
  expect(await own()).toEqual(before);
});
