// Random histories of an approval, each event for step.ts and for the model at once.

import fc from "fast-check";
import type { Approval } from "../../../core/approval/approval.ts";
import type { ApprovalEvent } from "../../../core/approval/event.ts";
import type { Use } from "../../../core/approval/grant.ts";
import type { ApprovalTerms, GrantScope } from "../../../core/approval/terms.ts";
import type { ConnectionName, Digest } from "../../../core/ids.ts";
import { OTHER_POLICY, POLICY, sampleApproval, sampleUse, slot, voteOf } from "../../support/sample_approval.ts";
import { commandId } from "../../support/sample_session.ts";
import { AGENT, LINKS, type Model, type ModelUse, PEOPLE } from "./model.ts";

export interface Happening {
  /** Since what happened before. */
  readonly afterMs: number;
  /** The object is evicted before, and reads what it kept. */
  readonly evicted: boolean;
  readonly event: ApprovalEvent;
  /** The same for the model; whether it is taken, or null where that is not said. */
  readonly inModel: (model: Model, now: number) => boolean | null;
}

export interface History {
  readonly approval: Approval;
  readonly hasAgent: boolean;
  readonly happenings: readonly Happening[];
}

const rarely = fc.boolean().chain((a) => fc.boolean().map((b) => a && b));
const slots = fc.subarray([0, 1, 7], { minLength: 0 });
const mostly = fc.oneof({ weight: 24, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) });
const comment = mostly.map((said) => (said ? "because" : null));
const policyOf = (same: boolean): Digest => (same ? POLICY : OTHER_POLICY);

const terms = fc.record({
  by: fc.array(fc.constantFrom(slot("a"), slot("a"), slot("b", 2)), { minLength: 1, maxLength: 2 }),
  expiresMs: fc.constantFrom(40, 100),
  useWithinMs: fc.constantFrom(10, 30),
  ifGone: fc.constantFrom<ApprovalTerms["ifGone"][]>("cancel", "keep"),
  grant: fc.option(fc.record({ maxMs: fc.constant(50), scope: fc.constantFrom<GrantScope[]>("target", "rule") }), {
    freq: 5,
  }),
  commentNeeded: rarely,
  passkey: rarely,
  breakGlass: fc.option(fc.constant({ roles: [], groups: [], issuer: null, subjects: [] })),
});

type Told = Pick<Happening, "event" | "inModel">;

/** `n` makes command ids that nothing else has. */
const vote = (n: number): fc.Arbitrary<Told> =>
  fc
    .record({
      person: fc.constantFrom(0, 1, 2, 2, 3, 3, 4, 4),
      identity: fc.nat(2),
      approves: fc.oneof({ weight: 6, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
      slots: fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom([0, 1], [0, 1], [0], [1]) },
        { weight: 1, arbitrary: slots },
      ),
      comment,
      grantMs: fc.constantFrom(0, 10, 50, 50, 51),
      signed: mostly,
      samePolicy: mostly,
    })
    .map(({ identity, ...cast }) => ({
      event: voteOf(
        n,
        PEOPLE[cast.person]?.[identity] ?? PEOPLE[0]?.[0] ?? sampleApproval().requester,
        {
          decision: cast.approves ? "approve" : "deny",
          slots: cast.slots,
          comment: cast.comment,
          grantMs: cast.grantMs,
        },
        { policy: policyOf(cast.samePolicy), links: LINKS, stepUp: cast.signed ? "passkey" : null },
      ),
      inModel: (model, now) => model.vote(cast, now),
    }));

const OTHER = "0e".repeat(32) as Digest;
const CHANGED: readonly (readonly [ModelUse["like"], Partial<Use>])[] = [
  ["target", { digest: OTHER }],
  ["rule", { digest: OTHER, targetDigest: OTHER }],
  ["none", { rule: "other" }],
  ["none", { connection: "other" as ConnectionName }],
  ["none", { requester: { issuer: "https://other.example.org", subject: "alice" } }],
  ["none", { actors: [{ issuer: "https://other.example.org", subject: "x" }] }],
];

const use = (hasAgent: boolean): fc.Arbitrary<Told> =>
  fc
    .record({
      // Few, so that one comes again.
      command: fc.constantFrom(1, 2, 3),
      changed: fc.oneof(
        { weight: 2, arbitrary: fc.constant(["same", {}] as const) },
        { weight: 1, arbitrary: fc.constantFrom(...CHANGED) },
      ),
      samePolicy: mostly,
      asGrant: fc.boolean(),
    })
    .map(({ command, changed: [like, change], ...how }) => ({
      event: {
        kind: "consume",
        command: commandId(command),
        use: sampleUse({ actors: hasAgent ? [AGENT] : [], policy: policyOf(how.samePolicy), ...change }),
        asGrant: how.asGrant,
      },
      inModel: (model, now) => model.use({ command, like, ...how }, now),
    }));

const glass = (n: number): fc.Arbitrary<Told> =>
  fc.record({ reason: fc.constantFrom("", "down"), samePolicy: mostly }).map(({ reason, samePolicy: same }) => ({
    event: {
      kind: "break_glass",
      command: commandId(n),
      requester: sampleUse().requester,
      reason,
      policy: policyOf(same),
    },
    inModel: (model, now) => model.breakGlass(reason !== "", same, now),
  }));

const review = (n: number): fc.Arbitrary<Told> =>
  fc.record({ person: fc.nat(PEOPLE.length - 1), slots, comment }).map(({ person, slots: fits, comment: said }) => ({
    event: {
      kind: "review",
      command: commandId(n),
      reviewer: PEOPLE[person]?.[1] ?? sampleApproval().requester,
      slots: fits,
      links: LINKS,
      comment: said,
    },
    inModel: (model) => model.review(person, fits, said),
  }));

/** What ends it. */
const ending = (n: number): fc.Arbitrary<Told> =>
  fc.constantFrom<Told>(
    {
      event: { kind: "cancel", by: commandId(n) },
      inModel: (model, now) => (model.waits(now) ? (model.end(), true) : model.revoke(now)),
    },
    { event: { kind: "revoke", by: commandId(n) }, inModel: (model, now) => model.revoke(now) },
    { event: { kind: "revoke", by: null }, inModel: (model, now) => model.revoke(now) },
    { event: { kind: "client_gone", command: commandId(1) }, inModel: (model, now) => (model.leave(1, now), null) },
    { event: { kind: "client_gone", command: commandId(2) }, inModel: (model, now) => (model.leave(2, now), null) },
    { event: { kind: "kill", by: commandId(n) }, inModel: (model) => (model.end(), null) },
    { event: { kind: "session_over" }, inModel: (model) => (model.end(), null) },
    { event: { kind: "policy_changed", policy: OTHER_POLICY }, inModel: (model) => (model.end(), null) },
  );

const nothing = fc.constantFrom<Told>(
  { event: { kind: "expire" }, inModel: () => null },
  { event: { kind: "policy_changed", policy: POLICY }, inModel: () => null },
);

export const histories: fc.Arbitrary<History> = fc
  .record({ terms, hasAgent: rarely })
  .chain(({ terms: own, hasAgent }) => {
    const told = (n: number): fc.Arbitrary<Told> =>
      fc.oneof(
        { weight: 10, arbitrary: vote(n) },
        { weight: 8, arbitrary: use(hasAgent) },
        { weight: 1, arbitrary: glass(n) },
        { weight: 2, arbitrary: review(n) },
        { weight: 1, arbitrary: ending(n) },
        { weight: 2, arbitrary: nothing },
      );
    const happening = (n: number): fc.Arbitrary<Happening> =>
      fc
        .record({ told: told(n), afterMs: fc.constantFrom(0, 0, 1, 1, 2, 2, 3, 9, 10, 30), evicted: fc.boolean() })
        .map(({ told: one, ...when }) => ({ ...one, ...when }));
    return fc
      .integer({ min: 1, max: 16 })
      .chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => happening(100 + i))))
      .map((happenings) => ({
        approval: sampleApproval(own, { actors: hasAgent ? [AGENT] : [] }),
        hasAgent,
        happenings,
      }));
  });
