// A real browser at the console: logging in and out, with and without JavaScript, and a hostile tool's page
// that tries to act there. What browsers enforce is tested in one.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openAs, startBrowser } from "../support/browser.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { testPolicy } from "../support/gateway.ts";
import { startToolHosts, type ToolHosts } from "../support/tool_hosts.ts";

let browser: Browser;
let upstream: EchoUpstream;
/** As it should be: the console is of another site than the tools. */
let apart: ToolHosts;
/** As it should not be, and cannot be told by a gateway: tools share the console's site. */
let shared: ToolHosts;
const contexts: BrowserContext[] = [];

beforeAll(async () => {
  upstream = await startEchoUpstream();
  const html = readFileSync(join(import.meta.dirname, "../support/hostile_page.html"));
  upstream.handlers.set("/page", (_, response) => response.writeHead(200, { "content-type": "text/html" }).end(html));
  const policy = testPolicy({ wiki: { upstream: upstream.url, browser: true } });
  [apart, shared] = await Promise.all([
    startToolHosts({ policy }),
    startToolHosts({ policy, console: "console.tools.localhost" }),
  ]);
  browser = await startBrowser();
});
afterEach(async () => {
  for (const one of contexts.splice(0)) await one.close();
});
afterAll(async () => {
  await browser?.close();
  await apart?.stop();
  await shared?.stop();
  await upstream?.stop();
});

async function newContext(options: Parameters<Browser["newContext"]>[0] = {}): Promise<BrowserContext> {
  const context = await browser.newContext(options);
  contexts.push(context);
  return context;
}

/** What the browser says of scripts, styles and forms that the page's own policy forbids. */
function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  return complaints;
}

async function isLoggedIn(page: Page, hosts: ToolHosts, name: string): Promise<void> {
  await page.goto(`${hosts.console}/you`);
  await page.getByRole("heading", { name: `You are ${name}` }).waitFor();
}

describe.each([
  ["with JavaScript", true],
  ["without JavaScript", false],
])("a person %s", (_, javaScriptEnabled) => {
  test("logs in by opening a page, sees it, and logs out", async () => {
    const context = await newContext({ javaScriptEnabled });
    const page = await openAs(context, `${apart.console}/you`, "Bob Berger");
    const complaints = complaintsOf(page);
    expect(page.url()).toBe(`${apart.console}/you`);
    await page.getByRole("heading", { name: "You are Bob Berger" }).waitFor();
    const cookies = await context.cookies(apart.console);
    expect(cookies.find(({ name }) => name === "__Host-Http-sallyport")).toMatchObject({
      httpOnly: true,
      secure: true,
      sameSite: "Lax",
      path: "/",
      domain: "console.localhost",
    });
    await page.getByRole("link", { name: "Log out" }).click();
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("heading", { name: "You are logged out" }).waitFor();
    expect(await context.cookies(apart.console)).toEqual([]);
    // By the provider, which still knows the person.
    await page.getByRole("link", { name: "Log in again" }).click();
    await page.waitForURL(`${apart.console}/`);
    expect(complaints).toEqual([]);
  });

  test("whose login is over goes on to where a page of the console led, after logging in again", async () => {
    const context = await newContext({ javaScriptEnabled });
    const page = await openAs(context, `${apart.console}/`, "Bob Berger");
    const complaints = complaintsOf(page);
    await context.clearCookies({ domain: "console.localhost" });
    await page.getByRole("link", { name: "Log out" }).click();
    await page.getByRole("heading", { name: "Log out of the console?" }).waitFor();
    expect(page.url()).toBe(`${apart.console}/logout`);
    expect(complaints).toEqual([]);
  });
});

test("a link from another site opens a page as the person who is logged in", async () => {
  const context = await newContext();
  await openAs(context, `${apart.console}/`, "Bob Berger");
  const elsewhere = await context.newPage();
  await elsewhere.goto("data:text/html,<p>chat</p>");
  await elsewhere.setContent(`<a href="${apart.console}/logout">the console</a>`);
  await elsewhere.getByRole("link").click();
  await elsewhere.getByRole("heading", { name: "Log out of the console?" }).waitFor();
});

describe("pages", () => {
  test.each([
    ["a phone, light", 360, "light"],
    ["a phone, dark", 360, "dark"],
    ["a desk, light", 1280, "light"],
    ["a desk, dark", 1280, "dark"],
  ] as const)("are whole and accessible on %s", async (_, width, colorScheme) => {
    const context = await newContext({ viewport: { width, height: 740 }, colorScheme, bypassCSP: true });
    const page = await openAs(context, `${apart.console}/`, "Bob Berger");
    for (const path of ["/", "/you", "/logout", "/nothing"]) {
      await page.goto(apart.console + path);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      await page.addScriptTag({ path: createRequire(import.meta.url).resolve("axe-core/axe.min.js") });
      const found = (await page.evaluate("axe.run()")) as { violations: readonly { id: string; help: string }[] };
      expect(found.violations.map(({ id, help }) => `${path} ${id}: ${help}`)).toEqual([]);
    }
  });

  test("show the reader's own time where there is JavaScript, and UTC where there is none", async () => {
    const timeIn = async (javaScriptEnabled: boolean): Promise<string> => {
      const context = await newContext({ javaScriptEnabled, timezoneId: "Asia/Kolkata", locale: "en-GB" });
      const page = await openAs(context, `${apart.console}/you`, "Bob Berger");
      return page.locator("time").innerText();
    };
    expect(await timeIn(false)).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d UTC$/);
    expect(await timeIn(true)).toMatch(/^\d{1,2} [A-Z][a-z]+ \d{4}(?:,| at) \d\d:\d\d:\d\d$/);
  });

  test("begin, by keyboard, with a way past the header", async () => {
    const page = await openAs(await newContext(), `${apart.console}/`, "Bob Berger");
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent.trim()")).toBe("Skip to the page");
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.id")).toBe("main");
  });
});

describe.each([
  ["of another site", () => apart],
  ["of the console's site", () => shared],
] as const)("a hostile tool's page %s", (where, hostsOf) => {
  let context: BrowserContext;
  let atConsole: Page;
  let page: Page;
  let hosts: ToolHosts;

  beforeEach(async () => {
    hosts = hostsOf();
    context = await newContext();
    atConsole = await openAs(context, `${hosts.console}/`, "Bob Berger");
    page = await openAs(context, `${hosts.originOf("wiki")}/page`, "Bob Berger");
  });

  function attack(name: string, ...args: readonly unknown[]): Promise<unknown> {
    return page.evaluate(`attack.${name}(${args.map((one) => JSON.stringify(one)).join(", ")})`);
  }

  const sessionCookie = async (): Promise<string> =>
    (await context.cookies(hosts.console)).find(({ name }) => name === "__Host-Http-sallyport")?.value ?? "";

  test("logs nobody in or out there by cookies that it sets for all hosts", async () => {
    const before = await sessionCookie();
    // What a login as somebody else left in the attacker's own browser.
    const mallory = await newContext();
    await openAs(mallory, `${hosts.console}/`, "Alice Archer");
    const stolen = (await mallory.cookies(hosts.console)).find(({ name }) => name === "__Host-Http-sallyport")?.value;
    const names = ["__Host-Http-sallyport", "__Host-sallyport", "__host-http-sallyport", "=__Host-Http-sallyport"];
    const domains = ["tools.localhost", "localhost", new URL(hosts.console).hostname];
    const lines = names.flatMap((name) =>
      domains.flatMap((domain) =>
        [stolen, "evil"].map((value) => `${name}=${value}; path=/; secure; domain=${domain}`),
      ),
    );
    await attack("cookies", lines);
    expect(await sessionCookie()).toBe(before);
    await isLoggedIn(atConsole, hosts, "Bob Berger");
    // Neither after the person has logged out.
    await context.clearCookies({ name: /^__Host-Http-/ });
    await attack("cookies", lines);
    expect((await context.cookies(hosts.console)).map(({ name }) => name)).not.toContain("__Host-Http-sallyport");
    // The provider knows whose browser it is.
    await isLoggedIn(atConsole, hosts, "Bob Berger");
  });

  test("posts nothing, reads nothing and frames nothing there", async () => {
    expect(await attack("fetch", `${hosts.console}/`)).toBe("nothing");
    expect(await attack("fetch", `${hosts.console}/`, { credentials: "include" })).toBe("nothing");
    expect(await attack("image", `${hosts.console}/`)).toBe("error");
    await attack("frame", `${hosts.console}/logout`);
    expect(page.frames()).toHaveLength(2);
    // The browser's own page, which says that it was refused.
    expect(await page.frames().at(-1)?.innerText("h1")).not.toMatch(/Log out|not come from|Another site|logged/);
    expect(await page.frames().at(-1)?.locator("#main").count()).toBe(0);
    await attack("form", `${hosts.console}/logout`);
    // A browser sends no Lax cookie with another site's form.
    const told = where === "of another site" ? "Another site sent your browser here" : "This did not come from";
    await page.getByRole("heading", { name: told }).waitFor();
    await isLoggedIn(atConsole, hosts, "Bob Berger");
  });
});

test("a tool of another site cannot crowd the console's cookies out of the browser", async () => {
  const context = await newContext();
  const atConsole = await openAs(context, `${apart.console}/`, "Bob Berger");
  const page = await openAs(context, `${apart.originOf("wiki")}/page`, "Bob Berger");
  const many = Array.from({ length: 400 }, (_, at) => `many${at}=1; path=/; domain=tools.localhost`);
  await page.evaluate(`attack.cookies(${JSON.stringify(many)})`);
  await isLoggedIn(atConsole, apart, "Bob Berger");
});
