// Forms and pages of the console, against those who would have them sent or shown by somebody else's browser.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formTokenOf, loggedInAt, sendForm } from "../support/console_visitor.ts";
import { testPolicy } from "../support/gateway.ts";
import {
  type Answer,
  NAVIGATION,
  OWN_FETCH,
  reasonOf,
  startToolHosts,
  type ToolHosts,
  Visitor,
} from "../support/tool_hosts.ts";

let hosts: ToolHosts;
let console: string;

beforeAll(async () => {
  hosts = await startToolHosts({ policy: testPolicy({}) });
  ({ console } = hosts);
});
afterAll(async () => {
  await hosts?.stop();
});

const SESSION = "__Host-Http-sallyport=";
const loggedIn = (subject: string): Promise<Visitor> => loggedInAt(console, subject);
const formOf = (visitor: Visitor): Promise<string> => formTokenOf(visitor, console);
const post = (visitor: Visitor, body: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  sendForm(visitor, console, body, { headers });

describe("a form", () => {
  test.each([
    ["another site", { origin: "https://elsewhere.example", "sec-fetch-site": "cross-site" }],
    ["another site, without saying whose", { origin: "null", "sec-fetch-site": "cross-site" }],
    ["a page without a referrer", { origin: "null" }],
    ["somebody who says nothing of it", { origin: "", "sec-fetch-site": "" }],
    ["somebody who sends no origin", { origin: "" }],
    ["somebody who does not say from what site", { "sec-fetch-site": "" }],
    ["a neighbour of the console", { origin: "http://wiki--local.localhost", "sec-fetch-site": "same-site" }],
    ["the console over https", { origin: "https://console.localhost" }],
    ["the console, as its address bar says", { "sec-fetch-site": "none" }],
  ] as const)("from %s is refused, and on record", async (_, headers) => {
    const bob = await loggedIn("bob");
    const token = await formOf(bob);
    const answer = await post(bob, `form_token=${token}`, headers);
    expect([answer.status, reasonOf(answer)]).toEqual([403, "cross_site"]);
    expect(answer.text).toMatch(/Record: [0-9a-f-]{36}\/\d+/);
    expect((await bob.open(`${console}/`)).status).toBe(200);
  });

  test.each([
    ["text/plain"],
    ["multipart/form-data; boundary=x"],
    ["application/json"],
    ["application/x-www-form-urlencoded; charset=utf-16"],
    [""],
  ])("of the type %j is refused", async (type) => {
    const bob = await loggedIn("bob");
    const answer = await post(bob, `form_token=${await formOf(bob)}`, { "content-type": type });
    expect([answer.status, reasonOf(answer)]).toEqual([415, "media_type_unsupported"]);
  });

  test("without its login's own token is refused: none, another person's, an earlier login's, or one that was changed", async () => {
    const [bob, alice, again] = [await loggedIn("bob"), await loggedIn("alice"), await loggedIn("bob")];
    const own = await formOf(bob);
    const [until = "", mac = ""] = own.split(".");
    const foreign = [await formOf(alice), await formOf(again), `${Number(until) + 1}.${mac}`, `${own}x`, "x", ""];
    for (const body of [...foreign.map((token) => `form_token=${token}`), ""]) {
      const answer = await post(bob, body);
      expect([answer.status, reasonOf(answer)]).toEqual([403, "form_invalid"]);
    }
    expect((await bob.open(`${console}/`)).status).toBe(200);
    expect((await post(bob, `form_token=${own}`)).status).toBe(200);
    expect(bob.cookie(console)).not.toContain(SESSION);
  });

  test("that is too large, has fields twice, or others than the page's is refused", async () => {
    const bob = await loggedIn("bob");
    const token = await formOf(bob);
    const reasons = [];
    for (const more of [`&x=${"y".repeat(20_000)}`, `&form_token=${token}`, "&more=1", "&%ff=1", "&\u00fc=1"])
      reasons.push(reasonOf(await post(bob, `form_token=${token}${more}`)));
    expect(reasons).toEqual(["body_too_large", ...Array.from({ length: 4 }, () => "request_invalid")]);
  });

  test("of who has no login any more changes nothing but that browser", async () => {
    const [bob, nobody] = [await loggedIn("bob"), new Visitor()];
    expect((await post(nobody, `form_token=${await formOf(bob)}`)).text).toContain("You are logged out");
    const foreign = await post(nobody, "", { origin: "https://elsewhere.example", "sec-fetch-site": "cross-site" });
    expect([foreign.status, reasonOf(foreign), foreign.headers["set-cookie"]]).toEqual([
      403,
      "login_cross_site",
      undefined,
    ]);
    expect((await bob.open(`${console}/`)).status).toBe(200);
  });
});

describe("a page", () => {
  test("is shown to who follows a link, and to the console's own pages; not in frames or to other sites' scripts", async () => {
    const bob = await loggedIn("bob");
    const asked = async (headers: Readonly<Record<string, string>>): Promise<string> => {
      const answer = await bob.send(`${console}/`, { headers });
      return answer.status === 200 ? "shown" : reasonOf(answer);
    };
    expect(await asked(NAVIGATION)).toBe("shown");
    expect(await asked({ ...NAVIGATION, "sec-fetch-site": "none" })).toBe("shown");
    expect(await asked(OWN_FETCH)).toBe("shown");
    for (const site of ["cross-site", "same-site"]) {
      expect(await asked({ ...NAVIGATION, "sec-fetch-site": site, "sec-fetch-dest": "iframe" })).toBe("cross_site");
      expect(await asked({ "sec-fetch-site": site, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" })).toBe(
        "cross_site",
      );
      expect(await asked({ "sec-fetch-site": site, "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" })).toBe(
        "cross_site",
      );
    }
    expect(await asked({})).toBe("cross_site");
  });

  test("cannot be framed, and runs and sends nothing elsewhere, whatever it says", async () => {
    const bob = await loggedIn("bob");
    for (const path of ["/", "/nothing", "/logout", "/login/callback?state=x"]) {
      const { headers } = await bob.open(console + path);
      expect(headers["x-frame-options"]).toBe("DENY");
      expect(headers["content-security-policy"]).toBe(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
      );
      expect(headers["cache-control"]).toBe("no-store");
      expect(headers["referrer-policy"]).toBe("same-origin");
      expect(headers["cross-origin-opener-policy"]).toBe("same-origin");
    }
  });
});
