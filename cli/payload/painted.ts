// Lines of a body on their way to a terminal: pieces of what was sent, each made safe and painted as it is
// printed. What the gateway put in place of a secret is painted as that, and only that: a body can hold the
// same words.

import { shown, type Style } from "../terminal.ts";

export type Paint = "key" | "string" | "number" | "word" | "plain";

/** A piece of the body's text, from `from` on (UTF-16 units), or of layout, which has no place in it. */
export interface Piece {
  readonly text: string;
  readonly from: number | null;
  readonly paint: Paint;
}

export type Line = readonly Piece[];

/** Where a masked place stands in the text. In order, and apart. */
export interface Mark {
  readonly from: number;
  readonly to: number;
}

export function paintedLine(line: Line, marks: readonly Mark[], style: Style): string {
  return line.map((piece) => paintedPiece(piece, marks, style)).join("");
}

function paintedPiece({ text, from, paint }: Piece, marks: readonly Mark[], style: Style): string {
  const plain = painter(paint, style);
  if (from === null) return plain(text);
  const end = from + text.length;
  let out = "";
  let at = from;
  for (const mark of marks) {
    if (mark.to <= at || mark.from >= end) continue;
    const [start, stop] = [Math.max(at, mark.from), Math.min(end, mark.to)];
    out += safe(text.slice(at - from, start - from), plain);
    out += safe(text.slice(start - from, stop - from), (one) => style.bold(style.magenta(one)));
    at = stop;
  }
  return out + safe(text.slice(at - from), plain);
}

function safe(text: string, paint: (text: string) => string): string {
  return text === "" ? "" : paint(shown(text.replaceAll("\t", "    "), Infinity));
}

function painter(paint: Paint, style: Style): (text: string) => string {
  switch (paint) {
    case "key":
      return style.cyan;
    case "string":
      return style.green;
    case "number":
    case "word":
      return style.yellow;
    case "plain":
      return (text) => text;
  }
}
