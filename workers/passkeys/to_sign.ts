// What pages hand to the script that asks for passkeys, as JSON in an attribute. Types only: the browser's
// code reads them without the Worker's.

import type { SignedDecision } from "../../core/approval/signed_decision.ts";

export interface PasskeyName {
  /** base64url. */
  readonly id: string;
  readonly transports: readonly string[];
}

/** A decision, but for what is chosen in the form. */
export interface ToSign extends Omit<SignedDecision, "decision" | "grantMs" | "comment"> {
  /** The relying party's id. */
  readonly host: string;
  readonly passkeys: readonly PasskeyName[];
}

export interface ToAdd {
  readonly host: string;
  /** base64url. */
  readonly challenge: string;
  readonly user: { readonly id: string; readonly name: string; readonly displayName: string };
  readonly algorithms: readonly number[];
  /** Those that the person has already. */
  readonly known: readonly PasskeyName[];
}
