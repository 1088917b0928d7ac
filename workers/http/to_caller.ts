// Masking towards the caller, where a rule orders it: what is released of an answer in place of what
// the upstream sent, head and body. The pump (pump.ts) and whole answers (whole_body.ts) put every body
// through what this file gives.
//
// Invariant: no byte of such an answer leaves that the masker has not decided, and nothing that the
// answer's head says is about other bytes than those that leave. Binary bodies pass as they are: the
// record's `format` says that of them.

import { createHash, type Hash } from "node:crypto";
import { maskAnswerHeaders } from "../../core/mask/mask_answer_headers.ts";
import type { Header } from "../../core/mask/mask_headers.ts";
import type { MaskPlan } from "../../core/mask/mask_plan.ts";
import { PayloadMasker } from "../../core/mask/payload_masker.ts";
import type { MaskedPiece } from "../../core/mask/span.ts";
import { headersOfMasked } from "../../core/protocol/http/masked_exchange.ts";

/**
 * Given the plain body of an answer (opened of its content coding) piece by piece, in order; gives what
 * the caller gets. It holds back what it cannot decide yet: the pump never releases that on its own.
 */
export interface ToCaller {
  take(plain: Uint8Array): Uint8Array;
  /** The body has come to its end. Not called for one that broke off: its undecided end stays here. */
  end(): Uint8Array;
}

/** What a command's caller got in place of what the upstream sent. */
export class CallerMask {
  readonly #plan: MaskPlan;
  #headSpans = 0;
  #body: MaskedBody | null = null;

  constructor(plan: MaskPlan) {
    this.#plan = plan;
  }

  /** The headers of the answer, as the caller gets them. Throws what a masker throws. */
  head(headers: readonly Header[]): Header[] {
    const masked = maskAnswerHeaders(this.#plan, headersOfMasked(headers));
    this.#headSpans = masked.spans;
    return masked.headers;
  }

  /** For the answer's body; another one begins anew. It leaves without a stated length and without a content coding. */
  body(contentType: string | null): ToCaller {
    this.#body = new MaskedBody(new PayloadMasker(this.#plan, contentType, NO_PSEUDONYM));
    return this.#body;
  }

  /** Places where something was taken out of what the caller got. */
  get spans(): number {
    return this.#headSpans + (this.#body?.spans ?? 0);
  }

  /** What was released of the body, as the record tells it. */
  get released(): { readonly size: number; readonly digest: Uint8Array; readonly complete: boolean } {
    return this.#body?.released ?? { size: 0, digest: createHash("sha256").digest(), complete: true };
  }
}

/** The caller sees none: they are for auditors, and would tell that two secrets are the same. */
const NO_PSEUDONYM = (): string => "";

class MaskedBody implements ToCaller {
  readonly #masker: PayloadMasker;
  readonly #hash: Hash = createHash("sha256");
  spans = 0;
  #size = 0;
  #isComplete = false;

  constructor(masker: PayloadMasker) {
    this.#masker = masker;
  }

  take(plain: Uint8Array): Uint8Array {
    return this.#counted(this.#masker.push(plain));
  }

  end(): Uint8Array {
    const last = this.#counted(this.#masker.end());
    this.#isComplete = true;
    return last;
  }

  #counted({ bytes, spans }: MaskedPiece): Uint8Array {
    this.spans += spans.length;
    this.#size += bytes.length;
    this.#hash.update(bytes);
    return bytes;
  }

  get released(): CallerMask["released"] {
    return { size: this.#size, digest: this.#hash.copy().digest(), complete: this.#isComplete };
  }
}
