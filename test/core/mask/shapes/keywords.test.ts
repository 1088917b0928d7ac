// The automaton of keywords, beside a search for each of them by itself.

import fc from "fast-check";
import { expect, test } from "vitest";
import { compileKeywords, walk } from "../../../../core/mask/shapes/keywords.ts";

/** [keyword, index after it], in the order of their ends, longest first. */
function found(words: readonly string[], bytes: Uint8Array, cuts: readonly number[]): [string, number][] {
  const keywords = compileKeywords(words);
  const state = new Int32Array(1);
  const hits: [string, number][] = [];
  let at = 0;
  for (const to of [...cuts, bytes.length].toSorted((a, b) => a - b))
    while (at < to) {
      at = walk(keywords, bytes, at, to, state);
      for (const index of keywords.ends[(state[0] ?? 0) / keywords.width] ?? []) hits.push([words[index] ?? "", at]);
    }
  return hits;
}

function naive(words: readonly string[], text: string): [string, number][] {
  const folded = text.toLowerCase().replaceAll(/[0-9]/g, "0");
  const hits: [string, number][] = [];
  for (let at = 1; at <= text.length; at++) {
    const ends = words.filter((word) => folded.slice(0, at).endsWith(word));
    for (const word of ends.toSorted((a, b) => b.length - a.length)) hits.push([word, at]);
  }
  return hits;
}

test("every keyword is found wherever it stands, whatever its case, its digits and the pieces it comes in", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "0", "_"), minLength: 1, maxLength: 5 });
  const text = fc.string({ unit: fc.constantFrom("a", "A", "b", "B", "0", "7", "_", "é"), maxLength: 60 });
  fc.assert(
    fc.property(
      fc.uniqueArray(letters, { minLength: 1, maxLength: 8 }),
      text,
      fc.array(fc.nat(60)),
      (words, among, cuts) => {
        const bytes = Uint8Array.from(among, (character) => character.charCodeAt(0));
        const inside = cuts.filter((cut) => cut <= bytes.length);
        expect(found(words, bytes, inside)).toEqual(naive(words, among));
      },
    ),
    { seed: 4, numRuns: 500 },
  );
});
