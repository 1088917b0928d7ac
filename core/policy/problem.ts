/** One thing that is wrong with a policy's text, and where. */
export interface PolicyProblem {
  /** Leads to what was refused: `rules[2].methods[0]`. */
  readonly path: string;
  /** Both from 1; columns count UTF-16 code units. */
  readonly line: number;
  readonly column: number;
  /** What would be right. Never quotes more of the text than names. */
  readonly expected: string;
}

/** At least one problem, at most `MAX_PROBLEMS`. */
export type PolicyRefusal = { readonly reason: "policy_invalid"; readonly problems: readonly PolicyProblem[] };

/** More of them help nobody. */
export const MAX_PROBLEMS: number = 50;
