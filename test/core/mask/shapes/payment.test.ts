// Numbers of cards and accounts, and numbers that are none.

import { describe, expect, test } from "vitest";
import { EVERY_SHAPE } from "../../../../core/mask/shapes/rules.ts";
import { findShapes } from "../../../../core/mask/shapes/scanner.ts";
import { Random } from "../../../vectors/secrets/random.ts";
import { card, iban } from "../../../vectors/secrets/secrets.ts";

const random = new Random(23);

function found(text: string): string[] {
  return findShapes(EVERY_SHAPE, new TextEncoder().encode(text)).map(
    ({ rule, start, end }) => `${rule} ${text.slice(start, end)}`,
  );
}

/** Another last digit: its checksum is wrong. */
const wrong = (number: string): string => number.slice(0, -1) + String((Number(number.at(-1)) + 3) % 10);
const inFours = (number: string, separator: string): string => number.replaceAll(/(.{4})(?=.)/g, `$1${separator}`);

describe("a payment card", () => {
  test.each([
    ["4", 13],
    ["4", 16],
    ["4", 19],
    ["51", 16],
    ["55", 16],
    ["2221", 16],
    ["2720", 16],
    ["34", 15],
    ["37", 15],
    ["6011", 16],
    ["645", 16],
    ["65", 16],
    ["3528", 16],
    ["300", 14],
    ["36", 14],
    ["62", 16],
    ["62", 19],
    ["6304", 16],
  ])("that begins with %s and has %i digits is found, and not if one digit is another", (prefix, length) => {
    for (let i = 0; i < 20; i++) {
      const number = card(random, prefix, length);
      expect(found(`"${number}",`)).toEqual([`payment-card ${number}`]);
      expect(found(`"${wrong(number)}",`)).toEqual([]);
    }
  });

  test.each([
    ["56", 16],
    ["2220", 16],
    ["2721", 16],
    ["1", 16],
    ["9", 16],
    ["4", 14],
    ["4", 15],
    ["51", 15],
    ["34", 16],
    ["8", 19],
  ])("has no number that begins with %s and has %i digits", (prefix, length) => {
    expect(found(card(random, prefix, length))).toEqual([]);
  });

  test("stands in groups as it does in print, with one separator throughout", () => {
    const number = card(random, "4", 16);
    for (const separator of [" ", "-"])
      expect(found(`card ${inFours(number, separator)}, and`)).toEqual([`payment-card ${inFours(number, separator)}`]);
    expect(found(`card ${inFours(number, " ")} 12`)).toEqual([]);
    expect(found(inFours(number, " ").replace(" ", "-"))).toEqual([]);
    expect(found(`${number.slice(0, 5)} ${number.slice(5)}`)).toEqual([]);
    expect(found(inFours(number, "  "))).toEqual([]);
    const amex = card(random, "37", 15);
    const printed = `${amex.slice(0, 4)} ${amex.slice(4, 10)} ${amex.slice(10)}`;
    expect(found(`${printed}.`)).toEqual([`payment-card ${printed}`]);
  });

  test("is no part of a longer word or number", () => {
    const number = card(random, "4", 16);
    for (const text of [
      `0.${number}`,
      `${number}.5`,
      `x${number}`,
      `${number}x`,
      `_${number}`,
      `+${number}`,
      `1-${number}-2`,
      `1${number}0`,
    ])
      expect(found(text), text).toEqual([]);
    for (const text of [`=${number}`, `:${number}.`, `(${number})`, `${number}-`, `${number}\n`])
      expect(found(text), text).toHaveLength(1);
    expect(found("4444444444444444")).toEqual([]);
  });
});

describe("a bank account", () => {
  const german = iban("DE", random.fill("{d18}"));

  test("is found by its country's length and its checksum, as it is or in groups of four", () => {
    const norwegian = iban("NO", random.fill("{d11}"));
    const maltese = iban("MT", random.fill("{L4}{d5}{U18}"));
    for (const account of [german, norwegian, maltese])
      for (const text of [account, inFours(account, " ")]) expect(found(`to ${text}; `)).toEqual([`iban ${text}`]);
  });

  test("is none with a wrong checksum, of another length, of no country, in small letters or within a word", () => {
    for (const text of [
      wrong(german),
      german.slice(0, -1),
      `${german}0`,
      iban("ZZ", random.fill("{d18}")),
      german.toLowerCase(),
      `X${german}`,
      `${german}_`,
      inFours(german, "  "),
      `${german.slice(0, 6)} ${german.slice(6)}`,
    ])
      expect(found(text), text).toEqual([]);
  });
});
