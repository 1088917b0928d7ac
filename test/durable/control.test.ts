// The control object: policies applied by compare-and-set, revocations and kills, their history in D1,
// and objects that ran before there were versions.

import { applyD1Migrations, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../core/bytes.ts";
import type { CommandId, ConnectionName, Digest, SessionId } from "../../core/ids.ts";
import { EMPTY_POLICY } from "../../core/policy/policy.ts";
import { NO_REVOCATIONS } from "../../core/auth/revocation.ts";
import type { ControlObject } from "../../durable/control.ts";
import type { KillRequest, PolicyApplication, PolicyApplied } from "../../durable/control_rpc.ts";
import { sendHistory } from "../../durable/history.ts";
import { migrate, rows, run } from "../../durable/migrate.ts";
import { keepText, applyPolicy, currentVersion, policyText } from "../../durable/policy_versions.ts";
import { currentRevocations, revoke } from "../../durable/revocations.ts";
import { sha256 } from "../../durable/sha256.ts";
import d1Tables from "../../migrations/d1/0000_history.sql?raw";
import d1Triggers from "../../migrations/d1/0001_append_only.sql?raw";
import d1Applications from "../../migrations/d1/0002_applications.sql?raw";
import d1ApplicationTriggers from "../../migrations/d1/0003_applications_append_only.sql?raw";
import { CONTROL_MIGRATIONS } from "../../migrations/objects/control.ts";
import { bindings, newCommand, withStorage } from "../support/objects.ts";

const NOTHING: Digest = EMPTY_POLICY.hash;
const DAN = { issuer: "https://id.example", subject: "dan" };

function digestOf(text: string): Digest {
  return toHex(sha256(new TextEncoder().encode(text))) as Digest;
}

function application(text: string, expected: Digest, command: CommandId = newCommand()): PolicyApplication {
  return { hash: digestOf(text), text, expected, by: DAN, command, comment: `why ${text}` };
}

function killOf(command: CommandId = newCommand()): KillRequest {
  return {
    sid: "0190b0c4-0000-7000-8000-000000000001" as SessionId,
    object: "ab".repeat(32),
    issuer: DAN.issuer,
    subject: "alice",
    actors: "[]",
    connection: "registry" as ConnectionName,
    before: 1_800_000_000,
    reason: "lost laptop",
    command,
  };
}

function controlOf(name: string): DurableObjectStub<ControlObject> {
  return bindings.CONTROL.get(bindings.CONTROL.idFromName(name));
}

function withControl<R>(
  name: string,
  work: (storage: DurableObjectStorage, object: ControlObject) => R | Promise<R>,
): Promise<R> {
  return runInDurableObject(controlOf(name), (object: ControlObject, state: DurableObjectState) =>
    work(state.storage, object),
  );
}

/** An object's storage with the control object's tables, as they stood after so many migrations. */
function withTables<R>(
  name: string,
  migrations: number,
  work: (storage: DurableObjectStorage) => R | Promise<R>,
): Promise<R> {
  return withStorage(name, async (storage) => {
    run(storage.sql, "DROP TABLE migration");
    migrate(storage.sql, CONTROL_MIGRATIONS.slice(0, migrations));
    return work(storage);
  });
}

beforeAll(async () => {
  const files = [d1Tables, d1Triggers, d1Applications, d1ApplicationTriggers];
  await applyD1Migrations(
    bindings.DB,
    files.map((text, no) => ({ name: `${no}`, queries: text.split("--> statement-breakpoint") })),
  );
});

describe("a policy", () => {
  test("none is in force until one is applied; then the last one is, and every text stays readable", async () => {
    const control = controlOf("policies");
    expect((await control.snapshot()).policy).toBe(null);
    expect(await control.policyVersions({ before: null, limit: 10 })).toEqual([]);
    const first = await control.applyPolicy(application("one", NOTHING));
    expect(first).toMatchObject({
      ok: true,
      version: { no: 1, hash: digestOf("one"), previous: null, by: DAN, comment: "why one" },
    });
    await control.applyPolicy(application("two", digestOf("one")));
    expect((await control.snapshot()).policy).toMatchObject({ hash: digestOf("two"), no: 2 });
    expect(await Promise.all(["one", "two", "three"].map((text) => control.policyText(digestOf(text))))).toEqual([
      "one",
      "two",
      null,
    ]);
  });

  test("is refused when another was applied meanwhile, and told which", async () => {
    const control = controlOf("stale");
    await control.applyPolicy(application("one", NOTHING));
    const refused = { ok: false, reason: "stale", current: digestOf("one") };
    expect(await control.applyPolicy(application("two", NOTHING))).toEqual(refused);
    expect(await control.applyPolicy(application("two", digestOf("zero")))).toEqual(refused);
    expect((await control.snapshot()).policy).toMatchObject({ hash: digestOf("one"), no: 1 });
    expect(await control.policyText(digestOf("two"))).toBe(null);
    const none = controlOf("stale from the start");
    expect(await none.applyPolicy(application("one", digestOf("zero")))).toMatchObject({ current: NOTHING });
  });

  test("of several applied at once on the same ground, exactly one is taken", async () => {
    const control = controlOf("race");
    const answers = await Promise.all(
      ["a", "b", "c", "d"].map((text): Promise<PolicyApplied> => control.applyPolicy(application(text, NOTHING))),
    );
    const taken = answers.filter((answer) => answer.ok);
    expect(taken).toHaveLength(1);
    expect((await control.snapshot()).policy).toMatchObject({ hash: taken[0]?.ok && taken[0].version.hash, no: 1 });
  });

  test("a command repeated is answered as the first time, whatever is in force by then", async () => {
    const control = controlOf("repeated");
    const one = application("one", NOTHING);
    const answer = await control.applyPolicy(one);
    await control.applyPolicy(application("two", digestOf("one")));
    expect(await control.applyPolicy(one)).toEqual(answer);
    expect((await control.snapshot()).policy).toMatchObject({ hash: digestOf("two"), no: 2 });
  });

  test("a rollback applies an older text again, as a version of its own", async () => {
    const control = controlOf("rollback");
    await control.applyPolicy(application("one", NOTHING));
    await control.applyPolicy(application("two", digestOf("one")));
    await control.applyPolicy(application("one", digestOf("two")));
    const versions = await control.policyVersions({ before: null, limit: 10 });
    expect(versions.map(({ no, hash, previous }) => [no, hash, previous])).toEqual([
      [3, digestOf("one"), digestOf("two")],
      [2, digestOf("two"), digestOf("one")],
      [1, digestOf("one"), null],
    ]);
    expect(await control.policyVersions({ before: 3, limit: 1 })).toEqual([versions[1]]);
  });

  test("a hash that is not the text's is never stored", () =>
    withControl("forged", async (storage, object) => {
      const forged = { ...application("one", NOTHING), hash: digestOf("two") };
      await expect(object.applyPolicy(forged)).rejects.toThrow("a policy's hash");
      expect((await object.snapshot()).policy).toBe(null);
      expect(rows(storage.sql, "SELECT * FROM policy")).toEqual([]);
    }));
});

describe("revocations and kills", () => {
  test("are named at once, each command's once", async () => {
    const control = controlOf("revocations");
    expect((await control.snapshot()).revocations).toEqual(NO_REVOCATIONS);
    const lost = { token: "jti-1", subject: null, reason: "lost laptop", command: newCommand() };
    await control.revoke(lost);
    await control.revoke(lost);
    const left = {
      token: null,
      subject: { issuer: "i", subject: "alice", before: 1_800_000_000 },
      reason: "left",
      command: newCommand(),
    };
    await control.revoke(left);
    const killed = killOf();
    await control.kill(killed);
    await control.kill(killed);
    const { sid, issuer, subject, actors, connection, before } = killed;
    expect((await control.snapshot()).revocations).toEqual({
      tokens: [{ id: "jti-1", command: lost.command }],
      subjects: [{ ...left.subject, command: left.command }],
      kills: [{ sid, issuer, subject, actors, connection, before, command: killed.command }],
    });
    const listed = await control.revocations({ before: null, limit: 10 });
    expect(listed).toMatchObject([
      { no: 2, ...left },
      { no: 1, ...lost },
    ]);
    expect(await control.revocations({ before: 2, limit: 10 })).toEqual(listed.slice(1));
  });

  test("are left out of the snapshot once they have outlived every token", () =>
    withTables("old", CONTROL_MIGRATIONS.length, ({ sql }) => {
      const day = 86_400_000;
      const command = newCommand();
      revoke(sql, { token: "t", subject: null, reason: "r", command }, 0);
      expect(currentRevocations(sql, 30 * day).tokens).toEqual([{ id: "t", command }]);
      expect(currentRevocations(sql, 32 * day)).toEqual(NO_REVOCATIONS);
    }));
});

describe("tables that only grow", () => {
  test("the control object's policies, versions, revocations and kills", () =>
    withControl("triggers", async (storage, object) => {
      const one = application("one", NOTHING);
      const ended = killOf();
      await object.applyPolicy(one);
      await object.revoke({ token: "t", subject: null, reason: "lost", command: newCommand() });
      await object.kill(ended);
      const version = "policy_application (no, hash, time, issuer, subject, command, comment)";
      const kill = "kill (no, sid, object, issuer, subject, actors, connection, issued_before, reason, command, time)";
      const inserts: Readonly<Record<string, readonly string[]>> = {
        policy: [`policy (hash, text, first_seen) VALUES ('${one.hash}', 'x', 1)`],
        policy_application: [
          `${version} VALUES (1, 'h', 1, 'i', 's', 'other', '')`,
          `${version} VALUES (9, 'h', 1, 'i', 's', '${one.command}', '')`,
        ],
        revocation: ["revocation (no, command, reason, time) VALUES (1, 'c', 'r', 1)"],
        kill: [
          `${kill} VALUES (1, 's', 'o', 'i', 's', '[]', 'c', 1, 'r', 'other', 1)`,
          `${kill} VALUES (9, 's', 'o', 'i', 's', '[]', 'c', 1, 'r', '${ended.command}', 1)`,
        ],
      };
      for (const [table, values] of Object.entries(inserts)) {
        const before = rows(storage.sql, `SELECT * FROM ${table}`);
        expect(before).toHaveLength(1);
        const [column] = Object.keys(before[0] ?? {});
        const attempts = [
          `UPDATE ${table} SET ${column} = ${column}`,
          `DELETE FROM ${table}`,
          ...values.flatMap((one) => [`INSERT INTO ${one}`, `INSERT OR REPLACE INTO ${one}`]),
        ];
        for (const attempt of attempts) expect(() => run(storage.sql, attempt), attempt).toThrow(/append-only/);
        expect(rows(storage.sql, `SELECT * FROM ${table}`)).toEqual(before);
      }
    }));
});

describe("an object from before there were versions", () => {
  test("keeps its texts and revocations, and has no policy in force until one is applied", () =>
    withTables("upgrade", 1, (storage) => {
      const { sql } = storage;
      // What the code of that time had written.
      keepText(sql, digestOf("bundled"), "bundled", 5);
      const command = newCommand();
      revoke(sql, { token: "t", subject: null, reason: "r", command }, Date.now());
      const before = rows(sql, "SELECT * FROM policy");

      migrate(sql, CONTROL_MIGRATIONS);

      expect(currentVersion(sql)).toBe(null);
      expect(policyText(sql, digestOf("bundled"))).toBe("bundled");
      expect(currentRevocations(sql, Date.now())).toEqual({ ...NO_REVOCATIONS, tokens: [{ id: "t", command }] });
      const applied = storage.transactionSync(() => applyPolicy(sql, application("bundled", NOTHING), Date.now()));
      expect(applied).toMatchObject({ ok: true, version: { no: 1, hash: digestOf("bundled"), previous: null } });
      expect(rows(sql, "SELECT * FROM policy")).toEqual(before);
      expect(rows(sql, "SELECT kind, key FROM history_outbox ORDER BY no")).toEqual([
        { kind: "policy", key: digestOf("bundled") },
        { kind: "revocation", key: "1" },
        { kind: "policy_application", key: "1" },
      ]);
    }));
});

describe("the history in D1", () => {
  test("has everything in its own time, in tables that only grow, too", async () => {
    const control = controlOf("control");
    const one = application("text", NOTHING);
    const ended = killOf();
    await control.applyPolicy(one);
    await control.revoke({ token: "t", subject: null, reason: "r", command: newCommand() });
    await control.kill(ended);
    await runDurableObjectAlarm(control);
    expect((await control.snapshot()).historyLag).toBe(0);
    const all = async (table: string): Promise<unknown[]> =>
      (await bindings.DB.prepare(`SELECT * FROM ${table}`).all()).results;
    expect(await all("policy_version")).toMatchObject([{ hash: one.hash, text: "text" }]);
    expect(await all("policy_application")).toMatchObject([
      { no: 1, hash: one.hash, previous: null, ...DAN, command: one.command, comment: "why text" },
    ]);
    expect(await all("revocation")).toMatchObject([{ no: 1, token_id: "t" }]);
    const { before, ...rest } = ended;
    expect(await all("kill")).toMatchObject([{ no: 1, ...rest, issued_before: before }]);
    const changes = ["policy_version", "policy_application", "revocation", "kill"].flatMap((table) => [
      `UPDATE ${table} SET hash = 'x'`.replace("hash", table.startsWith("policy") ? "hash" : "reason"),
      `DELETE FROM ${table}`,
      `INSERT OR REPLACE INTO ${table} SELECT * FROM ${table}`,
    ]);
    for (const change of changes)
      await expect(bindings.DB.prepare(change).run(), change).rejects.toThrow("append-only");
  });

  test("waits while D1 is down, shows the lag, and repeats nothing that D1 has", () =>
    withControl("down", async (storage, object) => {
      await object.applyPolicy(application("later", NOTHING));
      await object.kill(killOf());
      const down = {
        prepare: () => {
          throw new Error("D1 is down");
        },
      } as unknown as D1Database;
      expect(await sendHistory(storage.sql, down)).toBe(false);
      expect(await sendHistory(storage.sql, undefined)).toBe(true);
      expect((await object.snapshot()).historyLag).toBe(3);
      await bindings.DB.prepare("INSERT INTO policy_version (hash, text, first_seen) VALUES (?, 'later', 1)")
        .bind(digestOf("later"))
        .run();
      expect(await sendHistory(storage.sql, bindings.DB)).toBe(true);
      expect((await object.snapshot()).historyLag).toBe(0);
      const kept = await bindings.DB.prepare("SELECT COUNT(*) AS n FROM policy_version WHERE hash = ?")
        .bind(digestOf("later"))
        .first();
      expect(kept).toEqual({ n: 1 });
    }));
});
