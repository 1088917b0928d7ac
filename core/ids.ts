// Identifiers that cross module boundaries. Only the parsers below make them, so a bare string
// from outside can never stand where a checked one is expected.

import { toHex } from "./bytes.ts";

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** A session's id: a UUIDv7 in lower case with dashes (RFC 9562 §5.7). Names nobody. */
export type SessionId = Branded<string, "SessionId">;
/** A command's id: a UUIDv7, so that ids made later sort later and index inserts stay local. */
export type CommandId = Branded<string, "CommandId">;
/** A connection's name: `[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?`, no `--` (it separates the region in host names). */
export type ConnectionName = Branded<string, "ConnectionName">;
/** A record's position in its session, from 0, without gaps. */
export type Seq = Branded<number, "Seq">;
/** A SHA-256 digest as 64 lower-case hex digits. */
export type Digest = Branded<string, "Digest">;

const UUID7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const CONNECTION = /^(?!.*--)[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
const DIGEST = /^[0-9a-f]{64}$/;

export function parseSessionId(text: string): SessionId | null {
  return UUID7.test(text) ? (text as SessionId) : null;
}

export function parseCommandId(text: string): CommandId | null {
  return UUID7.test(text) ? (text as CommandId) : null;
}

export function parseConnectionName(text: string): ConnectionName | null {
  return CONNECTION.test(text) ? (text as ConnectionName) : null;
}

export function parseSeq(n: number): Seq | null {
  return Number.isSafeInteger(n) && n >= 0 ? (n as Seq) : null;
}

export function parseDigest(text: string): Digest | null {
  return DIGEST.test(text) ? (text as Digest) : null;
}

/** A UUIDv7 from a time in milliseconds and 10 random bytes (RFC 9562 §5.7). */
function uuid7(milliseconds: number, random: Uint8Array): string {
  // Version and variant take the place of six of the random bits.
  random[0] = 0x70 | ((random[0] ?? 0) & 0x0f);
  random[2] = 0x80 | ((random[2] ?? 0) & 0x3f);
  const time = milliseconds.toString(16).padStart(12, "0");
  const tail = toHex(random);
  return `${time.slice(0, 8)}-${time.slice(8)}-${tail.slice(0, 4)}-${tail.slice(4, 8)}-${tail.slice(8)}`;
}

/** Fills the array with unpredictable bytes and returns it, as `crypto.getRandomValues` does. */
export type FillRandom = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;

export function newSessionId(milliseconds: number, fillRandom: FillRandom): SessionId {
  return uuid7(milliseconds, fillRandom(new Uint8Array(10))) as SessionId;
}

export function newCommandId(milliseconds: number, fillRandom: FillRandom): CommandId {
  return uuid7(milliseconds, fillRandom(new Uint8Array(10))) as CommandId;
}
