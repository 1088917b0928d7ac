// What people do with approvals: decide, take back, sign off. Whoever asks has been found to see the
// approval; whether they may do it is held against the policy in force here, and once more, with what
// came meanwhile, by the session object.

import { quorumOf } from "../../core/approval/quorum.ts";
import type { Fields } from "../../core/record/record.ts";
import { refuse, type Result } from "../../core/result.ts";
import type { ApprovalRefusal, DecisionOrder, Stepped } from "../../durable/approval_rpc.ts";
import { type Caller, callerOf, partyOf } from "../caller.ts";
import { maskedWords } from "../console/answers.ts";
import type { Exchange } from "../http/exchange.ts";
import type { PasskeyRefusal } from "../passkeys/check_decision.ts";
import type { FoundApproval } from "./find.ts";
import { isFresh, standingOf, type StandingRefusal } from "./standing.ts";

export type ActRefusal =
  | ApprovalRefusal
  | StandingRefusal
  | PasskeyRefusal
  /** What their token says of their groups is too old to decide by: log in again. */
  | "decider_login_old"
  /** It has changed since they looked at it. */
  | "approval_changed"
  | "overloaded"
  | "trail_unavailable";

export interface Decide {
  readonly decision: "approve" | "deny";
  readonly comment: string | null;
  /** 0: once. */
  readonly grantMs: number;
  /** `seenOf` of what the decider was shown. */
  readonly seen: string;
  /** RFC 8785 text of the passkey's assertion, checked; null where there is none. */
  readonly assertion: string | null;
}

export type Acted = Result<Extract<Stepped, { ok: true }>, { reason: ActRefusal }>;

/** Names a state of an approval: another one is told by another text. */
export function seenOf({ approval: { digest, votes, state } }: Pick<FoundApproval, "approval">): string {
  return `${digest.slice(0, 16)}.${votes.length}.${state.kind}`;
}

export async function decide(exchange: Exchange, as: Caller, found: FoundApproval, asked: Decide): Promise<Acted> {
  const { gateway, command } = exchange;
  const known = gateway.control.current(Date.now()) ?? (await gateway.control.renew(Date.now()));
  if (known === null) return refuse({ reason: "trail_unavailable" });
  const { policy } = known;
  const caller = callerOf(as.authenticated, policy, gateway.config);
  const standing = standingOf(found.approval, caller, policy);
  if (!standing.mayDecide) return refuse({ reason: standing.reason });
  if (!isFresh(caller, gateway.config, Date.now())) return refuse({ reason: "decider_login_old" });
  if (asked.seen !== seenOf(found)) return refuse({ reason: "approval_changed" });
  const order: DecisionOrder = {
    ...orderOf(caller, found, policy.persons, policy.hash, standing.slots, asked.comment),
    decision: asked.decision,
    grantMs: asked.grantMs,
    stepUp: asked.assertion === null ? null : "passkey",
    command,
    fields: fieldsOf(caller, asked.comment, asked.assertion),
  };
  return told(await found.session.decide(order));
}

/** Signs off what went on without approval. */
export async function review(
  exchange: Exchange,
  caller: Caller,
  found: FoundApproval,
  comment: string | null,
): Promise<Acted> {
  const { gateway, policy, command } = exchange;
  const standing = standingOf({ ...found.approval, policy: policy.hash }, caller, policy);
  if (!standing.mayDecide) return refuse({ reason: standing.reason });
  if (!isFresh(caller, gateway.config, Date.now())) return refuse({ reason: "decider_login_old" });
  const order: DecisionOrder = {
    ...orderOf(caller, found, policy.persons, policy.hash, standing.slots, comment),
    decision: "approve",
    grantMs: 0,
    stepUp: null,
    command,
    fields: fieldsOf(caller, comment, null),
  };
  return told(await found.session.review(order));
}

/** By whoever asked, or acts for them by their own token. */
export async function cancel({ command }: Exchange, found: FoundApproval): Promise<Acted> {
  return told(await found.session.cancel(found.approval.id, "requester", command));
}

/** By whoever could decide it. */
export async function revoke(
  exchange: Exchange,
  caller: Caller,
  found: FoundApproval,
  comment: string | null,
): Promise<Acted> {
  const standing = standingOf({ ...found.approval, policy: exchange.policy.hash }, caller, exchange.policy);
  // To take back is to make safe: an admin may, too, as they may end the session.
  if (!standing.mayDecide && !caller.roles.has("admin")) return refuse({ reason: standing.reason });
  const fields = comment === null ? {} : { comment: maskedWords(comment) };
  return told(await found.session.revoke(found.approval.id, exchange.command, fields));
}

function orderOf(
  caller: Caller,
  found: FoundApproval,
  links: DecisionOrder["links"],
  policy: DecisionOrder["policy"],
  slots: readonly number[],
  comment: string | null,
): Pick<DecisionOrder, "approval" | "decider" | "slots" | "links" | "policy" | "comment"> {
  const words = comment === null ? null : maskedWords(comment);
  return { approval: found.approval.id, decider: partyOf(caller), slots, links, policy, comment: words };
}

function fieldsOf({ principalText }: Caller, comment: string | null, assertion: string | null): Fields {
  return {
    decider: principalText,
    ...(comment === null ? {} : { comment: maskedWords(comment) }),
    ...(assertion === null ? {} : { assertion }),
  };
}

function told(stepped: Stepped): Acted {
  if (stepped.ok) return { ok: true, value: stepped };
  if (stepped.reason === "storage_refused") return refuse({ reason: "trail_unavailable" });
  return refuse({ reason: stepped.reason });
}

/** How many are still to approve, of each group of the rule. */
export function missingOf(
  { approval: { terms, votes } }: Pick<FoundApproval, "approval">,
  links: DecisionOrder["links"],
): readonly number[] {
  return quorumOf(terms.by, votes, links).missing;
}
