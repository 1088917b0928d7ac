// A real browser at connections' own hosts: it logs in by redirect and uses a registry's page; and a
// hostile tool's page tries what it can from there. What browsers enforce is tested in one.

import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startPackagesPage, startRegistry, type Tool } from "../../local/tools.ts";
import { openAs, startBrowser } from "../support/browser.ts";
import { type ChatTool, startChatTool } from "../support/chat_tool.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { freePort, testPolicy } from "../support/gateway.ts";
import { startToolHosts, type ToolHosts } from "../support/tool_hosts.ts";

const PASSWORD = "the-registry's-own-password";

let browser: Browser;
let context: BrowserContext;
let upstream: EchoUpstream;
let chat: ChatTool;
const tools: Tool[] = [];
let hosts: ToolHosts;
let state: string;
let wiki: string;
let shop: string;

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), "sallyport-browser-"));
  upstream = await startEchoUpstream();
  const [port, registry, page] = [await freePort(), await freePort(), await freePort()];
  const place = { state, logs: state, password: PASSWORD };
  const packages = `http://packages--local.tools.localhost:${port}/`;
  tools.push(await startRegistry({ ...place, port: registry, publicUrl: `http://127.0.0.1:${port}/c/registry/` }));
  chat = await startChatTool();
  const credential = { as: "basic", secret: "UPSTREAM_REGISTRY" };
  const settings = { upstream: upstream.url, browser: true };
  const policy = testPolicy({
    registry: { upstream: `http://127.0.0.1:${registry}`, credential },
    packages: { upstream: `http://127.0.0.1:${page}`, browser: true },
    wiki: settings,
    shop: settings,
    chat: { protocol: "websocket", upstream: chat.url, browser: true },
    portal: { ...settings, framing: [`http://wiki--local.tools.localhost:${port}`] },
  }) as { rules: unknown[] };
  policy.rules.push({
    id: "nobody-deletes",
    effect: "deny",
    who: "anyone",
    connections: ["chat"],
    methods: ["SEND"],
    routes: ["/**"],
    when: 'has(command.json) && has(command.json.op) && command.json.op == "delete"',
  });
  hosts = await startToolHosts({
    port,
    policy,
    secrets: { UPSTREAM_REGISTRY: `gateway:${PASSWORD}` },
  });
  wiki = hosts.originOf("wiki");
  shop = hosts.originOf("shop");
  await publish("left-pad", "pads to the left", "# Left pad\n\nIt pads.");
  tools.push(await startPackagesPage({ ...place, port: page, publicUrl: packages }));
  browser = await startBrowser();
});
beforeEach(async () => {
  context = await browser.newContext();
});
afterEach(async () => {
  await context?.close();
});
afterAll(async () => {
  await browser?.close();
  await hosts?.stop();
  for (const tool of tools) await tool.stop();
  await upstream?.stop();
  await chat?.stop();
  rmSync(state, { recursive: true, force: true });
});

/** Publishes as npm does, through the gateway: one document with the archive in it. */
async function publish(name: string, description: string, readme: string): Promise<void> {
  const archive = gzipSync("");
  const tarball = `http://127.0.0.1/${name}/-/${name}-1.0.0.tgz`;
  const dist = { tarball, shasum: createHash("sha1").update(archive).digest("hex") };
  const about = { name, description, readme };
  const file = { content_type: "application/octet-stream", data: archive.toString("base64"), length: archive.length };
  const body = JSON.stringify({
    ...about,
    _id: name,
    "dist-tags": { latest: "1.0.0" },
    versions: { "1.0.0": { ...about, version: "1.0.0", dist } },
    _attachments: { [`${name}-1.0.0.tgz`]: file },
  });
  const headers = { "content-type": "application/json" };
  const answer = await hosts.gateway.fetch("bob", `/c/registry/${name}`, { method: "PUT", headers, body });
  expect([answer.status, await answer.text()]).toMatchObject([201, expect.any(String)]);
}

test("a person logs in and uses the registry's page: its list and a package", async () => {
  const page = await openAs(context, `${hosts.originOf("packages")}/`, "Alice Archer");
  await page.getByText("pads to the left").first().waitFor();
  await page.getByText("left-pad").first().click();
  await page.getByRole("heading", { name: "Left pad" }).waitFor();
  expect(page.url()).toBe(`${hosts.originOf("packages")}/-/web/detail/left-pad`);
  const records = await hosts.gateway.records("carol", "packages");
  const asked = records.filter((one) => one.kind === "command.requested").map((one) => one.fields.target);
  expect(asked).toContain("GET /");
  expect(asked).toContain("GET /-/verdaccio/data/packages");
  expect(asked.join("\n")).toMatch(/GET \/-\/static\/.+\.js/);
  expect(records[0]?.fields.principal).toContain('"name":"Alice Archer"');
});

test("a login leads back to the page that was asked for, and lasts over several", async () => {
  const page = await openAs(context, `${wiki}/deep/link?x=%2F&y=1`, "Alice Archer");
  expect(page.url()).toBe(`${wiki}/deep/link?x=%2F&y=1`);
  await page.goto(`${wiki}/other`);
  expect(JSON.parse(await page.innerText("body"))).toMatchObject({ url: "/other" });
  const cookies = await context.cookies(wiki);
  expect(cookies.find(({ name }) => name === "__Host-Http-sallyport")).toMatchObject({
    httpOnly: true,
    secure: true,
    sameSite: "Lax",
    path: "/",
    domain: new URL(wiki).hostname,
  });
});

test("a person who logs out is asked to log in again", async () => {
  const page = await openAs(context, `${wiki}/`, "Alice Archer");
  await page.goto(`${wiki}/.sallyport/logout`);
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("heading", { name: "You are logged out" }).waitFor();
  expect((await context.cookies(wiki)).map(({ name }) => name)).toEqual([]);
  // By the provider, which still knows the person.
  await page.getByRole("link", { name: "Log in again" }).click();
  await page.waitForURL(`${wiki}/`);
  expect((await context.cookies(wiki)).map(({ name }) => name)).toContain("__Host-Http-sallyport");
});

test("a person whom the policy allows nothing sees why, on a page", async () => {
  const page = await openAs(context, `${wiki}/`, "Carol Castillo");
  await page.getByRole("heading", { name: "No rule of the policy allows this" }).waitFor();
  expect(await page.innerText("main")).toMatch(/Record: [0-9a-f-]{36}\/\d+/);
});

test("a person talks to a tool over a WebSocket, and each message is decided and recorded", async () => {
  const page = await openAs(context, `${hosts.originOf("chat")}/`, "Alice Archer");
  await page.getByText("open chat.v1").waitFor();
  for (const text of ["hello", '{"op":"delete"}', "goodbye"]) {
    await page.getByRole("textbox").fill(text);
    await page.getByRole("button", { name: "Say" }).click();
    if (!text.includes("delete")) await page.getByText(`echo of ${text}`).waitFor();
  }
  expect(await page.getByRole("listitem").allInnerTexts()).toEqual([
    "open chat.v1",
    "echo of hello",
    "echo of goodbye",
  ]);
  // What the tool saw: its own origin and cookie, and none of the gateway's.
  expect(chat.handshakes.at(-1)).toMatchObject({ origin: chat.url, cookie: "chat=1" });
  const records = await hosts.gateway.records("carol", "chat");
  const said = records.filter(({ classes }) => classes.protocol === "websocket");
  expect(said.map(({ kind, classes, fields }) => [kind, classes.verb, fields.payload])).toEqual([
    ["command.requested", "send", "hello"],
    ["command.requested", "receive", "echo of hello"],
    ["command.denied", "send", '{"op":"delete"}'],
    ["command.requested", "send", "goodbye"],
    ["command.requested", "receive", "echo of goodbye"],
  ]);
});

describe("a hostile tool's page", () => {
  let page: Page;

  beforeEach(async () => {
    const html = readFileSync(join(import.meta.dirname, "../support/hostile_page.html"));
    upstream.handlers.set("/page", (_, response) => response.writeHead(200, { "content-type": "text/html" }).end(html));
    upstream.handlers.set("/worker.js", (_, response) =>
      response
        .writeHead(200, { "content-type": "text/javascript", "service-worker-allowed": "/" })
        .end("self.addEventListener('fetch', () => undefined)"),
    );
    // The person is logged in at another tool, too.
    await (await openAs(context, `${shop}/page`, "Alice Archer")).close();
    page = await openAs(context, `${wiki}/page`, "Alice Archer");
  });

  /** Calls one of the page's functions. */
  function attack(name: string, ...args: readonly unknown[]): Promise<unknown> {
    return page.evaluate(`attack.${name}(${args.map((one) => JSON.stringify(one)).join(", ")})`);
  }

  /** How often a path reached a tool while `work` went on. */
  async function reached(path: string, work: () => Promise<unknown>): Promise<number> {
    const before = upstream.received.length;
    await work();
    return upstream.received.slice(before).filter(({ url }) => url === path).length;
  }

  test("reads nothing of the gateway's API", async () => {
    for (const path of ["/api/v1/whoami", "/api/v1/sessions", "/c/shop/x"]) {
      expect(await attack("fetch", hosts.origin + path)).toBe("nothing");
      expect(await attack("fetch", hosts.origin + path, { mode: "no-cors" })).toBe("opaque 0 ");
    }
  });

  test("reaches no other connection with the person's login there", async () => {
    const url = `${shop}/stolen`;
    const times = await reached("/stolen", async () => {
      expect(await attack("fetch", url)).toBe("nothing");
      await attack("fetch", url, { mode: "no-cors" });
      await attack("fetch", url, { mode: "no-cors", method: "POST", body: "x" });
      expect(await attack("image", url)).toBe("error");
      expect(await attack("socket", url)).toBe("error");
    });
    expect(times).toBe(0);
    // The browser did send the login along, the two being one site for it: that is why it was refused.
    const records = await hosts.gateway.records("carol", "shop");
    const denied = records.filter((one) => one.kind === "command.denied" && one.fields.target?.includes("/stolen"));
    expect(denied.length).toBeGreaterThan(3);
    for (const { classes } of denied) expect(classes.reason).toBe("cross_site");
  });

  test("sends no form there", async () => {
    const times = await reached("/stolen", async () => {
      await attack("form", `${shop}/stolen`);
      await page.getByRole("heading", { name: "This did not come from the tool's own pages" }).waitFor();
    });
    expect(times).toBe(0);
  });

  test("neither sees nor replaces the gateway's cookies, its own or another connection's", async () => {
    const session = async (): Promise<string[]> =>
      (await context.cookies([wiki, shop]))
        .filter(({ name }) => name === "__Host-Http-sallyport")
        .map(({ domain, value }) => `${domain} ${value}`)
        .sort();
    const before = await session();
    expect(before).toHaveLength(2);
    const lines = ["__Host-Http-sallyport", "__Host-Http-sallyport-login"].flatMap((name) => [
      `${name}=evil; path=/; secure`,
      `${name}=evil; path=/; secure; domain=tools.localhost`,
      `${name}=evil; path=/page`,
      `=${name}=evil; path=/; domain=tools.localhost`,
    ]);
    expect(await attack("cookies", lines)).toBe("");
    expect(await session()).toEqual(before);
    // More than a browser keeps for a host, so that it drops some: none takes the place of a dropped one.
    const many = Array.from({ length: 400 }, (_, at) => `many${at}=1; path=/; secure`);
    expect(await attack("cookies", [...many, ...lines])).not.toContain("sallyport");
    for (const one of await session()) expect(before).toContain(one);
    await context.clearCookies({ name: /^many/ });
    await page.goto(`${shop}/still`);
    expect(JSON.parse(await page.innerText("body"))).toMatchObject({ url: "/still" });
  });

  test("can set a cookie for all tools' hosts, until browsers know those for different sites", async () => {
    await attack("cookies", ["tossed=1; domain=tools.localhost; path=/"]);
    await page.goto(`${shop}/tossed`);
    expect(upstream.received.find(({ url }) => url === "/tossed")?.headers.cookie).toBe("tossed=1");
  });

  test("installs no service worker", async () => {
    const times = await reached("/worker.js", async () => {
      expect(await attack("worker", "/worker.js")).toBe("refused");
    });
    expect(times).toBe(0);
    expect(context.serviceWorkers()).toEqual([]);
  });

  test("frames no other connection, nor itself, but one whose connection says so", async () => {
    const framed = async (url: string): Promise<string> => {
      await attack("frame", url);
      return page.frames().at(-1)?.url() ?? "";
    };
    const nothing = "chrome-error://chromewebdata/";
    expect(await framed(`${shop}/page`)).toBe(nothing);
    expect(await framed(`${wiki}/page`)).toBe(nothing);
    const portal = hosts.originOf("portal");
    await (await openAs(context, `${portal}/page`, "Alice Archer")).close();
    expect(await framed(`${portal}/page`)).toBe(`${portal}/page`);
    expect(await page.frames().at(-1)?.innerText("h1")).toBe("tool");
  });
});
