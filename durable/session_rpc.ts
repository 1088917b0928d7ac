// What a Worker may ask of a session object, and what it hears. Refusals are values: an exception
// across RPC would lose its type and, in tests, fail the run.

import type { CommandId, ConnectionName, Digest, SessionId } from "../core/ids.ts";
import type { Committed, Fields, StoredRecord } from "../core/record/record.ts";

/** What the object needs to open a session when none is open. Sent only when the object asked for it. */
export interface Opening {
  readonly connection: ConnectionName;
  readonly region: string;
  readonly protocol: string;
  /** Masked fields of `session.opened`: principal and actors as RFC 8785 text, connection, client. */
  readonly fields: Fields;
  /** `issuer` and `subject`, kept by the registry so that a caller can list their own sessions. */
  readonly owner: { readonly issuer: string; readonly subject: string };
}

export type AppendRefusal =
  /** No session is open: call again with an `Opening`. */
  | "session_needed"
  /** The queue is full: try the next shard, else 503 with Retry-After. */
  | "overloaded"
  /** The storage refused the write; nothing of the batch was kept. */
  | "storage_refused"
  /** The registry could not be told of the new session. */
  | "registry_unavailable"
  /** The same (command, kind, part) is recorded with other bytes. */
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
  /** Where to go on, or null at the end. */
  readonly next: number | null;
}

/** Resolves only when everything it was given is durable (output gate), except where noted. */
export interface SessionRpc {
  /** Appends `command.requested` (opening a lease) or `command.denied`. Idempotent. */
  begin(record: Committed, opening: Opening | null): Promise<Appended>;
  /** Appends records of a command that has begun, in order, all or none; an outcome closes its lease. Idempotent. An outcome after the lease lapsed becomes `outcome.late`. */
  proceed(records: readonly Committed[]): Promise<Appended>;
  /** Renews the lease of an open command; false if it is not open any more. Writes at most once in LEASE_MS. */
  renew(command: CommandId): Promise<boolean>;
  describe(sid: SessionId): Promise<SessionSummary | null>;
  read(sid: SessionId, from: number, limit: number): Promise<RecordPage | null>;
}
