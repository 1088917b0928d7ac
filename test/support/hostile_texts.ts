// Texts that were made to be taken for something else, or to break what shows them.

import fc from "fast-check";

export const HOSTILE_TEXTS: Readonly<Record<string, string>> = {
  markup: `</code></pre></main><script>alert(1)</script><img src=x onerror=alert(1)><style>*{display:none}</style>`,
  "an attribute's end": `" autofocus onfocus=alert(1) x='`,
  "a template and a comment": "<!--><template><svg/onload=alert(1)>--!>]]>&lt;&#0;&amp;amp;",
  "a terminal's escapes": "\x1b[2J\x1b]8;;http://evil.example\x07click\x1b]8;;\x07\x9b31m",
  "overrides of direction": "user\u202egnp.exe\u202c \u2066isolate\u2069 \u200f\u061c",
  "what cannot be seen": "pay\u200bload\u200c\u200d\ufeff\u00ad\u2060\u3164\u{e0041}\u{e007f}",
  "NUL and other controls": "a\0b\x08\x7f\x85\x1f\0\0\0",
  "separators that are no ends of lines": "one\u2028two\u2029three\u0085four\v\f",
  "halves of characters": "\ud83d \udc68 \ud800\ud800 \udfff",
  "letters of other scripts": "pаypаl.com ΟΚ рау ɑdmin ａｄｍｉｎ 𝐚𝐝𝐦𝐢𝐧 −rf ∕etc",
  "stacked signs": `Z${"\u0351\u0330\u0348".repeat(200)}`,
  "what is masked, by its looks": '{"password":"[masked:password]"} masked: password, 8 bytes at 0',
  "our own words": `</span><span class="masked">masked: token, 5 bytes at 1</span> U+202E`,
  "line ends of all kinds": "\n\na\r\nb\rc\n\r\t d\n",
};

const PARTS = [
  ...Object.values(HOSTILE_TEXTS),
  "<",
  ">",
  "&",
  '"',
  "'",
  "\n",
  "\r",
  "`",
  "&#x202e;",
  "\u0300",
  "א",
  "ب",
];

export const hostileText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(fc.constantFrom(...PARTS), fc.string({ unit: "binary", maxLength: 10 }), fc.string({ maxLength: 10 })),
    {
      maxLength: 8,
    },
  )
  .map((parts) => parts.join(""));
