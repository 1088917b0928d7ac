// The pages about approvals as axe-core judges them, in Debian's Chromium: on a phone and a desktop, light and
// dark, with and without something to show; and by keyboard alone.

import { createRequire } from "node:module";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newPerson, type Scenes, startScenes } from "../support/approval_scenes.ts";
import { startBrowser } from "../support/browser.ts";
import { HOSTILE_TEXTS } from "../support/hostile_texts.ts";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const BOB = "Bob Berger";

let browser: Browser;
let scenes: Scenes;
/** By what is special about them. */
const approvals = new Map<string, string>();

beforeAll(async () => {
  [scenes, browser] = await Promise.all([startScenes(), startBrowser()]);
  const json = { "content-type": "application/json" };
  const body = JSON.stringify({ replicas: 3, password: "correct horse", list: [1, null, "a long text ".repeat(9)] });
  const ask = async (what: string, method: string, path: string, sent = {}): Promise<void> =>
    void approvals.set(what, await scenes.ask("alice", method, path, sent));
  await scenes.call("alice", "GET", "/v1/pods");
  await ask("json", "PATCH", "/v1/pods?a=b", {
    headers: { ...json, "if-match": '"1"', "sallyport-reason": "Because" },
    body,
  });
  await ask("hostile", "POST", `/v1/${"long-".repeat(60)}?q=%e2%80%ae`, {
    body: Object.values(HOSTILE_TEXTS).join("\n"),
  });
  await ask("binary", "PUT", "/v1/logo", {
    headers: { "content-type": "image/png" },
    body: new Uint8Array(600).fill(7),
  });
  await ask("comment", "POST", "/payouts/1", { headers: json, body: "{}" });
  await ask("denied", "DELETE", "/v1/pods/1");
  await ask("granted", "DELETE", "/v1/pods/2");
  await scenes.call("alice", "POST", "/payouts/2", { headers: { "sallyport-break-glass": "Now" }, body: "{}" });
  await actAs(BOB, "denied", async (page) => {
    await page.getByLabel("Comment").fill("No");
    await page.getByRole("button", { name: "Deny" }).click();
    await page.getByText("You denied this").waitFor();
  });
  await actAs(BOB, "granted", async (page) => {
    await page.getByRole("button", { name: "Approve for so long" }).click();
    await page.getByText("You approved this").waitFor();
  });
});
afterAll(async () => {
  await browser?.close();
  await scenes?.stop();
});

async function actAs(name: string, what: string, act: (page: Page) => Promise<void>): Promise<void> {
  const context = await newPerson(browser);
  await act(await scenes.open(context, name, pathOf(what)));
  await context.close();
}

function pathOf(what: string): string {
  return `/approvals/${approvals.get(what) ?? "none"}`;
}

async function faultsOf(page: Page, width: number): Promise<string[]> {
  await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
  await page.addScriptTag({ path: AXE });
  const { violations } = (await page.evaluate("axe.run()")) as {
    readonly violations: readonly { id: string; help: string; nodes: readonly { html: string }[] }[];
  };
  const wide = (await page.evaluate("document.documentElement.scrollWidth")) as number;
  return [
    ...violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes[0]?.html ?? ""}`),
    ...(wide > width ? [`${wide} pixels wide`] : []),
  ];
}

describe.each([
  ["a phone, light", 360, "light"],
  ["a phone, dark", 360, "dark"],
  ["a desktop, light", 1280, "light"],
  ["a desktop, dark", 1280, "dark"],
] as const)("on %s", (_, width, colorScheme) => {
  const open = async (name: string): Promise<readonly [BrowserContext, Page]> => {
    // What is put into the page to look at it is not the page's own.
    const context = await newPerson(browser, { viewport: { width, height: 740 }, colorScheme, bypassCSP: true });
    return [context, await scenes.open(context, name, "/")];
  };

  test("axe finds nothing in the inbox and nothing sticks out, with approvals and without", async () => {
    for (const [name, paths] of [
      [BOB, ["/", "/?view=reviews", "/?view=decided", "/?view=mine", "/?view=decided&state=denied&connection=staging"]],
      ["Dan Dupont", ["/", "/?view=reviews", "/?view=all"]],
    ] as const) {
      const [context, page] = await open(name);
      for (const path of paths) {
        await page.goto(scenes.console + path);
        expect([path, await faultsOf(page, width)]).toEqual([path, []]);
      }
      await context.close();
    }
  });

  test("axe finds nothing in the form and nothing sticks out, whatever it shows", async () => {
    const [context, page] = await open(BOB);
    for (const what of approvals.keys()) {
      await page.goto(scenes.console + pathOf(what));
      expect([what, await faultsOf(page, width)]).toEqual([what, []]);
    }
    await page.goto(scenes.console + pathOf("comment"));
    await page.getByLabel("Comment").fill("  ");
    await page.getByRole("button", { name: "Deny" }).click();
    await page.getByRole("alert").waitFor();
    expect(await faultsOf(page, width)).toEqual([]);
    await page.goto(`${scenes.console}/?view=reviews`);
    await page.locator(".approvals a").first().click();
    await page.getByRole("button", { name: "Sign off" }).waitFor();
    expect(await faultsOf(page, width)).toEqual([]);
    await context.close();
  });
});

test("by keyboard alone, somebody comes from the inbox to the form and its buttons, in the order that is read", async () => {
  const context = await newPerson(browser);
  const page = await scenes.open(context, BOB, "/");
  const focused = (): Promise<string> =>
    page.evaluate(
      "(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim().replace(/\\s+/g, ' ')",
    );
  const reached: string[] = [];
  while (!(await focused()).startsWith("PATCH /v1/pods?a=b") && reached.length < 40) {
    await page.keyboard.press("Tab");
    reached.push(await focused());
  }
  expect(reached.slice(0, 7)).toEqual([
    ...["Skip to the page", "Sallyport", "Approvals", "You", "Log out"],
    expect.stringMatching(/^For me/),
    "Mine",
  ]);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Approve once" }).waitFor();
  const onForm: string[] = [];
  while (onForm.at(-1) !== "Approve for so long" && onForm.length < 40) {
    await page.keyboard.press("Tab");
    onForm.push(await focused());
    const outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle");
    expect([onForm.at(-1), outline]).toEqual([onForm.at(-1), "solid"]);
  }
  expect(onForm.slice(-5)).toEqual([
    "Comment (optional)",
    "Approve once",
    "Deny",
    "Minutes, 60 at most",
    "Approve for so long",
  ]);
  await context.close();
});

test("nothing moves for whoever has asked for that", async () => {
  const context = await newPerson(browser, { reducedMotion: "reduce" });
  const page = await scenes.open(context, BOB, "/");
  const moving = await page.evaluate(
    `[...document.querySelectorAll("*")].filter((one) => {
      one.classList.add("fresh");
      const style = getComputedStyle(one);
      return style.animationName !== "none" || style.transitionDuration !== "0s";
    }).length`,
  );
  expect(moving).toBe(0);
  await context.close();
});
