// Judges names where they stand in the bytes, without making a string of each. Nearly all names are
// done with after one pass: no three letters in them begin anything that tells. What is left is judged
// once and remembered; the memory is bounded, and what an upstream floods it with is only slower.

import { NAME_LIMIT, type Judged } from "./secret_names.ts";

/** Letters 1–26, digits 27, bytes past ASCII 28; everything else is skipped, so that `pass_word` is read as `password`. */
const FOLD: Uint8Array = foldTable();

function foldTable(): Uint8Array {
  const fold = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) {
    const letter = byte | 0x20;
    if (letter >= 0x61 && letter <= 0x7a && byte < 0x80) fold[byte] = letter - 0x60;
    else if (byte >= 0x30 && byte <= 0x39) fold[byte] = 27;
    else if (byte >= 0x80) fold[byte] = 28;
  }
  return fold;
}

const SLOTS = 512;
const LATIN1 = new TextDecoder("latin1");
const UTF8 = new TextDecoder("utf-8");

interface Slot {
  readonly hash: number;
  readonly name: Uint8Array;
  readonly judged: Judged | null;
}

export class NameTable {
  readonly #judge: (name: string) => Judged | null;
  /** Which three folded letters in a row (15 bits) may begin a name that tells. */
  readonly #telling = new Uint8Array(1 << 15);
  readonly #slots: (Slot | undefined)[] = Array.from<Slot | undefined>({ length: SLOTS });

  /** `telling`: what a secret name must hold at least one of. */
  constructor(judge: (name: string) => Judged | null, telling: readonly string[]) {
    this.#judge = judge;
    const encoder = new TextEncoder();
    for (const text of telling) this.#mark(encoder.encode(text));
  }

  /** Names of one or two letters: whatever may stand in the other places. */
  #mark(text: Uint8Array): void {
    const letters = [...text].map((byte) => FOLD[byte] ?? 0).filter((letter) => letter !== 0);
    const [a = 0, b = 0, c] = letters;
    if (letters.length >= 3 && c !== undefined) this.#telling[(a << 10) | (b << 5) | c] = 1;
    // A shorter name is seen as it ends: nothing before it matters.
    else for (let x = 0; x < 32; x++) this.#telling[letters.length === 2 ? (x << 10) | (a << 5) | b : (x << 5) | a] = 1;
  }

  /** The name in bytes [from, to), as its carrier writes it. `encoded`: it has escapes of its carrier in it, which `decode` opens. */
  judge(bytes: Uint8Array, from: number, to: number, decode: ((raw: string) => string) | null = null): Judged | null {
    const length = to - from;
    if (length <= 0 || length > NAME_LIMIT) return null;
    if (decode !== null) return this.#judge(decode(LATIN1.decode(bytes.subarray(from, to))));
    const telling = this.#telling;
    let three = 0;
    let told = 0;
    let hash = length;
    for (let i = from; i < to; i++) {
      const byte = bytes[i] as number;
      hash = (Math.imul(hash, 31) + byte) | 0;
      const letter = FOLD[byte] as number;
      if (letter === 0) continue;
      three = ((three << 5) | letter) & 0x7fff;
      told |= telling[three] as number;
    }
    return told === 0 ? null : this.#remembered(bytes, from, to, hash);
  }

  #remembered(bytes: Uint8Array, from: number, to: number, hash: number): Judged | null {
    const at = (hash ^ (hash >>> 9)) & (SLOTS - 1);
    const slot = this.#slots[at];
    if (slot !== undefined && slot.hash === hash && same(slot.name, bytes, from, to)) return slot.judged;
    // Two places for each: else two names that a document repeats could push each other out, again and again.
    const other = this.#slots[at ^ 1];
    if (other !== undefined && other.hash === hash && same(other.name, bytes, from, to)) return other.judged;
    const name = bytes.slice(from, to);
    const judged = this.#judge(UTF8.decode(name));
    if (slot !== undefined) this.#slots[at ^ 1] = slot;
    this.#slots[at] = { hash, name, judged };
    return judged;
  }
}

/** Whoever chose the name may have chosen its hash. */
function same(name: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (name.length !== to - from) return false;
  for (let i = 0; i < name.length; i++) if (name[i] !== bytes[from + i]) return false;
  return true;
}
