// Masking towards the caller: what is released of an answer's body in place of what the upstream sent.
// The pump (pump.ts) and whole answers (whole_body.ts) put every body through what this file gives.

import type { Cleared } from "./exchange.ts";

/**
 * Given the plain body of an answer (opened of its content coding) piece by piece, in order; gives what
 * the caller gets. It holds back what it cannot decide yet: the pump never releases that on its own.
 */
export interface ToCaller {
  take(plain: Uint8Array): Uint8Array;
  /** The body has come to its end. Not called for one that broke off: its undecided end stays here. */
  end(): Uint8Array;
}

/**
 * Null where the caller gets what the upstream sent, byte for byte. With one, the answer leaves without
 * a stated length and without a content coding, and its headers have to say so (see `answerCommand`).
 */
export function toCallerOf(_cleared: Cleared, _response: Response): ToCaller | null {
  return null;
}
