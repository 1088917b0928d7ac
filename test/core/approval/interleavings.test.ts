// Whatever happens in whatever order, and wherever the object that keeps an approval is evicted in between:
// nothing runs twice, changed, late, or by the word of the one who asked. A failure prints its seed.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Approval, Identity } from "../../../core/approval/approval.ts";
import type { ApprovalFact } from "../../../core/approval/event.ts";
import { approvalText, parseApproval } from "../../../core/approval/parse.ts";
import { nextDue, step } from "../../../core/approval/step.ts";
import { consumeOf, OTHER_POLICY } from "../../support/sample_approval.ts";
import { commandId, STARTED } from "../../support/sample_session.ts";
import { type Happening, histories, type History } from "./interleavings.ts";
import { AGENT, Model, PEOPLE } from "./model.ts";

interface Taken extends Happening {
  /** Since it was asked for. */
  readonly at: number;
  readonly refused: string | null;
  readonly before: Approval;
  readonly after: Approval;
  readonly facts: readonly ApprovalFact[];
}

function restored(approval: Approval): Approval {
  const read = parseApproval(approvalText(approval));
  if (read === null) throw new Error("an approval cannot be read again");
  return read;
}

/** Plays a history; `look` is asked after each event. */
function play({ approval, happenings }: History, look: (taken: Taken) => void = () => undefined): Taken[] {
  let at = 0;
  let now = approval;
  return happenings.map((happening) => {
    at += happening.afterMs;
    const before = happening.evicted ? restored(now) : now;
    const { approval: after, facts, refused } = step(before, happening.event, STARTED + at);
    now = after;
    const taken = { ...happening, at, refused, before, after, facts };
    look(taken);
    return taken;
  });
}

const personOf = (decider: Identity): number =>
  PEOPLE.findIndex((identities) =>
    identities.some(({ issuer, subject }) => issuer === decider.issuer && subject === decider.subject),
  );

/** Of a vote that was taken. */
function votesOf(
  taken: readonly Taken[],
): readonly { readonly at: number; readonly person: number; readonly approves: boolean }[] {
  return taken.flatMap(({ event, refused, at }) =>
    event.kind === "vote" && refused === null
      ? [{ at, person: personOf(event.vote.decider), approves: event.vote.decision === "approve" }]
      : [],
  );
}

describe("an approval, in any interleaving", () => {
  it("does what the model says", () => {
    fc.assert(
      fc.property(histories, (history) => {
        const model = new Model(history.approval.terms, history.hasAgent);
        play(history, ({ event, inModel, at, refused, after }) => {
          const expected = inModel(model, at);
          if (expected !== null) expect([event.kind, refused === null]).toEqual([event.kind, expected]);
          // A step changes nothing but what it gives back, so one can ask what would be.
          const change = history.hasAgent ? { actors: [AGENT] } : {};
          const would = (asGrant: boolean): boolean =>
            step(after, consumeOf(50, change, asGrant), STARTED + at).refused === null;
          expect([would(false), would(true)]).toEqual([model.isUsable(at), model.isGranted(at)]);
        });
      }),
      { numRuns: 3000 },
    );
  });

  it("runs its command at most once, and no other command", () => {
    fc.assert(
      fc.property(histories, (history) => {
        const single = play(history).flatMap(({ event, refused }) =>
          event.kind === "consume" && !event.asGrant && refused === null ? [event] : [],
        );
        expect(new Set(single.map(({ command }) => command)).size).toBeLessThanOrEqual(1);
        const { digest, targetDigest, policy, rule, connection, actors, requester } = history.approval;
        for (const { use } of single)
          expect(use).toEqual({
            digest,
            targetDigest,
            policy,
            rule,
            connection,
            actors,
            requester: { issuer: requester.issuer, subject: requester.subject },
          });
      }),
      { numRuns: 1000 },
    );
  });

  it("runs nothing before as many different people as are asked have approved, and none of those who asked or act for them", () => {
    fc.assert(
      fc.property(histories, (history) => {
        const taken = play(history);
        const wanted = history.approval.terms.by.reduce((sum, { count }) => sum + count, 0);
        for (const run of taken.filter(({ event, refused }) => event.kind === "consume" && refused === null)) {
          const earlier = taken.slice(0, taken.indexOf(run));
          if (earlier.some(({ event, refused }) => event.kind === "break_glass" && refused === null)) continue;
          const yes = votesOf(earlier).filter(({ approves }) => approves);
          expect(new Set(yes.map(({ person }) => person)).size).toBe(yes.length);
          expect(yes.length).toBeGreaterThanOrEqual(wanted);
        }
        const involved = history.hasAgent ? [0, 1] : [0];
        for (const { person } of votesOf(taken)) expect(involved).not.toContain(person);
      }),
      { numRuns: 1000 },
    );
  });

  it("runs nothing after a denial, a kill, a revocation, the session's end, another policy, or its time", () => {
    const ends = ["kill", "session_over", "cancel", "revoke"];
    fc.assert(
      fc.property(histories, (history) => {
        const { terms } = history.approval;
        const taken = play(history);
        for (const { event, refused, at } of taken) {
          if (event.kind !== "consume" || refused !== null) continue;
          const index = taken.findIndex((one) => one.event === event);
          const earlier = taken.slice(0, index);
          const isRepeat = earlier.some(
            (one) =>
              one.event.kind === "consume" &&
              !one.event.asGrant &&
              one.refused === null &&
              one.event.command === event.command,
          );
          if (isRepeat && !event.asGrant) continue;
          for (const one of earlier) {
            expect(one.event.kind === "vote" && one.event.vote.decision === "deny" && one.refused === null).toBe(false);
            expect(ends.includes(one.event.kind) && one.refused === null).toBe(false);
            expect(one.event.kind === "policy_changed" && one.event.policy === OTHER_POLICY).toBe(false);
          }
          const decided = earlier.findLast(
            (one) => ["vote", "break_glass"].includes(one.event.kind) && one.refused === null,
          );
          expect(decided?.at ?? terms.expiresMs).toBeLessThan(terms.expiresMs);
          const longest = Math.max(event.asGrant ? 0 : terms.useWithinMs, terms.grant?.maxMs ?? 0);
          expect(at - (decided?.at ?? 0)).toBeLessThan(longest);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("is read again as it was kept, wherever it is evicted", () => {
    fc.assert(
      fc.property(histories, (history) => {
        const always = play({ ...history, happenings: history.happenings.map((one) => ({ ...one, evicted: true })) });
        const never = play({ ...history, happenings: history.happenings.map((one) => ({ ...one, evicted: false })) });
        expect(always.map(({ after, facts, refused }) => ({ after, facts, refused }))).toEqual(
          never.map(({ after, facts, refused }) => ({ after, facts, refused })),
        );
      }),
      { numRuns: 500 },
    );
  });

  it("tells each thing once: no record's name comes twice, and nothing changes without one but its use", () => {
    fc.assert(
      fc.property(histories, (history) => {
        const names = new Set<string>();
        for (const { before, after, facts, event } of play(history)) {
          for (const { kind, part } of facts) {
            expect(names.has(`${kind} ${part}`)).toBe(false);
            names.add(`${kind} ${part}`);
          }
          if (facts.length === 0 && event.kind !== "consume") expect(after).toEqual(before);
          if (facts.length === 0 && event.kind === "consume" && event.asGrant) expect(after).toEqual(before);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("has time change nothing before nextDue, and something then", () => {
    fc.assert(
      fc.property(histories, (history) => {
        const last = play(history).at(-1);
        if (last === undefined) return;
        const due = nextDue(last.after);
        const wait = (now: number): number => step(last.after, { kind: "expire" }, now).facts.length;
        if (due === null) expect(wait(STARTED + 1e9)).toBe(0);
        else expect([wait(due - 1), wait(due) > 0]).toEqual([0, true]);
      }),
      { numRuns: 500 },
    );
  });
});

describe("an approval that was kept", () => {
  it("is none once a member is missing, unknown or of another form", () => {
    fc.assert(
      fc.property(histories, fc.nat(), fc.constantFrom("drop", "null", "text", "add"), (history, at, how) => {
        const kept = play(history).at(-1)?.after ?? history.approval;
        const value = JSON.parse(approvalText(kept)) as Record<string, unknown>;
        const keys = Object.keys(value);
        const key = keys[at % keys.length] ?? "id";
        if (how === "drop") delete value[key];
        else if (how === "add") value.more = 1;
        else if (
          how === "text"
            ? typeof value[key] === "string"
            : value[key] === null || key === "grant" || key === "breakGlass"
        )
          return;
        else value[key] = how === "text" ? "text" : null;
        expect(parseApproval(JSON.stringify(value))).toBeNull();
      }),
      { numRuns: 500 },
    );
    for (const text of ["", "null", "[]", "{", `{"id":"${commandId(1)}"}`]) expect(parseApproval(text)).toBeNull();
  });
});
