// From what a masker decided to what a record holds of it: text, base64, or a digest with the bytes beside
// it. The only maker of `RecordedPayload`, so that no byte gets into a record past a masker.

import { toBase64, toHex } from "../bytes.ts";
import { INLINE_LIMIT } from "../record/payload.ts";
import type { Classes, Fields, Sha256 } from "../record/record.ts";
import type { Format, MaskedPiece, Span } from "./span.ts";

/** Characters of the field `spans`. A body can be made of nothing but secrets, and a record never fails because a caller sent much. */
export const SPANS_LIMIT: number = 64 * 1024;

/** What one record tells of a body. */
interface Told {
  /** `format`, and `coding` where one was opened. */
  readonly classes: Classes;
  readonly fields: Fields;
  /** The masked bytes, where they are too many for a field. */
  readonly detached: Uint8Array | null;
  /** Masked bytes, wherever they stand: by so much the next record's `at` is further on. */
  readonly size: number;
}

declare const recorded: unique symbol;
/** Only `payloadFields` makes one; only core/mask/mask_draft.ts takes one. */
export type RecordedPayload = Told & { readonly [recorded]: true };

export interface PayloadNature {
  /** `opaque`: in a coding that cannot be opened; then there are no pieces, and `raw` is all that is told. */
  readonly format: Format | "opaque";
  /** The content coding that was opened. */
  readonly coding?: string | null;
  /** Keyed commitment of the bytes that travelled, where the payload is not those bytes. 64 hex digits. */
  readonly raw?: string | null;
}

/** Several pieces stand in one record as if they had been one. */
export function payloadFields(
  pieces: readonly Pick<MaskedPiece, "bytes" | "spans">[],
  nature: PayloadNature,
  sha256: Sha256,
): RecordedPayload {
  const bytes = joined(pieces.map((piece) => piece.bytes));
  const spans = pieces.flatMap((piece) => piece.spans).sort((a, b) => a.at - b.at);
  const fields: Record<string, string> = { ...spanFields(spans) };
  if (typeof nature.raw === "string") fields.raw = nature.raw;
  const classes = {
    format: nature.format,
    ...(typeof nature.coding === "string" ? { coding: nature.coding } : {}),
  };
  let detached: Uint8Array | null = null;
  if (bytes.length > INLINE_LIMIT) {
    detached = bytes;
    fields.payload_digest = `{"sha256":"${toHex(sha256(bytes))}","size":${bytes.length}}`;
  } else if (bytes.length > 0) {
    const text = asText(bytes);
    if (text === null) fields["payload.b64"] = toBase64(bytes);
    else fields.payload = text;
  }
  const told: Told = { classes, fields, detached, size: bytes.length };
  return told as RecordedPayload;
}

/** RFC 8785 text of both lists; what is past the limit is left out of both and counted in a last span. */
function spanFields(spans: readonly Span[]): Fields {
  if (spans.length === 0) return {};
  const kept: string[] = [];
  let size = 0;
  for (const { at, length, put, rule } of spans) {
    const one = `{"at":${at},"length":${length},"put":${put},"rule":${JSON.stringify(rule)}}`;
    size += one.length + 1;
    if (size > SPANS_LIMIT) break;
    kept.push(one);
  }
  const pseudonyms = spans.slice(0, kept.length).map(({ pseudonym }) => pseudonym);
  if (kept.length < spans.length) kept.push(`{"cut":${spans.length - kept.length}}`);
  const told = `[${kept.join()}]`;
  return pseudonyms.every((one) => one === null)
    ? { spans: told }
    : { spans: told, pseudonyms: JSON.stringify(pseudonyms) };
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Null for bytes that are not UTF-8. */
function asText(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

/** Of its own: a view of a larger buffer would take all of that along wherever it is sent. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined && only.byteLength === only.buffer.byteLength) return only;
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
