// What a log takes from whoever calls its object: the shape that `commit` gives, and nothing else. A
// leaf of any other would be evidence that nobody can read, a digest that is not that of the bytes
// beside it would be false evidence.

import { toHex } from "../core/bytes.ts";
import { parseCommandId, parseDigest } from "../core/ids.ts";
import { DETACHED_LIMIT, INLINE_LIMIT } from "../core/record/payload.ts";
import { type Committed, KINDS } from "../core/record/record.ts";
import { sha256 } from "./sha256.ts";

/**
 * A row holds 2 MB (developers.cloudflare.com/durable-objects/platform/limits). A character takes at
 * most 3 bytes: 3 × 512 Ki = 1.5 MiB, which leaves room for the leaf. One row too large would fail its whole batch.
 */
export const DISCLOSURE_LIMIT: number = 512 * 1024;

const KNOWN_KINDS: ReadonlySet<string> = new Set(KINDS);
const CLASSES = /^\{(?:"[a-z_]{1,32}":(?:-?\d{1,16}|"(?:[ !#-[\]-~]|\\["\\])*")(?:,(?=")|(?=\}$)))*\}$/;

export function isWellFormed(record: Committed): boolean {
  const { kind, command, part, classes, root, disclosure } = record;
  return (
    KNOWN_KINDS.has(kind) &&
    Number.isSafeInteger(part) &&
    part >= 0 &&
    (command === null || parseCommandId(command) !== null) &&
    parseDigest(root) !== null &&
    CLASSES.test(classes) &&
    typeof disclosure === "string" &&
    disclosure.length <= DISCLOSURE_LIMIT &&
    isItsPayload(record)
  );
}

/** No value can hold this: a quotation mark in a JSON string is escaped. */
const DIGEST_FIELD = '["payload_digest","';
const DIGEST_VALUE = /^[A-Za-z0-9_-]{43}","\{\\"sha256\\":\\"([0-9a-f]{64})\\",\\"size\\":([1-9]\d{0,6})\}"\]/;

/**
 * True if the bytes are those that the record's field commits to, or if there are neither. Hashed here
 * once more: 256 KiB take a quarter of a millisecond, a fraction of what writing them takes, and from
 * here on nothing would find out that the digest is of other bytes.
 */
function isItsPayload({ disclosure, payload }: Committed): boolean {
  const at = disclosure.indexOf(DIGEST_FIELD);
  if (payload === null || at < 0) return payload === null && at < 0;
  const from = at + DIGEST_FIELD.length;
  const [, digest, size] = DIGEST_VALUE.exec(disclosure.slice(from, from + 192)) ?? [];
  return (
    payload instanceof Uint8Array &&
    payload.length > INLINE_LIMIT &&
    payload.length <= DETACHED_LIMIT &&
    Number(size) === payload.length &&
    toHex(sha256(payload)) === digest
  );
}
