// The order of records within a log: what must come before what (docs/record_format.md §5.2). Owns
// what is remembered of commands, never a record itself. Memory grows with the number of commands,
// by well under the size of one record each.

import { ApprovalOrder } from "./approval_order.ts";
import { BodyOrder } from "./body_order.ts";
import { brokenSpans, type ReadPayload, readPayload } from "./payload.ts";
import type { ReadField, ReadFields, ReadLeaf } from "./read_line.ts";
import { type Findings, FINDINGS } from "./verdict.ts";

const OUTCOMES: ReadonlySet<string> = new Set([
  "command.denied",
  "command.completed",
  "command.failed",
  "command.cancelled",
]);

const BEGINNINGS: ReadonlySet<string> = new Set(["command.requested", "command.denied", "approval.requested"]);

/** The first of what was found, and how much of it there was. */
class Found<T> {
  readonly first: T[] = [];
  count = 0;

  add(one: T): void {
    this.count += 1;
    if (this.first.length < FINDINGS) this.first.push(one);
  }
}

interface Command {
  /** `waiting`: for an approval. `whole`: complete in itself, nobody waits for an outcome. */
  state: "waiting" | "open" | "whole" | "ended" | "unknown";
  started: boolean;
  /** The request stands in the command's first record, or is complete: no piece of it follows. */
  asked: boolean;
  /** Null while there are no chunks. */
  body: BodyOrder | null;
  /** (kind, part) of records that may come several times; null while there are none. */
  parts: Set<string> | null;
}

export class Order {
  #log: "session" | "registry" | "perimeter" | null = null;
  #closed = false;
  readonly #commands = new Map<string, Command>();
  readonly #approvals = new ApprovalOrder();
  /** Registry: sessions it has seen opened, and whether they are closed. */
  readonly #sessions = new Map<string, boolean>();
  #open = 0;
  readonly #unknown = new Found<string>();
  readonly #gaps = new Found<number>();
  readonly #backwards = new Found<number>();
  #time = 0;
  #withheld = 0;

  get log(): "session" | "registry" | "perimeter" | null {
    return this.#log;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Null if the record may stand here, else the rule it breaks. */
  take(leaf: ReadLeaf, read: ReadFields): string | null {
    this.#withheld += read.withheld.length;
    if (leaf.time < this.#time) this.#backwards.add(leaf.seq);
    this.#time = leaf.time;
    if (leaf.kind === "gap") this.#gaps.add(leaf.seq);
    if (this.#log === null) {
      if (leaf.kind !== "session.opened") return "the first record is not session.opened";
      const { protocol } = leaf.classes;
      this.#log = protocol === "registry" || protocol === "perimeter" ? protocol : "session";
      this.#approvals.open(read);
      if (this.#log !== "registry") return leaf.command === null ? null : "session.opened with a command";
    }
    switch (this.#log) {
      case "registry":
        return this.#inRegistry(leaf, read.fields);
      case "perimeter":
        return this.#inPerimeter(leaf);
      case "session":
        return this.#inSession(leaf, read);
    }
  }

  #inRegistry({ kind, command }: ReadLeaf, fields: readonly ReadField[]): string | null {
    if ((kind !== "session.opened" && kind !== "session.closed") || command !== null)
      return "a registry only opens and closes sessions";
    const sid = fields.find(({ name }) => name === "sid")?.value;
    if (sid === undefined) return "a registry's entry without its session's id";
    const known = this.#sessions.get(sid);
    if (kind === "session.opened" && known !== undefined) return "a session that was opened before";
    if (kind === "session.closed" && known !== false) return "a session that was not open";
    this.#sessions.set(sid, kind === "session.closed");
    return null;
  }

  #inPerimeter(leaf: ReadLeaf): string | null {
    if (this.#closed) return "a record after session.closed";
    if (leaf.kind === "session.closed") return this.#close(leaf);
    if (leaf.kind === "gap") return null;
    if (leaf.kind !== "command.denied") return "a perimeter only denies";
    if (leaf.command === null) return null;
    if (this.#commands.has(leaf.command)) return "a command that was denied before";
    this.#commands.set(leaf.command, begun("ended", false));
    return null;
  }

  #inSession(leaf: ReadLeaf, read: ReadFields): string | null {
    if (leaf.kind === "session.opened") return "a second session.opened";
    if (this.#closed && !mayFollowEnd(leaf)) return "a record after session.closed";
    if (leaf.kind === "session.closed") {
      if (this.#approvals.live().length > 0) return "session.closed while an approval is live";
      return this.#close(leaf);
    }
    if (leaf.command === null)
      return leaf.kind === "gap" || leaf.kind === "erasure" ? null : `${leaf.kind} without a command`;
    const payload = readPayload(read);
    if (payload.kind === "wrong") return payload.detail;
    const broken = brokenSpans(read);
    if (broken !== null) return broken;
    const known = this.#commands.get(leaf.command);
    if (leaf.kind === "command.requested" && known?.state === "waiting") return this.#goOn(leaf, known, payload);
    if (BEGINNINGS.has(leaf.kind))
      return known === undefined
        ? this.#begin(leaf, leaf.command, payload.kind !== "none", read)
        : `${leaf.kind} of a command that has records`;
    if (leaf.kind.startsWith("approval.")) return this.#approvals.follow(leaf, leaf.command, read);
    if (known === undefined) return `${leaf.kind} without its command.requested`;
    if (OUTCOMES.has(leaf.kind)) {
      const wrong = brokenOutcome(leaf, known, payload, read.fields);
      if (wrong === null) this.#end(leaf, leaf.command, known);
      return wrong;
    }
    return this.#ofCommand(leaf, known, payload);
  }

  #begin(leaf: ReadLeaf, id: string, asked: boolean, read: ReadFields): string | null {
    const { kind } = leaf;
    const wrong = kind === "command.requested" ? this.#approvals.use(leaf, id) : this.#brokenMessage(leaf);
    if (wrong !== null) return wrong;
    switch (kind) {
      case "approval.requested":
        this.#commands.set(id, begun("waiting", asked));
        return this.#approvals.ask(leaf, id, read);
      case "command.denied":
        this.#commands.set(id, begun("ended", asked));
        return null;
      default:
        return this.#run(leaf, begun("open", asked), id);
    }
  }

  /** A command that waited goes on. Its body stands where it asked. */
  #goOn(leaf: ReadLeaf, known: Command, payload: ReadPayload): string | null {
    if (payload.kind !== "none") return "a body in command.requested and in approval.requested";
    known.asked = true;
    return this.#approvals.use(leaf, leaf.command ?? "") ?? this.#run(leaf, known, leaf.command ?? "");
  }

  #run(leaf: ReadLeaf, command: Command, id: string): string | null {
    const wrong = this.#brokenMessage(leaf);
    if (wrong !== null) return wrong;
    const isWhole = leaf.classes.oneway === 1;
    this.#commands.set(id, command);
    command.state = isWhole ? "whole" : "open";
    if (!isWhole) this.#open += 1;
    return null;
  }

  #brokenMessage({ classes }: ReadLeaf): string | null {
    const isOfSocket = typeof classes.socket === "string" && this.#commands.has(classes.socket);
    return classes.oneway === 1 && !isOfSocket ? "a message of a socket that nobody opened" : null;
  }

  #ofCommand(leaf: ReadLeaf, command: Command, payload: ReadPayload): string | null {
    const { kind, part } = leaf;
    if (kind === "outcome.late" && command.state !== "unknown")
      return "outcome.late of a command whose outcome is known";
    if (command.state === "waiting" && kind !== "gap" && !this.#isAsking(leaf))
      return `${kind} of a command that waits for an approval`;
    if (kind !== "outcome.late" && kind !== "gap" && command.state !== "open" && command.state !== "waiting")
      return `${kind} after the command's outcome`;
    if (kind === "stream.chunk") {
      if (leaf.classes.side === "request" && command.asked) return "a chunk of a request that stands in its own record";
      if (leaf.classes.side === "response" && !command.started) return "a chunk of an answer before response.started";
      command.body ??= new BodyOrder();
      return command.body.take(leaf, payload);
    }
    if (kind === "response.started") {
      if (command.started || part !== 0) return "a second response.started";
      command.started = true;
      return null;
    }
    command.parts ??= new Set();
    const key = `${kind} ${part}`;
    if (command.parts.has(key)) return `a second ${kind} with this part`;
    command.parts.add(key);
    return null;
  }

  /** A piece of what an approval is asked for. */
  #isAsking({ kind, command, classes }: ReadLeaf): boolean {
    return kind === "stream.chunk" && classes.side === "request" && this.#approvals.isFresh(command ?? "");
  }

  #end({ kind, classes }: ReadLeaf, id: string, command: Command): void {
    const isUnknown = kind === "command.failed" && classes.reason === "outcome_unknown";
    if (command.state === "open") this.#open -= 1;
    command.state = isUnknown ? "unknown" : "ended";
    command.body = null;
    if (isUnknown) this.#unknown.add(id);
  }

  #close({ classes, seq, command }: ReadLeaf): string | null {
    if (command !== null) return "session.closed with a command";
    if (this.#open > 0) return "session.closed while a command is open";
    if (classes.size !== seq + 1) return "session.closed counts other records than there are";
    this.#closed = true;
    return null;
  }

  findings(): Findings {
    const open: string[] = [];
    if (this.#open > 0) {
      for (const [id, { state }] of this.#commands) {
        if (state === "open" && open.push(id) === FINDINGS) break;
      }
    }
    const live = this.#approvals.live();
    const owed = this.#approvals.reviewsOwed();
    return {
      live: live.slice(0, FINDINGS),
      liveCount: live.length,
      owed: owed.slice(0, FINDINGS),
      owedCount: owed.length,
      open,
      openCount: this.#open,
      unknown: this.#unknown.first,
      unknownCount: this.#unknown.count,
      gaps: this.#gaps.first,
      gapCount: this.#gaps.count,
      backwards: this.#backwards.first,
      backwardsCount: this.#backwards.count,
      withheldCount: this.#withheld,
    };
  }
}

function begun(state: Command["state"], asked: boolean): Command {
  return { state, started: false, asked, body: null, parts: null };
}

/** Null if a command may end like this, else the rule that this breaks. */
function brokenOutcome(
  leaf: ReadLeaf,
  { state, started, body }: Command,
  payload: ReadPayload,
  fields: readonly ReadField[],
): string | null {
  const { kind, classes } = leaf;
  if (state === "whole")
    return kind === "command.failed" || kind === "command.cancelled" ? null : `${kind} of a message`;
  // Its call left; what it asked for stays.
  if (state === "waiting")
    return kind === "command.cancelled" && classes.reason === "client_gone"
      ? null
      : `${kind} of a command that waits for an approval`;
  if (state !== "open") return "a second outcome of a command";
  if (kind !== "command.completed") return null;
  if (classes.folded === 0 && !started) return "command.completed without response.started";
  if (classes.folded === 1 && started) return "a folded answer after response.started";
  if (classes.folded === 0 && payload.kind !== "none") return "a body in the outcome of an answer that was streamed";
  return body?.brokenCount(leaf, fields) ?? null;
}

/** What may come after session.closed. */
function mayFollowEnd({ kind, classes }: ReadLeaf): boolean {
  return kind === "outcome.late" || (kind === "approval.decided" && classes.decision === "review");
}
