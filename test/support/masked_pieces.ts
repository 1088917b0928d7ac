// A body masked in pieces, beside the same body masked at once.

import { EVERY_SECRET } from "../../core/mask/mask_plan.ts";
import { PayloadMasker, UNDECIDED_LIMIT } from "../../core/mask/payload_masker.ts";
import type { MaskedPiece, Span } from "../../core/mask/span.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const pseudonym = (rule: string, secret: Uint8Array): string => `${rule}/${decoder.decode(secret)}`;

/** The masked body and its spans, from pieces. Fails if more waits than may. */
export function inPieces(type: string, bytes: Uint8Array, sizes: readonly number[]): { text: string; spans: Span[] } {
  const masker = new PayloadMasker(EVERY_SECRET, type, pseudonym);
  const texts: Uint8Array[] = [];
  const spans: Span[] = [];
  const take = (piece: MaskedPiece): number => {
    texts.push(piece.bytes.slice());
    spans.push(...piece.spans);
    return piece.upto;
  };
  let at = 0;
  for (const size of sizes) {
    const upto = take(masker.push(bytes.slice(at, at + size)));
    at = Math.min(at + size, bytes.length);
    if (at - upto > UNDECIDED_LIMIT) throw new Error(`${at - upto} bytes wait`);
  }
  if (at < bytes.length) take(masker.push(bytes.slice(at)));
  take(masker.end());
  const all = new Uint8Array(texts.reduce((sum, part) => sum + part.length, 0));
  let length = 0;
  for (const part of texts) {
    all.set(part, length);
    length += part.length;
  }
  return { text: decoder.decode(all), spans };
}

/** In which pieces the body is masked otherwise than at once: all of two, and single bytes. Of a body longer than `every` bytes, as many places as that, evenly. */
export function splitDifferences(
  { what, type, body }: { readonly what: string; readonly type: string; readonly body: string },
  every: number,
): string[] {
  const bytes = encoder.encode(body);
  const whole = JSON.stringify(inPieces(type, bytes, [bytes.length]));
  const step = Math.max(1, bytes.length / every);
  const places = Array.from({ length: Math.ceil(bytes.length / step) }, (_, index) => Math.floor(index * step));
  const ways = [...places.map((at) => [at]), Array.from(bytes, () => 1)];
  return ways
    .filter((sizes) => JSON.stringify(inPieces(type, bytes, sizes)) !== whole)
    .map((sizes) => `${what} in pieces of ${sizes.slice(0, 3).join(", ")}`);
}
