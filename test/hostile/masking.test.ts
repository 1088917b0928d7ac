// Bodies that are made to stop a finder of secrets, to slow it down or to fill its memory.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EVERY_SECRET } from "../../core/mask/mask_plan.ts";
import { maskWhole, PayloadMasker, UNDECIDED_LIMIT } from "../../core/mask/payload_masker.ts";
import { parsePattern, type Pattern } from "../../core/mask/shapes/pattern.ts";
import { PROVIDER_TOKENS } from "../../core/mask/shapes/provider_tokens.ts";
import { compileShapes, EVERY_SHAPE } from "../../core/mask/shapes/rules.ts";
import { ShapeScanner } from "../../core/mask/shapes/scanner.ts";
import { STANDARD_TOKENS } from "../../core/mask/shapes/standard_tokens.ts";
import type { TokenRule } from "../../core/mask/shapes/token.ts";
import type { Span } from "../../core/mask/span.ts";
import { inPieces } from "../support/masked_pieces.ts";
import { repeated } from "../support/repeated.ts";
import { Random } from "../vectors/secrets/random.ts";
import { secrets } from "../vectors/secrets/secrets.ts";

const MIB = 1024 * 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const pseudonym = (): string => "one";

/** Bytes looked at behind keywords for each byte of text: an attacker chooses the text, and gets no more than this. */
const STEPS_A_BYTE = 16;

const RULES: readonly TokenRule[] = [...PROVIDER_TOKENS, ...STANDARD_TOKENS];

/** A text that the pattern matches, each part at its least or longer by `more`. */
function matching({ items }: Pattern, random: Random, more: number): string {
  return items
    .map((item) => {
      if (item.kind === "words") return String.fromCharCode(...random.pick(item.words));
      const bytes = [...item.set.keys()].filter((byte) => item.set[byte] === 1 && byte < 128);
      const count = Math.min(item.max, item.min + more);
      return Array.from({ length: count }, () => String.fromCharCode(random.pick(bytes))).join("");
    })
    .join("");
}

/** Keywords by themselves, and what goes wrong at a secret's start, in its middle and at its end. */
function nearly(rule: TokenRule, random: Random): string[] {
  const pattern = parsePattern(rule.pattern);
  const least = matching(pattern, random, 0);
  const longer = matching(pattern, random, 300);
  return [
    ...rule.keywords,
    ...rule.keywords.map((keyword) => `${keyword} `),
    least.slice(0, -1),
    `${least.slice(0, -1)}\n`,
    `-${least.slice(0, -1)} `,
    least.slice(0, Math.ceil(least.length / 2)),
    `${longer.slice(0, -1)}\0`,
    `${least} `,
  ];
}

describe("work grows with a body's length and no faster, whatever stands in it", () => {
  const steps = (text: string, length: number): number => ShapeScanner.whole(EVERY_SHAPE, repeated(text, length)).steps;

  test("each rule's keyword again and again, and what nearly is its secret", () => {
    const random = new Random(31);
    const worst = { text: "", steps: 0 };
    for (const rule of RULES)
      for (const text of nearly(rule, random)) {
        const whole = steps(text, MIB / 8);
        if (whole > worst.steps) Object.assign(worst, { text, steps: whole });
        // What is looked at without an end is bounded, and counts once in either.
        expect(whole, `${rule.id}: ${text}`).toBeLessThanOrEqual(8 * steps(text, MIB / 64) + 8192);
      }
    expect(worst.steps / (MIB / 8), JSON.stringify(worst.text)).toBeLessThan(STEPS_A_BYTE);
  });

  test.each([
    "0",
    "4",
    "4111",
    "4111 ",
    "4111-",
    "4111 1111 ",
    "4111 1111 1111 111",
    "DE89 ",
    "DE89 3704 ",
    "DE89370400440532013",
    "-----BEGIN ",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\\n",
    `-----BEGIN PRIVATE KEY-----${" ".repeat(63)}`,
    "-----BEGIN PRIVATE KEY-----A: ",
    "eyJ",
    "-eyJ",
    ".eyJ",
    "eyJA.",
    "\\",
    `eyJ${"A".repeat(999)}`,
    " eyJhbGciO",
    "sk-",
    "sk-a",
    ".sk-",
    "://",
    "://a:",
    "://a:b@",
  ])("a mebibyte of %j", (text) => {
    expect(steps(text, MIB) / MIB).toBeLessThan(STEPS_A_BYTE);
  });

  test("any row of beginnings and separators", () => {
    const parts = [
      ...RULES.flatMap(({ keywords }) => keywords),
      "a",
      "A1",
      " ",
      ".",
      "-",
      "_",
      "\n",
      "/",
      "=",
      '"',
      ":",
      "9",
    ];
    const few = fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(few, (row) => {
        expect(steps(row.join(""), MIB / 16) / (MIB / 16)).toBeLessThan(STEPS_A_BYTE);
      }),
      { seed: 77, numRuns: 400 },
    );
  });

  test("an own pattern that would take for ever to step back through, at each of its keywords", () => {
    const rules = compileShapes([{ id: "own", pattern: "(a+)+(b|aa)*c{3}x", keywords: ["aaa"], pseudonym: true }]);
    const { steps: taken, hits } = ShapeScanner.whole(rules, repeated("a", MIB / 4));
    expect(hits).toEqual([]);
    // It looks at 256 bytes before and 1,024 after a keyword, and not twice at the same.
    expect(taken / (MIB / 4)).toBeLessThan(STEPS_A_BYTE);
  });
});

/** The masked text with the body's own bytes put back where spans say that they were. */
function restored(body: Uint8Array, masked: string, spans: readonly Span[]): Uint8Array {
  const bytes = encoder.encode(masked);
  const parts: Uint8Array[] = [];
  let read = 0;
  let at = 0;
  for (const span of spans) {
    const plain = span.at - at;
    parts.push(bytes.subarray(read, read + plain), body.subarray(span.at, span.at + span.length));
    read += plain + span.put;
    at = span.at + span.length;
  }
  parts.push(bytes.subarray(read));
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const TYPES = [
  "application/json",
  "application/x-ndjson",
  "text/event-stream",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "application/xml",
  "text/plain",
] as const;

const token = new Random(5).fill("ghp_{A36}");

describe("what is broken is still masked, and comes out byte for byte where nothing was masked", () => {
  const BROKEN: readonly (readonly [what: string, body: string])[] = [
    ["a quote that nothing closes", `{"note":"${token} and on`],
    ["a name that nothing closes", `{"note":1,"pass`],
    ["an escape that nothing follows", `{"note":"${token}","x":"a\\`],
    ["half of a Unicode escape", `{"note":"${token}\\u00`],
    ["brackets that nothing opened", `]]]}}}{"note":"${token}"}`],
    ["two documents without anything between", `{"a":1}{"note":"${token}"}[${"[".repeat(50)}`],
    ["a line's end within a string", `{"note":"a\nb ${token}\n"}`],
    ["percent signs that encode nothing", `note=%%%zz%4&x=${token}&y=%`],
    ["a boundary that never comes", `--x\r\nContent-Disposition: form-data; name="note"\r\n\r\n${token}\r\n--`],
    ["tags that nothing closes", `<a><b note="${token}"><c>${token}<d`],
    ["a comment and a section without end", `<!-- ${token} <![CDATA[ ${token} <?php ${token}`],
    ["fields of events without a name", `:::\n: ${token}\ndata\ndata:${token}\nid:\u0000\n\n\n`],
    ["nothing but quotes", `${'"'.repeat(999)}${token}`],
    ["nothing but backslashes", `"${"\\".repeat(999)}" ${token}`],
  ];

  test.each(BROKEN)("%s", (_, body) => {
    const bytes = encoder.encode(body);
    for (const type of TYPES) {
      const whole = inPieces(type, bytes, [bytes.length]);
      if (body.includes(token)) expect(whole.text, type).not.toContain(token);
      expect(restored(bytes, whole.text, whole.spans), type).toEqual(bytes);
      for (const size of [1, 3, 64])
        expect(
          inPieces(
            type,
            bytes,
            Array.from(bytes, () => size),
          ),
          type,
        ).toEqual(whole);
    }
  });

  test("a row of pieces of all formats, in pieces of all sizes", () => {
    const parts = fc.constantFrom(
      ...[
        '{"',
        '"',
        '":"',
        '","',
        "}",
        "[",
        "\\",
        '\\"',
        "\\n",
        "\n",
        "\n\n",
        "data: ",
        "&",
        "=",
        "%",
        "%2",
        "%41",
        "+",
        "<",
        ">",
        "</a>",
      ],
      ...[
        "--x\r\n",
        "\r\n",
        "password",
        "token=",
        "Authorization: Bearer ",
        "://u:",
        "@",
        "'",
        "<!--",
        "]]>",
        "null",
        "1e9",
        "ä",
        "🔑",
      ],
      ...secrets(3).map(({ value }) => value.slice(0, 300)),
      ...secrets(4).map(({ value }) => value.slice(0, 9)),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...TYPES),
        fc.array(parts, { maxLength: 25 }),
        fc.array(fc.integer({ min: 1, max: 70 }), { maxLength: 40 }),
        (type, row, sizes) => {
          const bytes = encoder.encode(row.join(""));
          const whole = inPieces(type, bytes, [bytes.length]);
          expect(restored(bytes, whole.text, whole.spans)).toEqual(bytes);
          expect(inPieces(type, bytes, sizes)).toEqual(whole);
        },
      ),
      { seed: 8, numRuns: 1500 },
    );
  });
});

describe("bytes that are no UTF-8", () => {
  /** A `"` and a `g` written in more bytes than they need, a lone surrogate, a cut-off character, bytes that never occur. */
  const WRONG: readonly (readonly number[])[] = [
    [0xc0, 0xa2],
    [0xe0, 0x81, 0xa7],
    [0xed, 0xa0, 0x80],
    [0xe2, 0x82],
    [0xff, 0xfe],
    [0xf8, 0x88, 0x80, 0x80, 0x80],
  ];

  test.each(WRONG)("%i …: they end no string, hide no secret after them, and stay as they are", (...wrong) => {
    const before = encoder.encode(`{"a":"x`);
    const behind = encoder.encode(`y","password":"hunter2","note":"${token}"}`);
    const body = Uint8Array.from([...before, ...wrong, ...behind]);
    for (const type of ["application/json", "text/plain", "application/xml"]) {
      const { bytes, spans } = maskWhole(EVERY_SECRET, type, body, pseudonym);
      const text = String.fromCharCode(...bytes);
      expect(text, type).not.toContain(token);
      expect(text, type).not.toContain("hunter2");
      expect(spans.length, type).toBe(2);
      expect(text, type).toContain(String.fromCharCode(...wrong));
    }
  });
});

describe("depth and length cost no memory", () => {
  test("a million levels of JSON", () => {
    const deep = 1_000_000;
    for (const open of ['{"a":', "[", '[{"a":']) {
      const body = new Uint8Array(deep * open.length + 64);
      body.set(repeated(open, deep * open.length));
      body.set(encoder.encode(`{"note":"${token}"}`), deep * open.length);
      const masker = new PayloadMasker(EVERY_SECRET, "application/json", pseudonym);
      const spans: Span[] = [];
      for (let at = 0; at < body.length; at += 65_536) spans.push(...masker.push(body.subarray(at, at + 65_536)).spans);
      spans.push(...masker.end().spans);
      expect(
        spans.map(({ at, length }) => [at, length]),
        open,
      ).toEqual([[deep * open.length + 9, token.length]]);
    }
  });

  // The same with a gibibyte each: masking_memory.long.test.ts.
  test.each(["x", "x,", "\\\\", "a=b&", "eyJA", "<a b='", "4111 ", '{"a":"', "password ", "\u00e4"])(
    "a line of 8 MiB that repeats %j",
    (text) => {
      for (const type of TYPES) {
        const chunk = repeated(text, 64 * 1024);
        const masker = new PayloadMasker(EVERY_SECRET, type, pseudonym);
        let sent = 0;
        let waits = 0;
        for (let i = 0; i < 18; i++) {
          const { upto } = masker.push(chunk);
          sent += chunk.length;
          waits = Math.max(waits, sent - upto);
        }
        expect(waits, type).toBeLessThanOrEqual(UNDECIDED_LIMIT);
        expect(masker.end().upto, type).toBe(sent);
      }
    },
  );
});

test("a secret behind a mebibyte of anything is masked as one that stands first", () => {
  for (const type of TYPES)
    for (const text of [
      "x",
      " ",
      "\n",
      "\\",
      '"',
      "<",
      "%",
      "&",
      "=",
      "[",
      "{",
      ":",
      "eyJ",
      "-----BEGIN PRIVATE KEY-----",
      "password: ",
    ]) {
      const bytes = new Uint8Array(MIB + token.length + 2);
      bytes.set(repeated(text, MIB));
      bytes.set(encoder.encode(` ${token} `), MIB);
      const masked = decoder.decode(maskWhole(EVERY_SECRET, type, bytes, pseudonym).bytes.slice(-200));
      expect(masked, `${type} after ${text}`).not.toContain(token);
    }
});
