// Cuts what a masker gave into pieces of a size that records take, and at the end of what is to be
// recorded. Never within what stands for a secret.

import type { MaskedPiece, Span } from "./span.ts";

export interface Part {
  readonly bytes: Uint8Array;
  readonly spans: readonly Span[];
  /** Plain bytes of the body that are told with it, from the body's start. */
  readonly upto: number;
}

/**
 * The longest part of a piece from its start with at most `bytes` masked bytes and `spans` spans, and what
 * is left of it. `from` is the plain byte the piece begins at. A part of no bytes means that the piece
 * begins with more in place of one secret than fits.
 */
export function splitPiece(piece: MaskedPiece, from: number, bytes: number, spans: number): [Part, Part] {
  let plain = from;
  let masked = 0;
  let count = 0;
  for (const span of piece.spans) {
    const before = span.at - plain;
    if (masked + before + span.put > bytes || count === spans) break;
    masked += before + span.put;
    plain = span.at + span.length;
    count++;
  }
  // What follows the last span that fits, up to the next one.
  const next = piece.spans[count];
  // What is decided may go further than the bytes do: into a secret of which the span comes with its end.
  const end = next === undefined ? plain + piece.bytes.length - masked : next.at;
  const room = Math.min(bytes - masked, end - plain);
  masked += room;
  plain += room;
  return [
    { bytes: piece.bytes.subarray(0, masked), spans: piece.spans.slice(0, count), upto: plain },
    { bytes: piece.bytes.subarray(masked), spans: piece.spans.slice(count), upto: piece.upto },
  ];
}
