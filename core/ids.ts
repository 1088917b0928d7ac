// Identifiers that cross module boundaries. Only the parsers below make them, so a bare string
// from outside can never stand where a checked one is expected.

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

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** A UUIDv7 from a time in milliseconds and 10 random bytes (RFC 9562 §5.7). */
function uuid7(milliseconds: number, random: Uint8Array): string {
  const time = milliseconds.toString(16).padStart(12, "0");
  const at = (index: number): number => random[index] ?? 0;
  const hex = (index: number): string => HEX[at(index)] ?? "00";
  const version = HEX[0x70 | (at(0) & 0x0f)] ?? "70";
  const variant = HEX[0x80 | (at(2) & 0x3f)] ?? "80";
  const tail = hex(4) + hex(5) + hex(6) + hex(7) + hex(8) + hex(9);
  return `${time.slice(0, 8)}-${time.slice(8)}-${version}${hex(1)}-${variant}${hex(3)}-${tail}`;
}

/** Fills the array with unpredictable bytes and returns it, as `crypto.getRandomValues` does. */
export type FillRandom = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;

export function newSessionId(milliseconds: number, fillRandom: FillRandom): SessionId {
  return uuid7(milliseconds, fillRandom(new Uint8Array(10))) as SessionId;
}

export function newCommandId(milliseconds: number, fillRandom: FillRandom): CommandId {
  return uuid7(milliseconds, fillRandom(new Uint8Array(10))) as CommandId;
}
