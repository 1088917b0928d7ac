// What is to be done with records that follow a command's first one: appended, known already, or
// refused. Decides before anything of a call is written, and writes nothing.
//
// Invariant: what it lets through keeps the order of docs/record_format.md §5.2.

import type { CommandId } from "../core/ids.ts";
import { canonicalText } from "../core/record/canonical.ts";
import { type Committed, type Kind, KINDS, OUTCOMES } from "../core/record/record.ts";
import { ok, refuse, type Result } from "../core/result.ts";
import { type ChunkOrder, chunkPlace, type ChunksAhead } from "./chunk_order.ts";
import type { OpenIntents } from "./open_intents.ts";
import { mayComplete } from "./outcome_order.ts";
import { type Existing, type Head, type RecordLog, sameRecord } from "./record_log.ts";
import type { AppendRefusal } from "./session_rpc.ts";
import type { StorageBudget } from "./storage_budget.ts";
import { isWellFormed } from "./well_formed.ts";

/** What is to be done with one record. */
export type Plan =
  | { readonly kind: "append"; readonly head: Head; readonly record: Committed }
  | { readonly kind: "repeat"; readonly existing: Existing };

type Judged = Result<Plan, { readonly reason: AppendRefusal }>;

/** What is known of one call's earlier records, of which none is written yet. */
export interface Call {
  /** Commands whose outcome they bring. */
  readonly ended: Set<CommandId>;
  readonly chunks: ChunksAhead;
}

export class RecordJudge {
  readonly #log: RecordLog;
  readonly #open: OpenIntents;
  readonly #chunks: ChunkOrder;
  readonly #budget: StorageBudget;

  constructor(log: RecordLog, open: OpenIntents, chunks: ChunkOrder, budget: StorageBudget) {
    this.#log = log;
    this.#open = open;
    this.#chunks = chunks;
    this.#budget = budget;
  }

  /** All of one call's records, or why not one of them is taken. */
  judge(
    records: readonly Committed[],
    now: number,
    careful: boolean,
  ): Result<{ readonly plans: readonly Plan[]; readonly call: Call }, { readonly reason: AppendRefusal }> {
    const call: Call = { ended: new Set(), chunks: this.#chunks.ahead() };
    const plans: Plan[] = [];
    for (const record of records) {
      const judged = this.#plan(record, now, careful, call);
      if (!judged.ok) return judged;
      if (judged.value.kind === "append" && record.command !== null) {
        if (isOutcome(record.kind)) call.ended.add(record.command);
        if (record.kind === "response.started") call.chunks.started(record.command);
      }
      plans.push(judged.value);
    }
    return ok({ plans, call });
  }

  #plan(record: Committed, now: number, careful: boolean, call: Call): Judged {
    const { command, kind } = record;
    if (!isWellFormed(record) || command === null || !FOLLOWS.has(kind)) return refused("malformed");
    if ((isOutcome(kind) || kind === "response.started") && record.part !== 0) return refused("malformed");
    const chunk = kind === "stream.chunk" ? chunkPlace(record) : null;
    if (kind === "stream.chunk" && chunk === null) return refused("malformed");
    const intent = call.ended.has(command) ? undefined : this.#open.get(command);
    const follows = chunk === null || (intent !== undefined && call.chunks.follows(command, chunk));
    if (careful || intent === undefined || !follows) {
      const existing = this.#log.find(command, kind, record.part);
      if (existing !== null && sameRecord(existing, record)) return ok({ kind: "repeat", existing });
      if (intent !== undefined && (existing !== null || !follows)) return refused("conflict");
    }
    if (intent === undefined) return this.#planAfterOutcome(record, command, now, call.ended);
    if (kind === "command.completed" && !mayComplete(record, command, call.chunks)) return refused("conflict");
    if (chunk !== null && !this.#budget.takesPayloads) return refused("storage_full");
    const head = this.#log.head(intent.no);
    if (head === null || !this.#log.fits(record, head, now)) return refused("malformed");
    if (chunk !== null) call.chunks.add(command, chunk, record);
    return ok({ kind: "append", head, record });
  }

  /** A new record for a command that is not open: it never began, its lease had lapsed, or it says that something went wrong after the outcome. */
  #planAfterOutcome(record: Committed, command: CommandId, now: number, ended: ReadonlySet<CommandId>): Judged {
    const intent = this.#log.find(command, "command.requested", 0);
    const head = intent === null ? null : this.#log.head(intent.no);
    if (intent === null || head === null) return refused("malformed");
    // A gap tells that an answer was cut although its outcome is here; it must not depend on what came before.
    const isGap =
      record.kind === "gap" && this.#log.isLive(head) && this.#log.find(command, "gap", record.part) === null;
    const isUndone = isOneway(intent.leaf) && !ended.has(command) && this.#isUndone(record.kind, command, head);
    const lapsed = this.#log.find(command, "command.failed", 0);
    // The stream of a command whose lease has lapsed is cut: a chunk that came late would release something.
    const mayBeLate = !ended.has(command) && record.kind !== "stream.chunk";
    const isLate = mayBeLate && lapsed !== null && lapsed.leaf.includes('"reason":"outcome_unknown"');
    if (!isGap && !isUndone && !isLate) return refused("conflict");
    const appended = isGap || isUndone ? record : lateRecord(record);
    const existing = isLate && !isGap ? this.#log.find(command, "outcome.late", appended.part) : null;
    if (existing !== null)
      return sameRecord(existing, appended) ? ok({ kind: "repeat", existing }) : refused("conflict");
    return this.#log.fits(appended, head, now) ? ok({ kind: "append", head, record: appended }) : refused("malformed");
  }

  /** What was complete in itself could not be handed on: once, while its session lasts. */
  #isUndone(kind: Kind, command: CommandId, head: Head): boolean {
    if (kind !== "command.failed" && kind !== "command.cancelled") return false;
    const other = kind === "command.failed" ? "command.cancelled" : "command.failed";
    return (
      this.#log.isLive(head) && this.#log.find(command, kind, 0) === null && this.#log.find(command, other, 0) === null
    );
  }
}

/** Kinds that a forwarder may append to a command that has begun. `outcome.late` and what becomes of approvals are the object's own words. */
const FOLLOWS: ReadonlySet<Kind> = new Set<Kind>([
  "command.denied",
  "command.completed",
  "command.failed",
  "command.cancelled",
  "response.started",
  "stream.chunk",
  "gap",
]);

function refused(reason: AppendRefusal): Judged {
  return refuse({ reason });
}

/** Of classes, or of a leaf with such: complete in itself, nobody brings an outcome. A quotation mark within a value would be escaped. */
export function isOneway(text: string): boolean {
  return /[{,]"oneway":1[,}]/.test(text);
}

export function isOutcome(kind: Kind): boolean {
  return OUTCOMES.some((outcome) => outcome === kind);
}

/** Keeps the classes of what came late and says what it would have been. Parts tell the kinds apart: outcomes have 0. */
function lateRecord(record: Committed): Committed {
  const classes = JSON.parse(record.classes) as Record<string, string | number>;
  return {
    ...record,
    kind: "outcome.late",
    part: isOutcome(record.kind) ? 0 : 1 + record.part * KINDS.length + KINDS.indexOf(record.kind),
    classes: canonicalText({ ...classes, late: record.kind }),
  };
}
