// Who is the same person, and who is part of what was asked.

import { describe, expect, it } from "vitest";
import type { Links } from "../../../core/approval/person.ts";
import { isInvolved, samePerson } from "../../../core/approval/person.ts";
import { ISSUER, party, sampleApproval } from "../../support/sample_approval.ts";

const OTHER = "https://other.example.org";
const id = (subject: string, issuer = ISSUER): { issuer: string; subject: string } => ({ issuer, subject });

describe("two identities are one person", () => {
  it("if they are the same one", () => {
    expect(samePerson(party("a"), party("a"), [])).toBe(true);
  });

  it("if the policy links them, also through others and other lists", () => {
    const links: Links = [
      [id("a"), id("b")],
      [id("x"), id("y")],
      [id("c"), id("d", OTHER)],
      [id("b"), id("c")],
    ];
    expect(samePerson(party("a"), party("d", null, OTHER), links)).toBe(true);
    expect(samePerson(party("d", null, OTHER), party("a"), links)).toBe(true);
    expect(samePerson(party("a"), party("x"), links)).toBe(false);
    expect(samePerson(party("a"), party("d"), links)).toBe(false);
  });

  it("if their verified e-mail addresses are equal but for the case of ASCII letters", () => {
    expect(samePerson(party("a", "Anna@Example.org"), party("b", "anna@example.ORG", OTHER), [])).toBe(true);
    // U+212A, the Kelvin sign, has k as its lower case.
    expect(samePerson(party("a", "kim@example.org"), party("b", "\u212Aim@example.org"), [])).toBe(false);
  });
});

describe("two identities are not one person", () => {
  it.each([
    ["with one subject at two issuers", party("a"), party("a", null, OTHER)],
    ["without addresses", party("a"), party("b")],
    ["with empty addresses", party("a", ""), party("b", "")],
    ["with the parts of their names moved", party("b c", null, "a"), party("c", null, "a b")],
  ])("%s", (_, a, b) => {
    expect(samePerson(a, b, [])).toBe(false);
  });
});

describe("involved is", () => {
  const approval = sampleApproval({}, { actors: [id("agent"), id("tool", OTHER)] });

  it.each([
    ["the requester", party("alice"), []],
    ["the requester under another identity, by the address", party("al", "ALICE@example.org", OTHER), []],
    ["the requester under another identity, by a link", party("al"), [[id("al"), id("alice")]]],
    ["the nearest actor", party("agent"), []],
    ["an actor further off", party("tool", null, OTHER), []],
    ["whoever is linked to an actor", party("al"), [[id("al"), id("agent")]]],
  ])("%s", (_, decider, links) => {
    expect(isInvolved(decider, approval, links)).toBe(true);
  });

  it("nobody else", () => {
    expect(isInvolved(party("bob", "bob@example.org"), approval, [[id("bob"), id("tool")]])).toBe(false);
  });
});
