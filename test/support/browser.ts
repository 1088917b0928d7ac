// A real browser: Debian's Chromium, driven by playwright-core, with a profile that is new each time and
// without whatever it would do on its own over the network.

import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

export async function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** Opens a URL, and logs in at the demonstration's provider where that asks who it is. */
export async function openAs(context: BrowserContext, url: string, name: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  const who = page.getByRole("button", { name });
  if (new URL(page.url()).pathname.startsWith("/interaction/")) {
    await Promise.all([page.waitForURL((at) => at.href.startsWith(new URL(url).origin)), who.click()]);
  }
  return page;
}
