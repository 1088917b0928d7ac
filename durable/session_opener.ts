// Opens a session: the registry first, so that a whole session cannot vanish, then `session.opened`.
//
// Invariant: commands that arrive together open one session. A crash, or a refused write, between the
// two leaves a registry entry whose object knows no such session: one that never began.

import { newSessionId, type SessionId } from "../core/ids.ts";
import type { GroupCommit } from "./group_commit.ts";
import type { SessionLog } from "./session_log.ts";
import type { AppendRefusal, Opening } from "./session_rpc.ts";
import { fillRandom } from "./sha256.ts";

/** Durable when it resolves; rejects if the registry cannot be told. */
export type Announce = (sid: SessionId, opening: Opening, time: number) => Promise<void>;

export class SessionOpener {
  readonly #log: SessionLog;
  readonly #commits: GroupCommit;
  readonly #announce: Announce;
  readonly #clock: () => number;
  #running: Promise<AppendRefusal | null> | null = null;
  /** Told to the registry, but its first record was refused: the next try takes the same, or a full disk would fill the registry with entries. */
  #announced: SessionId | null = null;

  constructor(log: SessionLog, commits: GroupCommit, announce: Announce, clock: () => number) {
    this.#log = log;
    this.#commits = commits;
    this.#announce = announce;
    this.#clock = clock;
  }

  /** Null once a session is open, else why not. */
  open(opening: Opening): Promise<AppendRefusal | null> {
    this.#running ??= this.#open(opening).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #open(opening: Opening): Promise<AppendRefusal | null> {
    const now = this.#clock();
    const sid = this.#announced ?? newSessionId(now, fillRandom);
    if (this.#announced === null) {
      try {
        await this.#announce(sid, opening, now);
      } catch {
        return "registry_unavailable";
      }
      this.#announced = sid;
    }
    const isOpen = await this.#commits.add({
      apply: () => {
        this.#log.openSession(sid, opening, this.#clock());
        return true;
      },
      refused: () => false,
    });
    if (!isOpen) return "storage_refused";
    this.#announced = null;
    return null;
  }
}
