// Reading the trail: lists from the registry, records from the objects that hold them. Auditors read
// all, everybody their own; what is not theirs looks to others as if it were not there.

import { parseSessionId, type SessionId } from "../../core/ids.ts";
import type { StoredRecord } from "../../core/record/record.ts";
import { placed } from "../../durable/jurisdiction.ts";
import { PERIMETER_SHARDS } from "../../durable/perimeter_log.ts";
import { REGISTRY_SHARDS, registryOf, registryShard } from "../../durable/registry_client.ts";
import type { SessionEntry } from "../../durable/registry_rpc.ts";
import type { RecordPage, SessionSummary } from "../../durable/session_rpc.ts";
import type { Cleared } from "../http/exchange.ts";
import { problem } from "../problem.ts";
import { json } from "./json.ts";

const LIST_LIMIT = 100;
/** Records a page between the object and the Worker: at most 500 × (2 KiB leaf + 40 KiB disclosure) under RPC's 32 MiB. */
const PAGE = 500;

/** Newest first; `next` is the cursor for the following page. */
export async function listSessions(cleared: Cleared, query: URLSearchParams): Promise<Response> {
  const { exchange, caller } = cleared;
  const before = query.has("before") ? parseSessionId(query.get("before") ?? "") : null;
  const limit = Number(query.get("limit") ?? String(LIST_LIMIT));
  if ((query.has("before") && before === null) || !Number.isInteger(limit) || limit < 1 || limit > LIST_LIMIT)
    return problem("request_invalid", null);
  const { issuer, subject } = caller.authenticated.principal;
  const owner = caller.roles.has("auditor") ? null : { issuer, subject };
  const shards = await Promise.all(
    REGISTRY_SHARDS.map((shard) => registryShard(exchange.gateway.env, shard).list({ owner, before, limit })),
  );
  const sessions = shards
    .flat()
    .sort((a, b) => (a.sid < b.sid ? 1 : -1))
    .slice(0, limit);
  return json({
    sessions: sessions.map(shown),
    next: sessions.length === limit ? (sessions.at(-1)?.sid ?? null) : null,
  });
}

function shown({ sid, connection, owner, opened, closed, size }: SessionEntry): unknown {
  return { sid, connection, owner, opened, closed, size };
}

export async function readSession(cleared: Cleared, id: string): Promise<Response> {
  const found = await findSession(cleared, id);
  return found === null
    ? problem("not_found", null)
    : json({ ...found.summary, connection: found.entry.connection, owner: found.entry.owner });
}

/** The whole session as NDJSON: one line a record, then the head; docs/record_format.md. */
export async function sessionRecords(cleared: Cleared, id: string): Promise<Response> {
  const found = await findSession(cleared, id);
  if (found === null) return problem("not_found", null);
  const { sid } = found.summary;
  return exported(cleared, found.summary, (from, limit) => found.session.read(sid, from, limit));
}

interface Found {
  readonly entry: SessionEntry;
  readonly summary: SessionSummary;
  readonly session: { read(sid: SessionId, from: number, limit: number): Promise<RecordPage | null> };
}

async function findSession({ exchange, caller }: Cleared, id: string): Promise<Found | null> {
  const sid = parseSessionId(id);
  const { env } = exchange.gateway;
  const entry = sid === null ? null : await registryOf(env, sid).find(sid);
  if (sid === null || entry === null) return null;
  const { issuer, subject } = caller.authenticated.principal;
  const isOwn = entry.owner.issuer === issuer && entry.owner.subject === subject;
  if (!isOwn && !caller.roles.has("auditor")) return null;
  const objects = placed(env.SESSION, env);
  const session = objects.get(objects.idFromString(entry.object));
  const summary = await session.describe(sid);
  return summary === null ? null : { entry, summary, session };
}

export async function registryRecords({ exchange }: Cleared, shard: string): Promise<Response> {
  if (!REGISTRY_SHARDS.includes(shard)) return problem("not_found", null);
  const registry = registryShard(exchange.gateway.env, shard);
  const summary = await registry.describe();
  return summary === null
    ? problem("not_found", null)
    : exported({ exchange }, summary, (from, limit) => registry.read(from, limit));
}

export async function perimeterSessions({ exchange }: Cleared, shard: string): Promise<Response> {
  const perimeter = perimeterOf(exchange, shard);
  return perimeter === null ? problem("not_found", null) : json({ sessions: await perimeter.list() });
}

export async function perimeterRecords({ exchange }: Cleared, shard: string, id: string): Promise<Response> {
  const perimeter = perimeterOf(exchange, shard);
  const sid = parseSessionId(id);
  const summary = perimeter === null || sid === null ? null : await perimeter.describe(sid);
  if (perimeter === null || sid === null || summary === null) return problem("not_found", null);
  return exported({ exchange }, summary, (from, limit) => perimeter.read(sid, from, limit));
}

function perimeterOf({ gateway }: Cleared["exchange"], shard: string) {
  if (!/^\d{1,2}$/.test(shard) || Number(shard) >= PERIMETER_SHARDS) return null;
  const shards = placed(gateway.env.PERIMETER, gateway.env);
  return shards.get(shards.idFromName(`perimeter/${Number(shard)}`));
}

/** Reads up to the size that `summary` names: records that come while it runs belong to the next export. */
function exported(
  { exchange }: Pick<Cleared, "exchange">,
  summary: SessionSummary,
  read: (from: number, limit: number) => Promise<RecordPage | null>,
): Response {
  const { readable, writable } = new IdentityTransformStream();
  exchange.ctx.waitUntil(writeExport(writable, summary, read));
  return new Response(readable, {
    headers: {
      "content-type": "application/x-ndjson",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    },
  });
}

async function writeExport(
  sink: WritableStream<Uint8Array>,
  { sid, size, root, tip }: SessionSummary,
  read: (from: number, limit: number) => Promise<RecordPage | null>,
): Promise<void> {
  const writer = sink.getWriter();
  const encoder = new TextEncoder();
  try {
    for (let from = 0; from < size;) {
      const page = await read(from, Math.min(PAGE, size - from));
      if (page === null || page.records.length === 0) throw new Error("records that were there are gone");
      await writer.write(encoder.encode(page.records.map(line).join("")));
      from += page.records.length;
    }
    await writer.write(encoder.encode(`${JSON.stringify({ head: { sid, size, root, tip } })}\n`));
    await writer.close();
  } catch (error) {
    await writer.abort(error).catch(() => undefined);
  }
}

/** The disclosure is JSON text already, in the exact form that JSON.stringify gives. */
function line({ leaf, disclosure }: StoredRecord): string {
  return `{"leaf":${JSON.stringify(leaf)},"fields":${disclosure}}\n`;
}
