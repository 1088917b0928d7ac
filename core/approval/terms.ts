// What a rule asks for before its commands go on: who has to approve, for how long what holds, and what
// becomes of a caller who waits. Written in the policy (`approve`), read here, kept with each approval.

/** People of whom `count` have to approve. A person counts for one slot only, whichever they fit. */
export interface Slot {
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  /** If given, `groups` count only from this issuer. */
  readonly issuer: string | null;
  readonly subjects: readonly { readonly issuer: string; readonly subject: string }[];
  readonly count: number;
}

export interface ApprovalTerms {
  /** All of them have to be filled. */
  readonly by: readonly Slot[];
  /** Milliseconds from the request until an unanswered one expires. */
  readonly expiresMs: number;
  /** Milliseconds from the decision until an approved one that was not used expires. */
  readonly useWithinMs: number;
  /** How long a call waits that does not say so itself (RFC 7240 `wait`). */
  readonly waitMs: number;
  /** A caller who waits and leaves takes the request back (`cancel`), or comes again and goes on (`keep`). */
  readonly ifGone: "cancel" | "keep";
  /** Bytes of a body that waits. */
  readonly bodyLimit: number;
  /** The longest time for which a decider may allow the like without asking again; null: never. */
  readonly grant: { readonly maxMs: number; readonly scope: GrantScope } | null;
  /** Whether a decider has to say why, and whether whoever asks has to. */
  readonly commentNeeded: boolean;
  readonly reasonNeeded: boolean;
  /** Deciders sign what they decide with a passkey. */
  readonly passkey: boolean;
  /** Who may go on without an approval, giving a reason, and have it reviewed afterwards; null: nobody. */
  readonly breakGlass: Omit<Slot, "count"> | null;
  /** Names of masks. A request of which another one masks something is refused: nobody approves what they cannot see. Null: any may be masked. */
  readonly maskedOnlyIn: readonly string[] | null;
  /** Names of `notify` of the policy. */
  readonly notify: readonly string[];
}

/** What a grant covers: the same method and target again, or whatever the rule asks about. */
export type GrantScope = "target" | "rule";
