// Who waits for something in a session: forwarders for the word that their command is to be cut,
// readers for more records. Only looks; whoever changes the log calls `changed` afterwards.

import type { CommandId, SessionId } from "../core/ids.ts";
import type { SessionLog } from "./session_log.ts";
import { type CutWord, LONG_POLL_MS } from "./session_rpc.ts";
import { Waiters } from "./waiters.ts";

/** Streams of one object that hear of a kill at once; further ones ask each second. */
export const CUT_WAITERS = 256;
/** Readers that follow one object's sessions; further ones are answered at once. */
export const READ_WAITERS = 64;

export class SessionWatch {
  readonly #log: SessionLog;
  readonly #cuts = new Waiters<CutWord | null>(CUT_WAITERS);
  readonly #readers = new Waiters<number>(READ_WAITERS);

  constructor(log: SessionLog) {
    this.#log = log;
  }

  /** The end of a session's time is known beforehand, so the call waits no longer than until then, and looks. */
  untilCut(command: CommandId): Promise<CutWord | null> {
    const look = (): CutWord | null => this.#log.cutOf(command, Date.now());
    const left = this.#log.lastsUntil(command) - Date.now();
    return left > LONG_POLL_MS ? this.#cuts.wait(look, LONG_POLL_MS, () => null) : this.#cuts.wait(look, left, look);
  }

  /** A size that is none counts as one that is passed. */
  async waitForMore(sid: SessionId, size: number, ms: number): Promise<number> {
    const { log } = this.#log;
    const no = log.findSession(sid)?.no;
    if (no === undefined) return 0;
    const sizeNow = (): number => log.head(no)?.size ?? 0;
    return this.#readers.wait(() => (log.isLive({ no }) && sizeNow() <= size ? null : sizeNow()), ms, sizeNow);
  }

  /** Costs a look at two numbers while nobody waits. */
  changed(): void {
    if (this.#cuts.size > 0) this.#cuts.notify();
    if (this.#readers.size > 0) this.#readers.notify();
  }
}
