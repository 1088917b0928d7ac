// Letters that can be taken for others: of another script within one word, of a word that is made only of
// letters which look Latin, in another width or style, and signs that look like those of addresses and
// options. UTS #39 calls the first mixed-script and the second whole-script confusables. Nothing is
// refused for it; a reader is told.

const WORD = /[\p{L}\p{M}\p{N}_]+/gu;
const LETTER = /\p{L}/u;
/** Scripts that are written together within a word, with Latin too. */
const EAST_ASIAN = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{sc=Bopo}]/u;
const COMMON = /[\p{sc=Common}\p{sc=Inherited}]/u;
const SCRIPTS: readonly (readonly [name: string, test: RegExp])[] = [
  ["Latin", /\p{sc=Latin}/u],
  ["Cyrillic", /\p{sc=Cyrillic}/u],
  ["Greek", /\p{sc=Greek}/u],
  ["Armenian", /\p{sc=Armenian}/u],
  ["Cherokee", /\p{sc=Cherokee}/u],
  ["Coptic", /\p{sc=Coptic}/u],
  ["Georgian", /\p{sc=Georgian}/u],
  ["Lisu", /\p{sc=Lisu}/u],
];
/** Of scripts that have others, too: those that look Latin in most typefaces. */
const LOOKS_LATIN =
  /^[асеорхуіѕјһԁԛԝѵӏкмтвнАВЕКМНОРСТХЅІЈԌԚԜҮӀοναρυικγτΑΒΕΖΗΙΚΜΝΟΡΤΥΧօսոհցքԼՍՏᎠᎡᎢᎥᎪᎫᎬᎳᎷᎻᏀᏃᏎᏔᏙᏚᏞᏟᏢᏦ\p{sc=Lisu}\p{sc=Coptic}]+$/u;
const STYLED = /[\p{L}\p{Nd}\p{Nl}\uff01-\uff5e]/u;
/** Latin letters that look like other Latin ones, and signs that look like `/`, `.`, `:`, `-`, quotes or the end of an address. */
const LOOKS_LIKE: ReadonlyMap<string, string> = new Map(
  (
    [
      ["ɑ", "a"],
      ["ɡ", "g"],
      ["ɩ", "i"],
      ["ǀ", "l"],
      ["ǃ", "!"],
      ["⁄", "/"],
      ["∕", "/"],
      ["⧸", "/"],
      ["⟋", "/"],
      ["╱", "/"],
      ["․", "."],
      ["﹒", "."],
      ["∶", ":"],
      ["꞉", ":"],
      ["ː", ":"],
      ["‐", "-"],
      ["‑", "-"],
      ["−", "-"],
      ["˗", "-"],
      ["﹣", "-"],
      ["ʹ", "'"],
      ["ʺ", '"'],
      ["ʼ", "'"],
      ["；", ";"],
      ["\u037e", ";"],
      ["‚", ","],
      ["∗", "*"],
    ] as const
  ).map(([char, like]) => [char, like]),
);
const LOOKS_LIKE_TEST = new RegExp(`[${[...LOOKS_LIKE.keys()].join("")}]`, "gu");

/** At which place of the text such a letter stands, and what is to be said of it. */
export function oddLetters(text: string): ReadonlyMap<number, string> {
  const odd = new Map<number, string>();
  for (const { 0: word, index } of text.matchAll(WORD)) if (!/^[\0-\x7f]*$/.test(word)) judgeWord(word, index, odd);
  for (const { 0: char, index } of text.matchAll(/[\uff01-\uff5e]/g)) odd.set(index, likeText(char.normalize("NFKC")));
  for (const { 0: char, index } of text.matchAll(LOOKS_LIKE_TEST))
    odd.set(index, likeText(LOOKS_LIKE.get(char) ?? char));
  return odd;
}

function judgeWord(word: string, start: number, odd: Map<number, string>): void {
  const letters: { readonly at: number; readonly char: string; readonly script: string }[] = [];
  let at = start;
  for (const char of word) {
    const plain = char.normalize("NFKC");
    if (char > "\x7f" && STYLED.test(char) && /^[\x21-\x7e]+$/.test(plain)) odd.set(at, likeText(plain));
    else if (LETTER.test(char) && !EAST_ASIAN.test(char)) {
      const script = scriptOf(char);
      if (script !== null) letters.push({ at, char, script });
    }
    at += char.length;
  }
  const main = mainScript(letters.map(({ script }) => script));
  for (const letter of letters) if (letter.script !== main) odd.set(letter.at, letter.script);
  // A word of another script that could be read as a Latin one.
  const all = letters.map(({ char }) => char).join("");
  if (main !== "Latin" && letters.every(({ script }) => script === main) && LOOKS_LATIN.test(all))
    for (const letter of letters) odd.set(letter.at, letter.script);
}

/** Null for letters of every script. */
function scriptOf(char: string): string | null {
  if (COMMON.test(char)) return null;
  return SCRIPTS.find(([, test]) => test.test(char))?.[0] ?? "another script";
}

/** The one with the most letters, Latin among equals. */
function mainScript(scripts: readonly string[]): string {
  const counts = new Map<string, number>([["Latin", 0.5]]);
  for (const script of scripts) counts.set(script, (counts.get(script) ?? 0) + 1);
  return [...counts].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
}

function likeText(plain: string): string {
  return `looks like ${plain}`;
}
