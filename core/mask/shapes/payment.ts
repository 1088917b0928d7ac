// Payment cards and bank accounts: numbers that a checksum tells from others.

import { ALPHANUMERIC, byteSet, type ByteSet, DIGITS, MORE, NO, type Shape, UPPER, type Window } from "./window.ts";

const WORD: ByteSet = byteSet(`${ALPHANUMERIC}_`);
const DIGIT: ByteSet = byteSet(DIGITS);
const LETTER: ByteSet = byteSet(UPPER);
const SPACE = 32;
const DASH = 45;

/** [first digits, from, to, lengths]: ISO/IEC 7812 ranges as the card schemes publish them. */
const ISSUERS: readonly (readonly [digits: number, from: number, to: number, lengths: readonly number[]])[] = [
  [1, 4, 4, [13, 16, 19]], // Visa
  [2, 51, 55, [16]], // Mastercard
  [4, 2221, 2720, [16]],
  [2, 34, 34, [15]], // American Express
  [2, 37, 37, [15]],
  [4, 6011, 6011, [16, 19]], // Discover
  [3, 644, 649, [16, 19]],
  [2, 65, 65, [16, 19]],
  [4, 3528, 3589, [16, 19]], // JCB
  [3, 300, 305, [14]], // Diners Club
  [2, 36, 36, [14]],
  [2, 38, 39, [14]],
  [2, 62, 62, [16, 17, 18, 19]], // UnionPay
  [4, 5018, 5018, [16]], // Maestro
  [4, 5020, 5020, [16]],
  [4, 5038, 5038, [16]],
  [4, 6304, 6304, [16]],
  [4, 6759, 6763, [16]],
];
/** How digits stand in groups when they do. */
const GROUPS: readonly (readonly number[])[] = [
  [4, 4, 4, 4],
  [4, 6, 5],
  [4, 6, 4],
  [4, 4, 4, 4, 3],
];
const LONGEST = 19;

export class PaymentCard implements Shape {
  readonly id = "payment-card";
  readonly pseudonym = false;
  readonly behind = 0;
  readonly keywords: readonly string[] = [
    "0000000000000",
    "0000 0000 0",
    "0000-0000-0",
    "0000 000000 0",
    "0000-000000-0",
  ];

  match(window: Window, keyword: number): number {
    const before = window.at(keyword - 1);
    // A part of a longer word or number: 0.4111…, +49…, a UUID's last group.
    if (before >= 0 && (WORD[before] === 1 || before === 46 || before === DASH || before === 43)) return NO;
    const digits: number[] = [];
    let at = keyword;
    let separator = 0;
    let group = 0;
    const groups: number[] = [];
    for (; at < window.to && digits.length <= LONGEST; at++) {
      const byte = window.bytes[at] ?? 0;
      window.steps++;
      if (DIGIT[byte] === 1) {
        digits.push(byte - 48);
        group++;
      } else if (
        (byte === SPACE || byte === DASH) &&
        (separator === 0 || byte === separator) &&
        isFullGroup(groups, group)
      ) {
        separator = byte;
        groups.push(group);
        group = 0;
      } else break;
    }
    if (at + 1 >= window.to && !window.final) return MORE;
    // A separator that no digit follows belongs to the text around.
    let end = at;
    if (group === 0) end--;
    else groups.push(group);
    if (separator !== 0 && groups.length > 1 && !GROUPS.some((known) => same(known, groups))) return NO;
    return isNumberEnd(window, end) && isCard(digits) ? window.found(keyword, end) : NO;
  }
}

/** A separator may stand after `size` further digits. */
function isFullGroup(groups: readonly number[], size: number): boolean {
  return GROUPS.some(
    (known) => known.length > groups.length + 1 && same(known.slice(0, groups.length + 1), [...groups, size]),
  );
}

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, index) => size === b[index]);
}

/** What follows does not go on with the number: a letter, or a digit behind a dot or dash. */
function isNumberEnd(window: Window, end: number): boolean {
  const next = window.at(end);
  if (next < 0) return true;
  if (WORD[next] === 1) return false;
  return !((next === 46 || next === DASH) && WORD[window.at(end + 1) & 255] === 1 && window.at(end + 1) >= 0);
}

function isCard(digits: readonly number[]): boolean {
  const known = ISSUERS.some(([count, from, to, lengths]) => {
    if (!lengths.includes(digits.length)) return false;
    const prefix = Number(digits.slice(0, count).join(""));
    return prefix >= from && prefix <= to;
  });
  return known && luhn(digits) && new Set(digits).size > 1;
}

/** ISO/IEC 7812-1 annex B. */
function luhn(digits: readonly number[]): boolean {
  let sum = 0;
  digits.forEach((digit, index) => {
    const doubled = (digits.length - index) % 2 === 0 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  });
  return sum % 10 === 0;
}

/** Length by country, from the registry of ISO 13616 as its agency publishes it. */
const IBAN_LENGTHS: ReadonlyMap<string, number> = new Map(
  (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 " +
    "FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 " +
    "LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 " +
    "RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
  )
    .split(" ")
    .map((row) => [row.slice(0, 2), Number(row.slice(2))]),
);

export class BankAccount implements Shape {
  readonly id = "iban";
  readonly pseudonym = false;
  readonly behind = 0;
  readonly keywords: readonly string[] = [...IBAN_LENGTHS.keys()].map((country) => `${country.toLowerCase()}00`);

  match(window: Window, keyword: number): number {
    const before = window.at(keyword - 1);
    if (before >= 0 && WORD[before] === 1) return NO;
    const country = String.fromCharCode(window.at(keyword), window.at(keyword + 1));
    const length = IBAN_LENGTHS.get(country);
    if (length === undefined) return NO;
    let read = 0;
    let at = keyword;
    // In print it stands in groups of four.
    let grouped = false;
    for (; at < window.to && read < length; at++) {
      const byte = window.bytes[at] ?? 0;
      window.steps++;
      if (byte === SPACE && read % 4 === 0 && read > 0 && (grouped || read === 4) && window.bytes[at - 1] !== SPACE) {
        grouped = true;
        continue;
      }
      if ((DIGIT[byte] !== 1 && LETTER[byte] !== 1) || (grouped && read % 4 === 0 && window.bytes[at - 1] !== SPACE))
        return NO;
      read++;
    }
    if (at >= window.to && !window.final) return MORE;
    if (read < length) return NO;
    const next = window.at(at);
    if (next >= 0 && WORD[next] === 1) return NO;
    return mod97(window, keyword, at) === 1 ? window.found(keyword, at) : NO;
  }
}

/** ISO 13616-1 §6: the first four go last, letters count from 10. */
function mod97(window: Window, from: number, to: number): number {
  const text: number[] = [];
  for (let at = from; at < to; at++) {
    const byte = window.bytes[at] ?? 0;
    if (byte !== SPACE) text.push(byte);
  }
  let rest = 0;
  for (const byte of [...text.slice(4), ...text.slice(0, 4)]) {
    const value = byte <= 57 ? byte - 48 : byte - 55;
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest;
}
