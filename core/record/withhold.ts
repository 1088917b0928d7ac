// A disclosure with some of its fields withheld: name and commitment in place of name, salt and value, so
// that the leaf's root is reached without them. docs/record_format.md §3.

import { fromBase64Url, toHex } from "../bytes.ts";
import { commitment } from "./commit.ts";
import type { Disclosed, Sha256 } from "./record.ts";

/** `disclosure` is one that `commit` has written; the same text where it has none of the fields. */
export function withhold(disclosure: string, names: ReadonlySet<string>, sha256: Sha256): string {
  // A quotation mark inside a value is escaped, so this is found only where an element begins.
  if (![...names].some((name) => disclosure.includes(`["${name}","`))) return disclosure;
  const fields = JSON.parse(disclosure) as readonly Disclosed[];
  return JSON.stringify(
    fields.map((field) => {
      const [name, salt, value] = field;
      if (!names.has(name)) return field;
      const bytes = fromBase64Url(salt);
      if (bytes === null) throw new Error(`the salt of ${name} cannot be read`);
      return [name, toHex(commitment(bytes, name, value, sha256))];
    }),
  );
}
