// People decide in real browsers while the ones who asked wait: one, two and three at once, with and without
// JavaScript. What the pages say is read as a person reads it.

import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { newPerson, type Scenes, SECURITY, startScenes } from "../support/approval_scenes.ts";
import { startBrowser } from "../support/browser.ts";
import { eventually } from "../support/gateway.ts";

const BOB = "Bob Berger";
const LENA = "Lena Lindt";

let browser: Browser;
let scenes: Scenes;
const contexts: BrowserContext[] = [];
let count = 0;
/** Asked for at the beginning, by a rule whose requests live a minute: it expires while the other tests run, and while Lena writes. */
let brief: string;
let slowLena: Page;

beforeAll(async () => {
  [scenes, browser] = await Promise.all([startScenes(), startBrowser()]);
  brief = await scenes.ask("alice", "POST", "/brief/1");
  slowLena = await scenes.open(await newPerson(browser), LENA, `/approvals/${brief}`);
  await slowLena.getByLabel("Comment").fill("I am slow");
});
afterEach(async () => {
  for (const one of contexts.splice(0)) await one.close();
});
afterAll(async () => {
  await browser?.close();
  await scenes?.stop();
});

async function at(name: string, path: string, options: { readonly javaScriptEnabled?: boolean } = {}): Promise<Page> {
  const context = await newPerson(browser, options);
  contexts.push(context);
  return scenes.open(context, name, path);
}

/** Another command each time. */
const pod = (): string => `/v1/pods/web-${++count}`;
const payout = (): string => `/payouts/2026-${++count}`;
const bodyOf = (page: Page): Promise<string> => page.locator("main").innerText();

/** Whether the upstream was asked for a path. */
const isForwarded = (path: string): boolean => scenes.upstream.received.some(({ url }) => url === path);

describe.each([
  ["with JavaScript", true],
  ["without JavaScript", false],
])("%s", (_, javaScriptEnabled) => {
  test("alice's call waits, bob approves it in the browser, and alice's call returns", async () => {
    const path = pod();
    const answer = scenes.call("alice", "DELETE", path, {
      headers: { prefer: "wait=60", "sallyport-reason": "It hangs" },
    });
    const inbox = await at(BOB, "/", { javaScriptEnabled });
    const link = inbox.getByRole("link", { name: path });
    if (javaScriptEnabled) await link.waitFor();
    else
      await eventually(
        async () => (await inbox.reload(), link.count()),
        (found) => found > 0,
      );
    await link.click();
    await inbox.getByRole("heading", { level: 1, name: `DELETE ${path}` }).waitFor();
    const text = await bodyOf(inbox);
    for (const told of ["Alice Archer", "alice@example.test", "It hangs", "pods-need-a-lead", "staging", "expires in"])
      expect(text).toContain(told);
    expect(isForwarded(path)).toBe(false);
    await inbox.getByRole("button", { name: "Approve once" }).click();
    await inbox.getByText("You approved this").waitFor();
    expect((await answer).status).toBe(200);
    expect(isForwarded(path)).toBe(true);
    await inbox.reload();
    expect(await bodyOf(inbox)).toContain("its command went on");
    expect(await inbox.getByRole("button", { name: "Approve once" }).count()).toBe(0);
  });

  test("a denial reaches alice with its comment, and nothing is forwarded", async () => {
    const path = pod();
    const answer = scenes.call("alice", "DELETE", path, { headers: { prefer: "wait=60" } });
    const page = await at(BOB, `/approvals/${await waitingAt(path)}`, { javaScriptEnabled });
    await page.getByLabel("Comment").fill("Not on a Friday.\nAsk again on Monday");
    await page.getByRole("button", { name: "Deny" }).click();
    await page.getByText("You denied this").waitFor();
    expect(await bodyOf(page)).toContain("Not on a Friday. Ask again on Monday");
    const told = (await (await answer).json()) as { readonly reason: string; readonly detail: string };
    expect(told).toMatchObject({ reason: "approval_denied", detail: "Not on a Friday. Ask again on Monday" });
    expect(isForwarded(path)).toBe(false);
  });

  test("what is missing or wrong is told, and what was typed is kept", async () => {
    const id = await scenes.ask("alice", "POST", payout());
    const page = await at(BOB, `/approvals/${id}`, { javaScriptEnabled });
    // The browser asks for it itself; whoever gets past that is told by the server.
    const comment = page.getByLabel("Comment (needed)");
    expect(await comment.getAttribute("required")).not.toBeNull();
    await comment.fill("  ");
    await page.getByRole("button", { name: "Approve once" }).click();
    await page.getByRole("alert").getByText("The rule wants to know why. Write a comment.").waitFor();
    const grant = await scenes.ask("alice", "DELETE", pod());
    await page.goto(`${scenes.console}/approvals/${grant}`);
    await page.evaluate("for (const form of document.forms) form.noValidate = true");
    await page.getByLabel("Comment").fill("just for now");
    await page.getByLabel("Minutes").fill("61");
    await page.getByRole("button", { name: "Approve for so long" }).click();
    await page.getByRole("alert").getByText("a whole number from 1 to 60").waitFor();
    expect(await page.getByLabel("Comment").inputValue()).toBe("just for now");
    expect(await page.getByLabel("Minutes").inputValue()).toBe("61");
  });

  test("what is approved for a time goes on without asking, until somebody takes it back", async () => {
    const path = pod();
    const id = await scenes.ask("alice", "DELETE", path);
    const page = await at(BOB, `/approvals/${id}`, { javaScriptEnabled });
    await page.getByLabel("Minutes").fill("30");
    await page.getByRole("button", { name: "Approve for so long" }).click();
    await page.getByText("You approved this").waitFor();
    expect(await bodyOf(page)).toMatch(/approved for 30 min/);
    for (let i = 0; i < 2; i++) expect((await scenes.call("alice", "DELETE", path)).status).toBe(200);
    await page.getByRole("button", { name: "Revoke the approval" }).click();
    await page.getByText("What was allowed for a time is over").waitFor();
    expect((await scenes.call("alice", "DELETE", path)).status).toBe(202);
  });

  test("of two who decide at once the second is told what became of it", async () => {
    const path = pod();
    const id = await scenes.ask("alice", "DELETE", path);
    const [bob, lena] = [
      await at(BOB, `/approvals/${id}`, { javaScriptEnabled }),
      await at(LENA, `/approvals/${id}`, { javaScriptEnabled }),
    ];
    // Lena is writing, so that her page is left as it is.
    await lena.getByLabel("Comment").fill("I would rather not");
    await bob.getByRole("button", { name: "Approve once" }).click();
    await bob.getByText("You approved this").waitFor();
    await lena.getByRole("button", { name: "Deny" }).click();
    await lena.getByRole("alert").getByText("It changed while you read it. Nothing was decided").waitFor();
    expect(await bodyOf(lena)).toContain("It is approved and was not used yet.");
    expect(await lena.getByRole("button", { name: "Deny" }).count()).toBe(0);
  });
});

/** The id of what waits at a path, as the inbox links to it. */
async function waitingAt(path: string): Promise<string> {
  const list = await eventually(
    async () => {
      const answer = await scenes.hosts.gateway.fetch("alice", "/api/v1/approvals?view=mine");
      const { items } = (await answer.json()) as { readonly items: readonly { id: string; title: string }[] };
      return items.filter(({ title }) => title.endsWith(` ${path}`));
    },
    (found) => found.length > 0,
  );
  return list[0]?.id ?? "";
}

test("three people: a lead and somebody of security approve, and only then it goes on", async () => {
  const path = payout();
  const answer = scenes.call("alice", "POST", path, { headers: { prefer: "wait=60" }, body: "{}" });
  const id = await waitingAt(path);
  const [bob, sam, lena] = [
    await at(BOB, `/approvals/${id}`),
    await at(SECURITY.name, `/approvals/${id}`),
    await at(LENA, `/approvals/${id}`),
  ];
  await bob.getByLabel("Comment").fill("The sum is right");
  await bob.getByRole("button", { name: "Approve once" }).click();
  await bob.getByText("More people have to approve").waitFor();
  expect(isForwarded(path)).toBe(false);
  // Without Sam's doing, his page says what Bob did.
  await sam.getByText("The sum is right").waitFor();
  await sam.getByLabel("Comment").fill("So is the account");
  await sam.getByRole("button", { name: "Approve once" }).click();
  await sam.getByText("You approved this").waitFor();
  expect((await answer).status).toBe(200);
  expect(isForwarded(path)).toBe(true);
  await lena.getByText("its command went on").waitFor();
  expect(await lena.getByRole("button", { name: "Approve once" }).count()).toBe(0);
});

test("whoever asked sees it, cannot decide it, and takes it back", async () => {
  const id = await scenes.askAsVisitor("bob", "DELETE", pod());
  const page = await at(BOB, "/?view=mine");
  await page.locator(`a[href="/approvals/${id}"]`).click();
  await page.getByRole("heading", { name: "You asked for this" }).waitFor();
  expect(await page.getByRole("button", { name: "Approve once" }).count()).toBe(0);
  await page.getByRole("button", { name: "Take it back" }).click();
  await page.getByText("Whoever asked took it back.").waitFor();
});

test("what was done without an approval is reviewed and signed off", async () => {
  const path = payout();
  const answer = await scenes.call("alice", "POST", path, {
    headers: { "sallyport-break-glass": "The bank closes" },
    body: "{}",
  });
  expect(answer.status).toBe(200);
  const page = await at(BOB, "/?view=reviews");
  await page.getByRole("link", { name: path }).click();
  await page.getByText("This went on without anybody's approval.").waitFor();
  await page.getByLabel("Comment").fill("It was right to");
  await page.getByRole("button", { name: "Sign off" }).click();
  await page.getByText("It was reviewed and signed off.").waitFor();
});

test("Enter in the number of minutes decides nothing", async () => {
  const id = await scenes.ask("alice", "DELETE", pod());
  const page = await at(BOB, `/approvals/${id}`);
  await page.getByLabel("Minutes").press("Enter");
  await page.reload();
  expect(await bodyOf(page)).toContain("Nobody has decided yet.");
});

test("whoever is writing while it changes keeps what they wrote, and is told", async () => {
  const id = await scenes.ask("alice", "DELETE", pod());
  const lena = await at(LENA, `/approvals/${id}`);
  await lena.getByLabel("Comment").fill("I wonder");
  const bob = await at(BOB, `/approvals/${id}`);
  await bob.getByRole("button", { name: "Deny" }).click();
  await lena.getByText("This approval has changed while you were writing.").first().waitFor();
  expect(await lena.getByLabel("Comment").inputValue()).toBe("I wonder");
  await lena.getByRole("link", { name: "Show it as it is now" }).click();
  await lena.getByText("It was denied. Nothing was forwarded.").waitFor();
});

test("what nobody decides expires: the page says so by itself, and a decision that comes then is refused", async () => {
  const bob = await at(BOB, `/approvals/${brief}`);
  await bob.getByText("Nobody decided in time. Nothing was forwarded.").waitFor({ timeout: 90_000 });
  expect(await bob.getByRole("button", { name: "Approve once" }).count()).toBe(0);
  await slowLena.getByRole("button", { name: "Approve once" }).click();
  await slowLena.getByRole("alert").getByText("It changed while you read it. Nothing was decided").waitFor();
  await slowLena.getByText("Nobody decided in time.").waitFor();
  expect(isForwarded("/brief/1")).toBe(false);
}, 120_000);
