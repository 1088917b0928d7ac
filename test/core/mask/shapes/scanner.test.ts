// The scanner over bytes as they come: whatever the pieces, the same is found, and little waits.

import fc from "fast-check";
import { expect, test } from "vitest";
import { compileShapes, EVERY_SHAPE, type ShapeRules } from "../../../../core/mask/shapes/rules.ts";
import { findShapes, type ShapeHit, ShapeScanner, UNDECIDED_LIMIT } from "../../../../core/mask/shapes/scanner.ts";
import { Random } from "../../../vectors/secrets/random.ts";
import { secrets } from "../../../vectors/secrets/secrets.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Found {
  readonly rule: string;
  readonly start: number;
  readonly end: number;
}

/** Pieces of one secret put together again. */
function joined(hits: readonly ShapeHit[]): Found[] {
  const found: { rule: string; start: number; end: number }[] = [];
  for (const { rule, start, end, continued } of hits) {
    const last = found.at(-1);
    if (continued) expect(last).toMatchObject({ rule, end: start });
    if (continued && last !== undefined) last.end = end;
    else found.push({ rule, start, end });
  }
  return found;
}

/** What the scanner finds in pieces; fails if it finds what it had decided against, or lets too much wait. */
function inPieces(rules: ShapeRules, bytes: Uint8Array, sizes: Iterable<number>): Found[] {
  const scanner = new ShapeScanner(rules);
  const hits: ShapeHit[] = [];
  let at = 0;
  let decided = 0;
  const take = (scanned: { readonly hits: readonly ShapeHit[]; readonly decided: number }): void => {
    for (const hit of scanned.hits) expect(hit.start).toBeGreaterThanOrEqual(decided);
    expect(scanned.decided).toBeGreaterThanOrEqual(decided);
    decided = scanned.decided;
    expect(at - decided).toBeLessThanOrEqual(UNDECIDED_LIMIT + 512);
    hits.push(...scanned.hits);
  };
  for (const size of sizes) {
    const piece = bytes.slice(at, at + size);
    at += piece.length;
    take(scanner.push(piece));
    // The caller may use its buffer again.
    piece.fill(0x2a);
  }
  const rest = bytes.slice(at);
  at += rest.length;
  take(scanner.push(rest));
  take(scanner.flush());
  expect(decided).toBe(bytes.length);
  return joined(hits);
}

const SAMPLES = secrets(5).filter(({ name }) => name === "note");

test("each secret that is known by its form is found, all of it, by one rule", () => {
  const withoutName = SAMPLES.filter(({ kind }) => !kind.endsWith("password") && !kind.startsWith("password in"));
  expect(withoutName.length).toBeGreaterThan(100);
  for (const { kind, value, secret } of withoutName) {
    const text = `before ${value} behind`;
    const found = joined(findShapes(EVERY_SHAPE, bytesOf(text)));
    const covered = found.some(
      ({ start, end }) => start <= text.indexOf(secret) && end >= text.indexOf(secret) + secret.length,
    );
    expect(covered, `${kind}: ${JSON.stringify(found)} in ${value}`).toBe(true);
    expect(found.length, kind).toBe(1);
  }
});

test("a split anywhere changes nothing", () => {
  for (const { kind, value } of SAMPLES) {
    if (value.length > 2000) continue;
    const bytes = bytesOf(`{"note":"${value.replaceAll("\n", "\\n")}","next":1}`);
    const whole = joined(findShapes(EVERY_SHAPE, bytes));
    for (let at = 0; at <= bytes.length; at++) expect(inPieces(EVERY_SHAPE, bytes, [at]), kind).toEqual(whole);
    expect(
      inPieces(
        EVERY_SHAPE,
        bytes,
        bytes.map(() => 1),
      ),
      kind,
    ).toEqual(whole);
  }
});

test("pieces of any sizes change nothing in text full of secrets and of what nearly is one", () => {
  const own = compileShapes([
    { id: "employee", pattern: "EMP-[0-9]{6}", keywords: ["EMP-"], pseudonym: true },
    { id: "plate", pattern: "[A-Z]{1,3}-[A-Z]{2} [0-9]{1,4}", keywords: ["-ab"], pseudonym: false },
  ]);
  const parts = fc.constantFrom(
    ...secrets(6).map(({ value }) => value),
    ...secrets(7).map(({ value }) => value.slice(0, 20)),
    ...[
      "EMP-123456",
      "EMP-12",
      "B-AB 123",
      "eyJ",
      "sk-",
      "://",
      "4111 1111 ",
      "\\",
      "\\n",
      '"',
      "-----BEGIN ",
      " ",
      "ä",
    ],
  );
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 12 }), fc.array(fc.integer({ min: 1, max: 900 })), (texts, sizes) => {
      const bytes = bytesOf(texts.join(""));
      const whole = joined(findShapes(own, bytes));
      expect(inPieces(own, bytes, sizes)).toEqual(whole);
    }),
    { seed: 40, numRuns: 300 },
  );
});

test("a secret longer than what may wait is handed out in pieces, with nothing left between them", () => {
  const random = new Random(9);
  const token = `eyJhbGciOiJub25lIn0.${random.fill("{w60000}")}`;
  const bytes = bytesOf(`a ${token} b`);
  const [found, ...more] = inPieces(
    EVERY_SHAPE,
    bytes,
    bytes.map(() => 97),
  );
  expect(found).toEqual({ rule: "jwt", start: 2, end: 2 + token.length });
  expect(more).toEqual([]);
  const first = (sizes: readonly number[]): ShapeHit | undefined => {
    const scanner = new ShapeScanner(EVERY_SHAPE);
    let at = 0;
    for (const size of sizes) {
      const [hit] = scanner.push(bytes.subarray(at, (at += size))).hits;
      if (hit !== undefined) return hit;
    }
    return undefined;
  };
  // What a pseudonym is made of does not depend on the pieces.
  expect(first([10, 5000, 60000])).toEqual(first([70000]));
  expect(first([70000])).toMatchObject({ start: 2, end: 2 + UNDECIDED_LIMIT, open: true, continued: false });
});

test("a private key of many lines is masked to its last dash, also with escaped line ends and across a message's pieces", () => {
  const random = new Random(10);
  const lines = Array.from({ length: 200 }, () => random.fill("{b64}"));
  for (const end of ["\n", "\r\n", "\\n", "\\r\\n", "\\\\n", " "]) {
    const key = ["-----BEGIN RSA PRIVATE KEY-----", ...lines, "-----END RSA PRIVATE KEY-----"].join(end);
    const text = `{"key":"${key}${end}","other":"-----BEGIN CERTIFICATE-----"}`;
    const [found, ...more] = inPieces(
      EVERY_SHAPE,
      bytesOf(text),
      Array.from({ length: 3000 }, (_, i) => 1 + (i % 7)),
    );
    expect(found, JSON.stringify(end)).toEqual({ rule: "private-key", start: 8, end: 8 + key.length });
    expect(more).toEqual([]);
  }
});

test("a private key that is cut off never takes the quote that ends it, nor half of an escape", () => {
  const random = new Random(10);
  for (const size of [40, UNDECIDED_LIMIT - 32, UNDECIDED_LIMIT - 31, UNDECIDED_LIMIT, 9000]) {
    const key = `-----BEGIN PRIVATE KEY-----\\n${random.fill(`{b${size}}`)}`;
    const text = `"${key}\\" tail"`;
    for (const piece of [1, 4096, 100_000])
      expect(
        inPieces(
          EVERY_SHAPE,
          bytesOf(text),
          bytesOf(text).map(() => Math.min(piece, 255)),
        ),
      ).toEqual([{ rule: "private-key", start: 1, end: 1 + key.length }]);
  }
});

test("a message's end decides, and nothing is found across it", () => {
  const scanner = new ShapeScanner(EVERY_SHAPE);
  const token = new Random(3).fill("ghp_{A36}");
  const open = scanner.push(bytesOf(`one ${token}`));
  expect(open).toEqual({ hits: [], decided: 4 });
  expect(scanner.flush()).toMatchObject({ hits: [{ start: 4, end: 44, rule: "github-token" }], decided: 44 });
  scanner.push(bytesOf(token.slice(0, 20)));
  expect(scanner.flush()).toEqual({ hits: [], decided: 64 });
  scanner.push(bytesOf(token.slice(20)));
  expect(scanner.flush()).toEqual({ hits: [], decided: 84 });
  expect(scanner.push(bytesOf(`${token} `)).hits).toMatchObject([{ start: 84, end: 124 }]);
});

test("a longer secret that a message's end cuts off does not go on in the next one", () => {
  const scanner = new ShapeScanner(EVERY_SHAPE);
  const token = `sk-ant-api03-${new Random(3).fill("{w9000}")}`;
  const hits = [...scanner.push(bytesOf(token)).hits, ...scanner.flush().hits];
  expect(joined(hits)).toEqual([{ rule: "anthropic-key", start: 0, end: token.length }]);
  expect(scanner.push(bytesOf("abcdef ")).hits).toEqual([]);
});

test("text without any beginning of a secret never waits", () => {
  const scanner = new ShapeScanner(EVERY_SHAPE);
  const text = "Nothing here is a secret, ever. ";
  for (let i = 1; i <= 100; i++) expect(scanner.push(bytesOf(text)).decided).toBe(i * text.length);
});

test("an own rule is found by its pattern where its keyword stands, with what stands before it", () => {
  const rules = compileShapes([
    { id: "employee", pattern: "EMP-[0-9]{6}", keywords: ["EMP-"], pseudonym: true },
    { id: "plate", pattern: "[A-ZÄÖÜ]{1,3}-AB [0-9]{1,4}", keywords: ["-ab"], pseudonym: false },
  ]);
  const text = "emp-1 EMP-123456, EMP-12345; LÖ-AB 77 in München, -AB 12";
  const found = findShapes(rules, bytesOf(text));
  const texts = found.map(({ start, end }) => new TextDecoder().decode(bytesOf(text).slice(start, end)));
  expect(texts).toEqual(["EMP-123456", "LÖ-AB 77"]);
  expect(found.map(({ rule, pseudonym }) => [rule, pseudonym])).toEqual([
    ["employee", true],
    ["plate", false],
  ]);
});

test("an own rule is found again and again in a long stream where its keyword stands everywhere", () => {
  const rules = compileShapes([{ id: "plate", pattern: "[A-Z]{2}-ab [0-9]{4}", keywords: ["-ab"], pseudonym: false }]);
  const text = `-ab -ab ${"XY-ab 12 ".repeat(20)}-ab${"-ab".repeat(300)} KL-ab 1234 `.repeat(12);
  const bytes = bytesOf(text);
  const whole = joined(findShapes(rules, bytes));
  expect(whole.map(({ start, end }) => text.slice(start, end))).toEqual(Array.from({ length: 12 }, () => "KL-ab 1234"));
  for (const size of [1, 50, 700, 5000])
    expect(
      inPieces(
        rules,
        bytes,
        bytes.map(() => Math.min(size, 255)),
      ),
    ).toEqual(whole);
});

test("only the rules that are asked for are looked for", () => {
  const text = secrets(8)
    .map(({ value }) => value)
    .join(" ");
  const rules = compileShapes([], (rule) => rule === "github-token" || rule === "iban");
  expect(new Set(findShapes(rules, bytesOf(text)).map(({ rule }) => rule))).toEqual(new Set(["github-token", "iban"]));
  expect(
    findShapes(
      compileShapes([], () => false),
      bytesOf(text),
    ),
  ).toEqual([]);
});
