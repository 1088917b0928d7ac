// Text from outside in a page: as text, with what cannot be seen or can be mistaken made visible and labelled.
//
// Invariant: from what stands in the page the text can be read back: each piece is either the text itself,
// or an element that names its characters (`data-code`, `data-count`) or what was put for them (`data-text`).

import { codeText, nameOfCode, type Piece, visiblePieces } from "../../core/show/visible_pieces.ts";

interface Shown {
  readonly text: string;
  /** Characters that are shown; the rest is told by its size. */
  readonly limit?: number;
}

/** Pieces of one text at most: a text of nothing but odd ones is shown in part, like one that is too long. */
const PIECES = 2_000;
const LINE_LIMIT = 4_096;

/** A name, a target, a header's value: on one line, whatever is in it. */
export function VisibleLine({ text, limit = LINE_LIMIT }: Shown) {
  return <Visible text={text} limit={limit} lines={false} />;
}

/** With its own line ends. */
export function VisibleLines({ text, limit = LINE_LIMIT }: Shown) {
  return <Visible text={text} limit={limit} lines />;
}

function Visible({ text, limit, lines }: Required<Shown> & { readonly lines: boolean }) {
  const { pieces, upto } = visiblePieces(headOf(text, limit), { lines, limit: PIECES });
  return (
    <>
      <Pieces pieces={pieces} />
      {upto === text.length ? null : (
        <span class="rest">{`… and ${countText(text.length - upto, "character")} more`}</span>
      )}
    </>
  );
}

/** At most so long, and no character cut in two. */
function headOf(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const isCut = /[\ud800-\udbff]/.test(text.charAt(limit - 1)) && /[\udc00-\udfff]/.test(text.charAt(limit));
  return text.slice(0, isCut ? limit - 1 : limit);
}

export function Pieces({ pieces }: { readonly pieces: readonly Piece[] }) {
  return <>{pieces.map(shown)}</>;
}

function shown(piece: Piece) {
  switch (piece.kind) {
    case "text":
      return piece.text;
    case "rtl":
      return <bdi>{piece.text}</bdi>;
    case "mark":
      return <Mark code={piece.code} count={piece.count} />;
    case "odd":
      return <Odd piece={piece} />;
  }
}

function Mark({ code, count }: { readonly code: number; readonly count: number }) {
  const name = nameOfCode(code);
  const label = name === null ? codeText(code) : `${codeText(code)} ${name}`;
  return (
    <span class="mark" data-code={code.toString(16)} data-count={String(count)}>
      {count === 1 ? label : `${label} × ${count.toLocaleString("en")}`}
    </span>
  );
}

function Odd({ piece: { text, code, note } }: { readonly piece: Extract<Piece, { kind: "odd" }> }) {
  return (
    <span class="odd" data-code={code.toString(16)}>
      <bdi>{text}</bdi>
      <span class="mark">{`${codeText(code)} ${note}`}</span>
    </span>
  );
}

export function countText(count: number, one: string): string {
  return `${count.toLocaleString("en")} ${one}${count === 1 ? "" : "s"}`;
}

export function bytesText(bytes: number): string {
  if (bytes < 1024) return countText(bytes, "byte");
  const [size, unit] = bytes < 1024 * 1024 ? [bytes / 1024, "KiB"] : [bytes / 1024 / 1024, "MiB"];
  return `${size.toFixed(size < 10 ? 1 : 0)} ${unit}`;
}
