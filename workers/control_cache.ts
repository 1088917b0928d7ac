// What this isolate knows of its region's control object: the policy in force, compiled, and whom not
// to trust any more. A revocation or a kill counts after a second at most, a policy with it.
//
// A text is fetched once for each hash and believed only if it has that hash. One that this code cannot
// read, or that does not fit the configuration, leaves no policy: nothing is decided by an older one.

import type { Revocations } from "../core/auth/revocation.ts";
import { toHex } from "../core/bytes.ts";
import type { Digest } from "../core/ids.ts";
import { EMPTY_POLICY, parsePolicy, type Policy } from "../core/policy/policy.ts";
import type { ControlRpc, ControlSnapshot } from "../durable/control_rpc.ts";
import { sha256 } from "../durable/sha256.ts";
import type { Config } from "./config.ts";
import { checkAgainstConfig } from "./policy_check.ts";

/** After this a request fetches a new snapshot beside its work. */
const RENEW_MS = 500;
/** After this a request waits for the new one. */
const STALE_MS = 1_000;
/** After this, without an answer from the control object, nothing is served. */
const DEAD_MS = 5_000;

export interface Known {
  readonly revocations: Revocations;
  /** The empty one where none was applied, or where the one in force is unreadable. */
  readonly policy: Policy;
  /** What the control object says is in force; null if nothing was applied. */
  readonly inForce: ControlSnapshot["policy"];
  /** The policy in force cannot be used here: nothing is decided but by the gateway's own rules. */
  readonly isUnreadable: boolean;
  readonly historyLag: number;
  /** When the snapshot was asked for, not when it came: its age is counted from the older one. Milliseconds since 1970. */
  readonly asked: number;
}

type Loaded = { readonly hash: Digest; readonly policy: Policy | null };
type Control = Pick<ControlRpc, "snapshot" | "policyText">;

export class ControlCache {
  readonly #find: () => Control;
  readonly #config: Config;
  #known: Known | null = null;
  #isForgotten = false;
  #renewing = 0;
  /** Counts what was asked. */
  #turn = 0;
  /** Answers overtake each other: one to a turn up to this one is not kept, because a newer one was, or `forget` was called. */
  #kept = 0;
  #loaded: Loaded = { hash: EMPTY_POLICY.hash, policy: EMPTY_POLICY };

  /** `find` gives a new stub for each call: one that has thrown may be broken for good. */
  constructor(find: () => Control, config: Config) {
    this.#find = find;
    this.#config = config;
  }

  /** What is known if it is fresh enough to use now; null if the caller must `renew` and wait. */
  current(now: number): Known | null {
    const known = this.#known;
    return known !== null && !this.#isForgotten && now - known.asked < STALE_MS ? known : null;
  }

  /** True once per interval, for the one request that renews beside its work. */
  shouldRenew(now: number): boolean {
    if (now - (this.#known?.asked ?? 0) < RENEW_MS || now - this.#renewing < RENEW_MS) return false;
    this.#renewing = now;
    return true;
  }

  /** Asks the control object. Null if it cannot be reached and what is known is too old. */
  async renew(now: number): Promise<Known | null> {
    const turn = ++this.#turn;
    try {
      const control = this.#find();
      const { policy: inForce, revocations, historyLag } = await control.snapshot();
      const policy = await this.#load(inForce?.hash ?? EMPTY_POLICY.hash, control);
      const isUnreadable = policy === null;
      const fresh: Known = {
        revocations,
        policy: policy ?? EMPTY_POLICY,
        inForce,
        isUnreadable,
        historyLag,
        asked: now,
      };
      if (turn > this.#kept) {
        this.#kept = turn;
        this.#known = fresh;
        this.#isForgotten = false;
      }
      return fresh;
    } catch {
      return this.#known !== null && now - this.#known.asked <= DEAD_MS ? this.#known : null;
    }
  }

  /** After a change through this isolate: the next command asks, and sees it. */
  forget(): void {
    this.#kept = this.#turn;
    this.#isForgotten = true;
  }

  /** Null if the text cannot be used. Throws if the control object cannot be reached. */
  async #load(hash: Digest, control: Control): Promise<Policy | null> {
    if (this.#loaded.hash === hash) return this.#loaded.policy;
    if (hash === EMPTY_POLICY.hash) return EMPTY_POLICY;
    const text = await control.policyText(hash);
    // Of several requests that fetched it at once, one parses.
    if (this.#loaded.hash !== hash) this.#loaded = { hash, policy: this.#read(hash, text) };
    return this.#loaded.policy;
  }

  #read(hash: Digest, text: string | null): Policy | null {
    if (text === null || toHex(sha256(new TextEncoder().encode(text))) !== hash) {
      console.error("sallyport: the policy in force has another text than its hash says");
      return null;
    }
    const parsed = parsePolicy(text, hash);
    const problems = parsed.ok ? checkAgainstConfig(parsed.value, this.#config) : parsed.problems;
    const [problem] = problems;
    if (parsed.ok && problem === undefined) return parsed.value;
    // For the operator who reads the log; a place, never a word of the text.
    console.error(
      `sallyport: the policy in force cannot be used: line ${problem?.line ?? 0}, column ${problem?.column ?? 0}`,
    );
    return null;
  }
}
