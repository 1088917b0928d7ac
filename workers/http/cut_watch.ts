// Listens, for a command that lasts, for the word that it is to end: its session was killed, or its
// caller's token revoked. A small command is over before the first look and pays nothing.
//
// A kill is heard at once, by one call of the session object that waits with it; a revocation at the
// next look at the control object's snapshot, of which an isolate fetches two a second at most.

import { isKilled, isRevoked } from "../../core/auth/revocation.ts";
import type { Known } from "../control_cache.ts";
import type { Cleared } from "./exchange.ts";

export type CutByAdmin = "killed" | "token_revoked";

/** How long a command runs before it listens, and how often it looks. With the fetch of a snapshot it is under a second. */
export const LOOK_EVERY_MS = 500;

export class CutWatch {
  readonly #cleared: Cleared;
  readonly #stopFor: (cut: CutByAdmin) => void;
  #isAsking = false;
  #isOver = false;

  constructor(cleared: Cleared, stopFor: (cut: CutByAdmin) => void) {
    this.#cleared = cleared;
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

  #judge({ revocations }: Known): void {
    const { caller, asked } = this.#cleared;
    if (isRevoked(caller.authenticated, revocations)) this.#cut("token_revoked");
    else if (isKilled(caller.authenticated, asked.connection, revocations)) this.#cut("killed");
  }

  async #ask(): Promise<void> {
    const { exchange, begun } = this.#cleared;
    this.#isAsking = true;
    const answer = await begun.session.untilCut(exchange.command);
    if (answer === "killed") this.#cut("killed");
    // One that the object no longer waits for goes on asking nobody.
    this.#isAsking = answer === "not_open";
  }

  #beside(work: Promise<unknown>): void {
    this.#cleared.exchange.ctx.waitUntil(work.catch(() => undefined));
  }

  #cut(cut: CutByAdmin): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopFor(cut);
  }
}
