// What conditions compute with, and how values compare (CEL, "Values" and "Equality"). Integers are
// BigInt, doubles are numbers, lists are arrays; maps are Map, or what JSON.parse made of an object,
// of which own members only are ever looked at.
//
// A failure is a value, `FAILED`, because most of them are honest (a header that is not there) and an
// exception would cost a hundred times as much.

/** An evaluation that failed. `||` and `&&` pass over it where the other side decides (CEL, "Logical operators"). */
export const FAILED: unique symbol = Symbol("failed");

/** A point in time with millisecond precision, within the years 1 to 9999. */
export class Timestamp {
  readonly ms: number;
  constructor(ms: number) {
    this.ms = ms;
  }
}

/** A length of time with millisecond precision. */
export class Duration {
  readonly ms: number;
  constructor(ms: number) {
    this.ms = ms;
  }
}

/** Something that may be there: `map[?key]`. */
export class Optional {
  readonly value: unknown;
  readonly isPresent: boolean;
  constructor(value: unknown, isPresent: boolean) {
    this.value = value;
    this.isPresent = isPresent;
  }
}
export const NOTHING: Optional = new Optional(null, false);

/** Takes steps from what an evaluation may still do; throws `Exhausted` when none are left. */
export interface Budget {
  charge(steps: number): void;
}

export class Exhausted extends Error {}

export type PlainObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is PlainObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return !(
    value instanceof Map ||
    value instanceof Timestamp ||
    value instanceof Duration ||
    value instanceof Optional
  );
}

/** FAILED if there is no such key, or nothing that has keys. */
export function memberOf(value: unknown, key: unknown): unknown {
  if (value instanceof Map) {
    const name = keyOf(key);
    return value.has(name) ? value.get(name) : FAILED;
  }
  if (Array.isArray(value)) {
    const index = typeof key === "bigint" ? Number(key) : key;
    if (typeof index !== "number" || !Number.isInteger(index) || index < 0 || index >= value.length) return FAILED;
    return value[index];
  }
  if (typeof key === "string" && isObject(value) && Object.hasOwn(value, key)) return value[key];
  return FAILED;
}

/** Whether a map has the key; FAILED if it is no map. */
export function hasMember(value: unknown, key: unknown): unknown {
  if (value instanceof Map) return value.has(keyOf(key));
  if (isObject(value)) return typeof key === "string" && Object.hasOwn(value, key);
  return FAILED;
}

/** Whether it is a list or a map. */
export function hasMembers(value: unknown): boolean {
  return Array.isArray(value) || value instanceof Map || isObject(value);
}

/** 1 and 1.0 are one key. */
export function keyOf(key: unknown): unknown {
  return typeof key === "number" && Number.isInteger(key) ? BigInt(key) : key;
}

/** What a comprehension runs over: a list's elements, a map's keys; null for anything else. */
export function elementsOf(value: unknown): readonly unknown[] | null {
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return [...value.keys()];
  return isObject(value) ? Object.keys(value) : null;
}

export function sizeOf(value: unknown): unknown {
  if (typeof value === "string") return BigInt(codePoints(value));
  if (value instanceof Map) return BigInt(value.size);
  if (Array.isArray(value)) return BigInt(value.length);
  return isObject(value) ? BigInt(Object.keys(value).length) : FAILED;
}

function codePoints(text: string): number {
  let count = text.length;
  for (let i = 0; i + 1 < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 0xd800 && c < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) count--;
  }
  return count;
}

/** Values of different kinds are never equal, but for numbers. A step for each element that is looked at. */
export function equals(a: unknown, b: unknown, budget: Budget): boolean {
  if (typeof a === "string") {
    if (a.length >= 64) budget.charge(a.length >> 6);
    return a === b;
  }
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null)
    // oxlint-disable-next-line eqeqeq -- a BigInt and a number are compared by what they mean
    return isNumber(a) && isNumber(b) && a == b;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    budget.charge(a.length);
    return a.every((element, index) => equals(element, b[index], budget));
  }
  if (Array.isArray(b)) return false;
  if (a instanceof Timestamp) return b instanceof Timestamp && a.ms === b.ms;
  if (a instanceof Duration) return b instanceof Duration && a.ms === b.ms;
  if (a instanceof Optional)
    return b instanceof Optional && a.isPresent === b.isPresent && (!a.isPresent || equals(a.value, b.value, budget));
  const keys = elementsOf(a);
  const others = elementsOf(b);
  if (keys === null || others === null || keys.length !== others.length) return false;
  budget.charge(keys.length);
  return keys.every((key) => {
    const other = memberOf(b, key);
    return other !== FAILED && equals(memberOf(a, key), other, budget);
  });
}

export function isNumber(value: unknown): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

/** -1, 0 or 1; NaN if a NaN is compared, which makes every comparison false; FAILED if the two have no order. */
export function compare(a: unknown, b: unknown): number | typeof FAILED {
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : a > b ? 1 : Number(a) === Number(b) || a == b ? 0 : Number.NaN; // oxlint-disable-line eqeqeq
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (a instanceof Timestamp && b instanceof Timestamp) return Math.sign(a.ms - b.ms);
  if (a instanceof Duration && b instanceof Duration) return Math.sign(a.ms - b.ms);
  return FAILED;
}

/** By code points; JavaScript's own order is by code units, where a surrogate stands before U+E000. */
function compareText(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) < rank(y) ? -1 : 1;
  }
  return Math.sign(a.length - b.length);
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}
