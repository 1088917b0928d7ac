// The patterns of the built-in rules, beside RE2 as re2js reads the same text.

import { RE2JS } from "re2js";
import { expect, test } from "vitest";
import { matchPattern, parsePattern, type Pattern } from "../../../../core/mask/shapes/pattern.ts";
import { PROVIDER_TOKENS } from "../../../../core/mask/shapes/provider_tokens.ts";
import { STANDARD_TOKENS } from "../../../../core/mask/shapes/standard_tokens.ts";
import { HIT, Window } from "../../../../core/mask/shapes/window.ts";
import { Random } from "../../../vectors/secrets/random.ts";

const RULES = [...PROVIDER_TOKENS, ...STANDARD_TOKENS];

/** Where the pattern's secret stands if the text begins with it. */
function ours(pattern: Pattern, text: string): string | null {
  const window = new Window(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  window.to = text.length;
  window.final = true;
  return matchPattern(pattern, window, 0) === HIT ? text.slice(window.start, window.end) : null;
}

function theirs(pattern: RE2JS, text: string): string | null {
  const matcher = pattern.matcher(text);
  return matcher.lookingAt() ? matcher.group(matcher.groupCount() > 0 ? 1 : 0) : null;
}

/** A text that the pattern matches. `more`: how many bytes a part may have beyond its least. */
function matching({ items }: Pattern, random: Random, more: number): string {
  let text = "";
  for (const item of items) {
    if (item.kind === "words") {
      const word = String.fromCharCode(...random.pick(item.words));
      text += item.fold && more > 2 ? word.toUpperCase() : word;
      continue;
    }
    const bytes = [...item.set.keys()].filter((byte) => item.set[byte] === 1 && byte < 128);
    const count = Math.min(item.max, item.min + random.number(more + 1));
    for (let n = 0; n < count; n++) text += String.fromCharCode(random.pick(bytes));
  }
  return text;
}

/** The text itself, with something behind, cut short, and with one place changed. */
function near(text: string, random: Random): string[] {
  const at = random.number(text.length);
  const other = random.pick(["", "!", " ", "é", "0"]);
  return [text, `${text} tail`, text.slice(0, -1), text.slice(0, at) + other + text.slice(at + 1)];
}

test("a pattern finds what RE2 finds with it, no more and no less", () => {
  const random = new Random(11);
  let matched = 0;
  for (const { id, pattern } of RULES) {
    const parsed = parsePattern(pattern);
    const re2 = RE2JS.compile(pattern);
    for (let i = 0; i < 12; i++)
      for (const text of near(matching(parsed, random, i % 6), random)) {
        const found = ours(parsed, text);
        expect(found, `${id} in ${JSON.stringify(text)}`).toBe(theirs(re2, text));
        if (found !== null) matched++;
      }
  }
  expect(matched).toBeGreaterThan(RULES.length * 20);
});

test("every text that a rule's pattern matches begins with one of its keywords, and each keyword begins one", () => {
  const random = new Random(12);
  for (const { id, pattern, keywords } of RULES) {
    const parsed = parsePattern(pattern);
    const begins = Array.from({ length: 150 }, () =>
      matching(parsed, random, 0).toLowerCase().replaceAll(/[0-9]/g, "0"),
    );
    for (const text of begins)
      expect(
        keywords.some((keyword) => text.startsWith(keyword)),
        `${id}: ${text}`,
      ).toBe(true);
    for (const keyword of keywords)
      expect(
        begins.some((text) => text.startsWith(keyword)),
        `${id}: ${keyword}`,
      ).toBe(true);
  }
});

test("a pattern that could be read in two ways, or that has no end before its end, is refused", () => {
  expect(() => parsePattern("a{1,3}ab")).toThrow("two readings");
  expect(() => parsePattern("[a-z]{2,}-b")).toThrow("endless");
  expect(() => parsePattern("[a-z]{0,3}[0-9]?(?:x|y)")).toThrow("two readings");
  expect(() => parsePattern("[a-z")).toThrow("without an end");
});
