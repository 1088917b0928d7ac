// The calls of a session object about approvals, on a bench: with a clock and faults of the test's
// choosing. Runs inside workerd.

import type { Approval } from "../../core/approval/approval.ts";
import type { Ask, AskAnswer, Consumed, Stepped } from "../../durable/approval_rpc.ts";
import { kindsOf, newCommand } from "./objects.ts";
import type { Bench } from "./session_bench.ts";
import { asking, type deciding, type using } from "./waiting_commands.ts";

export const REFUSED = { ok: false, reason: "storage_refused" } as const;

export function turn<T>(bench: Bench, apply: () => T, refused: T): Promise<T> {
  return bench.commits.add({ apply, refused: () => refused });
}

export class Desk {
  readonly bench: Bench;

  constructor(bench: Bench) {
    this.bench = bench;
  }

  asked(terms: Parameters<typeof asking>[0] = {}): Ask {
    return asking(terms, newCommand(), this.bench.now);
  }

  ask(ask: Ask): Promise<AskAnswer> {
    return turn<AskAnswer>(this.bench, () => this.bench.log.ask(ask, this.bench.now), REFUSED);
  }

  consume(use: ReturnType<typeof using>): Promise<Consumed> {
    return turn<Consumed>(this.bench, () => this.bench.log.consume(...use, this.bench.now), REFUSED);
  }

  step(work: (now: number) => Stepped): Promise<Stepped> {
    return turn<Stepped>(this.bench, () => work(this.bench.now), { ...REFUSED, approval: null });
  }

  decide(order: ReturnType<typeof deciding>): Promise<Stepped> {
    return this.step((now) => this.bench.log.approvals.decide(order, now));
  }

  stateOf({ id }: Approval): Approval["state"]["kind"] | undefined {
    return this.bench.log.approvals.table.find(id)?.approval.state.kind;
  }

  async kinds(): Promise<string[]> {
    return kindsOf((await this.bench.check()).records).slice(1);
  }

  untold(): number {
    return [...this.bench.storage.sql.exec("SELECT id FROM approval_outbox")].length;
  }
}
