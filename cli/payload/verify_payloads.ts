// `verify-session --payloads`: each recorded body against the records of its command. What stands beside
// records is asked for once its command has ended, so that no more is remembered than commands are open.

import type { Result } from "../../core/result.ts";
import { ok, refuse } from "../../core/result.ts";
import { readPayload } from "../../core/verify/payload.ts";
import { PayloadVerifier, type PayloadVerdict } from "../../core/verify/verify_payload.ts";
import type { HeldRecord } from "../../core/verify/verify_session.ts";
import type { Access } from "../access.ts";
import { call } from "../gateway_client.ts";
import type { CliRefusal } from "../refusal.ts";
import { payloadPath, type Side } from "./payload_facts.ts";

export interface Differing {
  readonly command: string;
  readonly side: Side;
  /** Of the first record whose bytes differ; null where the whole does. */
  readonly seq: number | null;
  readonly detail: string;
}

export interface PayloadsVerdict {
  /** Bodies that are those of the records, and their bytes. */
  readonly holding: number;
  readonly bytes: number;
  /** Of these, how many are also what travelled, by the digest of the whole. */
  readonly whole: number;
  /** Of commands that have not ended: not looked at. */
  readonly open: number;
  /** Of which the records are not shown to this reader. */
  readonly notShown: number;
  readonly differing: number;
  /** The first ones. */
  readonly differences: readonly Differing[];
}

const DIFFERENCES = 100;
const OUTCOME = /^(?:command\.(?:completed|failed|cancelled|denied)|outcome\.late)$/;
const BECOMES = /^approval\.(?:decided|expired|revoked)$/;
/** The API answers 429 to who asks too often; its window is a minute at most. */
const TRIES = 15;
const PAUSE_MS = 5_000;

interface Body {
  readonly verifier: PayloadVerifier;
  /** Bytes that stood in the records themselves, before the first that stand beside one. */
  read: number;
  isBeside: boolean;
}

export class PayloadsVerifier {
  readonly #access: () => Promise<Result<Access, CliRefusal>>;
  readonly #wait: (milliseconds: number) => void;
  readonly #open = new Map<string, Map<Side, Body>>();
  readonly #differences: Differing[] = [];
  #holding = 0;
  #bytes = 0;
  #whole = 0;
  #notShown = 0;
  #differing = 0;
  /** Why bodies cannot be had; nothing is looked at from then on. */
  refusal: CliRefusal | null = null;

  constructor(access: () => Promise<Result<Access, CliRefusal>>, wait: (milliseconds: number) => void) {
    this.#access = access;
    this.#wait = wait;
  }

  get looked(): number {
    return this.#holding + this.#notShown + this.#differing;
  }

  /** In the order of the log, each of which holds. */
  async take(record: HeldRecord): Promise<void> {
    const { command, kind, classes, sid } = record.leaf;
    if (command === null || this.refusal !== null) return;
    const payload = readPayload(record);
    if (payload.kind !== "none") this.#note(record, command, payload.kind === "beside");
    const bodies = this.#open.get(command);
    if (bodies === undefined) return;
    for (const [side, body] of bodies) {
      body.verifier.take(record);
      if (payload.kind !== "here" || side !== sideOf(record) || body.isBeside) continue;
      body.verifier.push(payload.bytes);
      body.read += payload.bytes.length;
    }
    if (BECOMES.test(kind)) return this.#lookAtAsked(sid, command, bodies);
    // A message is over with its own record.
    if (!OUTCOME.test(kind) && classes.oneway !== 1) return;
    this.#open.delete(command);
    for (const [side, body] of bodies) await this.#look(sid, command, side, body);
  }

  /** What an approval was asked for is there as a whole, and may never go on. */
  async #lookAtAsked(sid: string, command: string, bodies: Map<Side, Body>): Promise<void> {
    const asked = bodies.get("request");
    if (asked === undefined) return;
    bodies.delete("request");
    if (bodies.size === 0) this.#open.delete(command);
    await this.#look(sid, command, "request", asked);
  }

  #note(record: HeldRecord, command: string, isBeside: boolean): void {
    const bodies = this.#open.get(command) ?? new Map<Side, Body>();
    this.#open.set(command, bodies);
    const side = sideOf(record);
    const body = bodies.get(side) ?? { verifier: new PayloadVerifier(command, side), read: 0, isBeside: false };
    body.isBeside ||= isBeside;
    bodies.set(side, body);
  }

  async #look(sid: string, command: string, side: Side, body: Body): Promise<void> {
    if (body.isBeside && !(await this.#fetch(payloadPath(sid, command, side), body))) return;
    this.#count(command, side, body.verifier.verdict());
  }

  #count(command: string, side: Side, verdict: PayloadVerdict): void {
    switch (verdict.kind) {
      case "holds":
        this.#holding += 1;
        this.#bytes += verdict.size;
        if (verdict.whole) this.#whole += 1;
        return;
      case "not_shown":
        this.#notShown += 1;
        return;
      case "differs": {
        this.#differing += 1;
        const { seq, detail } = verdict;
        if (this.#differences.length < DIFFERENCES) this.#differences.push({ command, side, seq, detail });
      }
    }
  }

  /** False if it cannot be had. */
  async #fetch(path: string, { verifier, read }: Body): Promise<boolean> {
    const headers = read > 0 ? { range: `bytes=${read}-` } : {};
    for (let tries = 1; ; tries++) {
      const access = await this.#access();
      const got = access.ok ? await call(access.value, { path, headers }) : access;
      if (got.ok && got.value.status === (read > 0 ? 206 : 200)) {
        try {
          for await (const bytes of (got.value.body ?? []) as AsyncIterable<Uint8Array>) verifier.push(bytes);
          return true;
        } catch {
          this.refusal = { reason: "unreachable", what: "a body broke off on its way. Try again." };
          return false;
        }
      }
      if (got.ok || got.problem?.status !== 429 || tries === TRIES) {
        const why = got.ok ? "the gateway sends another part of it than was asked for" : got.what;
        this.refusal = { reason: got.ok ? "unreachable" : got.reason, what: `a body cannot be read: ${why}` };
        return false;
      }
      this.#wait(PAUSE_MS);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  verdict(): Result<PayloadsVerdict, CliRefusal> {
    if (this.refusal !== null) return refuse(this.refusal);
    const open = [...this.#open.values()].reduce((sum, bodies) => sum + bodies.size, 0);
    return ok({
      holding: this.#holding,
      bytes: this.#bytes,
      whole: this.#whole,
      open,
      notShown: this.#notShown,
      differing: this.#differing,
      differences: this.#differences,
    });
  }
}

function sideOf({ leaf: { kind, classes } }: HeldRecord): Side {
  if (kind === "stream.chunk") return classes.side === "request" ? "request" : "response";
  return kind === "approval.requested" || kind === "command.requested" || kind === "command.denied"
    ? "request"
    : "response";
}
