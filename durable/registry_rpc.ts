// What a session object and the Worker may ask of a registry shard.

import type { ConnectionName, Digest, SessionId } from "../core/ids.ts";

export interface Owner {
  readonly issuer: string;
  readonly subject: string;
}

export interface SessionOpening {
  readonly sid: SessionId;
  /** The session object's id, as `idFromString` takes it. */
  readonly object: string;
  readonly connection: ConnectionName;
  readonly owner: Owner;
  /** Milliseconds since 1970. */
  readonly time: number;
}

export interface SessionClosing {
  readonly sid: SessionId;
  readonly time: number;
  readonly size: number;
  readonly root: Digest;
  readonly tip: Digest;
  readonly reason: string;
}

export interface SessionEntry {
  readonly sid: SessionId;
  readonly object: string;
  readonly connection: ConnectionName;
  readonly owner: Owner;
  readonly opened: number;
  readonly closed: number | null;
  readonly size: number | null;
  /** Why it was closed: `idle`, `max`, `killed`; null while it is open. */
  readonly reason: string | null;
}

/** Newest first. `before` is the `sid` of the last entry of the page before. What is null or left out does not narrow. */
export interface SessionQuery {
  readonly owner: Owner | null;
  readonly before: SessionId | null;
  readonly limit: number;
  readonly connection?: string | undefined;
  /** Of the owner, whoever the issuer. */
  readonly subject?: string | undefined;
  readonly state?: "open" | "closed" | undefined;
  /** Opened then; milliseconds since 1970, both included. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}
