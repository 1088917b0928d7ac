// What is looked for in payloads: the built-in names and shapes, and what a policy's admin added.
// Compiled once for a connection of a policy, and then only read.

/** An admin's own rule: fields by name, a pattern (RE2) that is tried where one of its keywords stands, or both. */
export interface OwnMask {
  readonly id: string;
  readonly fields: readonly string[];
  readonly pattern: string | null;
  /** At least three characters each; required with a pattern. */
  readonly keywords: readonly string[];
  /** Whether the same secret is to be known again: false where its values could be guessed. */
  readonly pseudonym: boolean;
}

export interface MaskPlan {
  readonly own: readonly OwnMask[];
  /** Ids of rules; null for all. */
  readonly only: ReadonlySet<string> | null;
}

/** `only` holds ids of rules, built-in or own; `secrets` means every built-in one. Without it, everything is masked. */
export function maskPlan(own: readonly OwnMask[], only?: ReadonlySet<string>): MaskPlan {
  return { own, only: only ?? null };
}

/** The built-in names and shapes. */
export const EVERY_SECRET: MaskPlan = maskPlan([]);
