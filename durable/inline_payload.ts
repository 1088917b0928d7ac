// Payloads that stand in a record's own fields, as its disclosure has them.

import { fromBase64 } from "../core/bytes.ts";
import type { Disclosed } from "../core/record/record.ts";

const encoder = new TextEncoder();

/** No value can hold this: a quotation mark in a JSON string is escaped. */
const TEXT_FIELD = '["payload","';
const BYTES_FIELD = '["payload.b64","';

/** No bytes where the record has no payload of its own. */
export function inlinePayload(disclosure: string): Uint8Array {
  // Most records have none, and a disclosure can be long.
  if (!disclosure.includes(TEXT_FIELD) && !disclosure.includes(BYTES_FIELD)) return new Uint8Array(0);
  for (const [name, , value] of JSON.parse(disclosure) as readonly Disclosed[]) {
    if (name === "payload") return encoder.encode(value);
    if (name !== "payload.b64") continue;
    const bytes = fromBase64(value);
    if (bytes === null) throw new Error("a stored payload that is no base64");
    return bytes;
  }
  return new Uint8Array(0);
}

export function payloadSize(disclosure: string): number {
  return inlinePayload(disclosure).length;
}
