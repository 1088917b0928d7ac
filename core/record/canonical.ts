import canonicalize from "canonicalize";

/** A value that RFC 8785 (JCS) can write and that records allow: no floats, so that every reader agrees on the bytes. */
export type Canonical =
  | string
  | number
  | boolean
  | null
  | readonly Canonical[]
  | { readonly [key: string]: Canonical };

/** RFC 8785 text. Throws on what JCS cannot write (lone surrogates) and on numbers that are not safe integers. */
export function canonicalText(value: Canonical): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("not a JSON value");
  return text;
}
