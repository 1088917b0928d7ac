// What a region's control object is asked and answers, over RPC. Types only: the Worker reads them
// without the object's code.

import type { Revocations } from "../core/auth/revocation.ts";
import type { CommandId, ConnectionName, Digest, SessionId } from "../core/ids.ts";

/** What a Worker polls for: small, whatever the policy's size. */
export interface ControlSnapshot {
  /** The policy in force, and the command by which an admin applied it; null while none was ever applied. */
  readonly policy: { readonly hash: Digest; readonly no: number; readonly command: CommandId } | null;
  readonly revocations: Revocations;
  /** Rows that D1 has not taken yet. */
  readonly historyLag: number;
}

/** One application of a policy's text. The same text applied again later is another version. */
export interface PolicyVersion {
  /** From 1, without gaps. */
  readonly no: number;
  /** SHA-256 of the text's UTF-8 bytes. */
  readonly hash: Digest;
  readonly previous: Digest | null;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly by: { readonly issuer: string; readonly subject: string };
  /** The admin's command that applied it. */
  readonly command: CommandId;
  readonly comment: string;
}

export interface PolicyApplication {
  readonly hash: Digest;
  readonly text: string;
  /** The hash that the admin believes to be in force; the empty policy's if there is none. */
  readonly expected: Digest;
  readonly by: { readonly issuer: string; readonly subject: string };
  readonly command: CommandId;
  readonly comment: string;
}

export type PolicyApplied =
  | { readonly ok: true; readonly version: PolicyVersion }
  | { readonly ok: false; readonly reason: "stale"; readonly current: Digest };

/** A page of a list that is newest first: entries whose `no` is below `before`, or the newest ones. */
export interface PageRequest {
  readonly before: number | null;
  readonly limit: number;
}

/** One of the two forms: a token by its `jti`, or a subject's tokens issued before a time (seconds). */
export interface RevocationRequest {
  readonly token: string | null;
  readonly subject: { readonly issuer: string; readonly subject: string; readonly before: number } | null;
  readonly reason: string;
  /** The admin's command that asks for it. */
  readonly command: CommandId;
}

export interface RevocationEntry extends RevocationRequest {
  readonly no: number;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** Ends a session for good: its caller's tokens from before are refused on its connection. */
export interface KillRequest {
  readonly sid: SessionId;
  /** Id of the session object. */
  readonly object: string;
  readonly issuer: string;
  readonly subject: string;
  /** The actor chain, as `actorsText` in core/auth/revocation.ts writes it. */
  readonly actors: string;
  readonly connection: ConnectionName;
  /** Seconds since 1970: tokens issued before. */
  readonly before: number;
  readonly reason: string;
  readonly command: CommandId;
}

/** What somebody signs decisions with. */
export interface Passkey {
  /** base64url, as the browser names it. */
  readonly credential: string;
  /** COSE_Key (RFC 9052 §7), base64url. */
  readonly publicKey: string;
  /** Of the last signature; stays 0 where the device does not count. */
  readonly counter: number;
  readonly transports: readonly string[];
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** The person's command that added it. */
  readonly command: CommandId;
}

/** A challenge that was given out, to be used up: good once, until `until` (milliseconds since 1970). */
export interface OneChallenge {
  readonly nonce: string;
  readonly until: number;
}

export interface Subject {
  readonly issuer: string;
  readonly subject: string;
}

export interface PasskeyOrder extends Omit<Passkey, "created"> {
  readonly by: Subject;
  readonly challenge: OneChallenge;
}

export type PasskeyAdded = "added" | "challenge_used" | "passkey_known" | "passkeys_full";

/** A signature that was found right, and the count that came with it. */
export interface PasskeyUse {
  readonly credential: string;
  readonly by: Subject;
  readonly counter: number;
  readonly challenge: OneChallenge;
}

export type PasskeyUsed = "used" | "challenge_used" | "passkey_unknown" | "passkey_counter";

export interface ControlRpc {
  snapshot(): Promise<ControlSnapshot>;
  /** A text that was in force once, whatever is now; null if it never was. */
  policyText(hash: Digest): Promise<string | null>;
  /** Puts a text in force if `expected` still is. Idempotent on the command. A rollback applies an older text. */
  applyPolicy(application: PolicyApplication): Promise<PolicyApplied>;
  policyVersions(page: PageRequest): Promise<readonly PolicyVersion[]>;
  /** Idempotent on the command. */
  revoke(request: RevocationRequest): Promise<void>;
  revocations(page: PageRequest): Promise<readonly RevocationEntry[]>;
  /** Idempotent on the command. */
  kill(request: KillRequest): Promise<void>;
  /** True for the first who asks with this id, and false for everybody after; forgotten after `until`, in milliseconds since 1970. */
  useOnce(id: string, until: number): Promise<boolean>;
  /** Of a person, oldest first, without those that they removed. */
  passkeys(by: Subject): Promise<readonly Passkey[]>;
  /** Uses up its challenge. Idempotent on the command. */
  addPasskey(order: PasskeyOrder): Promise<PasskeyAdded>;
  /** False if the person has no such passkey. */
  removePasskey(by: Subject, credential: string, command: CommandId): Promise<boolean>;
  /** Uses up the challenge and keeps the count, both in one turn: of two who bring the same signature one is refused. */
  usePasskey(use: PasskeyUse): Promise<PasskeyUsed>;
}
