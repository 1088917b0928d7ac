// Text from outside, cut into pieces that a reader can tell apart: what is to be read as it stands, what
// cannot be seen, and letters that look like others. Whoever shows it gives each kind its form.
//
// Invariant: the pieces, one after the other, are the text; and what is `text` has nothing in it that moves,
// hides or stacks other characters. Unicode's own lists say which those are: categories Cc, Cf, Co, Cn, Zl,
// Zp and Zs, Default_Ignorable_Code_Point (UAX #44), and right-to-left letters (UAX #9).

import { oddLetters } from "./odd_letters.ts";

export type Piece =
  | { readonly kind: "text"; readonly text: string }
  /** Letters that run from right to left. To be isolated, so that they move nothing around them. */
  | { readonly kind: "rtl"; readonly text: string }
  /** A character that cannot be seen or changes what is around it, `count` times. */
  | { readonly kind: "mark"; readonly text: string; readonly code: number; readonly count: number }
  /** A letter that can be taken for another one. */
  | { readonly kind: "odd"; readonly text: string; readonly code: number; readonly note: string };

export interface Visible {
  readonly pieces: readonly Piece[];
  /** Where in the text the pieces end: at its end, if there were not too many. */
  readonly upto: number;
}

export interface HowVisible {
  /** Lines end where they end; else the ends of lines are marked as well. */
  readonly lines: boolean;
  /** Pieces at most. */
  readonly limit?: number;
}

/** What nearly all text is. */
const PLAIN = { lines: /^[\n\t\x20-\x7e]*$/, line: /^[\x20-\x7e]*$/ } as const;
const UNSEEN = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/u;
const RTL = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const COMBINING = /\p{M}/u;
/** Letters have two at most where they are letters of a language; more grow over the lines around. */
const COMBINING_LIMIT = 2;

export function visiblePieces(text: string, { lines, limit = Infinity }: HowVisible): Visible {
  if (limit < 1) return { pieces: [], upto: 0 };
  if ((lines ? PLAIN.lines : PLAIN.line).test(text))
    return { pieces: text === "" ? [] : [{ kind: "text", text }], upto: text.length };
  const odd = oddLetters(text);
  const pieces: Piece[] = [];
  let combining = 0;
  let at = 0;
  while (at < text.length) {
    const code = text.codePointAt(at) ?? 0;
    const char = String.fromCodePoint(code);
    combining = COMBINING.test(char) ? combining + 1 : 0;
    // The first character of a text would combine with what stands before it.
    const isLoose = combining > COMBINING_LIMIT || (combining > 0 && at === 0);
    const piece = pieceOf(char, code, odd.get(at), isLoose, lines);
    const joined = join(pieces.at(-1), piece);
    if (joined !== null) pieces[pieces.length - 1] = joined;
    else if (pieces.length === limit) return { pieces, upto: at };
    else pieces.push(piece);
    at += char.length;
  }
  return { pieces, upto: at };
}

function pieceOf(text: string, code: number, note: string | undefined, isLoose: boolean, lines: boolean): Piece {
  if (text === " " || (lines && (text === "\n" || text === "\t"))) return { kind: "text", text };
  if (isLoose || UNSEEN.test(text)) return { kind: "mark", text, code, count: 1 };
  if (note !== undefined) return { kind: "odd", text, code, note };
  return RTL.test(text) ? { kind: "rtl", text } : { kind: "text", text };
}

/** One piece in place of two, where they are of a kind. */
function join(a: Piece | undefined, b: Piece): Piece | null {
  if (a === undefined || a.kind !== b.kind) return null;
  switch (a.kind) {
    case "text":
    case "rtl":
      return { kind: a.kind, text: a.text + b.text };
    case "mark":
      return b.kind === "mark" && b.code === a.code
        ? { kind: "mark", text: a.text + b.text, code: a.code, count: a.count + 1 }
        : null;
    case "odd":
      return null;
  }
}

/** For places that take text alone, as a page's title: `[U+202E]` in place of what is marked. */
export function visibleLine(text: string): string {
  return visiblePieces(text, { lines: false })
    .pieces.map((piece) => (piece.kind === "mark" ? `[${codeText(piece.code)}]` : piece.text))
    .join("");
}

/** `U+202E` */
export function codeText(code: number): string {
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** As people know it; null for what has no name that they would. */
export function nameOfCode(code: number): string | null {
  return NAMES[code] ?? (code >= 0xd800 && code <= 0xdfff ? "half a character" : null);
}

const NAMES: Readonly<Record<number, string>> = {
  0x00: "NUL",
  0x07: "BEL",
  0x08: "backspace",
  0x09: "tab",
  0x0a: "line feed",
  0x0b: "vertical tab",
  0x0c: "form feed",
  0x0d: "carriage return",
  0x1b: "escape",
  0x7f: "delete",
  0x85: "next line",
  0x9b: "control sequence",
  0xa0: "no-break space",
  0xad: "soft hyphen",
  0x34f: "grapheme joiner",
  0x61c: "Arabic letter mark",
  0x200b: "zero-width space",
  0x200c: "zero-width non-joiner",
  0x200d: "zero-width joiner",
  0x200e: "left-to-right mark",
  0x200f: "right-to-left mark",
  0x2028: "line separator",
  0x2029: "paragraph separator",
  0x202a: "left-to-right embedding",
  0x202b: "right-to-left embedding",
  0x202c: "end of embedding",
  0x202d: "left-to-right override",
  0x202e: "right-to-left override",
  0x2060: "word joiner",
  0x2066: "left-to-right isolate",
  0x2067: "right-to-left isolate",
  0x2068: "first-strong isolate",
  0x2069: "end of isolate",
  0x3164: "Hangul filler",
  0xfe0f: "emoji variant",
  0xfeff: "byte order mark",
};
