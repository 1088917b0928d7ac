// An approval as it begins: asked for, and nothing decided.

import type { Approval } from "./approval.ts";

export function beginApproval(
  asked: Omit<Approval, "expires" | "votes" | "state" | "grant" | "left" | "breakGlass">,
): Approval {
  return {
    ...asked,
    expires: asked.requested + asked.terms.expiresMs,
    votes: [],
    state: { kind: "pending" },
    grant: null,
    left: false,
    breakGlass: null,
  };
}
