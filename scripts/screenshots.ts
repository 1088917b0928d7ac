// `npm run screenshots [folder]`: pictures of the console's pages about approvals, on a phone and a desktop,
// light and dark, of the real gateway with something to show. They go into a folder outside of this
// repository, and are for people to look at.

import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { newPerson, type Scenes, startScenes } from "../test/support/approval_scenes.ts";
import { startBrowser } from "../test/support/browser.ts";
import { buildWorker } from "./build.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const SIZES = { phone: { width: 360, height: 740 }, desktop: { width: 1280, height: 900 } } as const;
const SCHEMES = ["light", "dark"] as const;

function folderOf(asked: string | undefined): string {
  if (asked === undefined) return mkdtempSync(join(tmpdir(), "sallyport-pages-"));
  const folder = resolve(asked);
  if (!relative(root, folder).startsWith("..")) throw new Error("pictures go outside of the repository");
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** What there is to see: by the name of its picture, who looks, and where. */
type Views = readonly (readonly [picture: string, who: string, path: string])[];

const NAMES = { bob: "Bob Berger", sam: "Sam Sato", carol: "Carol Castillo", dan: "Dan Dupont" } as const;

async function prepare({ ask, call, hosts }: Scenes): Promise<Views> {
  const json = { "content-type": "application/json" };
  const reason = (text: string) => ({ "sallyport-reason": encodeURIComponent(text) });
  await call("alice", "GET", "/v1/namespaces/shop/pods?labelSelector=app%3Dcart");
  await call("alice", "GET", "/v1/namespaces/shop/pods/cart-7d9f/log?tailLines=200");
  const scale = await ask("alice", "PATCH", "/v1/namespaces/shop/deployments/cart/scale?fieldManager=kubectl", {
    headers: {
      ...{ "content-type": "application/merge-patch+json", "if-match": '"4711"' },
      ...reason("Checkout is slow since 14:05, the cart runs out of memory. I want three more."),
    },
    body: JSON.stringify({
      spec: { replicas: 6, template: { annotations: { "why/": "checkout", ticket: "OPS-2291", dryRun: false } } },
      auth: { user: "deployer", password: "correct horse battery staple" },
    }),
  });
  await ask("erin", "DELETE", "/v1/namespaces/shop/pods/cart-7d9f", { headers: reason("It hangs.") });
  const hostile = await ask("erin", "POST", "/v1/namespaces/shop/configmaps", {
    headers: { ...json, ...reason("рlease approve \u202equickly\u202c, <b>it is fine</b>") },
    body: `{"admin": "\u202etxt.exe\u202c", "host": "pаypal.example", "zero\u200bwidth": "[masked:password]", "nul": "\u0000\u0000\u0000", "html": "<script>alert(1)</script>"}`,
  });
  const binary = await ask("erin", "PUT", "/v1/images/logo.png", {
    headers: { "content-type": "image/png" },
    body: Uint8Array.from({ length: 5_000 }, (_, i) => (i * 37 + (i >> 3)) % 256),
  });
  const payout = await ask("alice", "POST", "/payouts/2026-11", {
    headers: { ...json, ...reason("Monthly payout, as agreed with finance.") },
    body: JSON.stringify({ batch: "2026-11", currency: "EUR", total: "48210.55", rows: 312 }),
  });
  const agent = await ask("agent", "DELETE", "/v1/namespaces/shop/jobs/import-42?propagationPolicy=Background");
  await call("erin", "POST", "/payouts/urgent", {
    headers: { ...json, "sallyport-break-glass": "The bank closes in ten minutes" },
    body: JSON.stringify({ iban: "DE89370400440532013000", total: "900.00" }),
  });
  const token = await hosts.gateway.token({ subject: "lena", groups: ["leads"], claims: { name: "Lena Lindt" } });
  await decide(hosts.gateway.url, token, payout, "The sum is right.");
  return [
    ["inbox", NAMES.bob, "/"],
    ["inbox-empty", NAMES.dan, "/"],
    ["inbox-all", NAMES.carol, "/?view=all"],
    ["decided", NAMES.bob, "/?view=decided&state=denied"],
    ["reviews", NAMES.bob, "/?view=reviews"],
    ["form", NAMES.bob, `/approvals/${scale}`],
    ["form-hostile", NAMES.bob, `/approvals/${hostile}`],
    ["form-binary", NAMES.bob, `/approvals/${binary}`],
    ["form-quorum", NAMES.sam, `/approvals/${payout}`],
    ["form-agent", NAMES.bob, `/approvals/${agent}`],
    ["form-reader", NAMES.carol, `/approvals/${scale}`],
  ];
}

async function decide(gateway: string, token: string, approval: string, comment: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const url = `${gateway}/api/v1/approvals/${approval}`;
  const { seen } = (await (await fetch(url, { headers })).json()) as { readonly seen: string };
  const body = JSON.stringify({ decision: "approve", seen, comment });
  const answer = await fetch(`${url}/decision`, { method: "POST", headers, body });
  if (!answer.ok) throw new Error(`not decided: ${answer.status} ${await answer.text()}`);
}

async function take(browser: Browser, scenes: Scenes, views: Views, folder: string): Promise<void> {
  for (const [device, viewport] of Object.entries(SIZES))
    for (const colorScheme of SCHEMES) {
      for (const who of new Set(views.map(([, name]) => name))) {
        const context = await newPerson(browser, { viewport, colorScheme });
        for (const [picture, , path] of views.filter(([, name]) => name === who)) {
          const page = await scenes.open(context, who, path);
          await page.locator("main").waitFor();
          await page.screenshot({ path: join(folder, `${picture}-${device}-${colorScheme}.png`), fullPage: true });
          await page.close();
        }
        await context.close();
      }
    }
}

const folder = folderOf(process.argv[2]);
buildWorker();
const scenes = await startScenes();
const browser = await startBrowser();
try {
  await take(browser, scenes, await prepare(scenes), folder);
  process.stdout.write(`${folder}\n`);
} finally {
  await browser.close();
  await scenes.stop();
}
