// Waits, for a caller, until an approval is no longer pending, for as long as the caller likes.

import type { Approval, ApprovalId } from "../../../core/approval/approval.ts";
import { LONG_POLL_MS } from "../../../durable/session_rpc.ts";
import type { Session } from "../../session_client.ts";
import type { Waiting } from "./waiting.ts";

export type Word =
  /** As it is now: perhaps still pending. */
  | { readonly kind: "known"; readonly approval: Approval }
  /** The caller left. */
  | { readonly kind: "gone" }
  | { readonly kind: "unreachable" };

/** An object that is deployed anew, or has too many who wait, answers soon. */
const PAUSE_MS = 1_000;
/** So long without an answer from the object. */
const TRIES = 5;

export async function waitFor(
  { exchange, caller }: Waiting,
  session: Session,
  id: ApprovalId,
  waitMs: number,
): Promise<Word> {
  const { signal } = exchange.request;
  let leave = (): void => undefined;
  const gone = new Promise<"gone">((resolve) => {
    leave = () => resolve("gone");
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave);
  });
  // A token that ends meanwhile lets nothing go on: its caller comes again with another.
  const until = Math.min(Date.now() + waitMs, caller.until);
  try {
    for (let failed = 0; ;) {
      const asked = Date.now();
      const left = Math.max(0, Math.min(LONG_POLL_MS, until - asked));
      const answer = session.call((stub) => stub.untilDecided(id, left)).catch(() => null);
      const word = await Promise.race([answer, gone]);
      if (word === "gone") return { kind: "gone" };
      if (word === null && ++failed === TRIES) return { kind: "unreachable" };
      if (word !== null && (word.approval.state.kind !== "pending" || Date.now() >= until))
        return { kind: "known", approval: word.approval };
      if (Date.now() - asked < PAUSE_MS && (await Promise.race([pause(PAUSE_MS), gone])) === "gone")
        return { kind: "gone" };
    }
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
