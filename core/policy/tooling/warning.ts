// A warning about a policy: what it is of, where, and what to do.

import type { PolicyRule } from "../rule.ts";

export interface PolicyWarning {
  readonly code: WarningCode;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** What to do about it. */
  readonly advice: string;
  /** The rule it is about, if it is about one. */
  readonly rule: string | null;
}

/** Stable. */
export const WARNING_CODES = [
  "rule_unreachable",
  "deny_overridden",
  "selects_no_connection",
  "role_unused",
  "connection_unused",
  "allows_everything",
  "approver_is_requester",
  "approver_role_empty",
  "approval_outlives_session",
  "approval_unseen",
  "notify_unused",
  "analysis_bounded",
] as const;
export type WarningCode = (typeof WARNING_CODES)[number];

export function about(rule: PolicyRule, code: WarningCode, message: string, advice: string): PolicyWarning {
  return { code, line: rule.line, column: rule.column, message, advice, rule: rule.id };
}
