// JSON laid out for reading, token by token: what was sent stays as it was written, numbers, escapes and
// doubled keys included, also where it breaks off or is no JSON after all. Pure, and linear in the text.

import type { Line, Paint, Piece } from "./painted.ts";

const TOKEN = /("(?:[^"\\]|\\.)*"?)|(-?\d[\d.eE+-]*)|([A-Za-z_]+)|([{}[\],:])|(\s+)|([^])/gsu;
/** Deeper levels are not indented further. */
const DEEPEST = 40;

export function jsonLines(text: string): Line[] {
  const tokens = tokensOf(text);
  const lines: Piece[][] = [];
  let line: Piece[] = [];
  let depth = 0;
  const next = (): void => {
    lines.push(line);
    line = [layout("  ".repeat(Math.min(depth, DEEPEST)))];
  };
  tokens.forEach((token, at) => {
    const following = tokens[at + 1]?.text;
    const before = tokens[at - 1];
    const { text: one } = token;
    const isOpening = one === "{" || one === "[";
    const isClosing = one === "}" || one === "]";
    if (isClosing) {
      depth = Math.max(0, depth - 1);
      if (before !== undefined && before.text !== "{" && before.text !== "[") next();
    }
    // Values one after the other, as in NDJSON.
    else if (depth === 0 && before !== undefined && !/^[:,]$/.test(before.text) && !/^[:,]$/.test(one)) next();
    line.push(one.startsWith('"') && following === ":" ? { ...token, paint: "key" } : token);
    if (isOpening) {
      depth += 1;
      if (following !== undefined && following !== "}" && following !== "]") next();
    } else if (one === "," && following !== undefined) next();
    else if (one === ":") line.push(layout(" "));
  });
  if (line.length > 0) lines.push(line);
  return lines;
}

function layout(text: string): Piece {
  return { text, from: null, paint: "plain" };
}

function tokensOf(text: string): Piece[] {
  const tokens: Piece[] = [];
  for (const match of text.matchAll(TOKEN)) {
    const [all, string, number, word, , space] = match;
    if (space !== undefined) continue;
    const paint: Paint =
      string !== undefined ? "string" : number !== undefined ? "number" : word !== undefined ? "word" : "plain";
    tokens.push({ text: all, from: match.index, paint });
  }
  return tokens;
}
