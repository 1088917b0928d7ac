// Whether there are people enough to approve what a rule asks for, as far as the file alone says: whoever is
// named one by one, and nobody else, can be counted. Who is in a group only the issuer knows, so whatever
// names one is taken to have people enough. Errs towards enough.

import type { Identity } from "../approval/approval.ts";

/** Whoever is meant by names; `groups` count from whichever issuer. */
export interface Meant {
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  readonly subjects: readonly Identity[];
}
type Wanted = readonly (Meant & { readonly count: number })[];

/** Nobody can be counted where there is a group. */
type People = ReadonlySet<Person> | "open";
/** A number for each person of the file: identities that are one person have the same. */
type Person = number;

export interface Shortage {
  /** Indexes of `by` that want more people together than there are. */
  readonly slots: readonly number[];
  readonly wanted: number;
  readonly there: number;
}

export interface Filling {
  /** Null if there may be enough, if somebody else asks. */
  readonly shortage: Shortage | null;
  /** Of those whom the rule names one by one as who may ask: for these nobody could approve, since nobody approves what they asked for. */
  readonly stranded: readonly Identity[];
  /** Everybody who may ask is named one by one, and for none of them could anybody approve. */
  readonly isNobodyLeft: boolean;
}

/** Whoever holds `admin` without being named in the file: the first admin, by the region's configuration. */
const FIRST_ADMIN: Person = -1;

export class Fillable {
  readonly #persons = new Map<string, Person>();
  readonly #roles: ReadonlyMap<string, People>;

  constructor(roles: Readonly<Record<string, Omit<Meant, "roles">>>, persons: readonly (readonly Identity[])[]) {
    for (const [index, identities] of persons.entries())
      for (const one of identities) this.#persons.set(keyOf(one), index);
    const held = new Map<string, People>(
      Object.entries(roles).map(([name, role]) => [name, this.#peopleOf({ ...role, roles: [] }, new Map())]),
    );
    const admins = held.get("admin") ?? new Set();
    if (admins !== "open") held.set("admin", new Set([...admins, FIRST_ADMIN]));
    this.#roles = held;
  }

  /** A role that nobody can hold: it has no groups and no subjects. */
  isHeldByNobody(role: string): boolean {
    const people = this.#roles.get(role);
    return people === undefined || (people !== "open" && people.size === 0);
  }

  /** `who` may ask, `by` approve. */
  filling(who: "anyone" | Meant, by: Wanted): Filling {
    const { shortage, isStuck } = countPlaces(by, this.#slotsOf(by));
    if (who === "anyone") return { shortage, stranded: [], isNobodyLeft: false };
    const stranded = who.subjects.filter((one) => isStuck(this.#personOf(one)));
    const roles: readonly People[] = who.roles.map((role) => this.#roles.get(role) ?? new Set<Person>());
    const isSomebody = who.subjects.length > 0 || roles.some((people) => people !== "open" && people.size > 0);
    const isNobodyLeft =
      isSomebody &&
      who.groups.length === 0 &&
      stranded.length === who.subjects.length &&
      roles.every((people) => people !== "open" && [...people].every(isStuck));
    return { shortage, stranded, isNobodyLeft };
  }

  #slotsOf(by: Wanted): readonly People[] {
    const enough = by.reduce((sum, { count }) => sum + count, 1);
    // Who has more people than all places together, and one who asks, can always be filled.
    return by.map((slot) => {
      const people = this.#peopleOf(slot, this.#roles, enough);
      return people === "open" || people.size > enough ? "open" : people;
    });
  }

  /** May stop where there are more than `enough`. */
  #peopleOf({ groups, roles, subjects }: Meant, known: ReadonlyMap<string, People>, enough: number = Infinity): People {
    if (groups.length > 0) return "open";
    const held = roles.map((role) => known.get(role) ?? new Set<Person>());
    if (held.includes("open")) return "open";
    const people = new Set<Person>();
    for (const one of subjects) {
      people.add(this.#personOf(one));
      if (people.size > enough) return people;
    }
    for (const some of held)
      if (some !== "open")
        for (const one of some) {
          people.add(one);
          if (people.size > enough) return people;
        }
    return people;
  }

  #personOf(identity: Identity): Person {
    const key = keyOf(identity);
    const known = this.#persons.get(key) ?? NEXT + this.#persons.size;
    this.#persons.set(key, known);
    return known;
  }
}

/** Past every index of `persons`. */
const NEXT: Person = 1_000_000;

interface Places {
  readonly shortage: Shortage | null;
  /** Whether there are too few without this person. */
  readonly isStuck: (one: Person) => boolean;
}

/**
 * By Hall's marriage theorem: all places can be filled if and only if, for any of the slots, those who fit one
 * of them are as many as the slots want together. Slots are few (MAX_SLOTS), so each choice of them is looked at;
 * in a number that stands for one, each slot is a bit.
 */
function countPlaces(by: Wanted, slots: readonly People[]): Places {
  const fitting = new Map<Person, number>();
  let counted = 0;
  for (const [index, people] of slots.entries()) {
    if (people === "open") continue;
    counted |= 1 << index;
    for (const one of people) fitting.set(one, (fitting.get(one) ?? 0) | (1 << index));
  }
  // Of each choice of slots, how many people fit none outside of it.
  const within = new Uint32Array(1 << by.length);
  for (const bits of fitting.values()) within[bits] = (within[bits] ?? 0) + 1;
  for (const index of by.keys())
    for (let chosen = 0; chosen < within.length; chosen++)
      if ((chosen & (1 << index)) !== 0) within[chosen] = (within[chosen] ?? 0) + (within[chosen ^ (1 << index)] ?? 0);
  let shortage: Shortage | null = null;
  let exact = 0;
  for (let chosen = 1; chosen < within.length; chosen++) {
    if ((chosen & counted) !== chosen) continue;
    let wanted = 0;
    for (const [index, { count }] of by.entries()) if ((chosen & (1 << index)) !== 0) wanted += count;
    const there = fitting.size - (within[counted & ~chosen] ?? 0);
    if (there === wanted) exact |= chosen;
    if (there >= wanted) continue;
    // The fewest slots say most plainly what is wrong.
    const some = [...by.keys()].filter((index) => (chosen & (1 << index)) !== 0);
    if (shortage === null || some.length < shortage.slots.length) shortage = { slots: some, wanted, there };
  }
  return { shortage, isStuck: (one) => ((fitting.get(one) ?? 0) & exact) !== 0 };
}

function keyOf({ issuer, subject }: Identity): string {
  return JSON.stringify([issuer, subject]);
}
