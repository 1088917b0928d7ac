// What becomes of approvals, in what order (docs/record_format.md §5.2, rules 11 to 16): each is decided while
// it waits and by others than those who asked, and used at most once, or for its time. Written from that page
// and not with the code that decides.

import type { ReadFields, ReadLeaf } from "./read_line.ts";

/** `issuer subject`, as a text that no other two make. */
type Who = string;

interface Approval {
  state: "pending" | "approved" | "over";
  /** It was approved and is not used: until when. */
  until: number;
  /** Until when it grants; null if it does not. */
  grantUntil: number | null;
  readonly expires: number;
  readonly policy: string | number | undefined;
  readonly rule: string | number | undefined;
  /** How many people have to approve; null where it is not shown. */
  readonly wanted: number | null;
  readonly deciders: Who[];
  /** Of those who approved, how many there are, shown or not. */
  approving: number;
  decided: number;
  expired: number;
  review: "none" | "owed" | "done";
}

export class ApprovalOrder {
  readonly #approvals = new Map<string, Approval>();
  /** Who asks in this session; null where it is not shown. */
  #principal: Who | null = null;
  #actors: readonly Who[] = [];

  /** `session.opened` says who. */
  open({ fields }: ReadFields): void {
    const principal = objectIn(fields.find(({ name }) => name === "principal")?.value);
    this.#principal = whoOf(principal);
    const actors: unknown = principal?.actors;
    this.#actors = Array.isArray(actors) ? actors.flatMap((one) => (isObject(one) ? (whoOf(one) ?? []) : [])) : [];
  }

  /** Begins one. Null if it may stand here, else the rule it breaks. */
  ask({ classes, part }: ReadLeaf, id: string, { fields }: ReadFields): string | null {
    if (part !== 0) return "a second approval.requested";
    if (!isCount(classes.expires)) return "an approval.requested without its expiry";
    this.#approvals.set(id, {
      state: "pending",
      until: 0,
      grantUntil: null,
      expires: classes.expires,
      policy: classes.policy,
      rule: classes.rule,
      wanted: wantedIn(fields.find(({ name }) => name === "approval")?.value),
      deciders: [],
      approving: 0,
      decided: 0,
      expired: 0,
      review: "none",
    });
    return null;
  }

  /** Nothing has become of it yet. */
  isFresh(id: string): boolean {
    const approval = this.#approvals.get(id);
    return approval?.state === "pending" && approval.decided === 0;
  }

  /** What becomes of one. */
  follow(leaf: ReadLeaf, id: string, read: ReadFields): string | null {
    const approval = this.#approvals.get(id);
    if (approval === undefined) return `${leaf.kind} without its approval.requested`;
    if (leaf.kind === "approval.decided") return this.#decide(leaf, approval, read);
    if (leaf.kind === "approval.expired") return expire(leaf, approval);
    if (leaf.part !== 0 || !isLive(approval)) return "approval.revoked of an approval that is over";
    approval.state = "over";
    approval.grantUntil = null;
    return null;
  }

  #decide(leaf: ReadLeaf, approval: Approval, read: ReadFields): string | null {
    const { decision, state } = leaf.classes;
    if (leaf.part !== approval.decided) return "an approval.decided out of turn";
    const wrong = this.#brokenDecider(leaf, approval, read);
    if (wrong !== null) return wrong;
    approval.decided += 1;
    if (decision === "review") {
      if (approval.review !== "owed") return "a review that is not owed";
      approval.review = "done";
      return null;
    }
    if (approval.state !== "pending") return "a decision on an approval that is not pending";
    if (leaf.time >= approval.expires) return "a decision after the approval's time";
    const isApproving = decision === "approve" || decision === "break_glass";
    if (decision === "approve") approval.approving += 1;
    if (isApproving && state === "approved") return approve(leaf, approval);
    if (decision === "approve" && state === "pending") return null;
    if (decision !== "deny" || state !== "denied") return "a decision that does not go with its state";
    approval.state = "over";
    return null;
  }

  /** Rule 16, as far as it is shown who decided. */
  #brokenDecider({ classes }: ReadLeaf, approval: Approval, { fields }: ReadFields): string | null {
    const text = fields.find(({ name }) => name === "decider")?.value;
    if (text === undefined) return null;
    const decider = whoOf(objectIn(text));
    if (decider === null) return "a decider who is nobody";
    if (classes.decision === "break_glass") {
      if (this.#actors.length > 0) return "an actor broke the glass";
      return this.#principal === null || decider === this.#principal
        ? null
        : "another than the requester broke the glass";
    }
    if (decider === this.#principal || this.#actors.includes(decider)) return "a decision by who asked";
    if (classes.decision === "review") return null;
    if (approval.deciders.includes(decider)) return "a second decision by one person";
    approval.deciders.push(decider);
    return null;
  }

  /** `command.requested`: by which approval it goes on, if it names one. */
  use({ classes, time }: ReadLeaf, command: string): string | null {
    const { approval: id, grant, effect, policy, rule } = classes;
    if (id === undefined)
      return effect === "needs_approval" || grant !== undefined
        ? "command.requested without the approval that it needs"
        : this.#approvals.has(command)
          ? "command.requested without the approval that it waited for"
          : null;
    const approval = this.#approvals.get(String(id));
    if (approval === undefined) return "command.requested by an approval that nobody asked for";
    if (this.#approvals.has(command) && id !== command) return "command.requested by another approval than its own";
    if (policy !== approval.policy || rule !== approval.rule)
      return "command.requested by an approval under another policy or rule";
    if (grant === undefined) return useOnce(approval, time);
    if (grant !== 1 || id === command) return "command.requested by no grant";
    return approval.grantUntil !== null && time < approval.grantUntil
      ? null
      : "command.requested by a grant that does not hold";
  }

  /** How many are live: decided, used or granting still. */
  live(): string[] {
    return this.#those(isLive);
  }

  reviewsOwed(): string[] {
    return this.#those(({ review }) => review === "owed");
  }

  #those(wanted: (approval: Approval) => boolean): string[] {
    return [...this.#approvals].flatMap(([id, approval]) => (wanted(approval) ? [id] : []));
  }
}

function isLive({ state, grantUntil }: Approval): boolean {
  return state !== "over" || grantUntil !== null;
}

function approve({ classes, time }: ReadLeaf, approval: Approval): string | null {
  const { decision, until, grant_until: grantUntil } = classes;
  if (!isCount(until) || until <= time) return "an approval without its time";
  if (grantUntil !== undefined && (!isCount(grantUntil) || grantUntil <= time || decision !== "approve"))
    return "a grant without its time";
  if (decision === "approve" && approval.wanted !== null && approval.approving < approval.wanted)
    return "an approval by fewer people than were asked";
  approval.state = "approved";
  approval.until = until;
  approval.grantUntil = grantUntil ?? null;
  if (decision === "break_glass") approval.review = "owed";
  return null;
}

function expire({ classes, part }: ReadLeaf, approval: Approval): string | null {
  if (part !== approval.expired) return "an approval.expired out of turn";
  approval.expired += 1;
  const { reason } = classes;
  if (reason === "grant_over") {
    if (approval.grantUntil === null) return "the end of a grant that does not hold";
    approval.grantUntil = null;
    return null;
  }
  const expected = reason === "unanswered" ? "pending" : reason === "unused" ? "approved" : null;
  if (approval.state !== expected) return "approval.expired of an approval that does not wait for that";
  approval.state = "over";
  return null;
}

function useOnce(approval: Approval, time: number): string | null {
  if (approval.state !== "approved") return "command.requested by an approval that is not approved, or is used";
  if (time >= approval.until) return "command.requested after its approval's time";
  approval.state = "over";
  return null;
}

/** Null where it is not shown, or shown in another form: then nothing is said of it. */
function wantedIn(text: string | undefined): number | null {
  const by: unknown = objectIn(text)?.by;
  if (!Array.isArray(by)) return null;
  const counts = by.map((one: unknown) => (isObject(one) ? one.count : null));
  return counts.every(isCount) ? counts.reduce((sum, count) => sum + count, 0) : null;
}

function whoOf(value: Record<string, unknown> | null): Who | null {
  return value !== null && typeof value.issuer === "string" && typeof value.subject === "string"
    ? JSON.stringify([value.issuer, value.subject])
    : null;
}

function objectIn(text: string | undefined): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text ?? "null");
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
