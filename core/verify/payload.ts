// What a record says of a body: its form, and its size. docs/record_format.md §5.4. Written from that page
// and not with the code that makes such records.

import { fromBase64 } from "../bytes.ts";
import type { ReadFields } from "./read_line.ts";

const INLINE_BYTES = 16_384;
const BESIDE_BYTES = 1_048_576;

export type ReadPayload =
  | { readonly kind: "none" }
  /** In the record itself. */
  | { readonly kind: "here"; readonly bytes: Uint8Array }
  /** Beside it: not in an export. */
  | { readonly kind: "beside"; readonly size: number; readonly sha256: string }
  /** There is one, or may be; this reader is not shown it. */
  | { readonly kind: "withheld" }
  | { readonly kind: "wrong"; readonly detail: string };

const NAMES: ReadonlySet<string> = new Set(["payload", "payload.b64", "payload_digest"]);
const encoder = new TextEncoder();

export function readPayload({ fields, withheld }: ReadFields): ReadPayload {
  const own = fields.filter(({ name }) => NAMES.has(name));
  const hidden = withheld.filter(({ name }) => NAMES.has(name));
  const [only] = own;
  if (own.length + hidden.length > 1) return wrong("a body in two forms");
  if (hidden.length > 0) return { kind: "withheld" };
  if (only === undefined) return { kind: "none" };
  if (only.name === "payload_digest") return readDigest(only.value);
  const bytes = only.name === "payload" ? encoder.encode(only.value) : fromBase64(only.value);
  if (bytes === null) return wrong("payload.b64 is not base64");
  return bytes.length <= INLINE_BYTES ? { kind: "here", bytes } : wrong(`${only.name} is too long for a field`);
}

function readDigest(value: string): ReadPayload {
  const [, sha256, digits] = /^\{"sha256":"([0-9a-f]{64})","size":([1-9]\d{0,6})\}$/.exec(value) ?? [];
  const size = Number(digits);
  if (sha256 === undefined || size <= INLINE_BYTES || size > BESIDE_BYTES)
    return wrong("payload_digest is no digest and size of bytes beside a record");
  return { kind: "beside", size, sha256 };
}

/** Null where it is not told. */
export function sizeOf(payload: ReadPayload): number | null {
  switch (payload.kind) {
    case "none":
      return 0;
    case "here":
      return payload.bytes.length;
    case "beside":
      return payload.size;
    case "withheld":
    case "wrong":
      return null;
  }
}

/** Null if `spans` and `pseudonyms` have their form, or are not shown; else what is wrong with them. */
export function brokenSpans({ fields, withheld }: ReadFields): string | null {
  const text = fields.find(({ name }) => name === "spans")?.value;
  const names = fields.find(({ name }) => name === "pseudonyms")?.value;
  if (text === undefined)
    return names === undefined || withheld.some(({ name }) => name === "spans") ? null : "pseudonyms without spans";
  const spans = list(text);
  if (spans === null || spans.length === 0) return "spans is no list in canonical form";
  let before = 0;
  let count = 0;
  for (const [index, span] of spans.entries()) {
    if (!isObject(span)) return "a span is no object";
    if (index === spans.length - 1 && Object.keys(span).join() === "cut" && isCount(span.cut)) continue;
    const { at, length, put, rule } = span;
    if (Object.keys(span).join() !== "at,length,put,rule") return "a span has other keys";
    if (!isCount(at) || !isCount(length) || !isCount(put) || typeof rule !== "string") return "a span says no place";
    if (at < before) return "spans are out of order";
    before = at;
    count += 1;
  }
  if (names === undefined) return null;
  const pseudonyms = list(names);
  const areNames = pseudonyms?.every((one) => one === null || typeof one === "string") === true;
  return areNames && pseudonyms.length === count ? null : "pseudonyms do not stand beside spans";
}

/** Keys are few and in order, numbers are integers: here JSON.stringify writes RFC 8785. */
function list(text: string): unknown[] | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && JSON.stringify(value) === text ? value : null;
  } catch {
    return null;
  }
}

function wrong(detail: string): ReadPayload {
  return { kind: "wrong", detail };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
