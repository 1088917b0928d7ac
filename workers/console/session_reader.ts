// Finds a session for somebody who may read it, in the registry and then in the object that holds it.
// Auditors read all, everybody their own; what is not theirs looks to others as if it were not there.

import { parseSessionId, type SessionId } from "../../core/ids.ts";
import { placed } from "../../durable/jurisdiction.ts";
import { registryOf } from "../../durable/registry_client.ts";
import type { SessionEntry } from "../../durable/registry_rpc.ts";
import type { SessionObject } from "../../durable/session.ts";
import type { RecordPage, SessionSummary } from "../../durable/session_rpc.ts";
import type { Caller } from "../caller.ts";
import type { Env } from "../env.ts";
import type { Cleared } from "../http/exchange.ts";
import { shownTo } from "./shown.ts";

export interface Found {
  readonly entry: SessionEntry;
  readonly summary: SessionSummary;
  readonly session: DurableObjectStub<SessionObject>;
  /** As the caller is shown them. */
  read(from: number, limit: number): Promise<RecordPage | null>;
}

export function isOwn({ owner }: SessionEntry, { authenticated }: Caller): boolean {
  const { issuer, subject } = authenticated.principal;
  return owner.issuer === issuer && owner.subject === subject;
}

export async function findEntry(env: Env, id: string): Promise<SessionEntry | null> {
  const sid = parseSessionId(id);
  return sid === null ? null : registryOf(env, sid).find(sid);
}

/**
 * Of the session in which this very command is recorded, what was there before it: who reads their own
 * reading does not find the reading in it.
 */
export async function findSession({ exchange, caller, begun }: Cleared, id: string): Promise<Found | null> {
  const { env } = exchange.gateway;
  const entry = await findEntry(env, id);
  if (entry === null || (!isOwn(entry, caller) && !caller.roles.has("auditor"))) return null;
  const session = sessionObject(env, entry);
  const sid: SessionId = entry.sid;
  const full = await (sid === begun.sid ? session.describe(sid, begun.seq) : session.describe(sid));
  if (full === null) return null;
  const summary = { ...full, openCommands: full.openCommands.filter((command) => command !== exchange.command) };
  const shown = shownTo(caller);
  const read = async (from: number, limit: number): Promise<RecordPage | null> => {
    const page = await session.read(sid, from, limit);
    return page === null ? null : { records: page.records.map(shown), next: page.next };
  };
  return { entry, summary, session, read };
}

export function sessionObject(env: Env, { object }: SessionEntry): DurableObjectStub<SessionObject> {
  const objects = placed(env.SESSION, env);
  return objects.get(objects.idFromString(object));
}
