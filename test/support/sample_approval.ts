// An approval to try things on, the people around it, and commands that use it.

import type { Approval, Party, Vote } from "../../core/approval/approval.ts";
import { beginApproval } from "../../core/approval/begin.ts";
import type { ApprovalEvent, Step } from "../../core/approval/event.ts";
import type { Use } from "../../core/approval/grant.ts";
import type { Links } from "../../core/approval/person.ts";
import { step } from "../../core/approval/step.ts";
import type { ApprovalTerms, Slot } from "../../core/approval/terms.ts";
import type { ConnectionName, Digest } from "../../core/ids.ts";
import { commandId, STARTED } from "./sample_session.ts";

export const MINUTE = 60_000;
export const POLICY = "5d".repeat(32) as Digest;
export const OTHER_POLICY = "5e".repeat(32) as Digest;
export const DIGEST = "0d".repeat(32) as Digest;
export const TARGET = "07".repeat(32) as Digest;
export const ISSUER = "https://id.example.org";

export function party(subject: string, email: string | null = null, issuer = ISSUER): Party {
  return { issuer, subject, name: subject, email };
}

export const ALICE: Party = party("alice", "alice@example.org");
export const BOB: Party = party("bob", "bob@example.org");
export const CAROL: Party = party("carol");

export function slot(group: string, count = 1): Slot {
  return { roles: [], groups: [group], issuer: null, subjects: [], count };
}

export const TERMS: ApprovalTerms = {
  by: [slot("leads")],
  expiresMs: 60 * MINUTE,
  useWithinMs: 5 * MINUTE,
  waitMs: 0,
  ifGone: "cancel",
  bodyLimit: 1024 * 1024,
  grant: null,
  commentNeeded: false,
  reasonNeeded: false,
  passkey: false,
  breakGlass: null,
  maskedOnlyIn: null,
  notify: [],
};

/** Alice asks, at STARTED, as command 1. */
export function sampleApproval(terms: Partial<ApprovalTerms> = {}, change: Partial<Approval> = {}): Approval {
  const asked = {
    id: commandId(1),
    connection: "registry" as ConnectionName,
    rule: "publish",
    policy: POLICY,
    digest: DIGEST,
    targetDigest: TARGET,
    requester: ALICE,
    actors: [],
    terms: { ...TERMS, ...terms },
    requested: STARTED,
  };
  return { ...beginApproval(asked), ...change };
}

/** What Alice asked for. */
export function sampleUse(change: Partial<Use> = {}): Use {
  return {
    requester: { issuer: ALICE.issuer, subject: ALICE.subject },
    actors: [],
    connection: "registry" as ConnectionName,
    digest: DIGEST,
    targetDigest: TARGET,
    policy: POLICY,
    rule: "publish",
    ...change,
  };
}

type VoteEvent = Extract<ApprovalEvent, { kind: "vote" }>;

/** By the decider's command `n`. */
export function voteOf(
  n: number,
  decider: Party,
  change: Partial<Vote> = {},
  event: { readonly policy?: Digest; readonly links?: Links; readonly stepUp?: "passkey" | null } = {},
): VoteEvent {
  const vote: Vote = {
    decision: "approve",
    decider,
    slots: [0],
    comment: null,
    grantMs: 0,
    command: commandId(n),
    time: 0,
    ...change,
  };
  return { kind: "vote", vote, policy: POLICY, links: [], stepUp: null, ...event };
}

export function consumeOf(n: number, change: Partial<Use> = {}, asGrant = false): ApprovalEvent {
  return { kind: "consume", command: commandId(n), use: sampleUse(change), asGrant };
}

/** One event after another, each at its time after STARTED; what the last one came to, and all facts. */
export function run(approval: Approval, ...events: readonly (readonly [ms: number, event: ApprovalEvent])[]): Step {
  let last: Step = { approval, facts: [], refused: null };
  for (const [ms, event] of events) {
    const next = step(last.approval, event, STARTED + ms);
    last = { ...next, facts: [...last.facts, ...next.facts] };
  }
  return last;
}
