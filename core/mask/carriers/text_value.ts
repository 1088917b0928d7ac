// Whether what stands behind a secret's name in free text is a secret, or only talks of one: a
// placeholder, a call, a word of a sentence. In documents with a grammar nobody asks: there the name decides.

const LATIN1 = new TextDecoder("latin1");

/** Values up to this length are looked at before they are masked; longer ones are masked unseen. */
export const LOOKED_AT: number = 256;

/** `${DB_PASSWORD}`, `$(pass show db)`, `{{ token }}`, `%TOKEN%`, `<your token>`, `****`, `[masked:token]`, and a variable by its upper-case name. */
const PLACEHOLDER =
  /^(?:\$\{[^}]*\}?|\$\([^)]*\)|\{\{.*\}\}|%\(?\w+\)?[%s]|<[^>]*>?|\*+|\.{3,}|x{3,}|X{3,}|\[masked:[\w-]+\]|\$[A-Z_][A-Z0-9_]*)[;,]?$/;
/** Read from somewhere: `getToken()`, `process.env.TOKEN`, `os.environ["TOKEN"]`, `new Token`, `await …`. */
const EXPRESSION =
  /^(?:(?:new|await|typeof|function|async|return)\b|[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*(?:\(|\[["'])|(?:process\.env|os\.environ|os\.getenv|import\.meta|env|secrets|config|self|this|req|request|ctx)\.)/;
const NOTHING =
  /^(?:null|none|nil|undefined|true|false|yes|no|string|str|number|boolean|required|optional|unset|empty|n\/a)[;,]?$/i;
/** A digit or a sign that words do not have. */
const UNLIKE_A_WORD = /[0-9!@#$%^&*+/=~]/;
/** A block of lines follows (YAML 1.2 §8.1). */
const BLOCK = /^[|>][-+1-9]{0,2}$/;
const SCHEME = /^(?:bearer|basic|digest|token|negotiate|apikey|dpop)$/i;

/** An authentication scheme: the secret is the word after it. */
export function isScheme(buf: Uint8Array, from: number, to: number): boolean {
  return to - from <= 10 && SCHEME.test(LATIN1.decode(buf.subarray(from, to)));
}

export function beginsBlock(buf: Uint8Array, from: number, to: number): boolean {
  return to - from <= 3 && BLOCK.test(LATIN1.decode(buf.subarray(from, to)));
}

/** `spoken`: the value stands in a sentence, where any word could. */
export function isSecretValue(buf: Uint8Array, from: number, to: number, quoted: boolean, spoken: boolean): boolean {
  const text = LATIN1.decode(buf.subarray(from, to));
  if (PLACEHOLDER.test(text)) return false;
  if (quoted) return true;
  if (EXPRESSION.test(text) || NOTHING.test(text)) return false;
  return !spoken || UNLIKE_A_WORD.test(text);
}
