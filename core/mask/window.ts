// The bytes that are at hand while a stream is read: what is undecided, a little before it to look back
// at, and what has just come. Offsets count from the stream's start.

/** Names, line starts and the beginnings of strings are looked for this far back. */
export const LOOK_BACK: number = 1024;

const NOTHING = new Uint8Array(0);
/** Most bodies are small. */
const LEAST = 256;

export class Window {
  /** The byte at offset `o` is `buf[o - base]`. Changes with `append`. */
  buf: Uint8Array = NOTHING;
  base = 0;
  end = 0;

  /** Bytes before `keep` may be forgotten. */
  append(bytes: Uint8Array, keep: number): void {
    if (this.end - this.base + bytes.length > this.buf.length) this.#makeRoom(bytes.length, keep);
    this.buf.set(bytes, this.end - this.base);
    this.end += bytes.length;
  }

  view(from: number, to: number): Uint8Array {
    return this.buf.subarray(from - this.base, to - this.base);
  }

  #makeRoom(length: number, keep: number): void {
    const from = Math.max(this.base, Math.min(keep, this.end));
    const kept = this.end - from;
    if (kept + length > this.buf.length) {
      const grown = new Uint8Array(Math.max(LEAST, 2 * (kept + length)));
      grown.set(this.view(from, this.end));
      this.buf = grown;
    } else {
      this.buf.copyWithin(0, from - this.base, this.end - this.base);
    }
    this.base = from;
  }
}
