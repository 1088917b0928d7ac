// A passkey's public key as WebAuthn has it (COSE_Key, RFC 9052 §7), made one that WebCrypto takes. Reads as
// much CBOR (RFC 8949) as such a key has: one map of small integers to integers and byte strings.

import { toBase64Url } from "../bytes.ts";

export interface PublicKey {
  readonly jwk: JsonWebKey;
  readonly algorithm: "ES256" | "EdDSA" | "RS256";
}

type Members = ReadonlyMap<number, number | Uint8Array>;

/** Null for whatever is no key of the three algorithms, or has bytes after it. */
export function readCoseKey(bytes: Uint8Array): PublicKey | null {
  const members = readMap(bytes);
  if (members === null) return null;
  const text = (label: number): string | null => {
    const value = members.get(label);
    return value instanceof Uint8Array ? toBase64Url(value) : null;
  };
  const [type, algorithm, curve] = [members.get(1), members.get(3), members.get(-1)];
  const [x, y] = [text(-2), text(-3)];
  if (type === 2 && algorithm === -7 && curve === 1 && x !== null && y !== null)
    return { algorithm: "ES256", jwk: { kty: "EC", crv: "P-256", x, y } };
  if (type === 1 && algorithm === -8 && curve === 6 && x !== null)
    return { algorithm: "EdDSA", jwk: { kty: "OKP", crv: "Ed25519", x } };
  const n = text(-1);
  if (type === 3 && algorithm === -257 && n !== null && x !== null)
    return { algorithm: "RS256", jwk: { kty: "RSA", n, e: x } };
  return null;
}

function readMap(bytes: Uint8Array): Members | null {
  const reader = new Reader(bytes);
  const head = reader.head();
  if (head === null || head.major !== 5 || head.value > 16) return null;
  const members = new Map<number, number | Uint8Array>();
  for (let i = 0; i < head.value; i += 1) {
    const label = reader.item();
    const value = reader.item();
    if (typeof label !== "number" || value === null || members.has(label)) return null;
    members.set(label, value);
  }
  return reader.isAtEnd ? members : null;
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Major type and argument of at most 16 bits. */
  head(): { readonly major: number; readonly value: number } | null {
    const first = this.#byte();
    if (first === null) return null;
    const [major, short] = [first >> 5, first & 31];
    if (short < 24) return { major, value: short };
    const [high, low] = [short === 25 ? this.#byte() : 0, short > 25 ? null : this.#byte()];
    return high === null || low === null ? null : { major, value: high * 256 + low };
  }

  item(): number | Uint8Array | null {
    const head = this.head();
    if (head === null) return null;
    if (head.major === 0) return head.value;
    if (head.major === 1) return -1 - head.value;
    const end = this.#at + head.value;
    if (head.major !== 2 || end > this.#bytes.length) return null;
    const item = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return item;
  }

  #byte(): number | null {
    const byte = this.#bytes[this.#at];
    this.#at += 1;
    return byte ?? null;
  }
}
