// What a verifier says: integrity (nothing altered) and completeness (nothing missing), never merged.
// docs/record_format.md §7.

export type WrongReason =
  | "line_too_long"
  | "not_utf8"
  | "line_cut"
  | "line_malformed"
  | "leaf_malformed"
  | "fields_malformed"
  | "other_session"
  | "wrong_seq"
  | "wrong_prev"
  | "wrong_root"
  | "wrong_order"
  | "after_head"
  | "wrong_head"
  | "no_records";

/** The first thing that is wrong. `seq` is the place at which a record was expected; `line` counts from 1. */
export interface Wrong {
  readonly reason: WrongReason;
  readonly line: number;
  readonly seq: number;
  readonly detail: string;
}

export type Integrity = { readonly kind: "intact" } | { readonly kind: "altered"; readonly first: Wrong };

export type Completeness =
  | { readonly kind: "shown"; readonly by: "head" | "given_head" | "both" }
  | { readonly kind: "not_shown"; readonly reason: "altered" | "no_head" }
  /** `seq` is the first record that a head counts and the export does not have. */
  | { readonly kind: "not_shown"; readonly reason: "records_missing"; readonly seq: number; readonly size: number };

/** Not faults, but a reader should know. Lists hold the first `FINDINGS` of each sort, counts are of all. */
export interface Findings {
  /** Commands whose outcome is not in this export. */
  readonly open: readonly string[];
  readonly openCount: number;
  /** Commands of which nobody knows whether the upstream acted. */
  readonly unknown: readonly string[];
  readonly unknownCount: number;
  /** Approvals that can still be decided or used after what is in this export. */
  readonly live: readonly string[];
  readonly liveCount: number;
  /** Approvals without which something went on, and which nobody has reviewed in this export. */
  readonly owed: readonly string[];
  readonly owedCount: number;
  /** `seq` of records that say that something could not be recorded. */
  readonly gaps: readonly number[];
  readonly gapCount: number;
  /** `seq` of records whose time is before that of the record before them. */
  readonly backwards: readonly number[];
  readonly backwardsCount: number;
  /** Fields that this reader is not shown. */
  readonly withheldCount: number;
}

export const FINDINGS = 100;

export interface SessionVerdict {
  readonly integrity: Integrity;
  readonly completeness: Completeness;
  readonly sid: string | null;
  readonly log: "session" | "registry" | "perimeter" | null;
  /** Records verified, and what they lead to. */
  readonly records: number;
  readonly root: string;
  readonly tip: string | null;
  readonly closed: boolean;
  readonly findings: Findings;
}
