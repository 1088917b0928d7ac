// A connection's own host against those who would use somebody's browser: other sites, other
// connections' pages, whoever was sent a link, and upstreams that set what is not theirs.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { testPolicy } from "../support/gateway.ts";
import {
  type Answer,
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
let alice: Visitor;

beforeAll(async () => {
  upstream = await startEchoUpstream();
  const settings = { upstream: upstream.url, browser: true };
  hosts = await startToolHosts({
    policy: testPolicy({ wiki: settings, shop: settings, plain: upstream.url }),
  });
  wiki = hosts.originOf("wiki");
  shop = hosts.originOf("shop");
  alice = await loggedIn(wiki, "alice");
});
afterAll(async () => {
  await hosts?.stop();
  await upstream?.stop();
});

async function loggedIn(origin: string, subject: string, path = "/"): Promise<Visitor> {
  const visitor = new Visitor();
  const { answer } = await visitor.walk(origin + path, subject);
  expect(answer?.status).toBe(200);
  return visitor;
}

const own = (visitor: Visitor, origin: string, more: Readonly<Record<string, string>> = {}) => ({
  ...OWN_FETCH,
  cookie: visitor.cookie(origin),
  ...more,
});

/** How often the upstream was called while `work` went on. */
async function callsDuring(work: () => Promise<unknown>): Promise<number> {
  const before = upstream.received.length;
  await work();
  return upstream.received.length - before;
}

describe("a browser that is logged in", () => {
  test("reaches the tool with root-relative paths and the tool's own cookies, without the gateway's", async () => {
    const answer = await alice.send(`${wiki}/api/v1/sessions?x=%2F`, {
      headers: own(alice, wiki, { cookie: `theme=dark; ${alice.cookie(wiki)}; CF_Authorization=a.b.c` }),
    });
    expect(answer.status).toBe(200);
    const { url, headers } = upstream.last();
    expect(url).toBe("/api/v1/sessions?x=%2F");
    expect(headers.cookie).toBe("theme=dark");
    expect(JSON.stringify(headers)).not.toContain("sallyport-session");
    expect(headers.authorization).toBeUndefined();
  });

  test("is recorded as the person, with every cookie masked", async () => {
    await alice.send(`${wiki}/recorded`, {
      headers: own(alice, wiki, { cookie: `sid=upstream-secret; ${alice.cookie(wiki)}` }),
    });
    const text = (await hosts.gateway.exports("carol", "wiki")).join("");
    const records = await hosts.gateway.records("carol", "wiki");
    expect(records.find((one) => one.fields.target === "GET /recorded")?.kind).toBe("command.requested");
    expect(text).toContain("alice");
    expect(text).not.toContain("upstream-secret");
    expect(text).not.toContain(alice.cookie(wiki).slice(-40));
  });

  test("has its login at one connection's host only, whatever is done with the cookie", async () => {
    const calls = await callsDuring(async () => {
      expect((await send(`${shop}/x`, { headers: own(alice, wiki) })).status).toBe(401);
      const path = { headers: { cookie: alice.cookie(wiki) } };
      expect((await send(`${hosts.origin}/c/wiki/x`, path)).status).toBe(401);
      expect((await send(`${hosts.origin}/api/v1/whoami`, path)).status).toBe(401);
    });
    expect(calls).toBe(0);
  });

  test("may carry the page's own Authorization to the tool, but no token of the gateway's issuers", async () => {
    await alice.send(`${wiki}/x`, { headers: own(alice, wiki, { authorization: "Bearer of-the-tool" }) });
    expect(upstream.last().headers.authorization).toBe("Bearer of-the-tool");
    const token = await hosts.gateway.token("bob");
    for (const authorization of [`Bearer ${token}`, `Basic ${btoa(`x:${token}`)}`]) {
      expect((await alice.send(`${wiki}/x`, { headers: own(alice, wiki, { authorization }) })).status).toBe(200);
      expect(upstream.last().headers.authorization).toBeUndefined();
    }
  });

  test("is asked to log in again once the cookie says nothing, and only where it opens a page", async () => {
    const [, sealed = ""] = /(__Host-Http-sallyport=[^;]+)/.exec(alice.cookie(wiki)) ?? [];
    expect(sealed).not.toBe("");
    for (const cookie of [
      "__Host-Http-sallyport=forged",
      `${sealed}x`,
      `${sealed}; ${sealed}`,
      "__Host-Http-sallyport=",
      "__host-sallyport=x",
    ]) {
      expect((await send(`${wiki}/`, { headers: { ...NAVIGATION, cookie } })).status).toBe(303);
      expect((await send(`${wiki}/`, { headers: { ...OWN_FETCH, cookie } })).status).toBe(401);
      const posted = { ...NAVIGATION, cookie, origin: wiki };
      expect((await send(`${wiki}/`, { method: "POST", headers: posted })).status).toBe(401);
    }
  });

  test("logs out by a page of this host, and by no link", async () => {
    const bob = await loggedIn(wiki, "bob");
    const kept = bob.cookie(wiki);
    expect((await bob.open(`${wiki}/.sallyport/logout`)).text).toContain('<form method="post"');
    expect(bob.cookie(wiki)).toBe(kept);
    const cross = await bob.send(`${wiki}/.sallyport/logout`, {
      method: "POST",
      headers: { ...NAVIGATION, origin: shop },
    });
    expect(cross.status).toBe(403);
    expect(bob.cookie(wiki)).toBe(kept);
    const headers = { ...NAVIGATION, "sec-fetch-site": "same-origin", origin: wiki };
    expect((await bob.send(`${wiki}/.sallyport/logout`, { method: "POST", headers })).status).toBe(200);
    expect(bob.cookie(wiki)).toBe("");
  });
});

describe("a request that another site's page makes a browser send", () => {
  const sites = ["cross-site", "same-site"] as const;

  test.each(sites)(
    "is refused with the cookie (%s), whatever it asks for, and nothing reaches the tool",
    async (site) => {
      const asked = [
        { "sec-fetch-site": site, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" },
        { "sec-fetch-site": site, "sec-fetch-mode": "cors", "sec-fetch-dest": "empty", origin: shop },
        { "sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" },
        { "sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "object" },
        { "sec-fetch-site": site, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script" },
      ];
      const calls = await callsDuring(async () => {
        for (const headers of asked)
          for (const method of ["GET", "HEAD", "POST", "DELETE", "OPTIONS"]) {
            const answer = await send(`${wiki}/x`, { method, headers: { ...headers, cookie: alice.cookie(wiki) } });
            expect([method, headers, answer.status]).toEqual([method, headers, 403]);
            expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
          }
      });
      expect(calls).toBe(0);
    },
  );

  test.each(sites)("is refused with the cookie (%s) if it is a form that is sent", async (site) => {
    const headers = { ...NAVIGATION, "sec-fetch-site": site, cookie: alice.cookie(wiki) };
    for (const origin of [shop, "null", "https://elsewhere.example", `${wiki}.elsewhere.example`, wiki.toUpperCase()]) {
      const answer = await send(`${wiki}/x`, { method: "POST", headers: { ...headers, origin }, body: "a=1" });
      expect([origin, answer.status]).toEqual([origin, 403]);
    }
  });

  test("opens a page if it is a link, since that is what links are for", async () => {
    expect((await alice.open(`${wiki}/linked`)).status).toBe(200);
  });

  test("is refused if the browser does not say where it comes from", async () => {
    const cookie = alice.cookie(wiki);
    expect((await send(`${wiki}/x`, { headers: { cookie } })).status).toBe(403);
    expect((await send(`${wiki}/x`, { method: "POST", headers: { cookie } })).status).toBe(403);
    const unnamed = { ...OWN_FETCH, cookie };
    expect((await send(`${wiki}/x`, { method: "POST", headers: unnamed })).status).toBe(403);
    expect((await send(`${wiki}/x`, { method: "POST", headers: { ...unnamed, origin: wiki } })).status).toBe(200);
  });

  test("stands in the person's session as what it was", async () => {
    const headers = { "sec-fetch-site": "same-site", "sec-fetch-mode": "cors", cookie: alice.cookie(wiki) };
    await send(`${wiki}/tried`, { headers });
    const records = await hosts.gateway.records("carol", "wiki");
    const tried = records.find((one) => one.fields.target === "GET /tried");
    expect(tried).toMatchObject({ kind: "command.denied", classes: { reason: "cross_site", status: 403 } });
  });

  test("cannot be a WebSocket of another origin", async () => {
    const upgrade = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
    const key = { "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==" };
    const calls = await callsDuring(async () => {
      for (const origin of [shop, "null", "https://elsewhere.example", undefined]) {
        const from = origin === undefined ? {} : { origin };
        const headers = { ...upgrade, ...key, ...from, cookie: alice.cookie(wiki) };
        expect(reasonOf(await send(`${wiki}/socket`, { headers }))).toBe("cross_site");
      }
    });
    expect(calls).toBe(0);
  });
});

describe("an upstream at a connection's own host", () => {
  async function answerOf(headers: Readonly<Record<string, string | string[]>>): Promise<Answer> {
    upstream.handlers.set("/hostile", (_, response) => response.writeHead(200, headers).end("x"));
    return send(`${wiki}/hostile`, { headers: own(alice, wiki) });
  }

  test("sets cookies for this host only, and none of the gateway's", async () => {
    const { headers } = await answerOf({
      "set-cookie": [
        "sid=1; Domain=tools.localhost; Path=/; HttpOnly",
        "tossed=1; domain = .tools.localhost",
        "__Host-Http-sallyport=evil; Path=/; Secure",
        "__host-SALLYPORT-login=evil; Path=/; Secure",
        "__Host-sallyport=evil; Path=/; Secure",
        "__Secure-sallyport=evil; Secure",
        "=__Host-Http-sallyport=evil; Path=/; Secure",
        "__Host-Http-sallyport",
        "CF_Authorization=evil",
        "a=b\u0009c",
      ],
      set_cookie: "x=1",
    });
    expect(headers["set-cookie"]).toEqual(["sid=1; Path=/; HttpOnly", "tossed=1", "a=b\u0009c"]);
  });

  test("says nothing for the whole origin, grants nobody access and installs no worker", async () => {
    const { headers } = await answerOf({
      "clear-site-data": '"*"',
      "service-worker-allowed": "/",
      "strict-transport-security": "max-age=1",
      "access-control-allow-origin": shop,
      "access-control-allow-credentials": "true",
      "report-to": "{}",
      "alt-svc": "h3=:443",
      "sallyport-receipt": "forged",
      "www-authenticate": 'Basic realm="password please"',
    });
    const names = Object.keys(headers).filter((name) => !["connection", "transfer-encoding", "date"].includes(name));
    expect(names.sort()).toEqual(["content-security-policy", "x-frame-options"]);
  });

  test("has its own content policy, and the gateway's about frames beside it", async () => {
    const { headers } = await answerOf({
      "content-security-policy": "default-src 'self'; frame-ancestors *",
      "x-frame-options": "ALLOWALL",
    });
    // Each of the two is enforced: a comma separates policies (CSP3 §2.2.2).
    expect(headers["content-security-policy"]).toBe("default-src 'self'; frame-ancestors *, frame-ancestors 'none'");
    expect(headers["x-frame-options"]).toBe("DENY");
  });

  test("redirects inside its own host, and names it in the person's words", async () => {
    upstream.handlers.set("/redirect", (_, response) =>
      response.writeHead(302, { location: `${upstream.url}/there?a=1`, "content-location": "/here" }).end(),
    );
    const { headers } = await send(`${wiki}/redirect`, { headers: own(alice, wiki) });
    expect([headers.location, headers["content-location"]]).toEqual([`${wiki}/there?a=1`, `${wiki}/here`]);
    const page = { ...own(alice, wiki), origin: wiki, referer: `${wiki}/page?x=1` };
    await send(`${wiki}/x`, { method: "POST", headers: page });
    expect(upstream.last().headers).toMatchObject({ origin: upstream.url, referer: `${upstream.url}/page?x=1` });
  });

  test("gets no script of a service worker asked for", async () => {
    const calls = await callsDuring(async () => {
      const worker = { "sec-fetch-mode": "same-origin", "sec-fetch-dest": "serviceworker", "service-worker": "script" };
      const answer = await send(`${wiki}/sw.js`, { headers: own(alice, wiki, worker) });
      expect([answer.status, reasonOf(answer)]).toEqual([403, "service_worker"]);
    });
    expect(calls).toBe(0);
  });
});

describe("hosts", () => {
  test.each([
    "WIKI--local.tools.localhost",
    "wiki--local.tools.localhost.",
    "wiki--eu.tools.localhost",
    "wi--ki--local.tools.localhost",
    "-wiki--local.tools.localhost",
    "a.wiki--local.tools.localhost",
    "wiki--local.tools.localhost.elsewhere.example",
    "--local.tools.localhost",
    "tools.localhost",
  ])("that is none of ours gets 421: %s", async (host) => {
    const { port } = hosts.gateway;
    const headers = {
      ...NAVIGATION,
      host: `${host}:${port}`,
      authorization: `Bearer ${await hosts.gateway.token("alice")}`,
    };
    const calls = await callsDuring(async () => {
      expect((await send(`http://127.0.0.1:${port}/x`, { headers })).status).toBe(421);
    });
    expect(calls).toBe(0);
  });

  test("take a tool's token, too, and no other way past the login", async () => {
    const authorization = `Bearer ${await hosts.gateway.token("alice")}`;
    expect((await send(`${wiki}/x`, { headers: { authorization } })).status).toBe(200);
    expect((await send(`${wiki}/x`, { method: "POST", headers: { authorization } })).status).toBe(200);
    const { status, headers } = await send(`${wiki}/x`, {});
    expect([status, headers["www-authenticate"]]).toEqual([401, expect.stringContaining("Bearer")]);
    const page = await send(`${wiki}/x`, { headers: OWN_FETCH });
    // A browser would ask for a password.
    expect(page.headers["www-authenticate"]).toBe('Bearer realm="sallyport"');
  });

  test("do not serve the gateway's own surfaces, and the gateway's host no login cookie", async () => {
    const answer = await send(`${wiki}/healthz`, { headers: own(alice, wiki) });
    expect(JSON.parse(answer.text)).toMatchObject({ url: "/healthz" });
    await send(`${wiki}/c/shop/x`, { headers: own(alice, wiki) });
    expect(upstream.last().url).toBe("/c/shop/x");
    for (const path of ["/login/start", "/login/callback"]) {
      await send(wiki + path, { headers: own(alice, wiki) });
      expect(upstream.last().url).toBe(path);
      expect((await send(`http://localhost:${hosts.gateway.port}${path}`, { headers: NAVIGATION })).status).toBe(404);
    }
    expect((await send(`${wiki}/.sallyport/else`, { headers: own(alice, wiki) })).status).toBe(404);
  });

  test("are for connections that say so; for others, and for none, the refusal is the policy's", async () => {
    const authorization = `Bearer ${await hosts.gateway.token("alice")}`;
    const asked = async (name: string, who = authorization): Promise<string> =>
      reasonOf(await send(`${hosts.originOf(name)}/x`, { headers: { authorization: who } }));
    expect(await asked("plain")).toBe("no_host_form");
    expect(await asked("nothing")).toBe("no_rule");
    const stranger = `Bearer ${await hosts.gateway.token("mallory")}`;
    expect([await asked("plain", stranger), await asked("wiki", stranger)]).toEqual(["no_rule", "no_rule"]);
    // Without an identity nobody learns which there are.
    for (const name of ["plain", "nothing", "wiki"])
      expect((await send(`${hosts.originOf(name)}/`, { headers: NAVIGATION })).status).toBe(303);
  });

  test.each(["wiki", "nothing"])("are no upstream of a policy's: %s", async (name) => {
    const policy = testPolicy({ loop: { upstream: hosts.originOf(name).replace("localhost:", "localhost.:") } });
    const current = await hosts.gateway.fetch("dan", "/api/v1/policy");
    const answer = await hosts.gateway.fetch("dan", "/api/v1/policy", {
      method: "PUT",
      headers: { "content-type": "application/yaml", "if-match": current.headers.get("etag") ?? "" },
      body: JSON.stringify(policy),
    });
    expect(answer.status).toBe(422);
    expect(await answer.text()).toContain("an upstream that is not the gateway itself");
  });

  test("answer a person with pages, without a word of what was sent", async () => {
    const carol = new Visitor();
    const { answer } = await carol.walk(`${wiki}/%3Cb%3Esecret%3C/b%3E`, "carol");
    expect([answer?.status, answer?.headers["content-type"]]).toEqual([403, "text/html; charset=utf-8"]);
    expect(answer?.text).toContain("Record: ");
    expect(answer?.text).not.toContain("secret");
  });

  test("never grant other origins access to the API", async () => {
    for (const path of ["/api/v1/whoami", "/api/v1/openapi.json", "/c/wiki/x", "/healthz"])
      for (const method of ["GET", "OPTIONS"]) {
        const headers = { origin: wiki, "access-control-request-method": "GET", cookie: alice.cookie(hosts.origin) };
        const answer = await send(hosts.origin + path, { method, headers });
        expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
      }
  });
});
