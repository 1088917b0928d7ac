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
import type { Appended, CutWord, Opening } from "../durable/session_rpc.ts";
import { fillRandom, sha256 } from "../durable/sha256.ts";
import { type Caller, objectName, type Place, placeOf } from "./caller.ts";
import type { Gateway } from "./gateway.ts";

/** A busy caller overflows into further objects; each takes some hundred durable appends a second in production. */
const SHARDS = 4;

/** Pauses while an object has too much under way: 13 s or so, well within a lease. */
const BUSY_PAUSES_MS: readonly number[] = [20, 40, 80, 160, 320, 640, 1_280, 2_560, 2_560, 2_560, 2_560];

type Stub = DurableObjectStub<SessionObject>;

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

/** Makes `command.requested` or `command.denied` durable, opening a session if none is open. */
export async function begin(
  record: Masked,
  caller: Caller,
  connection: ConnectionName,
  { gateway, policy }: { readonly gateway: Gateway; readonly policy: Policy },
): Promise<Result<Begun, AppendFailure>> {
  const committed = commit(record, fillRandom, sha256);
  const place = placeOf(caller, connection);
  const times = timesOf(policy.connections.get(connection));
  for (let tries = 0; tries < SHARDS; tries++) {
    const session = sessionAt(place, caller, connection, gateway);
    const appended = await beginAt(session, committed, () => openingOf(caller, connection, gateway, times));
    if (appended !== null && appended.ok) return ok({ session, sid: appended.sid, seq: appended.seq });
    if (appended === null || appended.reason !== "overloaded") return refuse({ reason: "not_recordable" });
    place.shard = (place.shard + 1) % SHARDS;
  }
  return refuse({ reason: "overloaded" });
}

function sessionAt(place: Place, caller: Caller, connection: ConnectionName, { env, config }: Gateway): Session {
  const objects = placed(env.SESSION, env);
  const id = place.ids[place.shard] ?? objects.idFromName(objectName(caller, connection, place.shard, config));
  place.ids[place.shard] = id;
  return new Session(() => objects.get(id));
}

async function beginAt(session: Session, record: Committed, opening: () => Opening): Promise<Appended | null> {
  const appended = await twice(session, (stub) => stub.begin(record, null));
  if (appended === null || appended.ok || appended.reason !== "session_needed") return appended;
  const told = opening();
  return twice(session, (stub) => stub.begin(record, told));
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
  return twice(session, (stub) => stub.proceed(records));
}

function committed(records: readonly Masked[]): readonly Committed[] {
  return records.map((record) => commit(record, fillRandom, sha256));
}

/** An exception means that the answer is lost, not that the record is: the same call again tells. */
async function twice(session: Session, call: (stub: Stub) => Promise<Appended>): Promise<Appended | null> {
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
