// What a Worker may ask of a session object, and what it hears. Refusals are values: an exception
// across RPC would lose its type and, in tests, fail the run.

import type { CommandId, ConnectionName, Digest, SessionId } from "../core/ids.ts";
import type { Side } from "../core/record/payload.ts";
import type { Committed, Fields, StoredRecord } from "../core/record/record.ts";
import type { CommandOutline } from "./command_outline.ts";
import type { SessionTimes } from "./session_life.ts";

/** What the object needs to open a session when none is open. Sent only when the object asked for it. */
export interface Opening {
  readonly connection: ConnectionName;
  readonly region: string;
  readonly protocol: string;
  /** Masked fields of `session.opened`: principal and actors as RFC 8785 text, connection, client. */
  readonly fields: Fields;
  /** `issuer` and `subject`, kept by the registry so that a caller can list their own sessions. */
  readonly owner: { readonly issuer: string; readonly subject: string };
  /** As long as any may where it is not given. */
  readonly times?: SessionTimes;
}

export type AppendRefusal =
  /** No session is open: call again with an `Opening`. */
  | "session_needed"
  /** The queue is full, or no session may be opened here: to begin, try the next shard, else 503 with Retry-After; to proceed, try again after a pause. */
  | "overloaded"
  /** The storage refused the write; nothing of the batch was kept. */
  | "storage_refused"
  /** The registry could not be told of the new session. */
  | "registry_unavailable"
  /** This object holds as much as it may: nothing of the payload is taken any more, outcomes are. */
  | "storage_full"
  /** The same (command, kind, part) is recorded with other bytes, or it does not follow what is recorded. */
  | "conflict"
  /** Not a record this object accepts (unknown kind, leaf over 2 KiB, command without intent). */
  | "malformed";

export type Appended =
  | { readonly ok: true; readonly sid: SessionId; readonly seq: number; readonly leaf: Digest }
  | { readonly ok: false; readonly reason: AppendRefusal };

export interface SessionSummary {
  readonly sid: SessionId;
  readonly opened: number;
  readonly closed: number | null;
  readonly size: number;
  /** Leaf hash of the last record, and the RFC 6962 root over all of them. */
  readonly tip: Digest;
  readonly root: Digest;
  readonly openCommands: readonly CommandId[];
}

export interface RecordPage {
  readonly records: readonly StoredRecord[];
  /** The `seq` to go on from, or null at the end. */
  readonly next: number | null;
}

/** A piece of what stands in the records as a command's body: masked, and opened of its content coding. */
export interface PayloadPage {
  readonly bytes: Uint8Array;
  /** Bytes of it that are recorded by now. */
  readonly size: number;
  /** True once no more can come. */
  readonly complete: boolean;
}

/** Bytes that one call of `payloadOf` answers at most. */
export const PAYLOAD_PAGE: number = 4 * 1024 * 1024;

/** An admin ends a session. `command` is the command by which they do. */
export interface KillRequest {
  readonly command: CommandId;
  /** For the readers of the admin's own record; the session's record names only the command. */
  readonly reason: string;
}

export type Killed =
  /** `killed`: no further command is taken, what runs is told, and the session closes after it. `closed`: it had ended by itself. */
  | { readonly ok: true; readonly state: "killed" | "closed" }
  /** `unknown`: no session of this object. `refused`: the storage did not take it; nothing has changed, ask again. */
  | { readonly ok: false; readonly state: "unknown" | "refused" };

/**
 * `killed`: its session was; end it at once. `session_over`: its session has lasted as long as one may.
 * `grant_over`, `approval_revoked`: what let it go on for a time is over, or was taken back. `not_open`:
 * this object no longer waits for it; do not ask again.
 */
export type CutReason = "killed" | "session_over" | "grant_over" | "approval_revoked" | "not_open";

/** `by`: the command of whoever killed the session, or took the approval back. */
export interface CutWord {
  readonly reason: CutReason;
  readonly by: CommandId | null;
}

/** No call waits longer than this, whatever was asked for: the caller asks again. */
export const LONG_POLL_MS = 25_000;

/** What an object may be asked beside the records. Idempotent, all of it. */
export interface SessionWatchRpc {
  kill(sid: SessionId, request: KillRequest): Promise<Killed>;
  /** Waits until the command is to be cut; null after LONG_POLL_MS, or at once if too many wait: ask again, once a second at most. */
  untilCut(command: CommandId): Promise<CutWord | null>;
  /**
   * Waits until the session has more than `size` records or is closed, `ms` at most, and answers its size.
   * At once if it is closed, unknown (0), or too many wait.
   */
  waitForMore(sid: SessionId, size: number, ms: number): Promise<number>;
  /** Has the whole session indexed anew; false if the object knows no such session. */
  reindex(sid: SessionId): Promise<boolean>;
  /** How many of this object's records the search database lacks; null where the region has none. A few for a second or two is usual. */
  indexLag(): Promise<number | null>;
}

/** Resolves only when everything it was given is durable (output gate), except where noted. */
export interface SessionRpc {
  /** Appends `command.requested` (opening a lease, unless it has the class `oneway`) or `command.denied`. Idempotent. */
  begin(record: Committed, opening: Opening | null): Promise<Appended>;
  /** Appends records of a command that has begun, in order, all or none; an outcome closes its lease. Idempotent. An outcome after the lease lapsed becomes `outcome.late`. */
  proceed(records: readonly Committed[]): Promise<Appended>;
  /** Renews the lease of an open command; false if it is not open any more. Writes at most once in LEASE_MS. */
  renew(command: CommandId): Promise<boolean>;
  /** As it was when it had `size` records, if that is given and it has more. */
  describe(sid: SessionId, size?: number): Promise<SessionSummary | null>;
  read(sid: SessionId, from: number, limit: number): Promise<RecordPage | null>;
  /** The records of one command from a `seq` on, in order; none if it is not the session's. Fewer than `limit` where they are large. */
  recordsOf(sid: SessionId, command: CommandId, from?: number, limit?: number): Promise<RecordPage>;
  /** The same without the bulk of it. Null if the session has no such command. */
  outlineOf(sid: SessionId, command: CommandId): Promise<CommandOutline | null>;
  /** Null if the session has no such command, or the range is none. A message of a socket is its command's request, whichever way it goes. */
  payloadOf(sid: SessionId, command: CommandId, side: Side, from: number, limit: number): Promise<PayloadPage | null>;
}
