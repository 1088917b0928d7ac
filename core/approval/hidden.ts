// Whether deciders would see what they decide on, where a rule insists on that.

import type { Classes, Fields } from "../record/record.ts";
import type { ApprovalTerms } from "./terms.ts";

/** `payloads` is what is recorded of it, in one record or in chunks. True if something of a body of `size` bytes is masked by a rule that is not among those that may hide something, or if nothing of it is shown. */
export function isHidden(
  payloads: readonly { readonly classes: Classes; readonly fields: Fields }[],
  size: number,
  { maskedOnlyIn }: Pick<ApprovalTerms, "maskedOnlyIn">,
): boolean {
  if (maskedOnlyIn === null || size === 0) return false;
  if (payloads.length === 0) return true;
  return payloads.some(({ classes, fields }) => {
    if (classes.format === "opaque") return true;
    return rulesOf(fields.spans ?? "[]").some((rule) => rule === null || !maskedOnlyIn.includes(rule));
  });
}

/** Of the field `spans` (docs/record_format.md §5.4); null for what is only counted there. */
function rulesOf(spans: string): readonly (string | null)[] {
  const parsed: unknown = JSON.parse(spans);
  if (!Array.isArray(parsed)) throw new Error("spans are a list");
  return parsed.map((one: unknown) =>
    typeof one === "object" && one !== null && "rule" in one && typeof one.rule === "string" ? one.rule : null,
  );
}
