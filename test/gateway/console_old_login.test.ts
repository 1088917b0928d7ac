// A form about an approval that is opened, or sent, by a login of more than five minutes ago: it goes over
// the provider and back, with what was typed, and nothing is decided meanwhile.

import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { setSession } from "../../core/protocol/http/own_cookies.ts";
import { digestOf } from "../../workers/login/login_cookie.ts";
import { CONSOLE_SESSION, type ConsoleSession, sealStep } from "../../workers/login/steps.ts";
import { formToken, type PageLogin } from "../../workers/pages/form_token.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { testPolicy } from "../support/gateway.ts";
import { type Answer, NAVIGATION, send, startToolHosts, type ToolHosts } from "../support/tool_hosts.ts";

const KEY = randomBytes(32);
const LOGIN = "a-login";

let upstream: EchoUpstream;
let hosts: ToolHosts;
let path: string;

beforeAll(async () => {
  upstream = await startEchoUpstream();
  const policy = testPolicy({ tool: upstream.url }) as { rules: object[] };
  policy.rules = [
    {
      ...{ id: "asks", effect: "needs-approval", who: { groups: ["engineers"] }, connections: ["tool"] },
      ...{ methods: ["POST"], routes: ["/**"], approve: { by: [{ groups: ["leads"] }], grant: { minutes: 30 } } },
    },
  ];
  hosts = await startToolHosts({ policy, bindings: { LOGIN_KEY: KEY.toString("base64") } });
  const answer = await hosts.gateway.fetch("alice", "/c/tool/pods", { method: "POST", body: "x" });
  path = `/approvals/${((await answer.json()) as { readonly approval: string }).approval}`;
});
afterAll(async () => {
  await hosts?.stop();
  await upstream?.stop();
});

/** Bob's login at the console, so many seconds ago. */
async function sessionOf(seconds: number): Promise<ConsoleSession> {
  const iat = Math.floor(Date.now() / 1000) - seconds;
  const token = await hosts.gateway.token({ subject: "bob", groups: ["leads"], claims: { iat } });
  return { token, login: LOGIN, person: digestOf(JSON.stringify([hosts.gateway.issuer.url, "bob"])) };
}

async function cookieOf(session: ConsoleSession): Promise<string> {
  const sealed = await sealStep(CONSOLE_SESSION, session, hosts.console, Date.now() + 60_000, { key: KEY });
  return (setSession(sealed) ?? [])
    .filter((line) => !/max-age=0/i.test(line))
    .map((line) => line.split(";", 1)[0])
    .join("; ");
}

async function open(target: string, seconds: number): Promise<Answer> {
  const cookie = await cookieOf(await sessionOf(seconds));
  return send(hosts.console + target, { headers: { ...NAVIGATION, cookie } });
}

async function post(fields: Readonly<Record<string, string>>, seconds: number): Promise<Answer> {
  const session = await sessionOf(seconds);
  const own = { origin: hosts.console, key: KEY } as Partial<PageLogin["own"]> as PageLogin["own"];
  const action = `${path}/decision`;
  const body = new URLSearchParams({ ...fields, form_token: formToken({ own, session }, action) }).toString();
  const headers = {
    ...NAVIGATION,
    ...{ "sec-fetch-site": "same-origin", origin: hosts.console, cookie: await cookieOf(session) },
    "content-type": "application/x-www-form-urlencoded",
  };
  return send(hosts.console + action, { method: "POST", headers, body });
}

test("the form is opened by a login of the last minutes only, and else over the provider", async () => {
  expect((await open(path, 60)).text).toContain("Approve once");
  const old = await open(path, 400);
  expect(old.status).toBe(303);
  expect(old.headers.location).toContain(`${hosts.provider.issuer}/auth`);
  expect(old.headers.location).toContain("prompt=none");
  // What a page looks at by itself, to see whether something changed, leads nobody away from it.
  expect((await open(`${path}/now`, 400)).text).toContain("Approve once");
});

test("a decision by an older login decides nothing, and comes back to the form with what was typed", async () => {
  const seen = /name="seen" value="([^"]+)"/.exec((await open(path, 60)).text)?.[1] ?? "";
  const typed = { comment: 'Fine & "good" for now', minutes: "25" };
  const sent = await post({ decision: "grant", seen, ...typed }, 400);
  expect(sent.status).toBe(200);
  const way =
    /<meta http-equiv="refresh" content="0; url=([^"]+)"/.exec(sent.text)?.[1]?.replaceAll("&amp;", "&") ?? "";
  expect(way).toMatch(/^\/login\?/);
  const next = new URLSearchParams(way.slice("/login?".length)).get("next") ?? "";
  expect(next.startsWith(`${path}?draft=`)).toBe(true);
  const again = await open(next, 5);
  expect(again.status).toBe(200);
  expect(again.text).toContain("Nothing has been decided yet: choose once more.");
  expect(again.text).toContain("Nobody has decided yet.");
  expect(again.text).toMatch(/<textarea[^>]*>\nFine &amp; &quot;good&quot; for now<\/textarea>/);
  expect(again.text).toMatch(/<input[^>]* name="minutes"[^>]* value="25"/);
  const taken = await post({ decision: "grant", seen, ...typed }, 5);
  expect([taken.status, taken.headers.location]).toEqual([303, hosts.console + path]);
  expect((await open(path, 5)).text).toContain("You approved this");
});
