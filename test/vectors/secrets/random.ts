// Randomness that is the same in every run and runtime: a corpus made from it can be spoken of.

const SMALL = "abcdefghijklmnopqrstuvwxyz";
const LARGE = SMALL.toUpperCase();
const DIGITS = "0123456789";

export const ALPHABETS = {
  /** letters and digits */
  A: SMALL + LARGE + DIGITS,
  /** base64url */
  w: `${SMALL + LARGE + DIGITS}-_`,
  /** base64 */
  b: `${SMALL + LARGE + DIGITS}+/`,
  /** hexadecimal */
  h: `${DIGITS}abcdef`,
  H: `${DIGITS}ABCDEF`,
  d: DIGITS,
  /** lower case and digits */
  a: SMALL + DIGITS,
  l: SMALL,
  L: LARGE,
  /** upper case and digits */
  U: LARGE + DIGITS,
  /** base32 */
  t: `${LARGE}234567`,
} as const;

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, below). Mulberry32. */
  number(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below);
  }

  pick<T>(from: readonly T[]): T {
    const one = from[this.number(from.length)];
    if (one === undefined) throw new Error("nothing to pick from");
    return one;
  }

  text(alphabet: string, length: number): string {
    let text = "";
    for (let i = 0; i < length; i++) text += alphabet[this.number(alphabet.length)] ?? "";
    return text;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.number(256));
  }

  /** `{A36}` becomes 36 letters and digits, and so on by the names of ALPHABETS; everything else stays. */
  fill(template: string): string {
    return template.replaceAll(/\{([AwbhHdalLUt])(\d+)\}/g, (_, alphabet: keyof typeof ALPHABETS, length: string) =>
      this.text(ALPHABETS[alphabet], Number(length)),
    );
  }
}

export function base64(bytes: Uint8Array | string): string {
  const all = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
  return btoa(String.fromCharCode(...all));
}

export function base64url(bytes: Uint8Array | string): string {
  return base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
