// Whether enough people have approved. Every slot wants a number of them, and a person fills one place of
// one slot, whichever they fit: so this is a matching of people to places, found by augmenting paths.

import type { Vote } from "./approval.ts";
import { type Links, samePerson } from "./person.ts";
import type { Slot } from "./terms.ts";

export interface Quorum {
  readonly enough: boolean;
  /** Of each slot, how many are still to approve. Of several ways to count, the one that fills earlier votes first. */
  readonly missing: readonly number[];
}

type Approving = Pick<Vote, "decision" | "decider" | "slots">;

/** Denials do not count here: one of them ends the approval. */
export function quorumOf(by: readonly Pick<Slot, "count">[], votes: readonly Approving[], links: Links): Quorum {
  const filled: number[][] = by.map(() => []);
  const people = peopleOf(votes, links);
  for (let person = 0; person < people.length; person++) place(person, people, by, filled, new Set());
  const missing = by.map(({ count }, slot) => Math.max(0, count - (filled[slot]?.length ?? 0)));
  // No slots at all: nobody was asked, so nobody has approved.
  return { enough: by.length > 0 && missing.every((one) => one === 0), missing };
}

/** Of each person, the slots that they fit by any of their identities. */
function peopleOf(votes: readonly Approving[], links: Links): readonly (readonly number[])[] {
  const groups: Approving[][] = [];
  for (const vote of votes) {
    if (vote.decision !== "approve") continue;
    const isOwn = (group: Approving[]): boolean =>
      group.some(({ decider }) => samePerson(decider, vote.decider, links));
    // One identity can show that two which were apart are one person.
    const own = groups.filter(isOwn);
    const rest = groups.filter((group) => !own.includes(group));
    groups.splice(0, groups.length, ...rest, [...own.flat(), vote]);
  }
  return groups.map((group) => [...new Set(group.flatMap(({ slots }) => slots))]);
}

/** Gives the person a place, moving others to slots that they fit as well. `tried`: slots looked at on this path. */
function place(
  person: number,
  people: readonly (readonly number[])[],
  by: readonly Pick<Slot, "count">[],
  filled: number[][],
  tried: Set<number>,
): boolean {
  for (const slot of people[person] ?? []) {
    const [places, wanted] = [filled[slot], by[slot]];
    if (places === undefined || wanted === undefined || tried.has(slot)) continue;
    tried.add(slot);
    if (places.length < wanted.count) {
      places.push(person);
      return true;
    }
    const moved = places.findIndex((other) => place(other, people, by, filled, tried));
    if (moved >= 0) {
      places[moved] = person;
      return true;
    }
  }
  return false;
}
