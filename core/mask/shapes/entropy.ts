// How random text looks: Shannon's entropy of its bytes. Telling a token from a word it is good for;
// it says nothing about how a secret was made.

const COUNTS = new Uint16Array(256);

/** What is looked at of a longer text. */
const LOOKED_AT = 256;

/** Bits a byte, of the first 256 bytes of [from, to). */
export function entropy(bytes: Uint8Array, from: number, to: number): number {
  const end = Math.min(to, from + LOOKED_AT);
  const size = end - from;
  if (size <= 0) return 0;
  COUNTS.fill(0);
  for (let i = from; i < end; i++) {
    const byte = bytes[i] ?? 0;
    COUNTS[byte] = (COUNTS[byte] ?? 0) + 1;
  }
  let bits = 0;
  for (let i = from; i < end; i++) {
    const count = COUNTS[bytes[i] ?? 0] ?? 0;
    if (count === 0) continue;
    bits -= (count / size) * Math.log2(count / size);
    COUNTS[bytes[i] ?? 0] = 0;
  }
  return bits;
}
