// Whether deciders would see what they decide on, where a rule insists on that.

import type { ApprovalTerms } from "../../../core/approval/terms.ts";
import type { HeldBody } from "./held_body.ts";

/** True if something is masked by a rule that is not among those that may hide something here, or if nothing of the body can be shown. */
export function isHidden({ payload, chunks, content }: HeldBody, { maskedOnlyIn }: ApprovalTerms): boolean {
  if (maskedOnlyIn === null || content.size === 0) return false;
  const records = payload === null ? chunks : [payload];
  if (records.length === 0) return true;
  return records.some(({ classes, fields }) => {
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
