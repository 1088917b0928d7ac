// An object's one alarm: when it rings, as far as this instance knows, and never later than it must.
// Setting one is a write, so it is set only when none is pending that is early enough.

import { RESEND_MS } from "./session_life.ts";

export class AlarmClock {
  readonly #storage: DurableObjectStorage;
  #at = Infinity;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /**
   * Before the first call: one that begins a command would put off an alarm that it does not know of, and
   * one such call after the other for ever.
   */
  async find(): Promise<void> {
    this.#at = (await this.#storage.getAlarm()) ?? Infinity;
  }

  /** It rings now: none is pending any more. */
  rang(): void {
    this.#at = Infinity;
  }

  wakeBy(time: number): void {
    if (this.#at <= time && !isLost(this.#at)) return;
    this.#at = time;
    this.#storage.setAlarm(time).catch(() => {
      this.#at = Infinity;
    });
  }
}

/** The platform gives up an alarm that failed for some minutes, as on a full disk: it stays in the past, or is gone. */
function isLost(alarm: number): boolean {
  return alarm <= Date.now() - RESEND_MS;
}
