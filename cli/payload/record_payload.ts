// What one record holds of a body, for a person: its beginning, on a line. Reads fields as text that may
// be anything; a field of another shape is left out, never an error.

import { fromBase64 } from "../../core/bytes.ts";
import type { ReadField, ReadLeaf } from "../../core/verify/read_line.ts";
import { cutTo, widthOf } from "../table.ts";
import { plainOf, shown, type Style } from "../terminal.ts";
import { bytesText } from "../time_text.ts";
import { type MaskedPlace, marksOf, textOf } from "./payload_lines.ts";
import { paintedLine } from "./painted.ts";

/** Characters of a body that are looked at for a line. */
const BEGINNING = 400;

export interface RecordPayload {
  /** Towards the tool, or from it. */
  readonly isSent: boolean;
  readonly format: string | null;
  /** Bytes of the masked body in this record. */
  readonly size: number;
  /** Where they begin in the masked body. */
  readonly at: number;
  /** Null where they stand beside the record. */
  readonly bytes: Uint8Array | null;
  /** In these bytes; none where it is not known by how much they moved. */
  readonly places: readonly MaskedPlace[];
  /** By how much masking has moved what follows; null where that is not known. */
  readonly moved: number | null;
}

export interface RecordLike {
  readonly leaf: Pick<ReadLeaf, "kind" | "classes" | "seq">;
  readonly fields: readonly ReadField[];
}

/** Null for a record that holds nothing of a body. `moved` is what the record before it said of the same body. */
export function payloadOfRecord(record: RecordLike, moved: number | null = null): RecordPayload | null {
  const { kind, classes } = record.leaf;
  const found = bytesOf(record);
  if (found === null) return null;
  const at = typeof classes.at === "number" ? classes.at : 0;
  return {
    isSent: isSent(kind, classes),
    format: typeof classes.format === "string" ? classes.format : null,
    at,
    ...found,
    ...placesOf(fieldOf(record, "spans"), at, at === 0 ? 0 : moved),
  };
}

export function fieldOf({ fields }: Pick<RecordLike, "fields">, name: string): string | null {
  const field = fields.find((one) => one.name === name);
  return field !== undefined && typeof field.value === "string" ? field.value : null;
}

function isSent(kind: string, { side, verb }: RecordLike["leaf"]["classes"]): boolean {
  if (kind === "stream.chunk") return side === "request";
  return /^(?:approval\.requested|command\.(?:requested|denied))$/.test(kind) && verb !== "receive";
}

function bytesOf(record: RecordLike): { readonly size: number; readonly bytes: Uint8Array | null } | null {
  const text = fieldOf(record, "payload");
  if (text !== null) return sized(new TextEncoder().encode(text));
  const base64 = fieldOf(record, "payload.b64");
  const decoded = base64 === null ? null : fromBase64(base64);
  if (decoded !== null) return sized(decoded);
  const { size } = object(fieldOf(record, "payload_digest"));
  return typeof size === "number" ? { size, bytes: null } : null;
}

function sized(bytes: Uint8Array): { readonly size: number; readonly bytes: Uint8Array } {
  return { size: bytes.length, bytes };
}

function object(json: string | null): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json ?? "{}");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Spans count from the plain body's begin; the record's bytes begin at `at` of the masked one. */
function placesOf(spans: string | null, at: number, before: number | null): Pick<RecordPayload, "places" | "moved"> {
  const list = object(spans ?? "[]");
  if (!Array.isArray(list) || before === null) return { places: [], moved: null };
  const places: MaskedPlace[] = [];
  let moved = before;
  for (const span of list as readonly unknown[]) {
    const { at: from, length, put } = (span ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof from !== "number" || typeof length !== "number" || typeof put !== "number")
      return { places, moved: null };
    places.push({ at: from + moved - at, put });
    moved += put - length;
  }
  return { places, moved };
}

/** Bytes of what is no text that are told. */
const BYTES = 16;

/** One line of it, as long as there is room; of what is no text its first bytes. */
export function shortPayload({ bytes, format, size, places }: RecordPayload, room: number, style: Style): string {
  const most = Math.max(8, room);
  if (bytes === null)
    return style.dim(
      cutTo(`${bytesText(size)}${format === null ? "" : ` ${shown(format, 20)}`}, beside the record`, most),
    );
  const text = format === "binary" ? null : textOf(bytes.subarray(0, BEGINNING * 4));
  if (text === null) {
    const digits = [...bytes.subarray(0, BYTES)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    return style.dim(cutTo(`${digits}${bytes.length > BYTES ? " …" : ""}`, most));
  }
  const marks = marksOf(bytes, places);
  const beginning = cutTo(text.slice(0, BEGINNING).replaceAll(/[\r\n\t]/g, " "), most);
  const line = paintedLine([{ text: beginning, from: 0, paint: "plain" }], marks, style);
  // What was made visible takes more room than it had.
  return widthOf(plainOf(line)) <= most ? line : cutTo(plainOf(line), most);
}
