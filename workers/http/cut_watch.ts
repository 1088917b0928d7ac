// Listens, for a command that lasts, for the word that it is to end: its session was killed or has
// lasted as long as one may, its caller's token was revoked, or a policy came into force that would not
// have allowed it. A small command is over before the first look and pays nothing.
//
// The session object tells of its own, at once, by one call that waits there; what the control object
// knows is heard at the next look at its snapshot, of which an isolate fetches two a second at most.

import { killOf, revocationOf } from "../../core/auth/revocation.ts";
import type { CommandId, Digest } from "../../core/ids.ts";
import type { Known } from "../control_cache.ts";
import type { Cleared } from "./exchange.ts";

export type CutByWord =
  | "killed"
  | "token_revoked"
  | "policy_changed"
  | "session_over"
  | "grant_over"
  | "approval_revoked";

/** `by`: the admin's command that says so; null where it is not known, or time did. */
export type StopFor = (cut: CutByWord, by: CommandId | null) => void;

/** How long a command runs before it listens, and how often it looks. With the fetch of a snapshot it is under a second. */
export const LOOK_EVERY_MS = 500;

export class CutWatch {
  readonly #cleared: Cleared;
  readonly #stopFor: StopFor;
  /** Of the policy under which it is known to be allowed. */
  #allowedBy: Digest;
  #isAsking = false;
  #isOver = false;

  constructor(cleared: Cleared, stopFor: StopFor) {
    this.#cleared = cleared;
    this.#allowedBy = cleared.exchange.policy.hash;
    this.#stopFor = stopFor;
  }

  /** To be called each LOOK_EVERY_MS. */
  look(now: number): void {
    if (this.#isOver) return;
    const { control } = this.#cleared.exchange.gateway;
    const known = control.current(now);
    if (known !== null) this.#judge(known);
    if (control.shouldRenew(now))
      this.#beside(control.renew(now).then((renewed) => (renewed === null ? undefined : this.#judge(renewed))));
    // Not beside the answer: a call that waits must not keep a command alive that has ended.
    if (!this.#isAsking) void this.#ask();
  }

  /** What comes later is about a command that has ended. */
  stop(): void {
    this.#isOver = true;
  }

  #judge({ revocations, policy, inForce }: Known): void {
    const { caller, asked, sent } = this.#cleared;
    const revoked = revocationOf(caller.authenticated, revocations);
    if (revoked !== null) return this.#cut("token_revoked", revoked.command);
    const killed = killOf(caller.authenticated, asked.connection, revocations);
    if (killed !== null) return this.#cut("killed", killed.command);
    if (policy.hash === this.#allowedBy) return;
    if (asked.stands?.(policy, sent.bytes) === false) this.#cut("policy_changed", inForce?.command ?? null);
    else this.#allowedBy = policy.hash;
  }

  async #ask(): Promise<void> {
    const { exchange, begun } = this.#cleared;
    this.#isAsking = true;
    const answer = await begun.session.untilCut(exchange.command);
    if (answer !== null && answer.reason !== "not_open") this.#cut(answer.reason, answer.by);
    // One that the object no longer waits for goes on asking nobody.
    this.#isAsking = answer?.reason === "not_open";
  }

  #beside(work: Promise<unknown>): void {
    this.#cleared.exchange.ctx.waitUntil(work.catch(() => undefined));
  }

  #cut(cut: CutByWord, by: CommandId | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopFor(cut, by);
  }
}
