// What deciding gives, and how it is said in one line.

import type { Digest } from "../ids.ts";
import type { BodyRefusal } from "./body.ts";

/** How much of a body, or of a message, is recorded: all of it, so many bytes from its start, or none. */
export type Extent = "full" | "metadata" | { readonly head: number };

/** Something a decision demands beside its effect. The gateway fails closed on one it cannot meet. */
export type Obligation =
  /** Towards the caller: `rules` are names of masks, `secrets` for all that are built in. */
  { readonly kind: "mask"; readonly rules: readonly string[] } | { readonly kind: "record"; readonly extent: Extent };

/** What becomes of a message that is refused: it alone is dropped, or the socket is closed with 1008. */
export type HowRefused = "drop" | "close";

/** `rule` is the id of the rule that decided and `line` where it stands, or null where no rule did (default deny). */
export type Decision =
  | {
      readonly effect: "allow";
      readonly policy: Digest;
      readonly rule: string;
      readonly line: number;
      readonly obligations: readonly Obligation[];
    }
  | {
      readonly effect: "deny";
      readonly policy: Digest;
      readonly rule: string | null;
      readonly line: number | null;
      readonly reason: DenyReason;
      /** What the rule's author wants the caller to be told. */
      readonly message: string | null;
      /** Of a message; absent where the rule leaves it to the connection. See `howRefused`. */
      readonly refused?: HowRefused;
    }
  | {
      readonly effect: "needs_approval";
      readonly policy: Digest;
      readonly rule: string;
      readonly line: number;
      readonly obligations: readonly Obligation[];
      readonly message: string | null;
      /** Of a message that is not approved, as above. */
      readonly refused?: HowRefused;
    };

/** Stable codes; workers/problem.ts maps them to the wire. */
export type DenyReason = "no_rule" | "rule_denies" | "unknown_connection" | "condition_failed" | BodyRefusal;

/** What a decision was without any rule's part in it. */
export function deniedByDefault(policy: Digest, reason: DenyReason): Decision {
  return { effect: "deny", policy, rule: null, line: null, reason, message: null };
}

const WHY: Readonly<Record<DenyReason, string>> = {
  no_rule: "no rule allows it",
  rule_denies: "the rule denies it",
  unknown_connection: "there is no such connection",
  condition_failed: "its condition could not be evaluated",
  body_not_json: "a rule reads the body, which is not JSON",
  body_ambiguous: "a rule reads the body, which parsers may read differently",
  body_too_large_to_decide: "a rule reads the body, which is too large for that",
};

/** One line: `denied by rule X (line 12): <why>`. */
export function explainDecision(decision: Decision): string {
  switch (decision.effect) {
    case "allow":
      return `allowed by rule ${decision.rule} (line ${decision.line})`;
    case "needs_approval":
      return `needs approval by rule ${decision.rule} (line ${decision.line})`;
    case "deny": {
      const by = decision.rule === null ? "by default" : `by rule ${decision.rule} (line ${decision.line ?? 0})`;
      return `denied ${by}: ${WHY[decision.reason]}`;
    }
  }
}
