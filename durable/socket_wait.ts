// approve, for a message of a socket: asks for it in this very object, and listens until people have decided.
// What becomes of the message is its relay's business.
//
// Nothing of it is stored but the approval itself, which ends with its socket (durable/approvals.ts): an
// object that starts anew has no socket for which it could go on.

import type { CommandId, Digest } from "../core/ids.ts";
import type { ApprovalDesk } from "./approval_desk.ts";
import type { Ask, AskAnswer } from "./approval_rpc.ts";
import type { Approvals } from "./approvals.ts";

/** `approved`: it may be used. `refused`: its own records say why. Else it was never asked about. */
export type Word =
  | { readonly kind: "approved" | "refused" }
  | { readonly kind: "not_asked"; readonly reason: Extract<AskAnswer, { ok: false }>["reason"] };

export class SocketWait {
  readonly #ask: Ask;
  readonly #socket: CommandId;
  readonly #desk: ApprovalDesk;
  readonly #approvals: Approvals;
  readonly #tell: (word: Word) => void;
  #state: "asking" | "asked" | "over" = "asking";
  /** It is being ended here. */
  #isEnding = false;

  /** `tell` is called once, unless `drop` comes first. */
  constructor(ask: Ask, socket: CommandId, desk: ApprovalDesk, approvals: Approvals, tell: (word: Word) => void) {
    this.#ask = ask;
    this.#socket = socket;
    this.#desk = desk;
    this.#approvals = approvals;
    this.#tell = tell;
  }

  /** Never rejects. Returns once the request is on record, or not. */
  async ask(): Promise<void> {
    const answer = await this.#desk.ask(this.#ask, null, this.#socket).catch(() => REFUSED);
    if (this.#state === "over") return;
    if (!answer.ok) return this.#over({ kind: "not_asked", reason: answer.reason });
    this.#state = "asked";
  }

  /** After whatever may have changed it. `policy` in force; null: nobody knows. Never throws: what cannot be looked at now is looked at next time. */
  look(policy: Digest | null, now: number): void {
    if (this.#state !== "asked" || this.#isEnding) return;
    try {
      this.#look(policy, now);
    } catch {
      // Storage that cannot be read.
    }
  }

  #look(policy: Digest | null, now: number): void {
    const row = this.#approvals.table.find(this.#ask.approval.id);
    const state = row?.approval.state.kind;
    if (row === null || (state !== "pending" && state !== "approved")) return this.#over({ kind: "refused" });
    const { id, policy: askedUnder } = row.approval;
    if (this.#approvals.isDue(row, now)) void this.#end(this.#desk.approvalOf(id));
    else if (policy !== null && policy !== askedUnder) void this.#end(this.#desk.outdated(id));
    else if (policy !== null && state === "approved") this.#over({ kind: "approved" });
  }

  /** What cannot be written now is ended at a later look. */
  async #end(ended: Promise<unknown>): Promise<void> {
    this.#isEnding = true;
    await ended.catch(() => undefined);
    this.#isEnding = false;
    // Long before it can be due: a refused write is not tried again at once.
    this.look(null, 0);
  }

  #over(word: Word): void {
    this.#state = "over";
    this.#tell(word);
  }

  /** Nobody waits for it any more. */
  drop(): void {
    this.#state = "over";
  }
}

const REFUSED: AskAnswer = { ok: false, reason: "storage_refused" };
