// How a command ends: the exit codes, and refusals that say what to do.

import type { Result } from "../core/result.ts";
import type { Problem } from "./problem.ts";

export const EXIT = {
  ok: 0,
  /** Altered; a policy's tests failed; two things differ. */
  different: 1,
  usage: 2,
  unreachable: 3,
  /** Intact, but completeness is not shown. */
  incomplete: 4,
  /** Not logged in, or not allowed. */
  refused: 5,
  /** Somebody else was first. */
  conflict: 6,
  interrupted: 130,
} as const;

export interface CliRefusal {
  readonly reason: "usage" | "unreachable" | "refused" | "conflict" | "different";
  /** One sentence or two: what is wrong and what to do about it. */
  readonly what: string;
  /** What the gateway said (RFC 9457), if it said anything. */
  readonly problem?: Problem;
}

/** The exit code, or why it could not be done. */
export type Done = Result<number, CliRefusal>;
