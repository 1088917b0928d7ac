// Logins at the console, against those who would have them end in somebody else's browser or elsewhere, or
// made by what belongs to another surface.

import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { eventually, freePort, startGateway, testPolicy } from "../support/gateway.ts";
import { startHostileProvider } from "../support/hostile_provider.ts";
import { formTokenOf, loggedInAt, sendForm } from "../support/console_visitor.ts";
import { perimeterExports } from "../support/perimeter.ts";
import {
  type Answer,
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
let console: string;

beforeAll(async () => {
  upstream = await startEchoUpstream();
  hosts = await startToolHosts({ policy: testPolicy({ wiki: { upstream: upstream.url, browser: true } }) });
  ({ console } = hosts);
});
afterAll(async () => {
  await hosts?.stop();
  await upstream?.stop();
});

const atCallback = isStep("/login/callback");
const SESSION = "__Host-Http-sallyport=";

const loggedIn = (subject: string, at = console): Promise<Visitor> => loggedInAt(at, subject);

describe("a login at the console", () => {
  test("that began in another browser does not end in this one", async () => {
    const mallory = new Visitor();
    const { url } = await mallory.walk(`${console}/`, "bob", atCallback);
    const victim = new Visitor();
    expect(reasonOf(await victim.open(url))).toBe("login_other_browser");
    // Also if the victim has a login of their own under way, or is logged in.
    await victim.walk(`${console}/`, "alice", atCallback);
    expect(reasonOf(await victim.open(url))).toBe("login_other_browser");
    const alice = await loggedIn("alice");
    expect(reasonOf(await alice.open(url))).toBe("login_other_browser");
    expect((await alice.open(`${console}/`)).text).toContain("Alice Archer");
    expect(victim.cookie(console)).not.toContain(SESSION);
  });

  test("has a state and a code that are good once", async () => {
    const bob = new Visitor();
    const { url } = await bob.walk(`${console}/`, "bob", atCallback);
    const other = new URL(url);
    other.searchParams.set("code", "another");
    expect((await bob.open(url)).status).toBe(303);
    expect(reasonOf(await bob.open(url))).toBe("login_state_used");
    expect(reasonOf(await bob.open(other.href))).toBe("login_state_used");
  });

  test("does not take a code of another login", async () => {
    const [mallory, victim] = [new Visitor(), new Visitor()];
    const theirs = new URL((await mallory.walk(`${console}/`, "bob", atCallback)).url);
    const mixed = new URL((await victim.walk(`${console}/`, "alice", atCallback)).url);
    mixed.searchParams.set("code", theirs.searchParams.get("code") ?? "");
    expect(reasonOf(await victim.open(mixed.href))).toBe("login_provider_refused");
    expect(victim.cookie(console)).not.toContain(SESSION);
  });

  test.each([
    ["a state that was changed", (url: URL) => url.searchParams.set("state", `${url.searchParams.get("state")}x`)],
    ["no state", (url: URL) => url.searchParams.delete("state")],
    ["two states", (url: URL) => url.searchParams.append("state", "x")],
    ["another issuer", (url: URL) => url.searchParams.set("iss", "https://elsewhere.example")],
    ["no issuer", (url: URL) => url.searchParams.delete("iss")],
    ["no code", (url: URL) => url.searchParams.delete("code")],
    ["two codes", (url: URL) => url.searchParams.append("code", "x")],
  ] as const)("does not go on with %s", async (_, change) => {
    const bob = new Visitor();
    const url = new URL((await bob.walk(`${console}/`, "bob", atCallback)).url);
    change(url);
    const answer = await bob.open(url.href);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.headers["set-cookie"]).toBeUndefined();
    expect(answer.headers.location).toBeUndefined();
  });

  test("ends two logins that one browser began in two tabs", async () => {
    const bob = new Visitor();
    const begun = [];
    for (const path of ["/", "/logout"]) begun.push((await bob.open(console + path)).headers.location ?? "");
    for (const [index, path] of ["/", "/logout"].entries()) {
      const { url } = await bob.walk(begun[index] ?? "", "bob", atCallback);
      expect((await bob.open(url)).headers.location).toBe(console + path);
    }
  });

  test.each([
    "//elsewhere.example/",
    "https://elsewhere.example/",
    "https:/elsewhere.example",
    "/\\elsewhere.example",
    "\\\\elsewhere.example",
    "/%2f%2felsewhere.example",
    "/.//elsewhere.example",
    "/@elsewhere.example",
    "javascript:alert(1)",
    "/\t/elsewhere.example",
    "/login/callback?code=x",
    "/login?next=/",
    "/static/x",
    "/api/v1/whoami",
    `/?${"x".repeat(20_000)}`,
    "",
  ])("that is to end at %s ends at the first page", async (next) => {
    const bob = new Visitor();
    const { url } = await bob.walk(`${console}/login?next=${encodeURIComponent(next)}`, "bob", atCallback);
    expect((await bob.open(url)).headers.location).toBe(`${console}/`);
  });

  test("is renewed without a word by a provider that knows the person, and by asking one that does not", async () => {
    const bob = await loggedIn("bob");
    const form = await formTokenOf(bob, console);
    const asked = async (): Promise<string[]> => {
      const seen: string[] = [];
      const { answer } = await bob.walk(`${console}/login?renew=yes&next=%2Flogout`, "bob", (url) => {
        seen.push(new URL(url).pathname.split("/").slice(0, 2).join("/"));
        return false;
      });
      expect(answer?.text).toContain("Log out of the console?");
      return seen;
    };
    expect(await asked()).toEqual(["/login", "/auth", "/login", "/logout"]);
    // The same person's open forms stay good.
    bob.cookies.delete(new URL(hosts.provider.issuer).host);
    expect((await asked()).filter((one) => one === "/interaction")).toHaveLength(1);
    expect((await sendForm(bob, console, `form_token=${form}`)).text).toContain("You are logged out");
  });

  test("ends at the page of the console that was asked for", async () => {
    const bob = new Visitor();
    const { url } = await bob.walk(`${console}/login?next=%2Flogout`, "bob", atCallback);
    expect((await bob.open(url)).headers.location).toBe(`${console}/logout`);
  });

  test("is asked of the provider with PKCE, state and nonce, and leads back to the console alone", async () => {
    const { headers } = await new Visitor().open(`${console}/`);
    const asked = new URL(headers.location ?? "");
    expect(asked.origin).toBe(hosts.provider.issuer);
    expect(Object.fromEntries(asked.searchParams)).toMatchObject({
      response_type: "code",
      redirect_uri: `${console}/login/callback`,
      code_challenge_method: "S256",
    });
    for (const name of ["state", "nonce", "code_challenge"])
      expect(asked.searchParams.get(name)?.length).toBeGreaterThan(40);
    expect(asked.searchParams.has("prompt")).toBe(false);
  });

  test("that fails is heard of at the perimeter, without what its URL held", async () => {
    await new Visitor().open(`${console}/login/callback?code=a-code-of-mine&state=not-a-state-at-all`);
    const heard = await eventually(
      () => perimeterExports(hosts.gateway),
      (texts) => /login_state_invalid/.test(texts.join("")),
    );
    expect(heard.join("")).toContain("login_state_invalid");
    expect(heard.join("")).not.toMatch(/not-a-state-at-all|a-code-of-mine/);
  });

  test("that a browser does not keep ends with a page and not in a circle", async () => {
    const bob = await loggedIn("bob");
    bob.cookies.get(new URL(console).host)?.delete(SESSION.slice(0, -1));
    const answer = await bob.open(`${console}/`);
    expect([answer.status, reasonOf(answer)]).toEqual([403, "login_not_kept"]);
  });
});

describe("a login that the provider answers falsely", () => {
  test("makes none: with another login's nonce or none, with a token that is none, or one of another audience", async () => {
    const provider = await startHostileProvider();
    const port = await freePort();
    const at = `http://console.localhost:${port}`;
    const gateway = await startGateway({
      policy: testPolicy({}),
      port,
      issuers: [{ issuer: provider.url, audiences: ["elsewhere"] }],
      bindings: {
        CONSOLE: at,
        LOGIN: JSON.stringify({ issuer: provider.url, client_id: "sallyport-cli" }),
        LOGIN_KEY: randomBytes(32).toString("base64"),
      },
    });
    try {
      const good = { access_token: await gateway.token("bob") };
      const began = async (visitor: Visitor): Promise<URL> =>
        new URL((await visitor.open(`${at}/`)).headers.location ?? "");
      const ended = async (visitor: Visitor, asked: URL, nonce: string): Promise<Answer> => {
        const query = new URLSearchParams({ code: `nonce:${nonce}`, iss: provider.url });
        query.set("state", asked.searchParams.get("state") ?? "");
        return visitor.open(`${at}/login/callback?${query.toString()}`);
      };
      const other = (await began(new Visitor())).searchParams.get("nonce") ?? "";
      const attempt = async (lies: typeof provider.lies, nonce: string | null = null): Promise<string> => {
        provider.lies = lies;
        const visitor = new Visitor();
        const asked = await began(visitor);
        const answer = await ended(visitor, asked, nonce ?? asked.searchParams.get("nonce") ?? "");
        return answer.status === 303 ? "logged in" : reasonOf(answer);
      };
      expect(await attempt({ token: good })).toBe("logged in");
      expect(await attempt({ token: good }, other)).toBe("login_answer_invalid");
      expect(await attempt({ token: good, idToken: { nonce: undefined } })).toBe("login_answer_invalid");
      expect(await attempt({ token: { ...good, id_token: undefined } })).toBe("login_answer_invalid");
      expect(await attempt({ token: { access_token: "opaque" } })).toBe("login_token_refused");
      const elsewhere = await gateway.token({ subject: "bob", claims: { aud: "elsewhere" } });
      expect(await attempt({ token: { access_token: elsewhere } })).toBe("login_token_refused");
      const heard = await eventually(
        () => perimeterExports(gateway),
        (texts) => /audience_wrong/.test(texts.join("")),
      );
      expect(heard.join("")).toContain("audience_wrong");
      expect(heard.join("")).not.toMatch(/nonce:|state=/);
    } finally {
      await gateway.stop();
      await provider.stop();
    }
  });
});

describe("what is made for another surface", () => {
  test("opens nothing at the console, and what is made for the console nothing elsewhere", async () => {
    const wiki = hosts.originOf("wiki");
    const [bob, atWiki] = [await loggedIn("bob"), await loggedIn("bob", wiki)];
    const own = (cookie: string) => ({ headers: { ...OWN_FETCH, cookie } });
    expect((await send(`${console}/`, own(bob.cookie(console)))).status).toBe(200);
    expect((await send(`${console}/`, own(atWiki.cookie(wiki)))).status).toBe(401);
    expect((await send(`${wiki}/`, own(bob.cookie(console)))).status).toBe(401);
    expect((await send(`${hosts.origin}/api/v1/whoami`, own(bob.cookie(console)))).status).toBe(401);
  });

  test("is no step of a login there, either way", async () => {
    const [one, other] = [new Visitor(), new Visitor()];
    const tool = new URL((await one.walk(`${hosts.originOf("wiki")}/`, "bob", atCallback)).url);
    const own = new URL((await other.walk(`${console}/`, "bob", atCallback)).url);
    const cookie = other.cookie(console);
    const headers = { ...NAVIGATION, cookie };
    expect(reasonOf(await send(`${console}/login/callback${tool.search}`, { headers }))).toBe("login_state_invalid");
    expect(reasonOf(await send(`${hosts.origin}/login/callback${own.search}`, { headers }))).toBe(
      "login_state_invalid",
    );
    const state = own.searchParams.get("state") ?? "";
    const answer = await send(`${console}/`, { headers: { ...OWN_FETCH, cookie: SESSION + state } });
    expect(answer.status).toBe(401);
  });

  test("is not served at the console: no API, no tool, no log, whoever asks", async () => {
    const bob = await loggedIn("bob");
    const token = await hosts.gateway.token("bob");
    for (const path of ["/api/v1/whoami", "/api/v1/openapi.json", "/c/wiki/x", "/v2/", "/healthz", "/.well-known/x"]) {
      const byCookie = await bob.send(console + path, { headers: OWN_FETCH });
      const byToken = await send(console + path, { headers: { authorization: `Bearer ${token}` } });
      expect([path, byCookie.status, byToken.status]).toEqual([path, 404, 404]);
    }
    // A token opens no page, either.
    expect((await send(`${console}/`, { headers: { ...OWN_FETCH, authorization: `Bearer ${token}` } })).status).toBe(
      401,
    );
  });

  test("has none of the console's pages", async () => {
    expect((await send(`${hosts.origin}/login`, { headers: NAVIGATION })).status).toBe(404);
    expect((await send(`${hosts.origin}/logout`, { headers: NAVIGATION })).status).toBe(404);
    for (const host of ["CONSOLE.localhost", "console.localhost.", "x.console.localhost"]) {
      const headers = { ...NAVIGATION, host: `${host}:${hosts.gateway.port}` };
      expect([host, (await send(`${console}/`, { headers })).status]).toEqual([host, 421]);
    }
  });
});

describe("cookies that somebody else set", () => {
  test("log nobody in and nobody else in: of two logins none counts", async () => {
    const [bob, mallory] = [await loggedIn("bob"), await loggedIn("alice")];
    const [own, foreign] = [bob.cookie(console), mallory.cookie(console)];
    for (const cookie of [`${own}; ${foreign}`, `${foreign}; ${own}`]) {
      const answer = await send(`${console}/`, { headers: { ...OWN_FETCH, cookie } });
      expect(answer.status).toBe(401);
      expect(answer.text).not.toMatch(/Alice|Bob/);
    }
    // Names that only look like ours.
    const lookalike = foreign.replaceAll("__Host-Http-", "__host-http-");
    const nameless = foreign.replaceAll(SESSION, `=${SESSION}`);
    for (const cookie of [lookalike, foreign.replaceAll("__Host-Http-", "__Host-"), nameless])
      expect((await send(`${console}/`, { headers: { ...OWN_FETCH, cookie } })).status).toBe(401);
    const both = await send(`${console}/`, { headers: { ...OWN_FETCH, cookie: `${lookalike}; ${own}` } });
    expect(both.text).toContain("Bob Berger");
  });
});

describe("a login that is over", () => {
  test("because an admin took trust in its token back opens nothing, within a second", async () => {
    const bob = await loggedIn("bob");
    const revoked = await hosts.gateway.fetch("dan", "/api/v1/revocations", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ issuer: hosts.provider.issuer, subject: "bob", reason: "lost laptop" }),
    });
    expect(revoked.status).toBe(201);
    const asked = await eventually(
      () => bob.send(`${console}/`, { headers: OWN_FETCH }),
      ({ status }) => status !== 200,
    );
    expect([asked.status, reasonOf(asked)]).toEqual([401, "unauthenticated"]);
  });
});
