// Cuts what arrives into lines. Owns the limit that keeps memory bounded: a hostile export can be one
// endless line. Never looks into a line.

/** Bytes of a line, its LF included; docs/record_format.md §8. A disclosure of 512 Ki units takes at most 1.5 MiB, an escaped leaf 4 KiB. */
export const LINE_LIMIT = 2_097_152;
const LF = 0x0a;

export type Line =
  | { readonly kind: "line"; readonly bytes: Uint8Array }
  /** The end came without an LF. */
  | { readonly kind: "cut" }
  /** Reading stops here. */
  | { readonly kind: "too_long" };

/** Chunks may be cut anywhere, also within a character. */
export async function* linesOf(chunks: AsyncIterable<string | Uint8Array>): AsyncGenerator<Line> {
  const encoder = new TextEncoder();
  let held: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let rest = typeof chunk === "string" ? encoder.encode(chunk) : chunk;
    for (let end = rest.indexOf(LF); end >= 0; end = rest.indexOf(LF)) {
      if (size + end + 1 > LINE_LIMIT) return yield { kind: "too_long" };
      yield { kind: "line", bytes: joined(held, size, rest.subarray(0, end)) };
      held = [];
      size = 0;
      rest = rest.subarray(end + 1);
    }
    if (rest.length === 0) continue;
    size += rest.length;
    if (size >= LINE_LIMIT) return yield { kind: "too_long" };
    // A copy: whoever reads may fill the same buffer again, and a view would keep all of it in memory.
    held.push(rest.slice());
  }
  if (size > 0) yield { kind: "cut" };
}

function joined(held: readonly Uint8Array[], size: number, last: Uint8Array): Uint8Array {
  if (held.length === 0) return last;
  const bytes = new Uint8Array(size + last.length);
  let at = 0;
  for (const part of held) {
    bytes.set(part, at);
    at += part.length;
  }
  bytes.set(last, at);
  return bytes;
}
