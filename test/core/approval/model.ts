// What step.ts should come to, said another way: people are numbers, whoever they call themselves, time is
// looked at when something is asked and never stored as an end, and a quorum is found by trying everything.
// For few events and few people.

import type { Party } from "../../../core/approval/approval.ts";
import type { Links } from "../../../core/approval/person.ts";
import type { ApprovalTerms } from "../../../core/approval/terms.ts";
import { ALICE, ISSUER, party } from "../../support/sample_approval.ts";

const OTHER = "https://other.example.org";

/**
 * Person 0 asks, person 1 acts for them. Each is known by a link or by an address, so that any two of their
 * identities tell that they are one person: of an actor no address is known.
 */
export const PEOPLE: readonly (readonly [Party, Party, Party])[] = [
  [ALICE, party("alice-linked", null, OTHER), party("alice-mailed", "ALICE@Example.org", OTHER)],
  [party("agent"), party("agent-linked", "agent@example.org", OTHER), party("agent-far", null, OTHER)],
  [party("bob"), party("bob-linked", null, OTHER), party("bob-far", null, OTHER)],
  [
    party("carol", "carol@example.org"),
    party("carol-mailed", "Carol@example.org", OTHER),
    party("carol", "CAROL@EXAMPLE.ORG", OTHER),
  ],
  [party("dan"), party("dan", "dan@example.org", OTHER), party("dan-far")],
];
/** Of three, the third by way of the second, in another list. */
export const LINKS: Links = [
  [ALICE, party("alice-linked", null, OTHER)],
  ...[1, 2, 4].flatMap((n) => {
    const [first, second, third] = PEOPLE[n] ?? [];
    return first === undefined || second === undefined || third === undefined
      ? []
      : [
          [third, second],
          [first, second],
        ];
  }),
];
export const AGENT = { issuer: ISSUER, subject: "agent" };

export interface ModelVote {
  readonly person: number;
  readonly approves: boolean;
  readonly slots: readonly number[];
  readonly comment: string | null;
  readonly grantMs: number;
  readonly signed: boolean;
  readonly samePolicy: boolean;
}

export interface ModelUse {
  readonly command: number;
  /** The very command that was asked about, or one with the same target, or one under the same rule alone; or not even that. */
  readonly like: "same" | "target" | "rule" | "none";
  readonly samePolicy: boolean;
  readonly asGrant: boolean;
}

export class Model {
  readonly yes: { readonly person: number; readonly slots: readonly number[]; readonly grantMs: number }[] = [];
  used: number | null = null;
  #isOver = false;
  #until: number | null = null;
  #granted: number | null = null;
  #glass: "whole" | "broken" | "reviewed" = "whole";
  #hasLeft = false;
  readonly #terms: ApprovalTerms;
  readonly #involved: readonly number[];

  /** Asked for at time 0, as command 1. */
  constructor(terms: ApprovalTerms, hasAgent: boolean) {
    this.#terms = terms;
    this.#involved = hasAgent ? [0, 1] : [0];
  }

  waits(now: number): boolean {
    return !this.#isOver && this.#until === null && now < this.#terms.expiresMs;
  }

  isUsable(now: number): boolean {
    return !this.#isOver && this.used === null && this.#until !== null && now < this.#until;
  }

  isGranted(now: number): boolean {
    return this.#granted !== null && now < this.#granted;
  }

  /** What is not used yet cannot be used any more. */
  end(): void {
    this.#isOver = true;
    this.#granted = null;
  }

  leave(command: number, now: number): void {
    if (!this.waits(now) && !this.isUsable(now)) return;
    if (this.#terms.ifGone === "cancel") this.end();
    else if (command === 1) this.#hasLeft = true;
  }

  revoke(now: number): boolean {
    if (!this.isUsable(now) && !this.isGranted(now)) return false;
    this.end();
    return true;
  }

  vote(cast: ModelVote, now: number): boolean {
    if (!this.waits(now) || this.#involved.includes(cast.person)) return false;
    if (!cast.samePolicy) this.end();
    const { grant, commentNeeded, passkey, by } = this.#terms;
    const isAllowed =
      cast.samePolicy &&
      cast.slots.some((slot) => slot < by.length) &&
      this.yes.every(({ person }) => person !== cast.person) &&
      (cast.comment !== null || !commentNeeded) &&
      (cast.signed || !passkey) &&
      (cast.grantMs === 0 || (cast.approves && grant !== null && cast.grantMs <= grant.maxMs));
    if (!isAllowed) return false;
    if (!cast.approves) this.end();
    else {
      this.yes.push(cast);
      if (this.isEnough()) this.#open(now, Math.min(...this.yes.map(({ grantMs }) => grantMs)));
    }
    return true;
  }

  /** Whether some choice of one place a person fills every place. */
  isEnough(): boolean {
    const places = this.#terms.by.flatMap(({ count }, slot) => Array.from({ length: count }, () => slot));
    const fill = (left: readonly number[], people: readonly { readonly slots: readonly number[] }[]): boolean => {
      const [place, ...rest] = left;
      if (place === undefined) return true;
      return people.some(
        (one) =>
          one.slots.includes(place) &&
          fill(
            rest,
            people.filter((other) => other !== one),
          ),
      );
    };
    return fill(places, this.yes);
  }

  breakGlass(hasReason: boolean, samePolicy: boolean, now: number): boolean {
    if (!this.waits(now) || this.#terms.breakGlass === null || this.#involved.length > 1 || !hasReason) return false;
    if (!samePolicy) {
      this.end();
      return false;
    }
    this.#glass = "broken";
    this.#open(now, 0);
    return true;
  }

  review(person: number, slots: readonly number[], comment: string | null): boolean {
    const isAllowed =
      this.#glass === "broken" &&
      !this.#involved.includes(person) &&
      slots.some((slot) => slot < this.#terms.by.length) &&
      (comment !== null || !this.#terms.commentNeeded);
    if (isAllowed) this.#glass = "reviewed";
    return isAllowed;
  }

  use({ command, like, samePolicy, asGrant }: ModelUse, now: number): boolean {
    if (asGrant) {
      const scope = this.#terms.grant?.scope;
      const isCovered = like === "same" || like === "target" || (like === "rule" && scope === "rule");
      if (!this.isGranted(now) || !isCovered) return false;
      if (!samePolicy) this.end();
      return samePolicy;
    }
    if (like !== "same") return false;
    if (this.used === command) return samePolicy;
    if (!this.isUsable(now)) return false;
    if (!samePolicy) this.end();
    if (!samePolicy || (this.#hasLeft && command === 1)) return false;
    this.used = command;
    return true;
  }

  #open(now: number, grantMs: number): void {
    this.#until = now + Math.max(this.#terms.useWithinMs, grantMs);
    if (grantMs > 0) this.#granted = now + grantMs;
  }
}
