// The shapes a record goes through. docs/record_format.md gives every byte.
//
//   Draft --mask--> Masked --commit--> Committed --append--> leaf text + disclosure

import type { CommandId, Digest } from "../ids.ts";

export const KINDS = [
  "session.opened",
  "session.closed",
  "command.requested",
  "command.denied",
  "command.completed",
  "command.failed",
  "command.cancelled",
  "response.started",
  "stream.chunk",
  "approval.requested",
  "approval.decided",
  "approval.expired",
  "approval.revoked",
  "outcome.late",
  "erasure",
  "gap",
] as const;
export type Kind = (typeof KINDS)[number];

/** Kinds that end a command; at most one of them per command. */
export const OUTCOMES = ["command.denied", "command.completed", "command.failed", "command.cancelled"] as const;

/** Clear part of a leaf: integers and short strings that name nobody. Keys `[a-z_]{1,32}`, strings ≤ 128 bytes of printable ASCII. */
export type Classes = Readonly<Record<string, string | number>>;

/** Committed part: name → UTF-8 text. Structured values are RFC 8785 text; bytes that are not UTF-8 are base64 under a name ending in `.b64`. */
export type Fields = Readonly<Record<string, string>>;

/** What happened, before masking. `command` is null for records about the session itself. `part` counts records of one kind within a command. */
export interface Draft {
  readonly kind: Kind;
  readonly command: CommandId | null;
  readonly part: number;
  readonly classes: Classes;
  readonly fields: Fields;
  /** Bytes that stand beside the record because they are many; the field `payload_digest` commits to them. */
  readonly payload?: Uint8Array | null;
}

declare const masked: unique symbol;
/** A draft whose secrets are gone. Only core/mask makes one; only core/record/commit.ts takes one. */
export type Masked = Draft & { readonly [masked]: true };

/** One committed field as disclosed: name, salt (32 bytes, base64url without padding), value. */
export type Disclosed = readonly [name: string, salt: string, value: string];

/**
 * A record ready to be appended: strings and bytes, so that it crosses RPC cheaply and is stored as it is.
 * `classes` is RFC 8785 text of the classes; `disclosure` is JSON text of `Disclosed[]`, sorted by name;
 * `payload` are the bytes that the field `payload_digest` commits to, null where there is no such field.
 */
export interface Committed {
  readonly kind: Kind;
  readonly command: CommandId | null;
  readonly part: number;
  readonly classes: string;
  readonly root: Digest;
  readonly disclosure: string;
  readonly payload: Uint8Array | null;
}

/** A record as stored and exported: the exact bytes that were hashed, and what they commit to. */
export interface StoredRecord {
  readonly leaf: string;
  readonly disclosure: string;
}

/** Synchronous SHA-256. The platform's is passed in: node:crypto in workerd (2 µs a call), noble elsewhere. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;
