// A small body, which one record holds whole: opened of its coding, masked, and bounded by what is to
// be recorded of it.

import { payloadFields, type PayloadNature, type RecordedPayload } from "../../core/mask/payload_fields.ts";
import { sha256 } from "../../durable/sha256.ts";
import type { Stated } from "./body_record.ts";
import { NotOpened, openWhole } from "./coding.ts";
import { MaskedPayload, type PayloadPart } from "./masked_payload.ts";
import { Meter } from "./meter.ts";
import type { Recording } from "./recording.ts";
import type { ToCaller } from "./to_caller.ts";

/** Bodies up to this are read whole: cheaper than stream machinery, and small enough for 64 at once. */
export const WHOLE_BODY_LIMIT: number = 64 * 1024;
/** What one may open to and still stand in one record; past it, it is recorded in chunks as a large one is. */
const WHOLE_OPENED_LIMIT: number = 512 * 1024;

export type Whole =
  /** `release` is what may go on once the record is durable. */
  | {
      readonly kind: "recorded";
      readonly payload: RecordedPayload | null;
      readonly meter: Meter;
      readonly release: Uint8Array;
    }
  /** It takes more than one record. */
  | { readonly kind: "in_chunks" }
  | { readonly kind: "mask_failed" }
  | { readonly kind: "unreadable" };

/** Never throws. */
export function recordWhole(
  body: Uint8Array,
  recording: Recording,
  stated: Stated,
  toCaller: ToCaller | null = null,
): Whole {
  const meter = new Meter(recording.commitment);
  meter.whole(body);
  const isRecorded = recording.extent !== "metadata";
  if (body.length === 0 || !(isRecorded || toCaller !== null)) {
    meter.isShown = body.length === 0;
    meter.cut = body.length;
    return { kind: "recorded", payload: null, meter, release: body };
  }
  try {
    const plain = plainOf(body, stated);
    if (plain === "too_large") return { kind: "in_chunks" };
    if (plain === "unreadable") return opaque(body, recording, meter, toCaller);
    const release = toCaller === null ? body : joined(toCaller.take(plain), toCaller.end());
    if (!isRecorded) {
      meter.isShown = false;
      meter.cut = body.length;
      return { kind: "recorded", payload: null, meter, release };
    }
    const payload = new MaskedPayload(recording.masker(stated.contentType), recording.extent);
    payload.push(plain);
    payload.end();
    const parts = payload.takeParts();
    if (parts.length > 1) return { kind: "in_chunks" };
    return { kind: "recorded", payload: told(parts[0] ?? null, payload, meter, recording, stated), meter, release };
  } catch {
    return { kind: "mask_failed" };
  }
}

function plainOf(body: Uint8Array, { coding }: Stated): Uint8Array | "too_large" | "unreadable" {
  if (coding === null) return body;
  if (coding === "unknown") return "unreadable";
  try {
    return openWhole(coding, body, WHOLE_OPENED_LIMIT) ?? "too_large";
  } catch (error) {
    if (error instanceof NotOpened) return "unreadable";
    throw error;
  }
}

/** Recorded by commitment only, unless that is not enough here. */
function opaque(body: Uint8Array, recording: Recording, meter: Meter, toCaller: ToCaller | null): Whole {
  if (recording.unreadable === "refuse" || toCaller !== null) return { kind: "unreadable" };
  meter.isShown = false;
  const nature: PayloadNature = { format: "opaque", raw: recording.commitment(meter.digest()) };
  return { kind: "recorded", payload: payloadFields([], nature, sha256), meter, release: body };
}

function told(
  part: PayloadPart | null,
  payload: MaskedPayload,
  meter: Meter,
  recording: Recording,
  { coding }: Stated,
): RecordedPayload {
  const isCut = payload.told < payload.plain;
  // Of a coded body there is no telling which of its bytes the rest came from.
  if (isCut) meter.cut = coding === null ? payload.plain - payload.told : meter.bytes;
  meter.isShown = !isCut && coding === null && part?.hasSpans !== true;
  const raw = meter.isShown ? null : recording.commitment(meter.digest());
  return payloadFields(part?.pieces ?? [], { format: payload.format, coding, raw } as PayloadNature, sha256);
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (second.length === 0) return first;
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
