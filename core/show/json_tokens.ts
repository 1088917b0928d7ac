// JSON, or nearly JSON, cut into what a reader wants to tell apart. It is for colours alone and takes any
// text: a body may be cut, masked, or no JSON at all.
//
// Invariant: the tokens that are not `soft`, one after the other, are the text.

export type JsonTokenKind =
  | "key"
  | "string"
  | "number"
  | "word"
  | "sign"
  | "space"
  | "other"
  /** A line's end and indentation that are not in the text. */
  | "soft";

export interface JsonToken {
  readonly kind: JsonTokenKind;
  readonly text: string;
}

// A string may lack its end where the body is cut.
const TOKEN =
  /(?<space>[ \t\r\n]+)|(?<string>"[^"\\]*(?:\\[^][^"\\]*)*(?:"|\\?$))|(?<number>-?\d[\d.eE+-]*)|(?<word>true|false|null)|(?<sign>[{}[\],:])|(?<other>[^\s"{}[\],:]+|[^])/gy;
/** Deeper ones are indented no more: a body of brackets alone must not become many times as long. */
const MAX_INDENT = 16;

/** `spread`: with soft line ends, for JSON that has none of its own. */
export function jsonTokens(text: string, spread: boolean): readonly JsonToken[] {
  const raw = rawTokens(text);
  return spread ? spreadOut(raw) : raw;
}

/** JSON without line ends, but perhaps one after it, that is longer than what is read at a glance. */
export function isDense(text: string): boolean {
  return text.length > 60 && !text.trimEnd().includes("\n");
}

function rawTokens(text: string): JsonToken[] {
  const tokens: JsonToken[] = [];
  for (const { groups = {}, 0: found } of text.matchAll(TOKEN)) {
    const kind = KINDS.find((one) => groups[one] !== undefined) ?? "other";
    if (kind === "sign" && found === ":") nameKey(tokens);
    tokens.push({ kind, text: found });
  }
  return tokens;
}

const KINDS = ["space", "string", "number", "word", "sign"] as const;

/** The string before a colon is a member's name. */
function nameKey(tokens: JsonToken[]): void {
  const at = tokens.at(-1)?.kind === "space" ? tokens.length - 2 : tokens.length - 1;
  const token = tokens[at];
  if (token?.kind === "string") tokens[at] = { ...token, kind: "key" };
}

function spreadOut(raw: readonly JsonToken[]): readonly JsonToken[] {
  const spread: JsonToken[] = [];
  let depth = 0;
  const soft = (): void => {
    spread.push({ kind: "soft", text: `\n${"  ".repeat(Math.min(Math.max(depth, 0), MAX_INDENT))}` });
  };
  raw.forEach((token, i) => {
    const isSign = token.kind === "sign";
    const opens = isSign && /[{[]/.test(token.text);
    const closes = isSign && /[}\]]/.test(token.text);
    const next = raw[i + 1];
    const before = raw[i - 1];
    if (closes) {
      depth -= 1;
      if (!(before?.kind === "sign" && /[{[]/.test(before.text))) soft();
    }
    spread.push(token);
    if (opens) {
      depth += 1;
      if (!(next?.kind === "sign" && /[}\]]/.test(next.text))) soft();
    } else if (isSign && token.text === ",") soft();
    else if (isSign && token.text === ":" && next?.kind !== "space") spread.push({ kind: "soft", text: " " });
  });
  return spread;
}
