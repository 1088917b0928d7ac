// RFC 8785 text of values, as records hold it.

import canonicalize from "canonicalize";

/** A value that RFC 8785 (JCS) can write and that records allow: no floats, so that every reader agrees on the bytes. */
export type Canonical = string | number | boolean | null | readonly Canonical[] | { readonly [key: string]: Canonical };

/** RFC 8785 text. Throws on what JCS cannot write (lone surrogates) and on numbers that are not safe integers. */
export function canonicalText(value: Canonical): string {
  assertIntegers(value);
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("not a JSON value");
  return text;
}

function assertIntegers(value: Canonical): void {
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw new TypeError("not a safe integer");
  if (typeof value === "object" && value !== null) for (const one of Object.values(value)) assertIntegers(one);
}
