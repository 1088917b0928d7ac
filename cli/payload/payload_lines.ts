// A body, or its beginning, as lines for a person: JSON laid out, text as it is, else its bytes. Pure.

import type { Style } from "../terminal.ts";
import { hexLines } from "./hex_dump.ts";
import { jsonLines } from "./json_lines.ts";
import { type Line, type Mark, paintedLine } from "./painted.ts";

export interface MaskedPlace {
  /** Bytes, in the body as it is recorded. */
  readonly at: number;
  readonly put: number;
}

export interface ShownBody {
  /** From the body's begin; it may go on. */
  readonly bytes: Uint8Array;
  readonly format: string | null;
  readonly places: readonly MaskedPlace[];
}

export function payloadLines({ bytes, format, places }: ShownBody, width: number | null, style: Style): string[] {
  const text = format === "binary" ? printable(textOf(bytes)) : textOf(bytes);
  if (text === null) return hexLines(bytes, width);
  const lines = format === "json" ? jsonLines(text) : textLines(text);
  const marks = marksOf(bytes, places);
  return lines.map((line) => paintedLine(line, marks, style));
}

/** A character that the end cuts is left out. Null for what is not UTF-8. */
export function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true });
  } catch {
    return null;
  }
}

/** Null for what has controls that text has not. */
function printable(text: string | null): string | null {
  // eslint-disable-next-line no-control-regex
  return text === null || /[\0-\x08\x0e-\x1f\x7f]/.test(text) ? null : text;
}

function textLines(text: string): Line[] {
  const lines: Line[] = [];
  let from = 0;
  for (const { index, 0: end } of text.matchAll(/\r\n|\n|\r/g)) {
    lines.push([{ text: text.slice(from, index), from, paint: "plain" }]);
    from = index + end.length;
  }
  if (from < text.length) lines.push([{ text: text.slice(from), from, paint: "plain" }]);
  return lines;
}

/** From bytes to UTF-16 units. */
export function marksOf(bytes: Uint8Array, places: readonly MaskedPlace[]): Mark[] {
  const marks: Mark[] = [];
  let at = 0;
  let units = 0;
  const upTo = (place: number): number => {
    const end = Math.min(place, bytes.length);
    units += (textOf(bytes.subarray(at, end)) ?? "").length;
    at = end;
    return units;
  };
  for (const place of places) {
    if (!(place.at >= at) || place.at >= bytes.length) break;
    const from = upTo(place.at);
    marks.push({ from, to: upTo(place.at + place.put) });
  }
  return marks;
}
