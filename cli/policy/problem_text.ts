// Problems and warnings as compilers print them: `file:line:column: error: …`, and below it the line
// with a caret. Editors and CI jump to the first form; people see the second.

import type { Io } from "../io.ts";
import { shown } from "../terminal.ts";
import { wrapped } from "./paint.ts";

export interface Finding {
  readonly kind: "error" | "warning";
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** What to do, on a line of its own; empty for none. */
  readonly advice: string;
  /** Stands behind the message in brackets: a path or a code. */
  readonly tag: string;
  /** The line is not printed: it may hold a secret that somebody wrote where only its name belongs. */
  readonly isSecret: boolean;
}

/** Columns of a source line that are shown around the caret. */
const BEFORE = 60;
const AROUND = 100;

/** `lines` is the text, split; empty if only the place is known. */
export function findingLines(
  name: string,
  lines: readonly string[],
  finding: Finding,
  { style: s, width }: Pick<Io, "style" | "width">,
): string[] {
  const { kind, line, column, message, advice, tag } = finding;
  const label = kind === "error" ? s.red(s.bold("error")) : s.yellow(s.bold("warning"));
  const place = s.bold(`${shown(name)}:${line}:${column}:`);
  const head = `${place} ${label}: ${shown(message, 600)}${tag === "" ? "" : s.dim(` [${shown(tag, 200)}]`)}`;
  const source = finding.isSecret ? undefined : lines[line - 1];
  const number = String(line).padStart(5);
  const rows = source === undefined ? [] : sourceRows(source, column, kind === "error" ? s.red : s.yellow);
  return [
    ...wrapped(head, width, 8),
    ...rows.map((row, index) => `${s.dim(`${index === 0 ? number : "     "} |`)} ${row}`),
    ...(advice === "" ? [] : wrapped(`${s.dim("      =")} ${shown(advice, 600)}`, width, 8)),
  ];
}

function sourceRows(source: string, column: number, color: (text: string) => string): string[] {
  const at = Math.min(Math.max(column - 1, 0), source.length);
  const start = at > BEFORE ? at - BEFORE : 0;
  const before = shownAll(source.slice(start, at));
  const after = shownAll(source.slice(at, start + AROUND));
  const cutBefore = start > 0 ? "…" : "";
  const cutAfter = start + AROUND < source.length ? "…" : "";
  const row = `${cutBefore}${before}${after}${cutAfter}`;
  return row.trim() === "" ? [] : [row, `${" ".repeat([...cutBefore, ...before].length)}${color("^")}`];
}

/** A tab is shown as two spaces, so that the caret stands where it should. */
function shownAll(text: string): string {
  return shown(text.replaceAll("\t", "  "), 1000);
}
