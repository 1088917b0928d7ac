// What a decider's passkey signs where a rule wants that: one text that holds the whole decision. The
// browser makes it from the form, the Worker again from what it was sent, and WebAuthn's challenge is its
// SHA-256: whatever of it is changed on the way, the signature is of something else.
//
// Invariant: everything by which one decision differs from another stands in the text.

import type { CommandId, Digest } from "../ids.ts";
import { canonicalText } from "../record/canonical.ts";
import type { Vote } from "./approval.ts";

export interface SignedDecision {
  readonly approval: CommandId;
  /** The keyed digest of the command that is decided on. */
  readonly digest: string;
  readonly decision: Vote["decision"];
  /** 0: once. */
  readonly grantMs: number;
  readonly comment: string | null;
  /** Hash of the policy that the approval was asked for under. */
  readonly policy: Digest;
  /** Of the decider. */
  readonly issuer: string;
  readonly subject: string;
  /** Random, good once. */
  readonly nonce: string;
  /** Milliseconds since 1970 from which the nonce is not taken. */
  readonly expires: number;
}

/** RFC 8785 text, of which the challenge is the SHA-256 of its UTF-8 bytes. Throws on lone surrogates. */
export function signedText(decision: SignedDecision): string {
  const { approval, digest, decision: chosen, grantMs, comment, policy, issuer, subject, nonce, expires } = decision;
  return canonicalText({
    label: "sallyport.decision.v1",
    ...{ approval, digest, decision: chosen, grantMs, comment, policy, issuer, subject, nonce, expires },
  });
}

/** A comment as it is decided with: one line, as the API takes it; null if there is none. */
export function commentLine(text: string): string | null {
  const line = text.replace(/[\r\n\t]+/g, " ").trim();
  return line === "" ? null : line;
}
