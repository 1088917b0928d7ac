// An admin's own pattern: RE2 syntax, run by re2js in time linear in what it is run on. That begins 256
// bytes before a keyword and ends 1,024 after it; a match holds the keyword. Of what follows a keyword, 512
// bytes are certain to be looked at: keywords that follow each other closely share a look.

import { RE2JS } from "re2js";
import { MORE, NO, type Shape, type Window } from "./window.ts";

/** An admin's own rule. */
export interface OwnShape {
  readonly id: string;
  readonly pattern: string;
  /** ASCII, three characters at least; a match holds one of them. */
  readonly keywords: readonly string[];
  readonly pseudonym: boolean;
}

const BEHIND = 256;
const AHEAD = 1024;
const CERTAIN = 512;

export class OwnPattern implements Shape {
  readonly id: string;
  readonly pseudonym: boolean;
  readonly keywords: readonly string[];
  readonly behind: number;
  readonly #pattern: RE2JS;

  constructor({ id, pattern, keywords, pseudonym }: OwnShape) {
    this.id = id;
    this.pseudonym = pseudonym;
    this.keywords = keywords.map((keyword) => keyword.toLowerCase().replaceAll(/[0-9]/g, "0"));
    this.#pattern = RE2JS.compile(pattern);
    // A match that begins with its keyword keeps nothing before it waiting.
    this.behind =
      keywords.every((keyword) => /^[A-Za-z0-9_-]+$/.test(keyword) && pattern.startsWith(keyword)) &&
      !pattern.includes("|")
        ? 0
        : BEHIND;
  }

  match(window: Window, keyword: number, after: number): number {
    if (keyword < (window.none.get(this) ?? 0)) return NO;
    const to = Math.min(window.to, after + AHEAD);
    if (to < after + AHEAD && !window.final) return MORE;
    const from = Math.max(window.from, keyword - this.behind);
    const matcher = this.#pattern.matcher(window.bytes.subarray(from, to));
    window.steps += to - from;
    if (this.behind === 0)
      return matcher.lookingAt() && matcher.end() > 0 ? window.found(from, from + matcher.end()) : NO;
    let none = after + CERTAIN;
    for (let at = 0; at <= to - from && matcher.find(at); at = Math.max(matcher.end(), at + 1)) {
      const start = from + matcher.start();
      const end = from + matcher.end();
      if (start <= keyword && end >= after) return window.found(start, end);
      if (start > keyword && end > start) {
        // It is for the keyword that it holds; there is none before.
        none = Math.min(none, start);
        break;
      }
    }
    window.none.set(this, none);
    return NO;
  }
}
