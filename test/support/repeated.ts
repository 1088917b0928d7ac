// Bodies that repeat a piece, made without a copy for each time.

/** `text` again and again, cut at `length` bytes. */
export function repeated(text: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const piece = new TextEncoder().encode(text).subarray(0, length);
  bytes.set(piece);
  for (let filled = piece.length; filled < length; filled *= 2)
    bytes.copyWithin(filled, 0, Math.min(filled, length - filled));
  return bytes;
}
