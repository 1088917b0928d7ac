// Bodies masked for tests, and what must hold of every one of them.

import { expect } from "vitest";
import { EVERY_SECRET, type MaskPlan } from "../../core/mask/mask_plan.ts";
import { maskWhole, PayloadMasker, UNDECIDED_LIMIT } from "../../core/mask/payload_masker.ts";
import type { Format, Span } from "../../core/mask/span.ts";

const DECODER = new TextDecoder("utf-8", { ignoreBOM: true, fatal: false });
const ENCODER = new TextEncoder();

/** Made here, so that nothing in this repository looks like a key to who searches it for some. */
export const SHAPED = {
  accessKeyId: ["AKIA", "IOSFODNN7EXAMPLE"].join(""),
  keyBegins: ["-----BEGIN RSA ", "PRIVATE KEY-----"].join(""),
  card: ["4111", "1111", "1111", "1111"].join(""),
} as const;

/** Says which bytes it was made of, so that two ways to one secret can be compared. */
export const shownPseudonym = (rule: string, secret: Uint8Array): string => `${rule}:${DECODER.decode(secret)}`;

export interface MaskedText {
  readonly text: string;
  readonly spans: readonly Span[];
  readonly format: Format;
}

export function maskedText(type: string | null, body: string, plan: MaskPlan = EVERY_SECRET): MaskedText {
  const { bytes, spans, format } = maskWhole(plan, type, ENCODER.encode(body), shownPseudonym);
  return { text: DECODER.decode(bytes), spans, format };
}

export interface Masked {
  readonly bytes: Uint8Array;
  readonly spans: readonly Span[];
  readonly format: Format;
}

/** The body in pieces that end at `cuts`. Each piece is overwritten once it was pushed: nothing may be kept of it. */
export function maskedInPieces(type: string | null, body: Uint8Array, cuts: readonly number[]): Masked {
  const masker = new PayloadMasker(EVERY_SECRET, type, shownPseudonym);
  const bytes: number[] = [];
  const spans: Span[] = [];
  let from = 0;
  let upto = 0;
  for (const cut of [...cuts, body.length]) {
    const chunk = body.slice(from, cut);
    const piece = masker.push(chunk);
    bytes.push(...piece.bytes);
    spans.push(...piece.spans);
    chunk.fill(0x21);
    expect(piece.upto).toBeGreaterThanOrEqual(upto);
    expect(cut - piece.upto).toBeLessThanOrEqual(UNDECIDED_LIMIT);
    ({ upto } = piece);
    from = cut;
  }
  const last = masker.end();
  expect(last.upto).toBe(body.length);
  return { bytes: Uint8Array.from([...bytes, ...last.bytes]), spans: [...spans, ...last.spans], format: masker.format };
}

/** Outside of its spans, a masked body is the body, byte for byte; and spans are in order and take something out. */
export function expectUntouchedOutside(body: Uint8Array, { bytes, spans }: Pick<Masked, "bytes" | "spans">): void {
  let at = 0;
  let put = 0;
  for (const span of spans) {
    expect(span.at).toBeGreaterThanOrEqual(at);
    expect(span.length).toBeGreaterThan(0);
    const length = span.at - at;
    expect(bytes.slice(put, put + length)).toEqual(body.slice(at, span.at));
    put += length + span.put;
    at = span.at + span.length;
  }
  expect(bytes.slice(put)).toEqual(body.slice(at));
}
