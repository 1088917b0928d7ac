// Lines of the policy's tools on a terminal: each span made safe first, then painted.

import type { Line, Tone } from "../../core/policy/tooling/spans.ts";
import type { Io } from "../io.ts";
import { shown, type Style } from "../terminal.ts";

/** Characters of a span: above any rule's message or condition that a person reads to its end. */
const SPAN_LIMIT = 2000;

export function painted(line: Line, style: Style): string {
  return line.map(({ text, tone }) => paint(shown(text, SPAN_LIMIT), tone, style)).join("");
}

/** Wrapped below its own beginning. */
export async function printLine(line: Line, io: Io): Promise<void> {
  const [indent = ""] = /^ */.exec(line.map(({ text }) => text).join("")) ?? [];
  for (const row of wrapped(painted(line, io.style), io.width, indent.length + 4)) await io.print(row);
}

function paint(text: string, tone: Tone, style: Style): string {
  switch (tone) {
    case "plain":
      return text;
    case "strong":
      return style.bold(text);
    case "dim":
      return style.dim(text);
    case "good":
      return style.green(text);
    case "bad":
      return style.red(text);
    case "warn":
      return style.yellow(text);
  }
}

// oxlint-disable-next-line no-control-regex
const COLOR = /\x1b\[\d+m/g;

/** A painted line as several, broken between words; what follows the first is indented. Null: as long as it is. */
export function wrapped(text: string, width: number | null, indent: number): readonly string[] {
  if (width === null || lengthOf(text) <= width) return [text];
  const room = Math.max(width, indent + 20);
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/(?<=\S) (?=\S)/)) {
    const next = line === "" ? word : `${line} ${word}`;
    if (line !== "" && lengthOf(next) > room) {
      lines.push(line);
      line = " ".repeat(indent) + word;
    } else line = next;
  }
  return [...lines, line];
}

function lengthOf(painted: string): number {
  return [...painted.replaceAll(COLOR, "")].length;
}
