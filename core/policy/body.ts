// Reads a request's body for a decision. What the gateway decides on must be what the upstream will
// read, so a body that two parsers could take for different values is refused, not guessed at
// (Bishop Fox, "An Exploration of JSON Interoperability Vulnerabilities").

import type { Header } from "../mask/mask_headers.ts";
import { findMembersProblem } from "../protocol/json_members.ts";

/** What a decision knows of a body. `unread`: nobody looked yet. */
export type BodyView =
  | { readonly kind: "unread" }
  | { readonly kind: "none" }
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "refused"; readonly reason: BodyRefusal };

export type BodyRefusal = "body_not_json" | "body_ambiguous" | "body_too_large_to_decide";

/** What `json_limit` of a connection may be at most; larger bodies are never read for a decision. */
export const MAX_JSON_LIMIT: number = 1024 * 1024;
/**
 * Values in a body, members' names not counted. With conditions bounded as they are, this bounds what
 * deciding costs; see core/policy/condition.ts.
 */
export const MAX_JSON_VALUES: number = 10_000;

const JSON_TYPE = /^application\/(?:[a-z0-9!#$&^_.-]+\+)?json[ \t]*(?:;[ \t]*charset="?utf-8"?[ \t]*)?$/i;
const BOM = [0xef, 0xbb, 0xbf];

/** `bytes` is the whole body; `headers` as the caller sent them, names in lower case. */
export function readJsonBody(bytes: Uint8Array, headers: readonly Header[]): BodyView {
  if (bytes.length === 0) return { kind: "none" };
  if (bytes.length > MAX_JSON_LIMIT) return refused("body_too_large_to_decide");
  const declared = declaredAs(headers);
  if (declared !== null) return refused(declared);
  if (BOM.every((byte, index) => bytes[index] === byte)) return refused("body_ambiguous");
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refused("body_ambiguous");
  }
  return readJsonText(text);
}

/** Text that is well-formed Unicode, of at most MAX_JSON_LIMIT bytes. */
export function readJsonText(text: string): BodyView {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refused("body_not_json");
  }
  // An engine without a limit of its own may have parsed any depth: the text is looked at, not the value.
  if (findMembersProblem(text) !== null) return refused("body_ambiguous");
  const problem = scalarsProblem(text);
  return problem === null ? { kind: "json", value } : refused(problem);
}

function refused(reason: BodyRefusal): BodyView {
  return { kind: "refused", reason };
}

function declaredAs(headers: readonly Header[]): BodyRefusal | null {
  const types = headers.filter(([name]) => name === "content-type");
  const [type] = types;
  // Of two an upstream may believe either.
  if (types.length > 1) return "body_ambiguous";
  if (type === undefined || !JSON_TYPE.test(type[1])) return "body_not_json";
  const encoded = headers.some(([name, value]) => name === "content-encoding" && !/^\s*identity\s*$/i.test(value));
  return encoded ? "body_not_json" : null;
}

/** Looks at every string and number of text that JSON.parse accepts. One pass, no recursion. */
function scalarsProblem(text: string): BodyRefusal | null {
  // Containers, strings, numbers and words; members' names are counted with the values, at most as many again.
  let found = 0;
  for (let at = 0; at < text.length; at++) {
    const c = text.charCodeAt(at);
    const end = c === QUOTE ? endOfString(text, at) : endOfWord(text, at);
    if (end === at && c !== BRACE && c !== BRACKET) continue;
    if (++found > 2 * MAX_JSON_VALUES) return "body_too_large_to_decide";
    if (end === at) continue;
    const token = text.slice(at, end);
    if (c === QUOTE) {
      // Only an escape can make a lone surrogate of well-formed text.
      if (token.includes("\\u") && !String(JSON.parse(token)).isWellFormed()) return "body_ambiguous";
    } else if (c === MINUS || isDigit(c)) {
      if (!isExact(token)) return "body_ambiguous";
    }
    at = end - 1;
  }
  return null;
}

const QUOTE = 0x22;
const MINUS = 0x2d;
const BACKSLASH = 0x5c;
const BRACKET = 0x5b;
const BRACE = 0x7b;

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at + 1;
}

/** Where a number or `true`, `false`, `null` ends; `start` where there is none. */
function endOfWord(text: string, start: number): number {
  let at = start;
  for (; at < text.length; at++) {
    const c = text.charCodeAt(at);
    const isLetter = (c | 0x20) >= 0x61 && (c | 0x20) <= 0x7a;
    if (!isLetter && !isDigit(c) && c !== MINUS && c !== 0x2b && c !== 0x2e) break;
  }
  return at;
}

/**
 * Whether every parser gives this number the same value: no integer past 2^53 - 1, nothing that a
 * double rounds to another decimal than stands there.
 */
function isExact(literal: string): boolean {
  const value = Number(literal);
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) return false;
  return decimalOf(literal) === decimalOf(String(value));
}

/** The digits without zeros at either end, and the power of ten of the last one; the sign is left out. */
function decimalOf(literal: string): string {
  const [mantissa = "", exponent = "0"] = literal.toLowerCase().replace(/^-/, "").split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  const digits = `${whole}${fraction}`;
  let first = 0;
  while (digits.charAt(first) === "0") first++;
  let end = digits.length;
  while (end > first && digits.charAt(end - 1) === "0") end--;
  return first === end
    ? "0"
    : `${digits.slice(first, end)}e${Number(exponent) - fraction.length + digits.length - end}`;
}
