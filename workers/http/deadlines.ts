// What falls due while a command is under way: the renewal of its lease, the end of the caller's
// token, the upstream's time, the next look for an admin's word. One timer for all of them, because a
// timer costs a good part of what a small command costs.

import type { CommandId } from "../../core/ids.ts";
import { RENEW_EVERY_MS } from "../../durable/session_life.ts";
import { CutWatch, LOOK_EVERY_MS } from "./cut_watch.ts";
import type { Cleared } from "./exchange.ts";
import type { Cut, Forwarded } from "./forward.ts";

/** setTimeout takes at most 2^31 - 1 ms; the lease is renewed long before. */
export class Deadlines {
  readonly #cleared: Cleared;
  readonly #forwarded: Pick<Forwarded, "cut" | "sent">;
  readonly #stopFor: (cut: Cut, by: CommandId | null) => void;
  readonly #watch: CutWatch;
  readonly #began: number;
  #lookAt: number;
  #renewAt: number;
  #upstreamMs: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    cleared: Cleared,
    forwarded: Pick<Forwarded, "cut" | "sent">,
    stopFor: (cut: Cut, by: CommandId | null) => void,
  ) {
    this.#cleared = cleared;
    this.#forwarded = forwarded;
    this.#stopFor = stopFor;
    this.#watch = new CutWatch(cleared, stopFor);
    this.#began = Date.now();
    this.#lookAt = this.#began + LOOK_EVERY_MS;
    this.#renewAt = this.#began + RENEW_EVERY_MS;
  }

  /** `upstreamMs` is how long the upstream may take, or null. Its time runs from the last byte it was given: a long upload is no slow upstream. */
  start(upstreamMs: number | null): void {
    this.#upstreamMs = upstreamMs;
    this.#arm();
  }

  /** The answer has begun and may take its time. */
  untime(): void {
    this.#upstreamMs = null;
  }

  stop(): void {
    this.#watch.stop();
    clearTimeout(this.#timer);
  }

  #upstreamEnd(): number {
    return this.#upstreamMs === null
      ? Number.POSITIVE_INFINITY
      : (this.#forwarded.sent?.moved ?? this.#began) + this.#upstreamMs;
  }

  #arm(): void {
    const due =
      this.#forwarded.cut === null
        ? Math.min(this.#lookAt, this.#renewAt, this.#cleared.caller.until, this.#upstreamEnd())
        : this.#renewAt;
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, due - Date.now()));
  }

  /** The lease goes on after a cut: the outcome is still to be recorded. */
  #tick(): void {
    const now = Date.now();
    const { exchange, begun, caller } = this.#cleared;
    if (this.#forwarded.cut === null) {
      if (now >= caller.until) this.#stopFor("token_expired", null);
      else if (now >= this.#upstreamEnd()) this.#stopFor("timeout", null);
      else if (now >= this.#lookAt) {
        this.#watch.look(now);
        this.#lookAt = now + LOOK_EVERY_MS;
      }
    }
    if (now >= this.#renewAt) {
      exchange.ctx.waitUntil(begun.session.renew(exchange.command));
      this.#renewAt = now + RENEW_EVERY_MS;
    }
    this.#arm();
  }
}
