// Lines of the policy's tools on a terminal: each span made safe first, then painted.

import type { Line, Tone } from "../../core/policy/tooling/spans.ts";
import { shown, type Style } from "../terminal.ts";

/** Characters of a span: above any rule's message or condition that a person reads to its end. */
const SPAN_LIMIT = 2000;

export function painted(line: Line, style: Style): string {
  return line.map(({ text, tone }) => paint(shown(text, SPAN_LIMIT), tone, style)).join("");
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
