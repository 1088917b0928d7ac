// Tables for a terminal: as wide as what is in them, cut to the columns there are. Where nobody looks
// at columns (a pipe), nothing is cut and nothing left out.

import type { Style } from "./terminal.ts";

export interface Column {
  readonly title: string;
  readonly align?: "right";
  /** May be cut down to this many columns. Not cut if not given. */
  readonly min?: number;
  /** What it had better have, before columns that may be left out are there. */
  readonly want?: number;
  /** Left out where there is no room: the highest number first. Always there if not given. */
  readonly drop?: number;
}

export interface Cell {
  readonly text: string;
  readonly style?: (text: string) => string;
}

const GAP = 2;
// Characters that fill two columns (Unicode East Asian Width W and F, emoji), and marks that fill none.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;
const MARK = /\p{Mn}|\p{Me}/u;

function charWidth(char: string): number {
  if (MARK.test(char)) return 0;
  return WIDE.test(char) ? 2 : 1;
}

export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

/** `text` in at most `width` columns, with … where something is missing. */
export function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let cut = "";
  let used = 1;
  for (const char of text) {
    used += charWidth(char);
    if (used > width) break;
    cut += char;
  }
  return width < 1 ? "" : `${cut}…`;
}

/** The columns that stay, and how wide each is. */
export function layOut(
  columns: readonly Column[],
  natural: readonly number[],
  width: number | null,
): readonly { readonly at: number; readonly width: number }[] {
  let kept = columns.map((_, at) => ({ at, width: natural[at] ?? 0 }));
  if (width === null) return kept;
  const total = (): number => kept.reduce((sum, one) => sum + one.width + GAP, -GAP);
  const wanted = (): number =>
    kept.reduce((sum, { at, width: own }) => {
      const { want, min } = columns[at] ?? {};
      return sum + Math.min(own, want ?? min ?? own) + GAP;
    }, -GAP);
  while (wanted() > width) {
    const [first] = kept
      .filter((one) => columns[one.at]?.drop !== undefined)
      .sort((a, b) => (columns[b.at]?.drop ?? 0) - (columns[a.at]?.drop ?? 0));
    if (first === undefined) break;
    kept = kept.filter((one) => one !== first);
  }
  // One column at a time from the widest that may give: what is short stays whole.
  while (total() > width) {
    const [widest] = kept
      .filter((one) => one.width > (columns[one.at]?.min ?? Infinity))
      .sort((a, b) => b.width - a.width);
    if (widest === undefined) break;
    kept = kept.map((one) => (one === widest ? { at: one.at, width: one.width - 1 } : one));
  }
  return kept;
}

export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number | null,
  style: Style,
): string[] {
  const natural = columns.map(({ title }, at) =>
    Math.max(widthOf(title), ...rows.map((row) => widthOf(row[at]?.text ?? ""))),
  );
  const kept = layOut(columns, natural, width);
  const total = kept.reduce((sum, one) => sum + one.width + GAP, -GAP);
  if (width !== null && total > width && columns.length > 1) return stackedLines(columns, rows, width, style);
  const line = (cells: readonly Cell[]): string =>
    kept
      .map(({ at, width: columnWidth }, index) => {
        const { text, style: paint } = cells[at] ?? { text: "" };
        const cut = cutTo(text, columnWidth);
        const space = " ".repeat(columnWidth - widthOf(cut));
        const painted = paint === undefined ? cut : paint(cut);
        if (columns[at]?.align === "right") return space + painted;
        return index === kept.length - 1 ? painted : painted + space;
      })
      .join(" ".repeat(GAP))
      .trimEnd();
  return [line(columns.map(({ title }) => ({ text: title, style: style.dim }))), ...rows.map(line)];
}

/** For a terminal as narrow as a phone: what may not be cut stands on a line of its own, the rest below it. */
function stackedLines(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
  style: Style,
): string[] {
  const rest = (cells: readonly Cell[]): readonly Cell[] => cells.slice(1);
  const indent = " ".repeat(GAP);
  const [titles = "", ...below] = tableLines(columns.slice(1), rows.map(rest), width - GAP, style);
  return [
    indent + titles,
    ...rows.flatMap(([cell = { text: "" }], at) => [
      cell.style === undefined ? cell.text : cell.style(cell.text),
      indent + (below[at] ?? ""),
    ]),
  ];
}
