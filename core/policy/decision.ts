import type { Digest } from "../ids.ts";

/** Something a decision demands beside its effect. The gateway fails closed on one it cannot meet. */
export type Obligation =
  | { readonly kind: "mask"; readonly rule: string }
  | { readonly kind: "record"; readonly extent: "full" | "metadata" | { readonly head: number } };

/** `rule` is the id of the rule that decided, or null where no rule matched (default deny). */
export type Decision =
  | {
      readonly effect: "allow";
      readonly policy: Digest;
      readonly rule: string;
      readonly obligations: readonly Obligation[];
    }
  | { readonly effect: "deny"; readonly policy: Digest; readonly rule: string | null; readonly reason: DenyReason }
  | {
      readonly effect: "needs_approval";
      readonly policy: Digest;
      readonly rule: string;
      readonly obligations: readonly Obligation[];
    };

/** Stable codes; core/errors map them to the wire. */
export type DenyReason = "no_rule" | "rule_denies" | "unknown_connection";
