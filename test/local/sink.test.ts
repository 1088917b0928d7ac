// The sink of notices that `npm start` has: what it takes, and how it shows what strangers wrote.

import { randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { renderNotice } from "../../local/screen.ts";
import { type Sink, type SinkNotice, startSink } from "../../local/sink.ts";

const SECRET = `whsec_${randomBytes(32).toString("base64")}`;
const HOSTILE = "PUT /<script>alert(1)</script>\u001b[2J\u202e\n";

const told: SinkNotice[] = [];
let sink: Sink;

beforeAll(async () => {
  sink = await startSink({ port: 0, secret: SECRET, onNotice: (notice) => told.push(notice) });
});
afterAll(() => sink?.stop());

function notice(change: object = {}): object {
  return {
    type: "approval.requested",
    timestamp: "2026-11-24T11:44:41.385Z",
    data: {
      ...{ approval: "a", url: "http://console.localhost:8787/approvals/a", title: HOSTILE, connection: "registry" },
      ...{ requester: "Alice <b>", ...change },
    },
  };
}

async function post(body: string, id = "one", secret = SECRET, at = new Date()): Promise<number> {
  const signature = new Webhook(secret).sign(id, at, body);
  const headers = {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": signature,
  };
  return (await fetch(`${sink.url}/notices`, { method: "POST", headers, body })).status;
}

test("takes what the gateway signed, once, and shows it as text", async () => {
  const body = JSON.stringify(notice());
  expect([await post(body), await post(body)]).toEqual([204, 204]);
  expect(told).toEqual([notice()]);
  expect(await (await fetch(`${sink.url}/notices.json`)).json()).toEqual([notice()]);
  const page = await fetch(`${sink.url}/`);
  expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
  const text = await page.text();
  expect(text).not.toMatch(/<script|<b>Alice|Alice <b>/);
  expect(text).toContain("&#60;script&#62;");
});

test("refuses what another key signed, an old one, one without a signature, and one that is no notice", async () => {
  const body = JSON.stringify(notice());
  expect(await post(body, "two", `whsec_${randomBytes(32).toString("base64")}`)).toBe(401);
  expect(await post(body, "two", SECRET, new Date(Date.now() - 3_600_000))).toBe(401);
  expect((await fetch(`${sink.url}/notices`, { method: "POST", body })).status).toBe(401);
  expect(await post(JSON.stringify(notice({ url: "javascript:alert(1)" })), "two")).toBe(401);
  expect(await post("x".repeat(100_000), "two")).toBe(413);
  expect((await fetch(`${sink.url}/else`)).status).toBe(404);
  expect(told.length).toBe(1);
});

test("what is printed of it moves no terminal, and its link stands alone", () => {
  const lines = renderNotice(notice() as SinkNotice, false).split("\n");
  expect(lines).toEqual([
    "  ◆ requested  11:44:41  PUT /<script>alert(1)</script>\\u{1b}[2J\\u{202e}\\u{a} on registry, by Alice <b>",
    "    http://console.localhost:8787/approvals/a",
  ]);
});
