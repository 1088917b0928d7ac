// decide, for one message of a socket: whether it passes, is refused, or waits for people, with the records
// that say so. Writes nothing.

import { beginApproval } from "../core/approval/begin.ts";
import { keyedDigest, messageText, targetText } from "../core/approval/digest.ts";
import type { Use } from "../core/approval/grant.ts";
import { isHidden } from "../core/approval/hidden.ts";
import { principalParty } from "../core/approval/person.ts";
import { requestedFacts } from "../core/approval/requested.ts";
import type { ApprovalTerms } from "../core/approval/terms.ts";
import { titleOf } from "../core/approval/title.ts";
import { toHex } from "../core/bytes.ts";
import { type CommandId, type ConnectionName, type Digest, newCommandId } from "../core/ids.ts";
import { maskWhole } from "../core/mask/payload_masker.ts";
import { approvalTerms } from "../core/policy/approvers.ts";
import type { Decision } from "../core/policy/decision.ts";
import { callerPlan, extentOf, howRefused } from "../core/policy/obligations.ts";
import type { ConnectionSettings, Policy } from "../core/policy/policy.ts";
import { POLICY_VIOLATION, TOO_LARGE } from "../core/protocol/websocket/close.ts";
import { commit } from "../core/record/commit.ts";
import type { Masked } from "../core/record/record.ts";
import { noticesOf } from "./approval_notices.ts";
import type { Ask, Consumption } from "./approval_rpc.ts";
import type { Approvals } from "./approvals.ts";
import { fillRandom, sha256 } from "./sha256.ts";
import type { EndReason } from "./socket_end.ts";
import type { SocketJudge } from "./socket_judge.ts";
import {
  askedRecords,
  contentType,
  isText,
  type Message,
  type MessageFacts,
  type MessageRecords,
  messageRecords,
  type Recorder,
  refusedMessage,
  refusedUnseen,
} from "./socket_message.ts";
import type { SocketPorts } from "./socket_ports.ts";
import type { SocketOrder } from "./socket_rpc.ts";

/** A message that may pass, once its records are durable. */
export interface Passing {
  readonly command: CommandId;
  readonly records: MessageRecords;
  /** What the other side gets. */
  readonly data: string | ArrayBuffer;
  readonly size: number;
  /** The approval that it goes on by; null if it needs none. */
  readonly use: Consumption | null;
  /** Where it needed an approval and has none: how the socket ends with it, null if it alone is dropped; and what is recorded of it then, if nothing is yet. */
  readonly unapproved: { readonly end: EndReason | null; record(reason: string): Masked };
}

export type Verdict =
  /** `end`: the socket ends with it; null if it alone is dropped. */
  | { readonly kind: "refused"; readonly record: Masked; readonly end: EndReason | null }
  | { readonly kind: "passes"; readonly passing: Passing }
  | { readonly kind: "asks"; readonly ask: Ask; readonly passing: Passing };

export interface Court {
  readonly order: SocketOrder;
  readonly judge: SocketJudge;
  readonly ports: SocketPorts;
  readonly approvals: Pick<Approvals, "grantFor">;
}

type NeedsApproval = Extract<Decision, { effect: "needs_approval" }>;

/** One message as it is judged. */
interface Case {
  readonly message: Message;
  readonly facts: MessageFacts;
  readonly settings: ConnectionSettings;
  readonly policy: Policy;
  readonly recorder: Recorder;
  readonly now: number;
}

/** `target` as recorded. Throws what the masker throws. */
export function verdictOf(
  message: Message,
  target: string,
  settings: ConnectionSettings,
  policy: Policy,
  court: Court,
): Verdict {
  const { order, judge, ports } = court;
  const now = Date.now();
  const text = typeof message.data === "string" ? message.data : null;
  const view = { type: text === null ? "binary" : "text", size: message.bytes.length } as const;
  const decision = judge.message(policy, message.method, view, text, now);
  const facts: MessageFacts = { command: newCommandId(now, fillRandom), socket: order.command, target, decision };
  const recorder: Recorder = {
    plan: settings.maskPlan,
    pseudonym: ports.pseudonym(order.asked.connection),
    commitment: (digest) => ports.commitment(digest),
  };
  const one: Case = { message, facts, settings, policy, recorder, now };
  if (message.bytes.length > settings.messageLimit) {
    const refusal = { reason: "message_too_large", code: TOO_LARGE };
    return { kind: "refused", record: refusedUnseen(message, facts, refusal, recorder), end: "message_too_large" };
  }
  switch (decision.effect) {
    case "deny":
      return refused(one, decision.reason, "message_refused");
    case "allow": {
      const records = messageRecords(message, facts, extentOf(decision, settings), recorder);
      return { kind: "passes", passing: passingOf(one, records, null) };
    }
    case "needs_approval":
      return approvalVerdict(one, decision, court);
  }
}

/** As the rule or the connection says: with the socket, or it alone. */
function refused(one: Case, reason: string, end: EndReason): Verdict {
  return { kind: "refused", record: refusalOf(one, reason), end: endOf(one, end) };
}

function endOf({ facts: { decision }, settings }: Case, end: EndReason): EndReason | null {
  return howRefused(decision, settings) === "close" ? end : null;
}

function refusalOf(one: Case, reason: string, approval?: CommandId): Masked {
  const { message, facts, settings, recorder } = one;
  const code = howRefused(facts.decision, settings) === "close" ? POLICY_VIOLATION : 0;
  const refusal = { reason, code, ...(approval === undefined ? {} : { approval }) };
  return refusedMessage(message, facts, refusal, extentOf(facts.decision, settings), recorder);
}

function passingOf(one: Case, records: MessageRecords, use: Consumption | null): Passing {
  const { message, facts } = one;
  const grant = use !== null && use.asGrant ? use.approval : undefined;
  return {
    command: facts.command,
    records,
    data: handedOn(one),
    size: message.bytes.length,
    use,
    unapproved: {
      end: endOf(one, "message_not_approved"),
      record: (reason) => refusalOf(one, reason, grant),
    },
  };
}

/** What the other side gets: of a received text what a rule lets the caller see. */
function handedOn({ message, facts: { decision }, settings }: Case): string | ArrayBuffer {
  const plan = message.method === "RECEIVE" && isText(message) ? callerPlan(decision, settings) : null;
  if (plan === null) return message.data;
  const { bytes } = maskWhole(plan, contentType(message), message.bytes, () => "");
  return new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(bytes);
}

/** What a message cannot have (a reason, a broken glass, somebody who comes again) has no part in it. */
function approvalVerdict(one: Case, decision: NeedsApproval, court: Court): Verdict {
  const { message, facts, settings, policy, recorder, now } = one;
  const terms = approvalTerms(policy, decision.rule);
  if (terms === null) throw new Error("a rule that asks nobody");
  const use = useOf(one, decision, court);
  const extent = extentOf(decision, settings);
  const grant = terms.grant === null ? null : court.approvals.grantFor(use, now);
  if (grant !== null) {
    const records = messageRecords(message, facts, extent, recorder, { approval: grant, isGrant: true });
    return { kind: "passes", passing: passingOf(one, records, { ...use, approval: grant, asGrant: true }) };
  }
  const no = (reason: string): Verdict => refused(one, reason, "message_not_approved");
  if (terms.reasonNeeded) return no("reason_needed");
  if (message.bytes.length > terms.bodyLimit) return no("body_too_large_to_wait");
  const approval = approvalOf(one, terms, use, court);
  const { request, chunks, afterwards, isWhole } = askedRecords(
    message,
    facts,
    requestedFacts(approval, null),
    extent,
    recorder,
  );
  const shown = chunks.length === 0 ? [request] : chunks;
  if (terms.maskedOnlyIn !== null && (!isWhole || isHidden(shown, message.bytes.length, terms)))
    return no("approval_hidden");
  const ask: Ask = {
    approval,
    records: [request, ...chunks].map((record) => commit(record, fillRandom, sha256)),
    title: titleOf(facts.target),
    glass: null,
    notices: noticesOf(policy, terms.notify),
  };
  const own = { ...use, approval: facts.command, asGrant: false };
  return { kind: "asks", ask, passing: passingOf(one, afterwards, own) };
}

function approvalOf({ facts, now }: Case, terms: ApprovalTerms, use: Use, { order }: Court): Ask["approval"] {
  const { principal } = order.caller.authenticated;
  const { connection, digest, targetDigest, policy, rule } = use;
  return beginApproval({
    id: facts.command,
    ...{ connection, rule, policy, digest, targetDigest },
    requester: principalParty(principal),
    actors: principal.actors,
    terms: { ...terms, ifGone: "cancel", breakGlass: null },
    requested: now,
  });
}

/** What this message is, held against an approval. */
function useOf({ message }: Case, { policy, rule }: NeedsApproval, { order, ports }: Court): Use {
  const { asked, caller } = order;
  const { issuer, subject, actors } = caller.authenticated.principal;
  const connection = asked.connection as ConnectionName;
  const { method, bytes } = message;
  const target = asked.query === "" ? asked.path : `${asked.path}?${asked.query}`;
  const mac = ports.approvals(connection);
  const data = { sha256: toHex(sha256(bytes)) as Digest, size: bytes.length };
  const command = { connection, method, target, type: isText(message) ? "text" : "binary", data } as const;
  return {
    requester: { issuer, subject },
    actors,
    connection,
    digest: keyedDigest(messageText(command), mac),
    targetDigest: keyedDigest(targetText(command), mac),
    policy,
    rule,
  };
}
