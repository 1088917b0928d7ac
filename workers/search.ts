// Finds commands in the region's index. Never on a command's path; what it finds is no evidence.
//
// Invariant: a call reads a bounded number of rows, whatever is asked. One condition that an index
// serves picks the newest SCAN rows, the others are held against those, and the cursor goes on after
// them. Everything a caller gives is a bound parameter.

import { and, count, desc, eq, gte, lt, lte, min, or, sql, type SQL } from "drizzle-orm";
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import type { CommandPage, CommandQuery, CommandRow } from "../core/index/command_row.ts";
import { afterStart, literalStart, matchesPath } from "../core/index/route_filter.ts";
import type { CommandId } from "../core/ids.ts";
import { parseRoute, type RoutePattern } from "../core/policy/route.ts";
import { command } from "../migrations/search_schema.ts";

/** Rows that a call looks at: some 10 ms of D1. */
const SCAN = 5_000;
/** Of those, what a route lets through in the database and is matched here. */
const CANDIDATES = 1_000;
/** Between a command's id, made as it arrives, and its record's time: clocks of two machines, and a wait. */
const SLACK_MS = 600_000;

type Row = typeof command.$inferSelect;

/** Rejects if the database cannot be asked. */
export async function findCommands(database: D1Database, query: CommandQuery): Promise<CommandPage> {
  const pattern = query.route === undefined ? undefined : parseRoute(query.route);
  if (pattern === null) return { items: [], next: null };
  const most = pattern === undefined ? query.limit + 1 : CANDIDATES;
  const db = drizzle(database);
  const scanned = scan(db, query);
  const [found, [seen]] = await db.batch([
    db
      .select()
      .from(scanned)
      .where(and(...held(query, pattern, scanned)))
      .orderBy(desc(scanned.id))
      .limit(most),
    db.select({ rows: count(), oldest: min(scanned.id) }).from(scanned),
  ]);
  const matched = pattern === undefined ? found : found.filter(({ path }) => matchesPath(pattern, path));
  const items = matched.slice(0, query.limit).map(rowOf);
  return { items, next: nextOf(items, matched.length, found.length < most ? null : found, seen) };
}

function scan(db: DrizzleD1Database, query: CommandQuery) {
  return db
    .select()
    .from(command)
    .where(and(...served(query)))
    .orderBy(desc(command.id))
    .limit(SCAN)
    .as("scanned");
}

/** One command; null if the index has not heard of it. */
export async function findCommand(database: D1Database, id: CommandId): Promise<CommandRow | null> {
  const [found] = await drizzle(database).select().from(command).where(eq(command.id, id));
  return found === undefined ? null : rowOf(found);
}

/** Where to go on: after what is shown, or after what was looked at. `full`: what was found, if the database may have more. */
function nextOf(
  items: readonly CommandRow[],
  matched: number,
  full: readonly Row[] | null,
  seen: { readonly rows: number; readonly oldest: string | null } | undefined,
): CommandId | null {
  if (matched > items.length) return items.at(-1)?.id ?? null;
  const last = full?.at(-1)?.id ?? (seen !== undefined && seen.rows === SCAN ? seen.oldest : null);
  return last as CommandId | null;
}

/** The condition that picks the rows: the narrowest that has an index, and the range of ids. */
function served({ owner, subject, actor, connection, outcome, since, until, before }: CommandQuery): SQL[] {
  const conditions: SQL[] = [];
  if (before !== null) conditions.push(lt(command.id, before));
  if (since !== undefined) conditions.push(gte(command.id, idAt(since - SLACK_MS)));
  if (until !== undefined) conditions.push(lt(command.id, idAt(until + SLACK_MS)));
  const whose = owner?.subject ?? subject;
  if (whose !== undefined) conditions.push(eq(command.subject, whose));
  else if (actor !== undefined) conditions.push(eq(command.actor, actor));
  else if (connection !== undefined) conditions.push(eq(command.connection, connection));
  else if (outcome !== undefined) conditions.push(eq(command.outcome, outcome));
  return conditions;
}

/** Everything that was asked, held against the rows that were picked. */
function held(query: CommandQuery, pattern: RoutePattern | undefined, of: ReturnType<typeof scan>): SQL[] {
  const { owner, subject, actor, connection, outcome, method, status, since, until } = query;
  const conditions: SQL[] = [];
  if (owner !== null) conditions.push(eq(of.issuer, owner.issuer), eq(of.subject, owner.subject));
  if (subject !== undefined) conditions.push(eq(of.subject, subject));
  if (actor !== undefined) conditions.push(eq(of.actor, actor));
  if (connection !== undefined) conditions.push(eq(of.connection, connection));
  if (outcome !== undefined) conditions.push(eq(of.outcome, outcome));
  if (method !== undefined) conditions.push(eq(of.method, method));
  if (status !== undefined) conditions.push(eq(of.status, status));
  if (since !== undefined) conditions.push(gte(of.time, since));
  if (until !== undefined) conditions.push(lte(of.time, until));
  const start = pattern === undefined ? "" : literalStart(pattern);
  const begins = and(gte(of.path, start), lt(of.path, afterStart(start)));
  const mayBegin = or(begins, sql`instr(${of.path}, '%') > 0`);
  if (start !== "" && mayBegin !== undefined) conditions.push(mayBegin);
  return conditions;
}

/** What ids of that millisecond begin with (RFC 9562 §5.7), and sorts before all of them. */
function idAt(milliseconds: number): string {
  const time = Math.min(Math.max(0, Math.floor(milliseconds)), 2 ** 48 - 1)
    .toString(16)
    .padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}`;
}

/** Rows are this gateway's own writing, of values with these types. */
function rowOf({ upto: _, ...row }: Row): CommandRow {
  return row as Omit<Row, "upto"> & CommandRow;
}
