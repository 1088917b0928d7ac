// Approvals against those who would decide what is not theirs to decide, or decide it in another's way:
// by the API, with good tokens and bad intentions. (Browsers: console_requests.test.ts and console_login.test.ts.)

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyExport } from "../../core/verify/verify_session.ts";
import { act, decide, seenBy, waitingFor } from "../support/approving.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { applyTestPolicy, startGateway, type TestGateway, testPolicy } from "../support/gateway.ts";
import type { Person } from "../support/issuer.ts";

let upstream: EchoUpstream;
let gateway: TestGateway;

const EMAIL = { email: "alice@acme.example", email_verified: true };

function policyOf(issuer: string): unknown {
  const policy = testPolicy({ tool: upstream.url }) as { readonly roles: object; readonly rules: readonly object[] };
  const asks = (id: string, route: string, approve: object): object => ({
    ...{ id, effect: "needs-approval", who: { groups: ["engineers", "leads"] }, connections: ["tool"] },
    ...{ methods: ["POST"], routes: [route], approve },
  });
  return {
    ...policy,
    roles: { ...policy.roles, admin: { groups: ["admins"] } },
    persons: [
      [
        { issuer, subject: "alice" },
        { issuer, subject: "alice-at-night" },
      ],
    ],
    rules: [
      ...policy.rules,
      asks("one", "/one/**", { by: [{ groups: ["leads"] }], grant: { minutes: 10 } }),
      asks("two", "/two/**", { by: [{ groups: ["leads"], count: 2 }] }),
      asks("signed", "/signed/**", { by: [{ groups: ["leads"] }], passkey: true }),
    ],
  };
}

beforeAll(async () => {
  upstream = await startEchoUpstream();
  gateway = await startGateway({
    policy: null,
    people: {
      alice: { subject: "alice", groups: ["engineers", "leads"], claims: EMAIL },
      linked: { subject: "alice-at-night", groups: ["leads"] },
      mailed: { subject: "a.archer", groups: ["leads"], claims: { ...EMAIL, email: "Alice@ACME.example" } },
      unverified: { subject: "b.archer", groups: ["leads"], claims: { ...EMAIL, email_verified: false } },
      erin: { subject: "erin", groups: ["leads"] },
      frank: { subject: "frank", groups: ["leads"] },
      ada: { subject: "ada", groups: ["admins"] },
      outside: { subject: "outside", groups: ["Leads", "leads "] },
    },
  });
  await applyTestPolicy(gateway.url, gateway.issuer, policyOf(gateway.issuer.url));
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
});

/** Who acts for somebody: the chain of RFC 8693 §4.1, the nearest first. */
function actingFor(subject: string, groups: readonly string[], ...actors: readonly string[]): Person {
  const act = actors.reduceRight<object | undefined>(
    (inner, sub) => ({ sub, ...(inner && { act: inner }) }),
    undefined,
  );
  return { subject, groups, claims: { act } };
}

async function ask(person: string | Person, path: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await gateway.fetch(person, `/c/tool${path}`, { method: "POST", body: "x", headers });
  const told = (await answer.json()) as { readonly approval?: string };
  expect(answer.status, JSON.stringify(told)).toBe(202);
  return told.approval ?? "";
}

const use = (person: string | Person, path: string, id: string): Promise<Response> =>
  gateway.fetch(person, `/c/tool${path}`, { method: "POST", body: "x", headers: { "sallyport-approval": id } });

async function stateOf(id: string): Promise<string> {
  return ((await (await gateway.fetch("erin", `/api/v1/approvals/${id}`)).json()) as { state: string }).state;
}

async function decideAs(person: Person, id: string, seen: string): Promise<{ status: number; reason: string }> {
  const answer = await gateway.fetch(person, `/api/v1/approvals/${id}/decision`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ decision: "approve", seen }),
  });
  return { status: answer.status, reason: ((await answer.json()) as { reason?: string }).reason ?? "" };
}

describe("self-approval", () => {
  test.each([
    ["oneself", "alice"],
    ["a second identity that the policy knows", "linked"],
    ["a second identity with the same verified address", "mailed"],
  ])("by %s is refused, and the list does not even offer it", async (_, person) => {
    const id = await ask("alice", "/one/self");
    const { status, told } = await decide(gateway, person, id);
    expect([403, 404]).toContain(status);
    if (status === 403) expect(told.reason).toBe("decider_is_requester");
    expect(await waitingFor(gateway, person)).not.toContain(id);
    // Also with what somebody else was shown.
    const forged = await act(gateway, person, id, "decision", {
      decision: "approve",
      seen: await seenBy(gateway, "erin", id),
    });
    expect(forged.status).not.toBe(200);
    expect(await stateOf(id)).toBe("pending");
  });

  test("an address that nobody verified makes nobody the same person", async () => {
    const id = await ask("alice", "/one/unverified");
    expect((await decide(gateway, "unverified", id)).told.state).toBe("approved");
  });

  test("through an agent that acts for the requester, or by the requester for whom an agent asked", async () => {
    const agent = actingFor("alice", ["engineers", "leads"], "agent-7");
    const asked = await ask(agent, "/one/agent");
    expect((await decide(gateway, "alice", asked)).told.reason).toBe("decider_is_requester");
    const own = await ask("alice", "/one/agent");
    const seen = await seenBy(gateway, "erin", own);
    expect(await decideAs(agent, own, seen)).toEqual({ status: 403, reason: "decider_not_in_person" });
    // An agent of somebody who may decide is not that person.
    expect((await decideAs(actingFor("erin", ["leads"], "agent-7"), own, seen)).status).not.toBe(200);
    expect(await stateOf(own)).toBe("pending");
  });

  test("by an identity of the chain itself", async () => {
    const id = await ask(actingFor("alice", ["engineers"], "frank"), "/one/chain");
    // To whoever may not decide it, and has not asked for it, it is not there.
    const seen = await seenBy(gateway, "erin", id);
    expect((await act(gateway, "frank", id, "decision", { decision: "approve", seen })).status).toBe(404);
    expect((await decide(gateway, "erin", id)).told.state).toBe("approved");
  });

  test("one person does not fill two places, whichever names they have", async () => {
    const id = await ask("erin", "/two/places");
    expect((await decide(gateway, "linked", id)).told.state).toBe("pending");
    expect((await decide(gateway, "alice", id)).told.reason).toBe("decider_decided");
    expect((await decide(gateway, "frank", id)).told.state).toBe("approved");
  });
});

describe("deciding what is not one's to decide", () => {
  test("admins are not asked", async () => {
    const id = await ask("alice", "/one/admin");
    expect((await decide(gateway, "ada", id)).told.reason).toBe("decider_not_asked");
  });

  test("a group is compared as it is written", async () => {
    const id = await ask("alice", "/one/group");
    expect((await decide(gateway, "outside", id)).status).toBe(404);
  });

  test("with a token of more than five minutes ago, whose groups may have changed", async () => {
    const id = await ask("alice", "/one/old");
    const iat = Math.floor(Date.now() / 1000) - 310;
    const old = { subject: "erin", groups: ["leads"], claims: { iat } };
    const seen = await seenBy(gateway, "erin", id);
    expect(await decideAs(old, id, seen)).toEqual({ status: 403, reason: "decider_login_old" });
    const timeless = { subject: "erin", groups: ["leads"], claims: { iat: undefined } };
    expect((await decideAs(timeless, id, seen)).status).not.toBe(200);
  });

  test("without the passkey that the rule wants", async () => {
    const id = await ask("alice", "/signed/a");
    expect((await decide(gateway, "erin", id)).told.reason).toBe("passkey_needed");
    const forged = await act(gateway, "erin", id, "decision", {
      decision: "approve",
      seen: await seenBy(gateway, "erin", id),
      assertion: "{}",
    });
    expect(forged.status).toBe(400);
    expect(await stateOf(id)).toBe("pending");
  });
});

describe("forged and stale decisions", () => {
  test.each([
    ["made up", () => "0000000000000000.0.pending"],
    ["of another approval", async () => seenBy(gateway, "erin", await ask("alice", "/one/other"))],
    ["empty", () => ""],
  ])("what was seen is %s", async (_, seen) => {
    const id = await ask("alice", "/one/forged");
    const forged = await act(gateway, "erin", id, "decision", { decision: "approve", seen: await seen() });
    expect([400, 409]).toContain(forged.status);
    expect(await stateOf(id)).toBe("pending");
  });

  test.each([
    { decision: "APPROVE" },
    { decision: "approve", minutes: 0 },
    { decision: "approve", minutes: 1e9 },
    { decision: "approve", minutes: -1 },
    { decision: "approve", comment: "x".repeat(5000) },
    { decision: "approve", comment: "a\u0000b" },
    { decision: "approve", as: "alice" },
    { decision: ["approve"] },
  ])("%j is no decision", async (body) => {
    const id = await ask("alice", "/one/malformed");
    const seen = await seenBy(gateway, "erin", id);
    expect((await act(gateway, "erin", id, "decision", { seen, ...body })).status).toBe(400);
    expect(await stateOf(id)).toBe("pending");
  });

  test("an approval of a policy that is in force no more is good for nothing", async () => {
    const id = await ask("alice", "/one/policy");
    const policy = policyOf(gateway.issuer.url) as object;
    await applyTestPolicy(gateway.url, gateway.issuer, { ...policy, description: "Another one." });
    const { status } = await decide(gateway, "erin", id);
    expect(status).not.toBe(200);
    const used = await use("alice", "/one/policy", id);
    expect(used.status).not.toBe(200);
    expect(await used.text()).not.toContain('"received"');
    await applyTestPolicy(gateway.url, gateway.issuer, policy);
  });
});

describe("races", () => {
  test("of two deciders: one of them decides, or both count, and never more than the rule asks", async () => {
    for (let round = 0; round < 5; round++) {
      const id = await ask("alice", "/one/race");
      const seen = await seenBy(gateway, "erin", id);
      const both = await Promise.all([
        act(gateway, "erin", id, "decision", { decision: "approve", seen }),
        act(gateway, "frank", id, "decision", { decision: "deny", seen }),
      ]);
      expect(both.filter(({ status }) => status === 200).length).toBe(1);
      expect(["approved", "denied"]).toContain(await stateOf(id));
    }
  });

  test("of uses: one goes on", async () => {
    const id = await ask("alice", "/one/uses");
    await decide(gateway, "erin", id);
    const before = upstream.received.length;
    const answers = await Promise.all(Array.from({ length: 8 }, () => use("alice", "/one/uses", id)));
    const statuses = answers.map(({ status }) => status).sort((a, b) => a - b);
    for (const answer of answers) await answer.arrayBuffer();
    expect(statuses).toEqual([200, ...Array.from({ length: 7 }, () => 409)]);
    expect(upstream.received.length).toBe(before + 1);
  });

  test("of a use and taking it back: it goes on or it does not, and the records agree", async () => {
    for (let round = 0; round < 5; round++) {
      const id = await ask("alice", "/one/revoke");
      await decide(gateway, "erin", id);
      const before = upstream.received.length;
      const [used, revoked] = await Promise.all([
        use("alice", "/one/revoke", id),
        act(gateway, "erin", id, "revoke", {}),
      ]);
      await used.arrayBuffer();
      const went = upstream.received.length - before;
      expect(went).toBe(used.status === 200 ? 1 : 0);
      expect(revoked.status === 200).toBe(used.status !== 200);
    }
  });
});

test("whatever was tried, the trail of it verifies", async () => {
  for (const person of ["alice", "erin", "frank"])
    for (const text of await gateway.exports(person, person === "alice" || person === "erin" ? "tool" : "console"))
      expect((await verifyExport(text)).integrity).toMatchObject({ kind: "intact" });
});
