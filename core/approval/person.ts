// Who is the same person. One person with two identities counts once, and never decides what they, or
// anybody or anything that acts for them, asked for.
//
// What neither a token nor the policy tells is not known: two identities that are linked to nothing in common
// and of which one has no verified address are two people.
//
// Invariant: errs towards "the same". A wrong yes costs another decider; a wrong no lets somebody approve
// their own command.

import type { Principal } from "../auth/principal.ts";
import type { Approval, Identity, Party } from "./approval.ts";

/** Identities of which the policy says that those of one list are one person. Lists that share one are one list. */
export type Links = readonly (readonly Identity[])[];

/** As somebody in an approval: an address that the issuer has not verified names nobody. */
export function principalParty({ issuer, subject, name, email, emailVerified }: Principal): Party {
  return { issuer, subject, name, email: emailVerified ? email : null };
}

/** The same identity, linked ones, or an equal verified e-mail address. */
export function samePerson(a: Party, b: Party, links: Links): boolean {
  return isLinked(a, b, links) || hasSameEmail(a, b);
}

/** Whether this person asked, or is of the actor chain through which it was asked. Roles do not matter. */
export function isInvolved(decider: Party, approval: Pick<Approval, "requester" | "actors">, links: Links): boolean {
  return (
    samePerson(decider, approval.requester, links) || approval.actors.some((actor) => isLinked(decider, actor, links))
  );
}

function isLinked(a: Identity, b: Identity, links: Links): boolean {
  const [first, second] = [key(a), key(b)];
  if (first === second) return true;
  const reached = new Set([first]);
  const lists = links.map((list) => list.map(key));
  for (let before = 0; before < reached.size;) {
    before = reached.size;
    for (const list of lists) if (list.some((one) => reached.has(one))) for (const one of list) reached.add(one);
  }
  return reached.has(second);
}

/** Addresses are compared without regard to the case of ASCII letters; an empty one is none. */
function hasSameEmail(a: Party, b: Party): boolean {
  return a.email !== null && a.email !== "" && b.email !== null && lowered(a.email) === lowered(b.email);
}

/** Only A to Z: other letters have no lower case that everybody agrees on. */
function lowered(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function key({ issuer, subject }: Identity): string {
  return JSON.stringify([issuer, subject]);
}
