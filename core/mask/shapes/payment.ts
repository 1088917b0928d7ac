// Payment cards and bank accounts: numbers that a checksum tells from others.

import { ALPHANUMERIC, byteSet, type ByteSet, DIGITS, MORE, NO, type Shape, UPPER, type Window } from "./window.ts";

const WORD: ByteSet = byteSet(`${ALPHANUMERIC}_`);
const DIGIT: ByteSet = byteSet(DIGITS);
const LETTER: ByteSet = byteSet(UPPER);
const SPACE = 32;
const DASH = 45;
const DOT = 46;
const PLUS = 43;
const ZERO = 48;

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
/** How digits stand in groups when they do: sizes as digits of a number, and what they begin with. */
const GROUPS: ReadonlySet<number> = new Set([4444, 44443, 465, 464]);
const GROUP_BEGINNINGS: ReadonlySet<number> = new Set([4, 44, 444, 4444, 46]);
const LONGEST = 19;

const DIGITS_READ = new Uint8Array(LONGEST + 1);

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
    if (before >= 0 && (WORD[before] === 1 || before === DOT || before === DASH || before === PLUS)) return NO;
    const first = window.at(keyword) - ZERO;
    if (first < 2 || first > 6) return NO;
    let count = 0;
    let groups = 0;
    let group = 0;
    let separator = 0;
    let at = keyword;
    for (; at < window.to && count <= LONGEST; at++) {
      const byte = window.bytes[at] ?? 0;
      if (DIGIT[byte] === 1) {
        DIGITS_READ[count++] = byte - ZERO;
        group++;
        continue;
      }
      if (byte !== SPACE && byte !== DASH) break;
      if (group > 9 || (separator !== 0 && byte !== separator) || !GROUP_BEGINNINGS.has(groups * 10 + group)) break;
      separator = byte;
      groups = groups * 10 + group;
      group = 0;
    }
    window.steps += at - keyword + 1;
    if (at + 1 >= window.to && !window.final) return MORE;
    // A separator that no digit follows belongs to the text around.
    const end = group === 0 ? at - 1 : at;
    const sizes = group === 0 ? groups : groups * 10 + group;
    if (groups > 0 && sizes > 9 && !GROUPS.has(sizes)) return NO;
    return isNumberEnd(window, end) && isCard(count) ? window.found(keyword, end) : NO;
  }
}

/** What follows does not go on with the number: a letter, or a digit behind a dot or dash. */
function isNumberEnd(window: Window, end: number): boolean {
  const next = window.at(end);
  if (next < 0) return true;
  if (WORD[next] === 1) return false;
  const after = window.at(end + 1);
  return !((next === DOT || next === DASH) && after >= 0 && WORD[after] === 1);
}

/** The first `count` digits that were read. */
function isCard(count: number): boolean {
  const known = ISSUERS.some(([digits, from, to, lengths]) => {
    if (!lengths.includes(count)) return false;
    let prefix = 0;
    for (let i = 0; i < digits; i++) prefix = prefix * 10 + (DIGITS_READ[i] ?? 0);
    return prefix >= from && prefix <= to;
  });
  return known && luhn(count) && !isOneDigit(count);
}

function isOneDigit(count: number): boolean {
  for (let i = 1; i < count; i++) if (DIGITS_READ[i] !== DIGITS_READ[0]) return false;
  return true;
}

/** ISO/IEC 7812-1 annex B. */
function luhn(count: number): boolean {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const digit = DIGITS_READ[i] ?? 0;
    const doubled = (count - i) % 2 === 0 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
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
