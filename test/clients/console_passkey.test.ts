// A decision that its rule wants signed, in a real browser with a virtual authenticator: the passkey is added,
// the decision signed, and the call that waited for it goes on.

import type { Browser, BrowserContext, CDPSession, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { SignaturesVerifier } from "../../core/verify/verify_signatures.ts";
import { verifyExport } from "../../core/verify/verify_session.ts";
import { openAs, startBrowser } from "../support/browser.ts";
import { type PasskeyScenes, startPasskeyScenes } from "../support/passkey_scenes.ts";

let browser: Browser;
let scenes: PasskeyScenes;
const contexts: BrowserContext[] = [];

beforeAll(async () => {
  [browser, scenes] = await Promise.all([startBrowser(), startPasskeyScenes()]);
});
afterEach(async () => {
  for (const one of contexts.splice(0)) await one.close();
});
afterAll(async () => {
  await browser?.close();
  await scenes?.stop();
});

interface Device {
  readonly cdp: CDPSession;
  readonly id: string;
}

/** A page at the passkeys of somebody, with a device that has none yet. */
async function opened(name: string): Promise<{ readonly page: Page; readonly device: Device }> {
  const context = await browser.newContext();
  contexts.push(context);
  const page = await openAs(context, `${scenes.console}/passkeys`, name);
  const cdp = await context.newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId: id } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      ...{ protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true },
      ...{ isUserVerified: true, automaticPresenceSimulation: true },
    },
  });
  return { page, device: { cdp, id } };
}

async function add(page: Page, name: string): Promise<void> {
  await page.getByLabel("What you call it").fill(name);
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("listitem").filter({ hasText: name }).waitFor();
}

describe("a person with a passkey", () => {
  test("adds it, signs an approval with it, and removes it", async () => {
    const { page } = await opened("lena");
    const complaints: string[] = [];
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    await add(page, "my laptop");
    const id = await scenes.ask();
    await page.goto(`${scenes.console}/approvals/${id}`);
    await page.getByLabel("Comment").fill("looks\nright");
    await page.getByRole("button", { name: "Approve once" }).click();
    await page.getByText("You approved this").waitFor();
    const answer = await scenes.hosts.gateway.fetch("alice", scenes.callOf(id), {
      method: "POST",
      body: "x",
      headers: { "sallyport-approval": id },
    });
    expect(answer.status).toBe(200);
    await page.goto(`${scenes.console}/passkeys`);
    await page.getByRole("button", { name: "Remove my laptop" }).click();
    await page.getByText("You have none here.").waitFor();
    expect(complaints).toEqual([]);
  });

  test("allows for a time, and a verifier finds it signed", async () => {
    const { page } = await opened("liam");
    await add(page, "a key");
    const id = await scenes.ask();
    await page.goto(`${scenes.console}/approvals/${id}`);
    await page.getByLabel("Minutes").fill("7");
    await page.getByRole("button", { name: "Approve for so long" }).click();
    await page.getByText("You approved this").waitFor();
    const texts = await scenes.hosts.gateway.exports("carol", "tool");
    const signatures = new SignaturesVerifier();
    for (const text of texts) await verifyExport(text, { onRecord: (record) => signatures.take(record) });
    expect(signatures.verdict()).toMatchObject({ wrongCount: 0, notShown: 0 });
    expect(signatures.verdict()?.holding).toBeGreaterThan(0);
  });

  test("whose device does not know them is told that nothing was sent, and can try again", async () => {
    const { page, device } = await opened("lena");
    await add(page, "a phone");
    const id = await scenes.ask();
    await page.goto(`${scenes.console}/approvals/${id}`);
    await device.cdp.send("WebAuthn.setUserVerified", { authenticatorId: device.id, isUserVerified: false });
    await page.getByRole("button", { name: "Deny" }).click();
    await page.getByText("No passkey was used, so nothing was sent.").waitFor();
    await device.cdp.send("WebAuthn.setUserVerified", { authenticatorId: device.id, isUserVerified: true });
    await page.getByRole("button", { name: "Deny" }).click();
    await page.getByText("You denied this").waitFor();
  });
});

test("a person without JavaScript is told that a passkey needs it", async () => {
  const id = await scenes.ask();
  const context = await browser.newContext({ javaScriptEnabled: false });
  contexts.push(context);
  const page = await openAs(context, `${scenes.console}/passkeys`, "lena");
  await page.getByText("That takes JavaScript.").waitFor();
  await page.goto(`${scenes.console}/approvals/${id}`);
  await page.getByText(/That takes JavaScript|you have none here/).waitFor();
  await page.getByRole("button", { name: "Approve once" }).click();
  await page.getByText("and this came without. Nothing was decided.").waitFor();
});
