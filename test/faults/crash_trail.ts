// The trail after a crash, as an auditor reads it, and what it has to say about each call that somebody
// made: the rules of the crash campaign.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { verifyExport } from "../../core/verify/verify_session.ts";
import { type ReadRecord, readExport } from "../support/gateway.ts";
import type { Attempt } from "./crash_load.ts";

const SHARDS: readonly string[] = [..."0123456789abcdef"];
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/;

export interface Session {
  readonly sid: string;
  readonly connection: string;
  readonly subject: string;
}

/** Reads as the auditor whose token it has. */
export class Auditor {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  async #get(path: string): Promise<string> {
    const answer = await fetch(this.#url + path, { headers: { authorization: `Bearer ${this.#token}` } });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${text}`);
    return text;
  }

  /** All sessions that the registry names, newest first. */
  async sessions(): Promise<Session[]> {
    const all: Session[] = [];
    for (let before = ""; ;) {
      const page = JSON.parse(await this.#get(`/api/v1/sessions?limit=100${before}`)) as {
        sessions: { sid: string; connection: string; owner: { subject: string } }[];
        next: string | null;
      };
      all.push(...page.sessions.map(({ sid, connection, owner }) => ({ sid, connection, subject: owner.subject })));
      if (page.next === null) return all;
      before = `&before=${page.next}`;
    }
  }

  /** A session's records. Throws unless its export verifies, chain, tree and head. */
  async session(sid: string): Promise<{ readonly text: string; readonly records: ReadRecord[] }> {
    return this.#verified(`/api/v1/sessions/${sid}/records`);
  }

  /** The logs of the registry and the perimeter. Throws unless they verify. */
  async regionsOwn(): Promise<void> {
    for (const [index, shard] of SHARDS.entries()) {
      await this.#verified(`/api/v1/registry/${shard}/records`).catch((error: unknown) => {
        // A shard that no session fell to has no log.
        if (!String(error).includes(": 404 ")) throw error;
      });
      const list = JSON.parse(await this.#get(`/api/v1/perimeter/${index}`)) as { sessions: string[] };
      for (const sid of list.sessions) await this.#verified(`/api/v1/perimeter/${index}/${sid}/records`);
    }
  }

  async #verified(path: string): Promise<{ text: string; records: ReadRecord[] }> {
    const text = await this.#get(path);
    const { integrity, completeness } = await verifyExport(text);
    if (integrity.kind !== "intact" || completeness.kind !== "shown")
      throw new Error(`${path} does not verify: ${JSON.stringify({ integrity, completeness })}`);
    return { text, records: readExport(text) };
  }
}

/** Records of a command, in their order; the first one says what was asked. */
export type Command = readonly ReadRecord[];

export function commandsOf(records: readonly ReadRecord[]): Command[] {
  const commands = new Map<string, ReadRecord[]>();
  for (const record of records) {
    if (record.command === null) continue;
    const own = commands.get(record.command) ?? [];
    commands.set(record.command, own);
    own.push(record);
  }
  return [...commands.values()];
}

/** The id that a caller put into the target. */
export function idOf(command: Command): string | null {
  return UUID.exec(command[0]?.fields.target ?? "")?.[0] ?? null;
}

export const kindsOf = (command: Command): string[] => command.map((record) => record.kind);

export function isOpen(command: Command): boolean {
  return !kindsOf(command).some((kind) => /^command\.(denied|completed|failed|cancelled)$/.test(kind));
}

/** What is wrong between what a caller was answered and what is recorded; null if all is well. */
export function contradiction(attempt: Attempt, commands: readonly Command[], wasHeard: boolean): string | null {
  const [command, ...others] = commands;
  const kinds = command === undefined ? [] : kindsOf(command);
  if (others.length > 0) return "two commands";
  if (new Set(kinds).size !== kinds.length) return "a kind twice";
  if (wasHeard && kinds[0] !== "command.requested") return "forwarded, and no intent";
  if (attempt.way === "stranger") return attempt.status === 401 || attempt.status === 0 ? null : "let in";
  switch (attempt.status) {
    case 0:
      return null;
    case 200:
      return command === undefined ? "answered, and no record" : answerContradiction(attempt, command, kinds);
    case 403:
      return kinds.join() === "command.denied" && placeOf(command) === placeTold(attempt)
        ? null
        : "refused, and no record";
    case 502:
      return kinds.join() === "command.requested,command.failed" && placeOf(command) === placeTold(attempt)
        ? null
        : "failed, and no record";
    case 503:
      return wasHeard ? "refused, and forwarded" : null;
    default:
      return `status ${attempt.status}`;
  }
}

function answerContradiction(attempt: Attempt, command: Command, kinds: readonly string[]): string | null {
  const outcome = command.find((record) => record.kind === "command.completed");
  if (!attempt.ended) return kinds.includes("response.started") ? null : "released before it was recorded";
  if (outcome === undefined) return "ended, and no outcome";
  const { request, response } = JSON.parse(outcome.fields.digests ?? "") as Record<
    "request" | "response",
    { complete: boolean; sha256: string } | null
  >;
  if (response?.complete !== true || response.sha256 !== attempt.received) return "another answer is recorded";
  if ((request?.sha256 ?? null) !== attempt.sent) return "another request is recorded";
  return null;
}

function placeOf(command: Command | undefined): string {
  const [first] = command ?? [];
  return first === undefined ? "nowhere" : `${first.sid}/${first.seq}`;
}

function placeTold({ text }: Attempt): string {
  return (JSON.parse(text) as { record?: string }).record ?? "not told";
}

/** Throws unless the command line finds an export intact and complete. */
export function verifyByCommandLine(text: string): void {
  const folder = mkdtempSync(join(tmpdir(), "sallyport crash "));
  const cli = fileURLToPath(new URL("../../cli/sallyport.ts", import.meta.url).href);
  try {
    writeFileSync(join(folder, "export.ndjson"), text);
    execFileSync(process.execPath, [cli, "verify-session", join(folder, "export.ndjson")], { stdio: "pipe" });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
