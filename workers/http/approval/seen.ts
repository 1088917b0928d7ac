// Whether deciders would see what they decide on, of a request.

import { isHidden } from "../../../core/approval/hidden.ts";
import type { ApprovalTerms } from "../../../core/approval/terms.ts";
import type { HeldBody } from "./held_body.ts";

export function isBodyHidden({ payload, chunks, content }: HeldBody, terms: ApprovalTerms): boolean {
  return isHidden(payload === null ? chunks : [payload], content.size, terms);
}
