// decide, for a socket that is open: each message by the policy that is in force when it comes, and the
// upgrade itself again whenever that policy has changed.

import type { Digest } from "../core/ids.ts";
import { decide, type Question, rolesOf } from "../core/policy/decide.ts";
import type { Decision } from "../core/policy/decision.ts";
import { type MessageView, readMessage } from "../core/policy/message.ts";
import type { ConnectionSettings, Policy } from "../core/policy/policy.ts";
import { askedOf } from "../core/policy/stands.ts";
import { routeSegments } from "../core/protocol/http/target.ts";
import type { SocketOrder } from "./socket_rpc.ts";

/** The direction of a message, as rules name it. */
export type Method = "SEND" | "RECEIVE";

export class SocketJudge {
  readonly #order: SocketOrder;
  readonly #segments: readonly string[];
  #policy: Policy | null = null;
  #allowedBy: Digest;
  #roles: ReadonlySet<string> = new Set();

  constructor(order: SocketOrder) {
    this.#order = order;
    this.#segments = routeSegments(order.asked.path);
    this.#allowedBy = order.policy;
  }

  /** Null where the policy has no such connection, or it is none for sockets any more. */
  settings(policy: Policy): ConnectionSettings | null {
    const settings = policy.connections.get(this.#order.asked.connection);
    return settings?.protocol === "websocket" ? settings : null;
  }

  /** Whether the policy would let this socket be opened, at the same upstream. One that did is not asked again: what has changed with time alone ends nothing. */
  allowsUpgrade(policy: Policy, now: number): boolean {
    if (policy.hash === this.#allowedBy) return true;
    const isAllowed = this.#decidesForIt(policy, now);
    if (isAllowed) this.#allowedBy = policy.hash;
    return isAllowed;
  }

  #decidesForIt(policy: Policy, now: number): boolean {
    const settings = this.settings(policy);
    if (settings === null || settings.upstream !== this.#order.upstream.base) return false;
    const question = { ...this.#question(policy, "GET", now), body: { kind: "none" }, message: null } as const;
    const decision = decide(policy, question);
    if (decision.effect === "allow") return true;
    // It stands where the same people would be asked for it by the same rule.
    return decision.effect === "needs_approval" && askedOf(policy, decision) === this.#order.approved;
  }

  /** `text` is null for a binary one. */
  message(policy: Policy, method: Method, message: MessageView, text: string | null, now: number): Decision {
    const question = { ...this.#question(policy, method, now), message };
    const decision = decide(policy, { ...question, body: { kind: "unread" } });
    if (decision.effect !== "needs_body") return decision;
    const decided = decide(policy, { ...question, body: readMessage(message, text, decision.limit) });
    // It was read: nothing can ask for it again.
    if (decided.effect === "needs_body") throw new Error("a message that was read is asked for");
    return decided;
  }

  #question(policy: Policy, method: string, now: number): Omit<Question, "body" | "message"> {
    const { asked, caller, firstAdmin } = this.#order;
    const { principal } = caller.authenticated;
    if (this.#policy !== policy) {
      this.#policy = policy;
      this.#roles = rolesOf(policy.roles, principal, firstAdmin);
    }
    const { connection, path, query, headers, address, region } = asked;
    return {
      principal,
      roles: this.#roles,
      connection,
      method,
      segments: this.#segments,
      path,
      query,
      headers,
      address,
      region,
      now,
    };
  }
}
