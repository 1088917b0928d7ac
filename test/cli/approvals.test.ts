// `sallyport approvals` against a running gateway: what waits, what it shows, and deciding it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CliOptions, runCli, startCli } from "../support/cli.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { startGateway, type TestGateway, testPolicy } from "../support/gateway.ts";

let folder = "";
let upstream: EchoUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sallyport-approvals-"));
  upstream = await startEchoUpstream();
  const policy = testPolicy({ tool: upstream.url }) as { readonly rules: readonly object[] };
  const asks = {
    ...{ id: "asks", effect: "needs-approval", who: { groups: ["engineers"] }, connections: ["tool"] },
    ...{ methods: ["POST"], routes: ["/asks/**"], description: "Nobody does this alone." },
    approve: {
      by: [{ groups: ["leads"] }],
      grant: { minutes: 30 },
      break_glass: { groups: ["engineers"] },
      comment: "optional",
    },
  };
  gateway = await startGateway({
    policy: { ...policy, rules: [...policy.rules, asks] },
    people: { erin: { subject: "erin", groups: ["leads"] } },
  });
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
  rmSync(folder, { recursive: true });
});

async function as(person: string, input?: string): Promise<CliOptions> {
  const env = { SALLYPORT_GATEWAY: gateway.url, SALLYPORT_TOKEN: await gateway.token(person) };
  return { home: join(folder, person), env, ...(input === undefined ? {} : { input }) };
}

async function ask(path: string, headers: Record<string, string> = {}, body = "{}"): Promise<string> {
  const answer = await gateway.fetch("alice", `/c/tool/asks${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
  return ((await answer.json()) as { readonly approval?: string }).approval ?? "";
}

test("lists what waits for somebody, and for whoever asked what they asked for", async () => {
  const id = await ask("/listed");
  const waiting = await runCli(["approvals"], await as("bob"));
  expect([waiting.code, waiting.err]).toEqual([0, ""]);
  expect(waiting.out).toContain(id);
  expect(waiting.out).toContain("POST /asks/listed");
  const none = await runCli(["approvals"], await as("alice"));
  expect([none.code, none.out]).toEqual([0, ""]);
  expect(none.err).toContain("no approvals found");
  const mine = await runCli(["approvals", "list", "--view", "mine", "--json"], await as("alice"));
  expect((JSON.parse(mine.out) as { id: string }[]).map((one) => one.id)).toContain(id);
});

test("shows what was asked for, and nothing in it moves a terminal", async () => {
  const hostile = `{"note":"\\u001b[2J\\u202e evil","password":"hunter2"}`;
  const id = await ask("/shown", { "sallyport-reason": "%E2%80%AEbecause" }, hostile);
  const ran = await runCli(["approvals", "show", id], await as("bob"));
  expect(ran.code, ran.err).toBe(0);
  // eslint-disable-next-line no-control-regex
  expect(ran.out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202a-\u202e]/);
  expect(ran.out).toContain("POST /asks/shown");
  expect(ran.out).toContain("asks: Nobody does this alone.");
  expect(ran.out).toContain("[masked:password]");
  expect(ran.out).not.toContain("hunter2");
  expect(ran.out).toContain("1 of group leads; 1 still to approve");
});

test("approves what was looked at, and not what is there since", async () => {
  const id = await ask("/approved");
  const shown = await runCli(["approvals", "show", "--json", id], await as("bob"));
  const { seen } = JSON.parse(shown.out) as { seen: string };
  const unasked = await runCli(["approvals", "approve", id], await as("bob"));
  expect([unasked.code, unasked.err]).toEqual([2, expect.stringContaining("--seen")]);
  const args = ["approvals", "approve", id, "--seen", seen, "--minutes", "5", "-m", "fine"];
  const approved = await runCli(args, await as("bob"));
  expect([approved.code, approved.err]).toEqual([0, ""]);
  expect(approved.out).toContain("approved");
  const late = await runCli(["approvals", "deny", id], await as("erin"));
  expect(late.code).toBe(6);
  const again = await runCli(["approvals", "approve", id, "--seen", seen], await as("erin"));
  expect([again.code, again.err]).toEqual([6, expect.stringContaining("changed")]);
  const revoked = await runCli(["approvals", "revoke", id, "--json"], await as("erin"));
  expect(revoked.code, revoked.err).toBe(0);
});

test("denies, takes back, signs off", async () => {
  const denied = await ask("/denied");
  const deny = await runCli(["approvals", "deny", denied, "-m", "no"], await as("bob"));
  expect([deny.code, deny.out]).toEqual([0, expect.stringContaining("denied")]);
  const own = await ask("/own");
  const others = await runCli(["approvals", "cancel", own], await as("bob"));
  expect(others.code).toBe(3);
  const cancelled = await runCli(["approvals", "cancel", own], await as("alice"));
  expect([cancelled.code, cancelled.out]).toEqual([0, expect.stringContaining("cancelled")]);
  await ask("/glass", { "sallyport-break-glass": "it burns" });
  const owed = await runCli(["approvals", "list", "--view", "reviews", "--json"], await as("erin"));
  const [first] = JSON.parse(owed.out) as { id: string }[];
  const signed = await runCli(["approvals", "review", first?.id ?? ""], await as("erin"));
  expect(signed.code, signed.err).toBe(0);
});

test("refuses to decide one's own, with what to do and code 5", async () => {
  const id = await ask("/alices");
  const { code, err } = await runCli(["approvals", "approve", id, "--yes"], await as("alice"));
  expect([code, err]).toEqual([5, expect.stringContaining("Nobody decides what they asked for")]);
  const wrong = await runCli(["approvals", "show", "no-id"], await as("bob"));
  expect(wrong.code).toBe(2);
});

test("watch tells of each as it begins to wait", async () => {
  const watching = startCli(["approvals", "watch", "--json"], await as("erin"));
  // Whatever waits already comes first.
  await watching.prints(/./);
  const id = await ask("/watched");
  expect(await watching.prints(new RegExp(id))).not.toBeNull();
  watching.signal("SIGINT");
  expect((await watching.ended).code).toBe(130);
});
