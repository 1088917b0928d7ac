// Logins at the connections' own hosts, by redirect: in which browser they end, where, how often, and what
// somebody can do who sees or sends one of the URLs on the way.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { eventually, testPolicy } from "../support/gateway.ts";
import { perimeterExports } from "../support/perimeter.ts";
import {
  isStep,
  NAVIGATION,
  OWN_FETCH,
  reasonOf,
  send,
  startToolHosts,
  type ToolHosts,
  Visitor,
} from "../support/tool_hosts.ts";

let upstream: EchoUpstream;
let hosts: ToolHosts;
let wiki: string;
let shop: string;

beforeAll(async () => {
  upstream = await startEchoUpstream();
  const settings = { upstream: upstream.url, browser: true };
  const groups = ["engineers", ...Array.from({ length: 120 }, (_, at) => `a-group-with-quite-a-long-name-${at}`)];
  hosts = await startToolHosts({
    policy: testPolicy({ wiki: settings, shop: settings }),
    more: [{ subject: "greta", name: "Greta", email: "greta@example.test", groups }],
  });
  wiki = hosts.originOf("wiki");
  shop = hosts.originOf("shop");
});
afterAll(async () => {
  await hosts?.stop();
  await upstream?.stop();
});

async function loggedIn(origin: string, subject: string): Promise<Visitor> {
  const visitor = new Visitor();
  expect((await visitor.walk(`${origin}/`, subject)).answer?.status).toBe(200);
  return visitor;
}

describe("a login", () => {
  test("that began in another browser does not end in this one", async () => {
    const mallory = new Visitor();
    const atCallback = await mallory.walk(`${wiki}/`, "bob", isStep("/login/callback"));
    const victim = new Visitor();
    expect(reasonOf(await victim.open(atCallback.url))).toBe("login_other_browser");
    // Also if the victim has a login of their own under way.
    await victim.walk(`${wiki}/`, "alice", isStep("/login/callback"));
    expect(reasonOf(await victim.open(atCallback.url))).toBe("login_other_browser");
  });

  test("gives a ticket that is of no use in another browser", async () => {
    const mallory = new Visitor();
    const { url } = await mallory.walk(`${wiki}/`, "bob", isStep("/.sallyport/ticket"));
    const victim = new Visitor();
    expect(reasonOf(await victim.open(url))).toBe("login_other_browser");
    await victim.walk(`${wiki}/`, "alice", isStep("/.sallyport/ticket"));
    expect(reasonOf(await victim.open(url))).toBe("login_other_browser");
    expect(victim.cookie(wiki)).not.toContain("__Host-Http-sallyport=");
  });

  test("gives a ticket that is good once, at its own host", async () => {
    const bob = new Visitor();
    const { url } = await bob.walk(`${wiki}/`, "bob", isStep("/.sallyport/ticket"));
    const elsewhere = url.replace(wiki, shop);
    expect(elsewhere).not.toBe(url);
    // Even with the secret of the browser that it is bound to.
    const headers = { ...NAVIGATION, cookie: bob.cookie(wiki) };
    expect(reasonOf(await send(elsewhere, { headers }))).toBe("login_ticket_invalid");
    expect((await send(url, { headers })).status).toBe(303);
    expect(reasonOf(await send(url, { headers }))).toBe("login_ticket_used");
  });

  test("has a state and a code that are good once", async () => {
    const bob = new Visitor();
    const { url } = await bob.walk(`${wiki}/`, "bob", isStep("/login/callback"));
    const other = new URL(url);
    other.searchParams.set("code", "another");
    expect((await bob.open(url)).status).toBe(303);
    expect(reasonOf(await bob.open(url))).toBe("login_state_used");
    expect(reasonOf(await bob.open(other.href))).toBe("login_state_used");
  });

  test("does not take a code of another login", async () => {
    const [mallory, victim] = [new Visitor(), new Visitor()];
    const theirs = new URL((await mallory.walk(`${wiki}/`, "bob", isStep("/login/callback"))).url);
    const mixed = new URL((await victim.walk(`${wiki}/`, "alice", isStep("/login/callback"))).url);
    mixed.searchParams.set("code", theirs.searchParams.get("code") ?? "");
    expect(reasonOf(await victim.open(mixed.href))).toBe("login_provider_refused");
  });

  test.each([
    ["a state that was changed", (url: URL) => url.searchParams.set("state", `${url.searchParams.get("state")}x`)],
    ["no state", (url: URL) => url.searchParams.delete("state")],
    ["two states", (url: URL) => url.searchParams.append("state", "x")],
    ["another issuer", (url: URL) => url.searchParams.set("iss", "https://elsewhere.example")],
    ["no code", (url: URL) => url.searchParams.delete("code")],
    ["two codes", (url: URL) => url.searchParams.append("code", "x")],
  ] as const)("does not go on with %s", async (_, change) => {
    const bob = new Visitor();
    const url = new URL((await bob.walk(`${wiki}/`, "bob", isStep("/login/callback"))).url);
    change(url);
    const answer = await bob.open(url.href);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.headers["set-cookie"]).toBeUndefined();
    expect(answer.headers.location).toBeUndefined();
  });

  test("does not let a step stand for another, or be made by anybody", async () => {
    const bob = new Visitor();
    const start = new URL((await bob.walk(`${wiki}/`, "bob", isStep("/login/start"))).url);
    const sealed = start.searchParams.get("request") ?? "";
    const { url } = await bob.walk(start.href, "bob", isStep("/.sallyport/ticket"));
    const ticket = new URL(url).searchParams.get("ticket") ?? "";
    const callback = `${hosts.origin}/login/callback?code=x&state=`;
    for (const one of [sealed, ticket, "", "a.b.c.d.e", `${sealed}x`]) {
      expect(reasonOf(await bob.open(callback + one))).toBe("login_state_invalid");
      const taken = await bob.open(`${wiki}/.sallyport/ticket?ticket=${one}`);
      expect(taken.headers.location === undefined || one === ticket).toBe(true);
      if (one !== sealed) expect((await bob.open(`${hosts.origin}/login/start?request=${one}`)).status).toBe(400);
    }
    for (const cookie of [sealed, ticket])
      expect(
        (await send(`${wiki}/x`, { headers: { ...OWN_FETCH, cookie: `__Host-Http-sallyport=${cookie}` } })).status,
      ).toBe(401);
  });

  test.each([
    "//elsewhere.example/x",
    "/\\\\elsewhere.example",
    "/%2f%2felsewhere.example",
    "/?next=https://elsewhere.example",
    "/.//elsewhere.example",
    "/@elsewhere.example",
  ])("ends at the host where it began: %s", async (path) => {
    const bob = new Visitor();
    let at = "";
    await bob.walk(wiki + path, "bob", (url) => {
      at = url;
      return url.startsWith(wiki) && !isStep("/.sallyport/ticket")(url) && bob.cookie(wiki).includes("sallyport=");
    });
    expect(new URL(at).origin).toBe(wiki);
  });

  test("with a token of many groups fits into cookies", async () => {
    const wide = new Visitor();
    const { url } = await wide.walk(`${wiki}/`, "greta", isStep("/.sallyport/ticket"));
    // Cloudflare takes URLs of 16 KB.
    expect(url.length).toBeGreaterThan(6_000);
    expect(url.length).toBeLessThan(16_000);
    const lines = (await wide.open(url)).headers["set-cookie"] ?? [];
    expect(lines.filter((line) => !line.includes("=; ")).length).toBeGreaterThan(2);
    for (const line of lines) {
      expect(line.length).toBeLessThan(4096);
      expect(line).toMatch(/^__Host-Http-sallyport.*; Path=\/; Secure; HttpOnly; SameSite=Lax$/);
    }
    expect((await wide.open(`${wiki}/`)).status).toBe(200);
    expect(upstream.last().headers.cookie).toBeUndefined();
    // A part that is missing, or is another login's, makes none of them good.
    const [first = "", second = ""] = wide.cookie(wiki).match(/__Host-Http-sallyport(?:\.\d)?=[^;]+/g) ?? [];
    const other = await loggedIn(wiki, "alice");
    for (const cookie of [first, second, `${first}; ${other.cookie(wiki).replace("sallyport=", "sallyport.1=")}`])
      expect((await send(`${wiki}/`, { headers: { ...OWN_FETCH, cookie } })).status).toBe(401);
  });

  test("that the provider refuses says so on a page, and leads back", async () => {
    const bob = new Visitor();
    const url = new URL((await bob.walk(`${wiki}/`, "bob", isStep("/login/callback"))).url);
    url.searchParams.delete("code");
    url.searchParams.set("error", "access_denied");
    url.searchParams.set("error_description", "<script>alert(1)</script>");
    const answer = await bob.open(url.href);
    expect([answer.status, reasonOf(answer)]).toEqual([403, "login_provider_refused"]);
    expect(answer.text).toContain(`href="${wiki}"`);
    expect(answer.text).not.toContain("<script");
    expect(answer.headers["content-security-policy"]).toMatch(/^default-src 'none'; style-src 'sha256-/);
  });

  test("that a browser does not keep ends with a page and not in a circle", async () => {
    const bob = new Visitor();
    await bob.walk(`${wiki}/`, "bob");
    const jar = bob.cookies.get(new URL(wiki).host);
    for (const name of [...(jar?.keys() ?? [])]) if (!name.endsWith("-login")) jar?.delete(name);
    const answer = await bob.open(`${wiki}/`);
    expect([answer.status, reasonOf(answer)]).toEqual([403, "login_not_kept"]);
  });

  test("that fails is heard of at the perimeter, without what its URL held", async () => {
    await new Visitor().open(`${hosts.origin}/login/callback?code=x&state=not-a-state-at-all`);
    await new Visitor().open(`${wiki}/.sallyport/ticket?ticket=not-a-ticket-at-all`);
    const heard = await eventually(
      () => perimeterExports(hosts.gateway),
      (texts) => /login_state_invalid/.test(texts.join("")) && /login_ticket_invalid/.test(texts.join("")),
    );
    const text = heard.join("");
    expect(text).toContain("login_ticket_invalid");
    expect(text).toContain("login_state_invalid");
    expect(text).not.toMatch(/not-a-(?:state|ticket)-at-all/);
  });
});

describe("a login that is over", () => {
  test("because an admin took trust in its token back is asked for anew", async () => {
    const bob = await loggedIn(wiki, "bob");
    const revoked = await hosts.gateway.fetch("dan", "/api/v1/revocations", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ issuer: hosts.provider.issuer, subject: "bob", reason: "lost laptop" }),
    });
    expect(revoked.status).toBe(201);
    const asked = await eventually(
      () => bob.open(`${wiki}/`),
      ({ status }) => status !== 200,
    );
    expect(asked.status === 303 || reasonOf(asked) === "login_not_kept").toBe(true);
    const fetched = await send(`${wiki}/`, { headers: { ...OWN_FETCH, cookie: bob.cookie(wiki) } });
    expect([fetched.status, fetched.headers.location]).toEqual([401, undefined]);
  });

  test("because an admin ended the session says so, and a new login goes on", async () => {
    const alice = await loggedIn(wiki, "alice");
    const sessions = await hosts.gateway.fetch("carol", "/api/v1/sessions?limit=100");
    const { items } = (await sessions.json()) as { items: { sid: string; connection: string }[] };
    for (const { sid } of items.filter((one) => one.connection === "wiki"))
      await hosts.gateway.fetch("dan", `/api/v1/sessions/${sid}/kill`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ reason: "a test" }),
      });
    const asked = await eventually(
      () => alice.open(`${wiki}/`),
      ({ status }) => status !== 200,
    );
    expect([asked.status, reasonOf(asked)]).toEqual([403, "session_killed"]);
    expect(asked.text).toContain('href="/.sallyport/logout"');
    // A token counts as new in the second after.
    const again = await eventually(
      async () => (await new Visitor().walk(`${wiki}/`, "alice")).answer?.status,
      (status) => status === 200,
    );
    expect(again).toBe(200);
  });

  test("because its token ended is asked for anew", async () => {
    const brief = await startToolHosts({
      policy: testPolicy({ wiki: { upstream: upstream.url, browser: true } }),
      lifetime: 3,
    });
    try {
      const origin = brief.originOf("wiki");
      const { cookies } = await loggedIn(origin, "alice");
      const jar = cookies.get(new URL(origin).host) ?? new Map<string, string>();
      jar.delete("__Host-Http-sallyport-login");
      const bob = new Visitor();
      bob.cookies.set(new URL(origin).host, jar);
      const asked = await eventually(
        () => bob.open(`${origin}/later`),
        ({ status }) => status !== 200,
      );
      expect(asked.status).toBe(303);
      expect(asked.headers.location).toContain(`${brief.origin}/login/start?request=`);
    } finally {
      await brief.stop();
    }
  });
});
