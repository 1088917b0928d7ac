// What a caller says about an approval, in headers of its own: which one it goes on with, why it asks,
// that it cannot wait for one, and how long it waits.

import { readPreference } from "../../../core/protocol/http/prefer.ts";
import { parseCommandId } from "../../../core/ids.ts";
import type { ApprovalId } from "../../../core/approval/approval.ts";
import type { ApprovalTerms } from "../../../core/approval/terms.ts";
import { ok, refuse, type Result } from "../../../core/result.ts";

/** No answer is waited for longer: proxies and people give up before. */
export const WAIT_LIMIT_MS: number = 600_000;
const REASON_LIMIT = 1024;

export interface AskedFor {
  /** `Sallyport-Approval`. */
  readonly approval: ApprovalId | null;
  /** `Sallyport-Reason`: the requester's own words for the deciders. */
  readonly reason: string | null;
  /** `Sallyport-Break-Glass`: why it cannot wait for a decision. */
  readonly breakGlass: string | null;
  readonly waitMs: number;
  /** What of RFC 7240 was followed, for `Preference-Applied`; null if nothing. */
  readonly applied: string | null;
}

export function readAskedFor(
  headers: Headers,
  terms: ApprovalTerms,
): Result<AskedFor, { reason: "approval_header_invalid" }> {
  const named = headers.get("sallyport-approval");
  const approval = named === null ? null : parseCommandId(named.trim());
  const reason = wordsOf(headers.get("sallyport-reason"));
  const breakGlass = wordsOf(headers.get("sallyport-break-glass"));
  if ((named !== null && approval === null) || reason === "unreadable" || breakGlass === "unreadable")
    return refuse({ reason: "approval_header_invalid" });
  const { wait, respondAsync } = readPreference([...headers]);
  const own = { approval, reason: reason?.text ?? null, breakGlass: breakGlass?.text ?? null };
  if (respondAsync && wait === null) return ok({ ...own, waitMs: 0, applied: "respond-async" });
  if (wait === null) return ok({ ...own, waitMs: terms.waitMs, applied: null });
  // With both, RFC 7240 §4.3 has the caller wait so long for the answer, and be told after that.
  const waitMs = Math.min(wait * 1000, WAIT_LIMIT_MS);
  return ok({ ...own, waitMs, applied: `wait=${waitMs / 1000}` });
}

/** Headers carry ASCII: other text is percent-encoded UTF-8. */
function wordsOf(value: string | null): { readonly text: string } | "unreadable" | null {
  if (value === null || value.trim() === "") return null;
  try {
    const text = decodeURIComponent(value.trim());
    return text.length <= REASON_LIMIT && !/\p{Cc}/u.test(text) ? { text } : "unreadable";
  } catch {
    // A plain percent sign, as in `100% sure`.
    return value.length <= REASON_LIMIT ? { text: value.trim() } : "unreadable";
  }
}
