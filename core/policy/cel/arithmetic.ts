// CEL's arithmetic. Integers have 64 bits and fail where they leave them; texts and lists grow at a
// price.

import { type Budget, Duration, FAILED, Timestamp } from "./values.ts";

const MAX_INT = 2n ** 63n - 1n;
const MIN_INT = -(2n ** 63n);
/** Years 1 to 9999 (google.protobuf.Timestamp). */
const FIRST_MS = -62_135_596_800_000;
const LAST_MS = 253_402_300_799_999;
/** About 292 years: what cel-go's durations hold. */
const MAX_DURATION_MS = 9_223_372_036_854;

export type Arithmetic = "+" | "-" | "*" | "/" | "%";

export function arithmetic(operator: Arithmetic, a: unknown, b: unknown, budget: Budget): unknown {
  if (typeof a === "bigint" && typeof b === "bigint") return integers(operator, a, b);
  if (typeof a === "number" && typeof b === "number") return doubles(operator, a, b);
  if (operator === "+") {
    if (typeof a === "string" && typeof b === "string") {
      // Charged by length: a text that grows by doubling is paid for before it is large.
      budget.charge((a.length + b.length) >> 3);
      return a + b;
    }
    if (Array.isArray(a) && Array.isArray(b)) {
      budget.charge(a.length + b.length);
      return [...(a as unknown[]), ...(b as unknown[])];
    }
    if (a instanceof Timestamp && b instanceof Duration) return timestamp(a.ms + b.ms);
    if (a instanceof Duration && b instanceof Timestamp) return timestamp(a.ms + b.ms);
    if (a instanceof Duration && b instanceof Duration) return duration(a.ms + b.ms);
  }
  if (operator === "-") {
    if (a instanceof Timestamp && b instanceof Timestamp) return duration(a.ms - b.ms);
    if (a instanceof Timestamp && b instanceof Duration) return timestamp(a.ms - b.ms);
    if (a instanceof Duration && b instanceof Duration) return duration(a.ms - b.ms);
  }
  return FAILED;
}

function integers(operator: Arithmetic, a: bigint, b: bigint): unknown {
  switch (operator) {
    case "+":
      return integer(a + b);
    case "-":
      return integer(a - b);
    case "*":
      return integer(a * b);
    case "/":
      return b === 0n ? FAILED : integer(a / b);
    case "%":
      return b === 0n ? FAILED : integer(a % b);
  }
}

function doubles(operator: Arithmetic, a: number, b: number): unknown {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "%":
      return FAILED;
  }
}

export function negate(value: unknown): unknown {
  if (typeof value === "bigint") return integer(-value);
  return typeof value === "number" ? -value : FAILED;
}

export function integer(value: bigint): bigint | typeof FAILED {
  return value <= MAX_INT && value >= MIN_INT ? value : FAILED;
}

export function timestamp(ms: number): Timestamp | typeof FAILED {
  return ms >= FIRST_MS && ms <= LAST_MS ? new Timestamp(ms) : FAILED;
}

export function duration(ms: number): Duration | typeof FAILED {
  return Math.abs(ms) <= MAX_DURATION_MS ? new Duration(ms) : FAILED;
}
