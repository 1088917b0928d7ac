// The console's pages: who gets them, what stands in them, and what of them is on record.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readConfig } from "../../workers/config.ts";
import type { Env } from "../../workers/env.ts";
import { formTokenOf, loggedInAt, sendForm } from "../support/console_visitor.ts";
import { type ReadRecord, startGateway, testPolicy } from "../support/gateway.ts";
import {
  NAVIGATION,
  OWN_FETCH,
  reasonOf,
  send,
  startToolHosts,
  type ToolHosts,
  Visitor,
} from "../support/tool_hosts.ts";

const HOSTILE = '</title><img src=x onerror="alert(1)">&"\'<script>alert(2)</script>';

let hosts: ToolHosts;
let console: string;

beforeAll(async () => {
  hosts = await startToolHosts({
    policy: testPolicy({}),
    more: [{ subject: "eve", name: HOSTILE, email: "eve@example.test", groups: ["<b>bold</b>", "a&b"] }],
  });
  ({ console } = hosts);
});
afterAll(async () => {
  await hosts?.stop();
});

const loggedIn = (subject: string): Promise<Visitor> => loggedInAt(console, subject);

/** What stands of somebody in their sessions on the console, as they read it. */
function recordsOf(subject: string): Promise<ReadRecord[]> {
  const issuer = hosts.provider.issuer;
  return hosts.gateway
    .records("carol", "console")
    .then((records) => ofPerson(records, `"issuer":"${issuer}"`, `"subject":"${subject}"`));
}

function ofPerson(records: readonly ReadRecord[], ...said: readonly string[]): ReadRecord[] {
  const sessions = new Set(
    records
      .filter(({ fields }) => said.every((text) => fields.principal?.includes(text) === true))
      .map(({ sid }) => sid),
  );
  return records.filter(({ sid }) => sessions.has(sid));
}

describe("the page about oneself", () => {
  test("says who is logged in, and as which roles", async () => {
    const { answer } = await new Visitor().walk(`${console}/you`, "bob");
    expect(answer?.text).toContain("You are <bdi>Bob Berger</bdi>");
    expect(answer?.text).toContain("<dd>engineers, leads</dd>");
    expect(answer?.text).toContain("<dd>engineer</dd>");
    expect(answer?.headers["content-type"]).toBe("text/html; charset=utf-8");
  });

  test("shows what a provider says of people as text, whatever it is", async () => {
    const { answer } = await new Visitor().walk(`${console}/you`, "eve");
    expect(answer?.text).not.toMatch(/<img|alert\(2\)<\/script>|<b>bold/);
    expect(answer?.text).toContain("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;");
    expect(answer?.text).toContain("&lt;b&gt;bold&lt;/b&gt;, a&amp;b");
  });
});

describe("a page", () => {
  test("that does not exist is told so, and is on record for who is logged in", async () => {
    const nobody = await new Visitor().open(`${console}/nothing`);
    expect([nobody.status, reasonOf(nobody)]).toEqual([404, "not_found"]);
    const alice = await loggedIn("alice");
    const { status, text } = await alice.open(`${console}/nothing?a=b`);
    expect([status, reasonOf({ status, text, headers: {} })]).toEqual([404, "not_found"]);
    const [, sid, seq] = /Record: ([0-9a-f-]{36})\/(\d+)/.exec(text) ?? [];
    const record = (await recordsOf("alice")).find((one) => one.sid === sid && one.seq === Number(seq));
    expect(record).toMatchObject({ kind: "command.denied", fields: { target: "GET /nothing?a=b" } });
  });

  test("of another method, or with a query that it does not have, is refused", async () => {
    const alice = await loggedIn("alice");
    const put = await alice.send(`${console}/`, { method: "PUT", headers: { ...OWN_FETCH, origin: console } });
    expect([put.status, put.headers.allow]).toEqual([405, "GET, HEAD"]);
    const asked = await alice.open(`${console}/?unknown=1`);
    expect([asked.status, reasonOf(asked)]).toEqual([400, "request_invalid"]);
    expect(asked.text).toContain("unknown: no such parameter");
  });

  test("sends who is not logged in to the provider, if a person opens it; else it says 401", async () => {
    expect((await new Visitor().open(`${console}/`)).status).toBe(303);
    const fetched = await send(`${console}/`, { headers: OWN_FETCH });
    expect([fetched.status, fetched.headers.location]).toEqual([401, undefined]);
    const posted = await send(`${console}/logout`, { method: "PUT", headers: NAVIGATION });
    expect(posted.status).toBe(405);
  });

  test("that a page of the console leads to goes on to the login by itself, past what forms may do", async () => {
    const headers = { ...NAVIGATION, "sec-fetch-site": "same-origin" };
    const answer = await send(`${console}/logout`, { headers });
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('<meta http-equiv="refresh" content="0; url=/login?next=%2Flogout"/>');
    expect(answer.text).toContain('href="/login?next=%2Flogout"');
  });
});

describe("files", () => {
  test("are public, kept for ever under their digest, and nobody's command", async () => {
    const alice = await loggedIn("alice");
    const { text } = await alice.open(`${console}/`);
    const before = (await recordsOf("alice")).length;
    const paths = [...text.matchAll(/(?:href|src)="(\/static\/[^"]+)"/g)].map(([, path = ""]) => path);
    expect(paths.map((path) => path.replace(/-[0-9a-f]{20}/, ""))).toEqual([
      "/static/style.css",
      "/static/icon.svg",
      "/static/script.js",
    ]);
    for (const path of paths) {
      const { status, headers } = await alice.send(console + path, { headers: OWN_FETCH });
      expect(status).toBe(200);
      expect(headers).toMatchObject({
        "cache-control": "public, max-age=31536000, immutable",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
      });
      expect(headers["set-cookie"]).toBeUndefined();
    }
    expect((await alice.open(`${console}/static/style-00000000000000000000.css`)).status).toBe(404);
    expect((await alice.open(`${console}/favicon.ico`)).status).toBe(404);
    expect((await recordsOf("alice")).length).toBe(before);
  });

  test("are all that pages run and look like: none has a script, a style or a handler in it", async () => {
    const alice = await loggedIn("alice");
    for (const path of ["/", "/you", "/logout", "/nothing"]) {
      const { text } = await alice.open(console + path);
      expect(text).not.toMatch(/<style|\sstyle=|\son[a-z]+=|<script(?![^>]* src=)/i);
    }
  });
});

test("no page hands its frame markup that was made elsewhere", () => {
  const folder = join(import.meta.dirname, "../../workers/pages");
  const sources = readdirSync(folder).filter((name) => /\.tsx?$/.test(name) && name !== "static_files.ts");
  const ways = /dangerouslySetInnerHTML|hono\/html|\braw\(|javascript:|isEscaped|\.innerHTML/;
  expect(sources.length).toBeGreaterThan(8);
  expect(sources.filter((name) => ways.test(readFileSync(join(folder, name), "utf8")))).toEqual([]);
});

describe("on record", () => {
  test("a login is the first command of its session, before the browser has its cookie; each page is one", async () => {
    const dan = await loggedIn("dan");
    await dan.open(`${console}/`);
    const requested = (await recordsOf("dan")).filter(({ kind }) => kind === "command.requested");
    expect(requested.map(({ classes, fields }) => [classes.rule, fields.target]).slice(0, 3)).toEqual([
      ["page-login", "GET /login/callback"],
      ["page-inbox", "GET /"],
      ["page-inbox", "GET /"],
    ]);
  });

  test("neither the cookie, the code nor the state of a login stands anywhere", async () => {
    const dan = new Visitor();
    const { url } = await dan.walk(`${console}/`, "dan", (at) => new URL(at).pathname === "/login/callback");
    await dan.walk(url, "dan");
    const said = new URL(url).searchParams;
    const text = JSON.stringify(await recordsOf("dan"));
    expect(text).toContain("/login/callback");
    for (const secret of [
      said.get("code"),
      said.get("state"),
      dan.cookie(console).split("sallyport=")[1]?.slice(0, 60),
    ])
      expect(text).not.toContain(secret);
  });

  test("logging out is a command, and takes the cookies from the browser", async () => {
    const alice = await loggedIn("alice");
    const token = await formTokenOf(alice, console);
    const answer = await sendForm(alice, console, `form_token=${token}`);
    expect(answer.text).toContain("You are logged out");
    expect(alice.cookie(console)).toBe("");
    expect((await recordsOf("alice")).at(-2)).toMatchObject({
      kind: "command.requested",
      classes: { rule: "page-logout" },
      fields: { target: "POST /logout" },
    });
  });
});

describe("without a console", () => {
  test("its host is none of the gateway's", async () => {
    const gateway = await startGateway({ policy: testPolicy({}) });
    try {
      const answer = await send(`http://console.localhost:${gateway.port}/`, { headers: NAVIGATION });
      expect(answer.status).toBe(421);
    } finally {
      await gateway.stop();
    }
  });
});

describe("the variable CONSOLE", () => {
  const key = Buffer.alloc(32, 1).toString("base64");
  const read = (variables: Readonly<Record<string, string>>) =>
    readConfig({
      REGION: "eu",
      ORIGINS: "https://eu.tools.example.com",
      HOST_FORM: "https://*--eu.tools.example.com",
      ISSUERS: '[{"issuer": "https://login.example.com", "audiences": ["x"]}]',
      LOGIN: '{"issuer": "https://login.example.com", "client_id": "sallyport"}',
      LOGIN_KEY: key,
      PSEUDONYM_KEY: key,
      ...variables,
    } as unknown as Env);

  test.each(["https://eu.console.example.net", "https://console.example.com", "https://tools.example.net:8443"])(
    "takes %s",
    (origin) => {
      expect(read({ CONSOLE: origin })).toMatchObject({ ok: true, value: { console: { origin } } });
    },
  );

  test.each([
    "https://eu.tools.example.com",
    "https://eu.tools.example.com:8443",
    "https://console--eu.tools.example.com",
    "https://console.tools.example.com",
    "https://x.eu.tools.example.com",
    "https://tools.example.com",
    "https://example.com",
    "http://eu.console.example.net",
    "https://eu.console.example.net/",
    "https://EU.console.example.net",
    "eu.console.example.net",
    "https://user@eu.console.example.net",
  ])("does not take %s", (origin) => {
    expect(read({ CONSOLE: origin })).toMatchObject({ ok: false, variable: "CONSOLE" });
  });

  test("needs a client to log in as, and a key", () => {
    const only = { CONSOLE: "https://eu.console.example.net", HOST_FORM: "" };
    expect(read(only)).toMatchObject({ ok: true, value: { hostForm: null } });
    expect(read({ ...only, LOGIN: "" })).toMatchObject({ ok: false, variable: "LOGIN" });
    expect(read({ ...only, LOGIN_KEY: "" })).toMatchObject({ ok: false, variable: "LOGIN_KEY" });
  });
});
