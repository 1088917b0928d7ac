// A rule whose secret is known by how it begins and what it is made of: most providers' tokens.

import { entropy } from "./entropy.ts";
import { matchPattern, parsePattern, type Pattern } from "./pattern.ts";
import { ALPHANUMERIC, type ByteSet, byteSet, DIGITS, HIT, NO, type Shape, type Window } from "./window.ts";

export interface TokenRule {
  readonly id: string;
  /** Where the pattern begins. In lower case, any digit written as `0`. */
  readonly keywords: readonly string[];
  /** In the syntax of pattern.ts. */
  readonly pattern: string;
  /** Bits a byte that its secret has at least, if words could look like it. */
  readonly entropy?: number;
  /** The secret holds a digit at least. */
  readonly digit?: boolean;
  /** Characters that must not stand before it; letters and digits if absent. */
  readonly notAfter?: string;
  /** Characters that must not follow it: it has that length and no other. */
  readonly notBefore?: string;
  /** Beginnings that another rule has, whose keyword is longer and so ends later. */
  readonly others?: readonly string[];
  /** What it masks is of low entropy. */
  readonly low?: boolean;
}

const DIGIT: ByteSet = byteSet(DIGITS);
/** What of a token is looked through for a digit. */
const JUDGED = 256;

export class Token implements Shape {
  readonly id: string;
  readonly pseudonym: boolean;
  readonly keywords: readonly string[];
  readonly behind = 0;
  readonly #pattern: Pattern;
  readonly #entropy: number;
  readonly #digit: boolean;
  readonly #notAfter: ByteSet;
  readonly #notBefore: ByteSet | null;
  readonly #others: readonly Pattern[];

  constructor(rule: TokenRule) {
    this.id = rule.id;
    this.pseudonym = rule.low !== true;
    this.keywords = rule.keywords;
    this.#pattern = parsePattern(rule.pattern);
    this.#entropy = rule.entropy ?? 0;
    this.#digit = rule.digit === true;
    this.#notAfter = byteSet(rule.notAfter ?? ALPHANUMERIC);
    this.#others = (rule.others ?? []).map(parsePattern);
    const last = this.#pattern.items.at(-1);
    const isJudged = this.#digit || this.#entropy > 0;
    if (isJudged && last?.kind === "run" && last.max === Number.POSITIVE_INFINITY)
      // Else a text that begins again and again within itself would be walked as often.
      if (last.set.some((has, byte) => has === 1 && this.#notAfter[byte] !== 1))
        throw new Error(`${rule.id} may begin within itself`);
    this.#notBefore = rule.notBefore === undefined ? null : byteSet(rule.notBefore);
  }

  match(window: Window, keyword: number): number {
    const before = window.at(keyword - 1);
    if (before >= 0 && this.#notAfter[before] === 1) return NO;
    for (const other of this.#others) {
      const isOther = matchPattern(other, window, keyword);
      if (isOther !== NO) return isOther === HIT ? NO : isOther;
    }
    const outcome = matchPattern(this.#pattern, window, keyword);
    if (outcome !== HIT) return outcome;
    const { start, end } = window;
    if (this.#notBefore !== null) {
      if (end === window.to && !window.final) return 1;
      if (end < window.to && this.#notBefore[window.bytes[end] ?? 0] === 1) return NO;
    }
    if (this.#digit && !holdsDigit(window.bytes, start, Math.min(end, start + JUDGED))) return NO;
    return this.#entropy > 0 && entropy(window.bytes, start, end) < this.#entropy ? NO : HIT;
  }
}

function holdsDigit(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (DIGIT[bytes[i] ?? 0] === 1) return true;
  return false;
}
