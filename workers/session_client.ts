// append, as the Worker sees it: takes masked records to the caller's session object and turns what
// can go wrong into reasons. Calls are idempotent, so each is tried a second time when its answer is lost.

import type { CommandId, ConnectionName, SessionId } from "../core/ids.ts";
import { ok, refuse, type Result } from "../core/result.ts";
import type { ConnectionSettings, Policy } from "../core/policy/policy.ts";
import { commit } from "../core/record/commit.ts";
import type { Committed, Masked } from "../core/record/record.ts";
import { placed } from "../durable/jurisdiction.ts";
import type { SessionObject } from "../durable/session.ts";
import { LONGEST, type SessionTimes } from "../durable/session_life.ts";
import type { Appended, AppendRefusal, CutWord, Opening } from "../durable/session_rpc.ts";
import { fillRandom, sha256 } from "../durable/sha256.ts";
import { type Caller, objectName, type Place, placeOf } from "./caller.ts";
import type { Gateway } from "./gateway.ts";

/** A busy caller overflows into further objects; each takes some hundred durable appends a second in production. */
const SHARDS = 4;

/** Pauses while an object has too much under way: 13 s or so, well within a lease. */
const BUSY_PAUSES_MS: readonly number[] = [20, 40, 80, 160, 320, 640, 1_280, 2_560, 2_560, 2_560, 2_560];

export type Stub = DurableObjectStub<SessionObject>;

/**
 * A caller's session object. A stub that has thrown may be broken for good, because it holds on to the
 * instance that broke (developers.cloudflare.com/durable-objects/best-practices/error-handling): after
 * each failure the next call gets a new one, and with it the object as it started anew.
 */
export class Session {
  readonly #find: () => Stub;
  #stub: Stub | null = null;

  constructor(find: () => Stub) {
    this.#find = find;
  }

  async call<T>(work: (stub: Stub) => Promise<T>): Promise<T> {
    this.#stub ??= this.#find();
    try {
      return await work(this.#stub);
    } catch (error) {
      this.#stub = null;
      throw error;
    }
  }

  /** Waits for the word that a command is to be cut; null if none came in this call's time, or the object cannot be reached. */
  untilCut(command: CommandId): Promise<CutWord | null> {
    return this.call((stub) => stub.untilCut(command)).catch(() => null);
  }

  /** False if the command is not open, or the object cannot be reached. */
  renew(command: CommandId): Promise<boolean> {
    return this.call((stub) => stub.renew(command)).catch(() => false);
  }
}

export interface Begun {
  readonly session: Session;
  readonly sid: SessionId;
  readonly seq: number;
}

export type AppendFailure = { readonly reason: "not_recordable" | "overloaded" };

/** What decides where a command is recorded and for how long its session lasts. */
export interface Setting {
  readonly gateway: Gateway;
  readonly policy: Policy;
}

/** Makes `command.requested` or `command.denied` durable, opening a session if none is open. */
export async function begin(
  record: Masked,
  caller: Caller,
  connection: ConnectionName,
  setting: Setting,
): Promise<Result<Begun, AppendFailure>> {
  const committed = commit(record, fillRandom, sha256);
  return beginBy<never>(
    (stub, opening) => stub.begin(committed, opening) as Promise<Appended>,
    caller,
    connection,
    setting,
  );
}

/** Asks one after another of the caller's shards to take a command's first record, opening a session if none is open. */
export async function beginBy<Other extends { readonly ok: false; readonly reason: string }>(
  first: (stub: Stub, opening: Opening | null) => Promise<Appended | Other>,
  caller: Caller,
  connection: ConnectionName,
  { gateway, policy }: Setting,
): Promise<Result<Begun, AppendFailure> | Other> {
  const place = placeOf(caller, connection);
  const times = timesOf(policy.connections.get(connection));
  for (let tries = 0; tries < SHARDS; tries++) {
    const session = sessionAt(place, caller, connection, gateway);
    const begun = await beginAt(session, first, () => openingOf(caller, connection, gateway, times));
    if (begun !== null && begun.ok) return ok({ session, sid: begun.sid, seq: begun.seq });
    if (begun === null) return refuse({ reason: "not_recordable" });
    if (!isAppendRefusal(begun.reason)) return begun as Other;
    if (begun.reason !== "overloaded") return refuse({ reason: "not_recordable" });
    place.shard = (place.shard + 1) % SHARDS;
  }
  return refuse({ reason: "overloaded" });
}

const APPEND_REFUSALS: Readonly<Record<AppendRefusal, true>> = {
  session_needed: true,
  overloaded: true,
  storage_refused: true,
  registry_unavailable: true,
  storage_full: true,
  conflict: true,
  malformed: true,
};

function isAppendRefusal(reason: string): reason is AppendRefusal {
  return Object.hasOwn(APPEND_REFUSALS, reason);
}

/** The session object that took the caller's last command on this connection, or would take the first. */
export function currentSession(caller: Caller, connection: ConnectionName, gateway: Gateway): Session {
  return sessionAt(placeOf(caller, connection), caller, connection, gateway);
}

/** The caller's own session object of that id; null if it is somebody else's, or another connection's. */
export function ownSession(
  object: string,
  caller: Caller,
  connection: ConnectionName,
  gateway: Gateway,
): Session | null {
  const place = placeOf(caller, connection);
  for (let shard = 0; shard < SHARDS; shard++)
    if (idAt(place, shard, caller, connection, gateway).toString() === object)
      return sessionAt({ ...place, shard }, caller, connection, gateway);
  return null;
}

function sessionAt(place: Place, caller: Caller, connection: ConnectionName, gateway: Gateway): Session {
  const id = idAt(place, place.shard, caller, connection, gateway);
  const objects = placed(gateway.env.SESSION, gateway.env);
  return new Session(() => objects.get(id));
}

function idAt(
  place: Place,
  shard: number,
  caller: Caller,
  connection: ConnectionName,
  { env, config }: Gateway,
): DurableObjectId {
  const id = place.ids[shard] ?? placed(env.SESSION, env).idFromName(objectName(caller, connection, shard, config));
  place.ids[shard] = id;
  return id;
}

async function beginAt<Other extends { readonly ok: false; readonly reason: string }>(
  session: Session,
  first: (stub: Stub, opening: Opening | null) => Promise<Appended | Other>,
  opening: () => Opening,
): Promise<Appended | Other | null> {
  const begun = await twice(session, (stub) => first(stub, null));
  if (begun === null || begun.ok || begun.reason !== "session_needed") return begun;
  const told = opening();
  return twice(session, (stub) => first(stub, told));
}

function openingOf(
  { authenticated, principalText }: Caller,
  connection: ConnectionName,
  { config }: Gateway,
  times: SessionTimes,
): Opening {
  const { issuer, subject } = authenticated.principal;
  return {
    connection,
    region: config.region,
    protocol: "http",
    fields: { principal: principalText, connection },
    owner: { issuer, subject },
    times,
  };
}

function timesOf(settings: ConnectionSettings | undefined): SessionTimes {
  if (settings === undefined) return LONGEST;
  return { maxMs: settings.sessionSeconds * 1000, idleMs: settings.idleSeconds * 1000 };
}

/** `storage_full`: the object takes outcomes, but no more of bodies. */
export type Recorded = "recorded" | "storage_full" | "not_recorded";

/**
 * Makes what followed durable. If it is not, nothing that it tells of may be released. An object that has
 * too much under way is asked again; meanwhile the stream stands still, and with it whoever sends it.
 */
export async function record(session: Session, records: readonly Masked[]): Promise<Recorded> {
  const made = committed(records);
  for (const pause of BUSY_PAUSES_MS) {
    const appended = await append(session, made);
    if (appended?.ok === true) return "recorded";
    if (appended?.reason === "storage_full") return "storage_full";
    if (appended?.reason !== "overloaded") return "not_recorded";
    await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
  }
  return "not_recorded";
}

/** The same where it only matters whether it worked. */
export async function proceed(session: Session, records: readonly Masked[]): Promise<boolean> {
  return (await record(session, records)) === "recorded";
}

/**
 * As `proceed`, once after each pause until it works, with the same bytes. A `gap` among the records is
 * kept without the others if the command has its outcome already: that one's answer was lost on the way
 * here, and not the record.
 */
export async function proceedAfter(
  pausesMs: readonly number[],
  session: Session,
  records: readonly Masked[],
): Promise<boolean> {
  let left = committed(records);
  for (const pause of pausesMs) {
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    let appended = await append(session, left);
    if (appended !== null && !appended.ok && appended.reason === "conflict") {
      left = left.filter(({ kind }) => kind === "gap");
      if (left.length === 0) return false;
      appended = await append(session, left);
    }
    if (appended !== null && appended.ok) return true;
  }
  return false;
}

function append(session: Session, records: readonly Committed[]): Promise<Appended | null> {
  return twice(session, (stub) => stub.proceed(records) as Promise<Appended>);
}

function committed(records: readonly Masked[]): readonly Committed[] {
  return records.map((record) => commit(record, fillRandom, sha256));
}

/** An exception means that the answer is lost, not that the record is: the same call again tells. */
export async function twice<T>(session: Session, call: (stub: Stub) => Promise<T>): Promise<T | null> {
  try {
    return await session.call(call);
  } catch {
    try {
      return await session.call(call);
    } catch {
      return null;
    }
  }
}
