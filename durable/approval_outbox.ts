// Tells the registry what became of this object's approvals: soon after each commit, and until it knows.
// Never on a command's path: a registry that is slow or away makes its lists late.
//
// Invariant: what is deleted from `approval_outbox` the registry has answered for. A crash between the two
// tells it again, which changes nothing there.

import type { ApprovalId } from "../core/approval/approval.ts";
import type { SessionId } from "../core/ids.ts";
import type { ApprovalEntry, QueuedNotice } from "./approval_rpc.ts";
import type { ApprovalRow, ApprovalTable } from "./approval_table.ts";

/** Told one after the other within one go. */
const AT_ONCE = 64;
/** Between tries while the registry cannot be told: 2 s, doubled up to 256 s. */
const RETRY_MS = 2_000;
const RETRY_DOUBLINGS = 7;
/** While a call is under way the alarm need not ring: it is for what a crash leaves behind. */
const NET_MS = 30_000;

export interface OutboxHost {
  readonly table: ApprovalTable;
  /** The session object's id. */
  readonly object: string;
  sidOf(no: number): SessionId;
  send(entry: ApprovalEntry, notices: readonly QueuedNotice[]): Promise<void>;
  /** Sets the object's alarm. */
  wakeBy(time: number): void;
}

export class ApprovalOutbox {
  readonly #host: OutboxHost;
  /** `changes` of the table after which nothing was left to tell. */
  #done: number;
  #running: Promise<void> | null = null;
  #failures = 0;
  #retryAt = 0;

  constructor(host: OutboxHost) {
    this.#host = host;
    const { table } = host;
    this.#done = table.toTell(1).length === 0 ? table.changes : -1;
  }

  /** After a commit, and in an instance that has just started. Costs a look at a number if no approval has changed. */
  changed(): void {
    if (!this.#isBehind() || this.#running !== null) return;
    if (this.#retryAt > Date.now()) return this.#host.wakeBy(this.#retryAt);
    void this.flush();
  }

  #isBehind(): boolean {
    return this.#done !== this.#host.table.changes;
  }

  /** When the alarm has something to do here at the latest; null if the registry knows all. */
  nextDue(now: number): number | null {
    return this.#isBehind() ? Math.max(this.#retryAt, now + NET_MS) : null;
  }

  /** Never rejects. One at a time: what comes meanwhile is told in the same go. */
  flush(): Promise<void> {
    this.#running ??= this.#flush().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #flush(): Promise<void> {
    if (this.#retryAt > Date.now()) return;
    const { table } = this.#host;
    try {
      for (;;) {
        const { changes } = table;
        const ids = table.toTell(AT_ONCE);
        for (const id of ids) await this.#tell(id);
        if (ids.length === 0) {
          this.#done = changes;
          break;
        }
      }
      this.#failures = 0;
    } catch {
      this.#retryAt = Date.now() + RETRY_MS * 2 ** this.#failures;
      this.#failures = Math.min(this.#failures + 1, RETRY_DOUBLINGS);
      this.#host.wakeBy(this.#retryAt);
    }
  }

  async #tell(id: ApprovalId): Promise<void> {
    const { table, object, sidOf, send } = this.#host;
    const row = table.find(id);
    const untold = table.untold(id);
    if (row === null || untold === null) return;
    const notices = untold.news.flatMap((news) => row.notices.map((target) => ({ ...news, target })));
    await send(entryOf(row, sidOf(row.no), object), notices);
    table.told(id, row.version);
  }
}

/** `version` 0 is what is told before the first record. */
export function entryOf(
  { approval, title, version, changed }: Pick<ApprovalRow, "approval" | "title" | "version" | "changed">,
  sid: SessionId,
  object: string,
): ApprovalEntry {
  const {
    id,
    connection,
    rule,
    policy,
    requester,
    actors,
    requested,
    expires,
    state,
    votes,
    grant,
    breakGlass,
    digest,
  } = approval;
  return {
    id,
    sid,
    object,
    connection,
    rule,
    policy,
    title,
    requester,
    actors,
    requested,
    expires,
    state: state.kind,
    changed,
    review: breakGlass?.review ?? null,
    deciders: votes.map(({ decider }) => decider),
    grantUntil: grant === null || grant.ended !== null ? null : grant.until,
    digest,
    version,
  };
}
