// Reads a policy's text (YAML 1.2, core schema) to a plain value in which every value's place can be
// found again. What a reader could take for something else than a parser does is refused: anchors,
// aliases, merge keys, tags, several documents, a key twice, names that objects inherit.
//
// The text is hostile until it was looked at: size, number of tokens and depth are checked on the
// lexer's and the parser's tokens, neither of which recurses, before anything recursive sees them.

import { Composer, CST, isMap, isScalar, isSeq, Lexer, LineCounter, type Node, Parser } from "yaml";
import { ok, refuse, type Result } from "../result.ts";
import { MAX_PROBLEMS, type PolicyProblem, type PolicyRefusal } from "./problem.ts";

/** Bytes of UTF-8. 1,000 rules with conditions and reasons take less than half of it. */
export const MAX_TEXT: number = 512 * 1024;
const MAX_DEPTH = 64;
/** An honest file has a token for about every third byte; a file of nothing but brackets would cost seconds. */
const MAX_TOKENS = 250_000;

/** YAML 1.2 §5.1: not printable, but for tab and line breaks. */
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/** Keys and indexes from the root to a value. */
export type ValuePath = readonly (string | number)[];

export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface ReadText {
  /** Objects without a prototype, lists, strings, finite and other numbers, booleans, null. */
  readonly value: unknown;
  /** Where the value at the path begins, or its name if that is asked for or the value is a list or map; what stands around it if there is none. */
  placeOf(path: ValuePath, ofName?: boolean): Place;
  /** Where the n-th character of the text at the path stands. */
  placeInText(path: ValuePath, at: number): Place;
}

export function readYaml(text: string): Result<ReadText, PolicyRefusal> {
  if (text.length > MAX_TEXT || new TextEncoder().encode(text).length > MAX_TEXT)
    return invalid([{ path: "", line: 1, column: 1, expected: `at most ${MAX_TEXT / 1024} KiB` }]);
  const lines = new LineCounter();
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines.addNewLine(at + 1);
  lines.lineStarts.unshift(0);
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const at = (offset: number, expected: string, path = ""): PolicyProblem => ({ path, ...place(offset), expected });

  const control = CONTROL.exec(text);
  if (control !== null) return invalid([at(control.index, "no control characters")]);
  const lexed = lex(text);
  if (lexed.problems.length > 0) return invalid(lexed.problems.map(([offset, expected]) => at(offset, expected)));
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  for (const source of lexed.sources) tokens.push(...parser.next(source));
  tokens.push(...parser.end());
  const second = tokens.filter(({ type }) => type === "document")[1];
  if (second !== undefined) return invalid([at(second.offset, "one document")]);
  const deep = deeperThan(tokens, MAX_DEPTH);
  if (deep !== null) return invalid([at(deep, `at most ${MAX_DEPTH} levels`)]);

  // Keys that stand twice are found below: the composer would compare each with each.
  const composer = new Composer({ version: "1.2", schema: "core", merge: false, uniqueKeys: false });
  const [document] = composer.compose(tokens, true, text.length);
  if (document === undefined) return invalid([at(0, "a policy")]);
  if (document.errors.length > 0)
    return invalid(document.errors.map(({ pos, message }) => at(pos[0], `YAML: ${oneLine(message)}`)));
  const root = document.contents;
  const problems: PolicyProblem[] = [];
  const value = valueOf(root, [], (offset, path, expected) => problems.push(at(offset, expected, pathText(path))));
  if (problems.length > 0) return invalid(problems);
  return ok({
    value,
    placeOf: (path, ofName = false) => place(offsetOf(root, path, ofName)),
    placeInText: (path, index) => placeInScalar(root, path, index, text, place),
  });
}

function invalid(problems: readonly PolicyProblem[]): { readonly ok: false } & PolicyRefusal {
  return refuse({ reason: "policy_invalid", problems: problems.slice(0, MAX_PROBLEMS) });
}

interface Lexed {
  readonly sources: readonly string[];
  readonly problems: readonly (readonly [offset: number, expected: string])[];
}

const REFUSED: Partial<Record<CST.TokenType, string>> = {
  "byte-order-mark": "no byte order mark",
  anchor: "no anchors",
  alias: "no aliases",
  tag: "no tags",
  "directive-line": "no directives",
};

/** Splits the text, and stops as soon as it is too deep, too long or wrong too often. */
function lex(text: string): Lexed {
  const sources: string[] = [];
  const problems: [number, string][] = [];
  let offset = 0;
  let flow = 0;
  let indicators = 0;
  for (const source of new Lexer().lex(text)) {
    const type = CST.tokenType(source);
    if (type === "flow-seq-start" || type === "flow-map-start") flow++;
    else if (type === "flow-seq-end" || type === "flow-map-end") flow--;
    else if (type === "newline") indicators = 0;
    // `- - - x` is a list in a list in a list.
    else if (flow === 0 && (type === "seq-item-ind" || type === "explicit-key-ind")) indicators++;
    const refused = type === null ? undefined : REFUSED[type];
    if (refused !== undefined) problems.push([offset, refused]);
    if (flow > MAX_DEPTH || indicators > MAX_DEPTH) problems.push([offset, `at most ${MAX_DEPTH} levels`]);
    if (sources.push(source) > MAX_TOKENS) problems.push([offset, `at most ${MAX_TOKENS} words and signs`]);
    if (flow > MAX_DEPTH || indicators > MAX_DEPTH || sources.length > MAX_TOKENS || problems.length >= MAX_PROBLEMS)
      break;
    // The lexer's own marks are no part of the text, and control characters that look like them were refused.
    if (type !== "doc-mode" && type !== "flow-error-end" && type !== "scalar") offset += source.length;
  }
  return { sources, problems };
}

/** Offset of something that lies deeper than so many collections, or null. Walks with a stack of its own. */
function deeperThan(tokens: readonly CST.Token[], limit: number): number | null {
  const open: { readonly token: CST.Token; readonly depth: number }[] = tokens.map((token) => ({ token, depth: 0 }));
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    const { token, depth } = one;
    if (depth > limit) return token.offset;
    if (token.type === "document") {
      if (token.value !== undefined) open.push({ token: token.value, depth });
    } else if ("items" in token) {
      for (const { key, value } of token.items) {
        if (key !== undefined && key !== null) open.push({ token: key, depth: depth + 1 });
        if (value !== undefined) open.push({ token: value, depth: depth + 1 });
      }
    }
  }
  return null;
}

type Report = (offset: number, path: ValuePath, expected: string) => void;

/** Depth is bounded by now. */
function valueOf(node: unknown, path: ValuePath, report: Report): unknown {
  if (isScalar(node)) return node.value;
  if (isSeq(node)) return node.items.map((item, index) => valueOf(item, [...path, index], report));
  if (!isMap(node)) return null;
  const value: Record<string, unknown> = Object.create(null);
  const seen = new Set<string>();
  for (const { key, value: member } of node.items) {
    const name = isScalar(key) ? key.value : undefined;
    const offset = startOf(key) ?? startOf(node) ?? 0;
    if (typeof name !== "string") {
      report(offset, path, "a name that is text");
      continue;
    }
    const below = [...path, name];
    if (seen.has(name)) report(offset, below, "each name once");
    else if (name === "<<") report(offset, below, "no merge keys");
    else if (isInherited(name)) report(offset, below, "a name that objects do not inherit");
    else value[name] = valueOf(member, below, report);
    seen.add(name);
  }
  return value;
}

/** Validators skip `__proto__` and `constructor` or take inherited members for present ones. */
function isInherited(name: string): boolean {
  return name in Object.prototype || name === "prototype";
}

function startOf(node: unknown): number | null {
  return (node as Node | null | undefined)?.range?.[0] ?? null;
}

/** The node at the path; null if the path leads further than the text goes. */
function nodeAt(root: unknown, path: ValuePath): unknown {
  let node = root;
  for (const key of path) {
    if (isMap(node)) node = node.items.find((pair) => isScalar(pair.key) && pair.key.value === key)?.value;
    else node = isSeq(node) && typeof key === "number" ? node.items[key] : undefined;
  }
  return node ?? null;
}

function offsetOf(root: unknown, path: ValuePath, ofName = false): number {
  for (let length = path.length; length > 0; length--) {
    const around = nodeAt(root, path.slice(0, length - 1));
    const key = path[length - 1];
    if (isMap(around)) {
      const pair = around.items.find((one) => isScalar(one.key) && one.key.value === key);
      if (pair !== undefined)
        return (isScalar(pair.value) && !ofName ? startOf(pair.value) : null) ?? startOf(pair.key) ?? 0;
    } else if (isSeq(around) && typeof key === "number" && key < around.items.length) {
      return startOf(around.items[key]) ?? 0;
    }
  }
  return startOf(root) ?? 0;
}

/** Exact where the text stands in the file as it is read; else its beginning. */
function placeInScalar(
  root: unknown,
  path: ValuePath,
  index: number,
  text: string,
  place: (offset: number) => Place,
): Place {
  const node = nodeAt(root, path);
  const start = startOf(node);
  if (!isScalar(node) || start === null || typeof node.value !== "string") return place(offsetOf(root, path));
  if (node.type === "BLOCK_LITERAL") {
    const before = node.value.slice(0, index).split("\n");
    const first = text.indexOf("\n", start) + 1;
    let line = first;
    for (let i = 1; i < before.length; i++) line = text.indexOf("\n", line) + 1;
    let indent = 0;
    while (text.charAt(first + indent) === " ") indent++;
    return place(Math.min(line + indent + (before.at(-1) ?? "").length, text.length));
  }
  const opening = node.type === "PLAIN" ? 0 : 1;
  const isAsWritten = text.startsWith(node.value, start + opening);
  return place(isAsWritten ? start + opening + index : start);
}

export function pathText(path: ValuePath): string {
  let text = "";
  for (const key of path) {
    if (typeof key === "number") text += `[${key}]`;
    else text += text === "" ? key.slice(0, 64) : `.${key.slice(0, 64)}`;
  }
  return text;
}

/** The parser's own message, which may quote the text it stumbled over. */
function oneLine(message: string): string {
  return message.replaceAll(/\s+/g, " ").slice(0, 160);
}
