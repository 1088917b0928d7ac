// The trail after a crash, as an auditor reads it. Each log is verified as it is read, and held to the
// head that it had when it was last read: what was once there is there for ever.

import { createHash } from "node:crypto";
import { verifyExport } from "../../core/verify/verify_session.ts";
import { type ReadRecord, readExport } from "../support/gateway.ts";

const SHARDS: readonly string[] = [..."0123456789abcdef"];

export interface Session {
  readonly sid: string;
  readonly connection: string;
  readonly subject: string;
}

/** Records of a command, in their order; the first one says what was asked. */
export type Command = readonly ReadRecord[];

export interface Trail {
  /** Sessions that have begun. */
  readonly sessions: readonly Session[];
  /** Sessions that the registry names and whose objects know nothing of: the crash came before their first record. */
  readonly neverBegan: readonly string[];
  /** By session id. */
  readonly exports: ReadonlyMap<string, string>;
  /** By the command's id. */
  readonly commands: ReadonlyMap<string, Command>;
  readonly records: number;
}

/** What the logs had led to when they were last read, by session id. */
export type Heads = Map<string, { readonly size: number; readonly root: string }>;

/** Reads as the auditor whose token it has. */
export class Auditor {
  readonly #url: string;
  readonly #token: string;
  readonly #heads: Heads;

  constructor(url: string, token: string, heads: Heads) {
    this.#url = url;
    this.#token = token;
    this.#heads = heads;
  }

  async #get(path: string): Promise<string | null> {
    const answer = await fetch(this.#url + path, { headers: { authorization: `Bearer ${this.#token}` } });
    const text = await answer.text();
    if (answer.status === 404) return null;
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${text}`);
    return text;
  }

  /** All sessions that the registry names, newest first. */
  async sessions(): Promise<Session[]> {
    const all: Session[] = [];
    for (let before = ""; ;) {
      const page = JSON.parse((await this.#get(`/api/v1/sessions?limit=100${before}`)) ?? "") as {
        items: { sid: string; connection: string; owner: { subject: string } }[];
        next: string | null;
      };
      all.push(...page.items.map(({ sid, connection, owner }) => ({ sid, connection, subject: owner.subject })));
      if (page.next === null) return all;
      before = `&cursor=${page.next}`;
    }
  }

  /** Everything. Throws unless each session verifies. */
  async trail(): Promise<Trail> {
    const sessions: Session[] = [];
    const neverBegan: string[] = [];
    const exports = new Map<string, string>();
    const commands = new Map<string, ReadRecord[]>();
    let count = 0;
    for (const session of await this.sessions()) {
      const text = await this.#verified(`/api/v1/sessions/${session.sid}/records`);
      if (text === null) {
        neverBegan.push(session.sid);
        continue;
      }
      sessions.push(session);
      exports.set(session.sid, text);
      for (const record of readExport(text)) {
        count += 1;
        if (record.command === null) continue;
        const own = commands.get(record.command) ?? [];
        commands.set(record.command, own);
        own.push(record);
      }
    }
    return { sessions, neverBegan, exports, commands, records: count };
  }

  /** How many commands of a session are open; 0 for one that never began. */
  async open(sid: string): Promise<number> {
    const text = await this.#get(`/api/v1/sessions/${sid}`);
    return text === null ? 0 : (JSON.parse(text) as { openCommands: string[] }).openCommands.length;
  }

  /** The registry's logs. Throws unless they verify. */
  async registry(): Promise<ReadRecord[]> {
    const records: ReadRecord[] = [];
    for (const shard of SHARDS) {
      // A shard that no session fell to has no log.
      const text = await this.#verified(`/api/v1/registry/${shard}/records`);
      if (text !== null) records.push(...readExport(text));
    }
    return records;
  }

  /** The perimeter's logs. Throws unless they verify. */
  async perimeter(): Promise<ReadRecord[]> {
    const records: ReadRecord[] = [];
    for (const index of SHARDS.keys()) {
      const list = JSON.parse((await this.#get(`/api/v1/perimeter/${index}`)) ?? "") as { sessions: string[] };
      for (const sid of list.sessions) {
        const text = await this.#verified(`/api/v1/perimeter/${index}/${sid}/records`);
        records.push(...readExport(text ?? ""));
      }
    }
    return records;
  }

  /** The masked body that is recorded of a command's side. */
  async payload(sid: string, command: string, side: "request" | "response"): Promise<Buffer> {
    const path = `/api/v1/sessions/${sid}/payload/${command}/${side}`;
    const answer = await fetch(this.#url + path, { headers: { authorization: `Bearer ${this.#token}` } });
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return Buffer.from(await answer.arrayBuffer());
  }

  async #verified(path: string): Promise<string | null> {
    const text = await this.#get(path);
    if (text === null) return null;
    const sha256 = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();
    const unheeded = await verifyExport(text, { sha256 });
    const head = this.#heads.get(unheeded.sid ?? "");
    const verdict = head === undefined ? unheeded : await verifyExport(text, { sha256, head });
    const { integrity, completeness, sid, records: size, root } = verdict;
    if (integrity.kind !== "intact" || completeness.kind !== "shown" || sid === null)
      throw new Error(`${path} does not verify: ${JSON.stringify({ integrity, completeness })}`);
    this.#heads.set(sid, { size, root });
    return text;
  }
}
