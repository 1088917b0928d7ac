// Masks a payload as it passes, whatever the pieces it comes in: any split of the same body gives the
// same bytes and the same spans. Outside of spans the body stays byte for byte.
//
// Nothing that a body holds makes it throw, and what it remembers of one is bounded: undecided bytes
// (UNDECIDED_LIMIT), a window of them to read in, and no level or name of a document.

import { bodyFinder } from "./body_carrier.ts";
import { type Charset, CHARSET_PROBE, charsetOf, Projection } from "./charset.ts";
import { type Declared, declaredOf } from "./content_type.ts";
import { Cutter } from "./cutter.ts";
import type { Finder } from "./finder.ts";
import type { MaskPlan } from "./mask_plan.ts";
import type { Format, MaskedPiece, Pseudonym, Span } from "./span.ts";

/** Bytes of a body that may wait for what follows them before it is known whether they are a secret. */
export const UNDECIDED_LIMIT: number = 16 * 1024;

/** Read at once: the window stays small, however large the chunk. */
const STEP = 32 * 1024;
const NOTHING = new Uint8Array(0);

export class PayloadMasker {
  readonly #plan: MaskPlan;
  readonly #declared: Declared;
  readonly #pseudonym: Pseudonym;
  #format: Format;
  /** Until the charset is known. */
  #first: Uint8Array = NOTHING;
  #cutter: Cutter | null = null;
  #finder: Finder | null = null;
  #projection: Projection | null = null;

  constructor(plan: MaskPlan, contentType: string | null, pseudonym: Pseudonym) {
    this.#plan = plan;
    this.#declared = declaredOf(contentType);
    this.#pseudonym = pseudonym;
    this.#format = this.#declared.format ?? "text";
  }

  /** What the body is read as. Certain after its first kilobyte, and at its end; `binary` is left alone from the byte on that told so. */
  get format(): Format {
    return this.#format;
  }

  /** The chunk may be changed once this has returned; the piece may be a view of it. */
  push(chunk: Uint8Array): MaskedPiece {
    if (this.#cutter === null) {
      const first = joined(this.#first, chunk);
      if (first.length < CHARSET_PROBE) {
        this.#first = first.slice();
        return { bytes: NOTHING, upto: 0, spans: [] };
      }
      this.#begin(first);
      return this.#read(first);
    }
    return this.#read(chunk);
  }

  end(): MaskedPiece {
    if (this.#cutter === null) this.#begin(this.#first);
    const first = this.#read(this.#first);
    const { bytes, spans } = first;
    this.#finder?.end();
    this.#cutter?.finish();
    const last = this.#cutter?.take() ?? first;
    return { bytes: joined(bytes, last.bytes), upto: last.upto, spans: [...spans, ...last.spans] };
  }

  #begin(first: Uint8Array): void {
    const charset: Charset = charsetOf(this.#declared.charset, first);
    this.#projection = new Projection(charset);
    this.#cutter = new Cutter(charset, this.#pseudonym);
    this.#finder = bodyFinder(this.#plan, this.#declared, this.#cutter, (format) => {
      this.#format = format;
    });
  }

  #read(bytes: Uint8Array): MaskedPiece {
    this.#first = NOTHING;
    const cutter = this.#cutter;
    if (cutter === null || this.#finder === null || this.#projection === null) throw new Error("not begun");
    for (let at = 0; at < bytes.length; at += STEP) {
      const step = bytes.subarray(at, at + STEP);
      cutter.add(step);
      cutter.settle(this.#finder.push(this.#projection.of(step)));
    }
    return cutter.take();
  }
}

function joined(before: Uint8Array, after: Uint8Array): Uint8Array {
  if (before.length === 0) return after;
  if (after.length === 0) return before;
  const all = new Uint8Array(before.length + after.length);
  all.set(before);
  all.set(after, before.length);
  return all;
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
  const spans: readonly Span[] = [...first.spans, ...last.spans];
  return { bytes: joined(first.bytes, last.bytes), upto: last.upto, spans, format: masker.format };
}
