// How much of an object's memory a call's records take while they are under way.

import type { Committed } from "../core/record/record.ts";

/** About the bytes that they bring: a disclosure is mostly ASCII. */
export function weightOf(records: readonly Committed[]): number {
  return records.reduce((sum, { disclosure, payload }) => sum + disclosure.length + (payload?.length ?? 0), 0);
}
