// Commands that wait for an approval, over HTTP against the real bundle: who asks, who decides, what goes
// on, and what the records say of it.

import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { act, decide as decideBy, nextFor, seenBy, waitingFor } from "../support/approving.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { rawRequest } from "../support/raw_http.ts";
import { eventually, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { verifyExport } from "../../core/verify/verify_session.ts";

let upstream: EchoUpstream;
let gateway: TestGateway;

const WAITS = { by: [{ groups: ["leads"] }], expires_minutes: 30 };

function policyOf(url: string): unknown {
  const policy = testPolicy({ tool: url }) as { rules: object[] };
  const asks = (id: string, route: string, approve: object, more: object = {}) => ({
    ...{ id, effect: "needs-approval", who: { groups: ["engineers"] }, connections: ["tool"] },
    ...{ methods: ["POST", "PUT", "DELETE"], routes: [route], approve, message: "Somebody has to look at this." },
    ...more,
  });
  return {
    ...policy,
    persons: [
      [
        { issuer: "https://elsewhere.example", subject: "bobby" },
        { issuer: "https://elsewhere.example", subject: "robert" },
      ],
    ],
    rules: [
      ...policy.rules,
      asks("asks", "/asks/**", WAITS),
      asks("small", "/small/**", { ...WAITS, body_limit: 100 }),
      asks("large", "/large/**", { ...WAITS, body_limit: 4 * 1024 * 1024 }),
      asks("two", "/two/**", { ...WAITS, by: [{ groups: ["leads"] }, { groups: ["security"] }] }),
      asks("granted", "/granted/**", { ...WAITS, grant: { minutes: 10 } }),
      asks("glass", "/glass/**", { ...WAITS, break_glass: { groups: ["engineers"] }, comment: "required" }),
      asks("reasoned", "/reasoned/**", { ...WAITS, reason: "required" }),
      asks("kept", "/kept/**", { ...WAITS, if_gone: "keep" }),
      asks("seen", "/seen/**", { ...WAITS, masked_only_in: ["password"] }),
    ],
  };
}

beforeAll(async () => {
  upstream = await startEchoUpstream();
  gateway = await startGateway({
    policy: policyOf(upstream.url),
    people: {
      erin: { subject: "erin", groups: ["leads"] },
      sam: { subject: "sam", groups: ["security"] },
      both: { subject: "both", groups: ["leads", "security"] },
      admin: { subject: "dan", groups: [] },
    },
  });
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
});

interface Problem {
  readonly status: number;
  readonly reason: string;
  readonly approval?: string;
  readonly used?: string;
  readonly detail?: string;
}

async function call(
  person: string,
  path: string,
  headers: Record<string, string> = {},
  body = `{"do":"it"}`,
): Promise<Response> {
  return gateway.fetch(person, `/c/tool${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
}

async function asked(person: string, path: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await call(person, path, headers);
  const told = (await answer.json()) as Problem;
  expect([answer.status, told.reason], JSON.stringify(told)).toEqual([202, "approval_pending"]);
  return told.approval ?? "";
}

const decide = (person: string, id: string, decision: "approve" | "deny" = "approve", more: object = {}) =>
  decideBy(gateway, person, id, decision, more);
const waiting = (person: string) => waitingFor(gateway, person);

async function kindsOf(command: string): Promise<string[]> {
  return (await gateway.records("alice", "tool")).filter((one) => one.command === command).map(({ kind }) => kind);
}

describe("a command that needs an approval", () => {
  test("is told to wait, and nothing is forwarded", async () => {
    const before = upstream.received.length;
    const answer = await call("alice", "/asks/a");
    const told = (await answer.json()) as Problem;
    expect(answer.status).toBe(202);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(answer.headers.get("location")).toContain(`/approvals/${told.approval ?? "none"}`);
    expect(told).toMatchObject({ reason: "approval_pending", detail: "Somebody has to look at this.", rule: "asks" });
    expect(upstream.received.length).toBe(before);
    expect(await kindsOf(told.approval ?? "")).toEqual(["approval.requested"]);
  });

  test("goes on once it is approved, with the same body and the approval's id", async () => {
    const id = await asked("alice", "/asks/b");
    const decided = await decide("bob", id);
    expect([decided.status, decided.told.state], JSON.stringify(decided.told)).toEqual([200, "approved"]);
    const answer = await call("alice", "/asks/b", { "sallyport-approval": id });
    expect(answer.status, await answer.clone().text()).toBe(200);
    await answer.arrayBuffer();
    expect(await kindsOf(id)).toEqual(["approval.requested", "approval.decided"]);
    const records = await gateway.records("alice", "tool");
    const used = records.find(({ kind, classes }) => kind === "command.requested" && classes.approval === id);
    expect(used?.fields.target).toBe("POST /asks/b");
    expect(used?.fields.payload).toBe(`{"do":"it"}`);
  });

  test("is good once: a second use is refused with the first one's record", async () => {
    const id = await asked("alice", "/asks/c");
    await decide("bob", id);
    await (await call("alice", "/asks/c", { "sallyport-approval": id })).arrayBuffer();
    const before = upstream.received.length;
    const again = await call("alice", "/asks/c", { "sallyport-approval": id });
    const told = (await again.json()) as Problem;
    expect([again.status, told.reason]).toEqual([409, "approval_consumed"]);
    const records = await gateway.records("alice", "tool");
    const used = records.find(({ kind, classes }) => kind === "command.requested" && classes.approval === id);
    expect(told.used).toBe(`${used?.sid ?? ""}/${used?.seq ?? -1}`);
    expect(upstream.received.length).toBe(before);
  });

  test.each([
    ["a byte of the body", {}, `{"do":"iT"}`],
    ["Range", { range: "bytes=0-1" }, undefined],
    ["Destination", { destination: "/c/tool/asks/elsewhere" }, undefined],
    ["If-Match", { "if-match": '"x"' }, undefined],
  ])("is another command where %s differs, and asks again", async (_, headers, body) => {
    const id = await asked("alice", "/asks/d");
    await decide("bob", id);
    const before = upstream.received.length;
    const answer = await call("alice", "/asks/d", { "sallyport-approval": id, ...headers }, body);
    const told = (await answer.json()) as Problem;
    expect([answer.status, told.reason]).toEqual([202, "approval_pending"]);
    expect(told.approval).not.toBe(id);
    expect(upstream.received.length).toBe(before);
  });

  test("waits as long as its caller prefers, and goes on where it stands", async () => {
    const known = await waiting("bob");
    const running = call("alice", "/asks/e", { prefer: "wait=60" });
    const id = await nextFor(gateway, "bob", known);
    expect((await decide("bob", id)).status).toBe(200);
    const answer = await running;
    expect(answer.status, await answer.clone().text()).toBe(200);
    await answer.arrayBuffer();
    await eventually(
      () => kindsOf(id),
      (kinds) => kinds.includes("command.completed"),
    );
    expect(await kindsOf(id)).toEqual([
      "approval.requested",
      "approval.decided",
      "command.requested",
      "command.completed",
    ]);
  });

  test("says after its time that it still waits, and which preference was followed", async () => {
    const answer = await call("alice", "/asks/f", { prefer: "wait=1" });
    expect(answer.status).toBe(202);
    expect(answer.headers.get("preference-applied")).toBe("wait=1");
    await answer.arrayBuffer();
  });

  test("is refused where somebody denies it, with their words", async () => {
    const id = await asked("alice", "/asks/g");
    await decide("bob", id, "deny", { comment: "Not on a Friday." });
    const answer = await call("alice", "/asks/g", { "sallyport-approval": id });
    const told = (await answer.json()) as Problem;
    expect([answer.status, told.reason, told.detail]).toEqual([403, "approval_denied", "Not on a Friday."]);
  });

  test("is refused before anything is stored where its body is larger than one that waits", async () => {
    const before = (await gateway.records("alice", "tool")).filter(({ kind }) => kind === "approval.requested").length;
    const answer = await call("alice", "/small/a", {}, JSON.stringify({ x: "y".repeat(200) }));
    const told = (await answer.json()) as Problem;
    expect([answer.status, told.reason]).toEqual([413, "body_too_large_to_wait"]);
    const records = await gateway.records("alice", "tool");
    expect(records.filter(({ kind }) => kind === "approval.requested").length).toBe(before);
  });

  test("wants a reason where the rule does, and shows it to deciders", async () => {
    const without = await call("alice", "/reasoned/a");
    expect(((await without.json()) as Problem).reason).toBe("reason_needed");
    const id = await asked("alice", "/reasoned/a", { "sallyport-reason": "caf%C3%A9 is down" });
    const shown = (await (await gateway.fetch("bob", `/api/v1/approvals/${id}`)).json()) as { reason: string };
    expect(shown.reason).toBe("café is down");
  });

  test("is refused where something is masked that the rule wants seen", async () => {
    const hidden = await call("alice", "/seen/a", {}, `{"api_key":"abcdefgh12345678"}`);
    expect(((await hidden.json()) as Problem).reason).toBe("approval_hidden");
    const allowed = await call("alice", "/seen/a", {}, `{"password":"hunter2"}`);
    expect(((await allowed.json()) as Problem).reason).toBe("approval_pending");
  });

  test("of a large body is recorded whole, before anybody decides", async () => {
    const body = JSON.stringify({ lines: Array.from({ length: 200_000 }, (_, i) => `line ${i}`) });
    const answer = await call("alice", "/large/a", {}, body);
    const { approval = "" } = (await answer.json()) as Problem;
    const records = (await gateway.records("alice", "tool")).filter(({ command }) => command === approval);
    expect(records.length).toBeGreaterThan(1);
    const sid = records[0]?.sid ?? "";
    const payload = await gateway.fetch("alice", `/api/v1/sessions/${sid}/payload/${approval}/request`);
    expect(await payload.text()).toBe(body);
    await decide("bob", approval);
    const used = await call("alice", "/large/a", { "sallyport-approval": approval }, body);
    expect(used.status, await used.clone().text()).toBe(200);
    await used.arrayBuffer();
    expect(upstream.received.at(-1)?.body.toString()).toBe(body);
  });
});

describe("who decides", () => {
  test("not the requester, though the rule asks for people like them", async () => {
    const own = await gateway.fetch("bob", "/c/tool/asks/own", { method: "DELETE" });
    const { approval = "" } = (await own.json()) as Problem;
    const decided = await decide("bob", approval);
    expect([decided.status, decided.told.reason]).toEqual([403, "decider_is_requester"]);
    expect(await waiting("bob")).not.toContain(approval);
  });

  test("not an admin as such", async () => {
    const id = await asked("alice", "/asks/h");
    const decided = await decide("admin", id);
    expect([decided.status, decided.told.reason]).toEqual([403, "decider_not_asked"]);
  });

  test("not somebody to whom it is not even there", async () => {
    const id = await asked("alice", "/asks/i");
    const answer = await gateway.fetch("mallory", `/api/v1/approvals/${id}`);
    expect(answer.status).toBe(404);
  });

  test("not by what was seen before it changed", async () => {
    const id = await asked("alice", "/two/a");
    const before = await seenBy(gateway, "erin", id);
    expect((await decide("sam", id)).status).toBe(200);
    const late = await act(gateway, "erin", id, "decision", { decision: "approve", seen: before });
    expect([late.status, late.told.reason]).toEqual([409, "approval_changed"]);
  });

  test("as many as the rule asks, each for one group", async () => {
    const id = await asked("alice", "/two/b");
    expect((await decide("both", id)).told.state).toBe("pending");
    expect((await decide("both", id)).told.reason).toBe("decider_decided");
    expect((await decide("sam", id)).told.state).toBe("approved");
  });
});

describe("what is allowed for a time", () => {
  test("covers the same target again, and nothing else, until it is taken back", async () => {
    const id = await asked("alice", "/granted/a");
    expect((await decide("bob", id, "approve", { minutes: 5 })).told.state).toBe("approved");
    const first = await call("alice", "/granted/a", {}, `{"n":1}`);
    expect(first.status, await first.clone().text()).toBe(200);
    await first.arrayBuffer();
    const other = await call("alice", "/granted/b");
    expect(((await other.json()) as Problem).reason).toBe("approval_pending");
    const revoked = await act(gateway, "bob", id, "revoke", {});
    expect(revoked.status, JSON.stringify(revoked.told)).toBe(200);
    const after = await call("alice", "/granted/a", {}, `{"n":2}`);
    expect(((await after.json()) as Problem).reason).toBe("approval_pending");
  });

  test("is no longer than the rule lets it be", async () => {
    const id = await asked("alice", "/granted/c");
    expect((await decide("bob", id, "approve", { minutes: 11 })).told.reason).toBe("grant_too_long");
    const once = await asked("alice", "/asks/j");
    expect((await decide("bob", once, "approve", { minutes: 1 })).told.reason).toBe("grant_none");
  });
});

describe("breaking the glass", () => {
  test("goes on with a reason, and owes a review that somebody else signs off", async () => {
    const answer = await call("alice", "/glass/a", { "sallyport-break-glass": "The site is down." });
    expect(answer.status, await answer.clone().text()).toBe(200);
    await answer.arrayBuffer();
    const list = await gateway.fetch("erin", "/api/v1/approvals?view=reviews");
    const { items } = (await list.json()) as { items: { id: string; review: string }[] };
    const [owed] = items;
    expect(owed?.review).toBe("owed");
    const review = (person: string, body: object) => act(gateway, person, owed?.id ?? "", "review", body);
    expect((await review("alice", { comment: "Fine." })).told.reason).toBe("decider_is_requester");
    expect((await review("erin", {})).told.reason).toBe("comment_needed");
    const signed = await review("erin", { comment: "It was." });
    expect(signed.status, JSON.stringify(signed.told)).toBe(200);
    expect((await review("erin", { comment: "It was." })).told.reason).toBe("review_none");
  });

  test("is for those whom the rule lets", async () => {
    const answer = await call("alice", "/asks/k", { "sallyport-break-glass": "I want to." });
    expect([answer.status, ((await answer.json()) as Problem).reason]).toEqual([403, "break_glass_none"]);
  });
});

describe("a caller who waits and leaves", () => {
  test.each([
    ["/asks/gone", "cancelled", ["approval.requested", "approval.revoked"]],
    ["/kept/gone", "pending", ["approval.requested", "command.cancelled"]],
  ])("at %s leaves it %s", async (path, state, kinds) => {
    const known = await waiting("bob");
    const socket = connect(gateway.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(
      rawRequest(`DELETE /c/tool${path} HTTP/1.1`, [
        `Host: 127.0.0.1:${gateway.port}`,
        `Authorization: Bearer ${await gateway.token("alice")}`,
        "Prefer: wait=60",
      ]),
    );
    const id = await nextFor(gateway, "bob", known);
    // The local runtime hears of a reset; of a mere end of what the client sends it hears nothing.
    socket.resetAndDestroy();
    const shown = await eventually(
      async () => {
        const answer = await gateway.fetch("alice", `/api/v1/approvals/${id}`);
        return { state: ((await answer.json()) as { state: string }).state, kinds: await kindsOf(id) };
      },
      (now) => now.kinds.length === kinds.length,
    );
    expect(shown).toEqual({ state, kinds });
  });
});

test("another's approval of the very same command is no use", async () => {
  const id = await asked("alice", "/asks/same");
  await decide("bob", id);
  const answer = await call("bob", "/asks/same", { "sallyport-approval": id });
  expect([answer.status, ((await answer.json()) as Problem).reason]).toEqual([404, "approval_unknown"]);
});

test("the records of all of it verify", async () => {
  const exports = await gateway.exports("alice", "tool");
  expect(exports.length).toBeGreaterThan(0);
  for (const text of exports)
    expect(await verifyExport(text)).toMatchObject({ integrity: { kind: "intact" }, completeness: { kind: "shown" } });
});
