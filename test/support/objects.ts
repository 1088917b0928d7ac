// The objects as tests of the runtime reach them, and records to give them. Runs inside workerd.

/// <reference types="@cloudflare/vitest-plugin/types" />
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import type { CommandId, ConnectionName, SessionId } from "../../core/ids.ts";
import { newCommandId } from "../../core/ids.ts";
import { ownRecord } from "../../core/mask/mask_draft.ts";
import { commit } from "../../core/record/commit.ts";
import type { Classes, Committed, Fields, Kind, StoredRecord } from "../../core/record/record.ts";
import type { SessionVerdict } from "../../core/verify/verdict.ts";
import { verifyExport } from "../../core/verify/verify_session.ts";
import type { SessionObject } from "../../durable/session.ts";
import type { Appended, Opening, RecordPage, SessionSummary } from "../../durable/session_rpc.ts";
import { fillRandom, sha256 } from "../../durable/sha256.ts";
import type { Env } from "../../workers/env.ts";

export const bindings: Env = env as unknown as Env;

export const OPENING: Opening = {
  connection: "registry" as ConnectionName,
  region: "local",
  protocol: "http",
  fields: { principal: '{"issuer":"https://id.example","subject":"alice"}', connection: "registry" },
  owner: { issuer: "https://id.example", subject: "alice" },
};

/** Only the date: timers go on as they are, and the objects share this isolate's clock. Undone by `vi.useRealTimers`. */
export function setClock(time: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: time });
}

export function sidOf(answer: Appended | { readonly ok: false; readonly reason: string }): SessionId {
  if (!answer.ok) throw new Error(`refused: ${answer.reason}`);
  return answer.sid;
}

export function newCommand(): CommandId {
  return newCommandId(Date.now(), fillRandom);
}

/** A record with fresh salts: made twice it is two different records. */
export function record(
  kind: Kind,
  command: CommandId | null,
  classes: Classes = {},
  fields: Fields = {},
  part = 0,
): Committed {
  return commit(ownRecord({ kind, command, part, classes, fields }), fillRandom, sha256);
}

export function requested(command: CommandId): Committed {
  return record(
    "command.requested",
    command,
    { protocol: "http", verb: "read", effect: "allow", policy: "5d".repeat(32), rule: "r" },
    { target: "GET /x" },
  );
}

export function denied(command: CommandId): Committed {
  return record(
    "command.denied",
    command,
    { protocol: "http", verb: "read", effect: "deny", reason: "no_rule", status: 403 },
    { target: "GET /x" },
  );
}

export function completed(command: CommandId): Committed {
  return record(
    "command.completed",
    command,
    { transport: "ok", status: 200, tool: "none", req_bytes: 0, resp_bytes: 2, ms: 3, folded: 1 },
    { digests: "{}", headers: "[]" },
  );
}

export function failed(command: CommandId): Committed {
  return record(
    "command.failed",
    command,
    { transport: "cut", reason: "upstream_cut", tool: "none" },
    { digests: "{}" },
  );
}

export function sessionObject(name: string): DurableObjectStub<SessionObject> {
  return bindings.SESSION.get(bindings.SESSION.idFromName(name));
}

/** The alarm, whether or not it is due. */
export async function ring(session: DurableObjectStub<SessionObject>): Promise<void> {
  await runInDurableObject(session, (instance: SessionObject) => instance.alarm());
}

/** The storage of an object that nothing else uses, with the tables of a session object. */
export function withStorage<R>(name: string, work: (storage: DurableObjectStorage) => R | Promise<R>): Promise<R> {
  return runInDurableObject(sessionObject(name), (_: SessionObject, state: DurableObjectState) => work(state.storage));
}

interface Readable {
  describe(): SessionSummary | null | Promise<SessionSummary | null>;
  read(from: number, limit: number): RecordPage | null | Promise<RecordPage | null>;
}

/** Reads a whole log, verifies chain, commitments, order and tree against its head, and returns its records. */
export async function checkLog(
  log: Readable,
): Promise<{ summary: SessionSummary; records: StoredRecord[]; verdict: SessionVerdict }> {
  const summary = await log.describe();
  if (summary === null) throw new Error("no such log");
  const records: StoredRecord[] = [];
  for (let from: number | null = 0; from !== null;) {
    const page: RecordPage | null = await log.read(from, 500);
    if (page === null) throw new Error("no such page");
    records.push(...page.records);
    from = page.next;
  }
  const { sid, size, root, tip } = summary;
  const lines = records.map(({ leaf, disclosure }) => `{"leaf":${JSON.stringify(leaf)},"fields":${disclosure}}\n`);
  const verdict = await verifyExport(`${lines.join("")}${JSON.stringify({ head: { sid, size, root, tip } })}\n`, {
    sha256,
  });
  expect(verdict.integrity).toEqual({ kind: "intact" });
  expect(verdict.completeness).toEqual({ kind: "shown", by: "head" });
  return { summary, records, verdict };
}

export function checkSession(
  session: {
    describe(sid: SessionId): Readable["describe"] extends () => infer R ? R : never;
    read(sid: SessionId, from: number, limit: number): ReturnType<Readable["read"]>;
  },
  sid: SessionId,
): ReturnType<typeof checkLog> {
  return checkLog({ describe: () => session.describe(sid), read: (from, limit) => session.read(sid, from, limit) });
}

/** `kind` of each record, for what happened in which order. */
export function kindsOf(records: readonly StoredRecord[]): string[] {
  return records.map(({ leaf }) => /"kind":"([a-z.]+)"/.exec(leaf)?.[1] ?? "");
}

export function classesOf(stored: StoredRecord | undefined): Record<string, unknown> {
  return (JSON.parse(stored?.leaf ?? "{}") as { class: Record<string, unknown> }).class;
}
