// What forms of the console carry and give back: for whom, for which action and how long.

import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { draftOf, freshLogin, isOld, PATH_LIMIT, wayOn } from "../../workers/pages/fresh_login.ts";
import { formToken, isFormToken, type PageLogin } from "../../workers/pages/form_token.ts";
import type { PageIncoming } from "../../workers/pages/page_route.ts";

const KEY = randomBytes(32);

function loginOf(person: string, login = `login of ${person}`, key: Uint8Array = KEY): PageLogin {
  const own = { origin: "https://console.example.net", key } as unknown as PageLogin["own"];
  return { own, session: { token: "t", login, person } };
}

describe("a form's token", () => {
  const bob = loginOf("bob");
  const now = 1_800_000_000_000;
  const token = formToken(bob, "/approvals/1", now);

  test("is good for its login and action for an hour", () => {
    expect(isFormToken(token, bob, "/approvals/1", now)).toBe(true);
    expect(isFormToken(token, bob, "/approvals/1", now + 3_599_000)).toBe(true);
    expect(isFormToken(token, bob, "/approvals/1", now + 3_600_000)).toBe(false);
  });

  test.each([
    ["another action", bob, "/approvals/2"],
    ["the action spelt otherwise", bob, "/approvals/%31"],
    ["another login of the same person", loginOf("bob", "another"), "/approvals/1"],
    ["another person", loginOf("alice", "login of bob"), "/approvals/1"],
    ["another key", loginOf("bob", "login of bob", randomBytes(32)), "/approvals/1"],
  ] as const)("is not good for %s", (_, login, action) => {
    expect(isFormToken(token, login, action, now)).toBe(false);
  });

  test("cannot be made longer, shorter or other", () => {
    const [until = "", mac = ""] = token.split(".");
    for (const text of ["", ".", until, mac, `${until}.`, `${until}.${mac}x`, `0${until}.${mac}`, `${until}0.${mac}`])
      expect(isFormToken(text, bob, "/approvals/1", now)).toBe(false);
  });
});

describe("a form that comes by an old login", () => {
  function incoming(person: string, age: number | null, rawPath: string, cookie = ""): PageIncoming {
    const issuedAt = age === null ? null : Math.floor(Date.now() / 1000) - age;
    return {
      exchange: { request: new Request("https://console.example.net/x", { headers: { cookie } }) },
      caller: { authenticated: { token: { issuedAt } } },
      login: loginOf(person),
      rawPath,
    } as unknown as PageIncoming;
  }

  test("is led back to its page with what was typed, for the same person only", async () => {
    const fields = { decision: "approve", comment: "Ünïcode & <b>" };
    const old = incoming("bob", 301, "/approvals/1/decision");
    expect(await freshLogin(old, "/approvals/1", fields)).toEqual({ reason: "login_old" });
    const way = wayOn(old.exchange.request) ?? "";
    expect(way).toMatch(/^\/approvals\/1\?draft=[\w.-]+$/);
    expect(way).not.toContain("approve&");
    const draft = way.slice(way.indexOf("=") + 1);
    expect(await draftOf(incoming("bob", 1, "/approvals/1"), draft)).toEqual(fields);
    expect(await draftOf(incoming("alice", 1, "/approvals/1"), draft)).toBeNull();
    expect(await draftOf(incoming("bob", 1, "/approvals/2"), draft)).toBeNull();
    expect(await draftOf(incoming("bob", 1, "/approvals/1"), `${draft}x`)).toBeNull();
    expect(await draftOf(incoming("bob", 1, "/approvals/1"), undefined)).toBeNull();
  });

  test("loses what is too long for an address, and nothing else", async () => {
    const old = incoming("bob", 301, "/approvals/1/decision");
    await freshLogin(old, "/approvals/1", { comment: "x".repeat(PATH_LIMIT) });
    expect(wayOn(old.exchange.request)).toBe("/approvals/1");
  });

  test("is the same as any other while its login is young, or was renewed just now to no avail", async () => {
    expect(await freshLogin(incoming("bob", 280, "/x"), "/x", {})).toBeNull();
    const secret = "s".repeat(43);
    const done = (ago: number): string =>
      `__Host-Http-sallyport-login=${secret}.${Math.floor(Date.now() / 1000) - ago}`;
    expect(await freshLogin(incoming("bob", 600, "/x", done(5)), "/x", {})).toBeNull();
    expect(await freshLogin(incoming("bob", 600, "/x", done(60)), "/x", {})).toEqual({ reason: "login_old" });
    // Where the issuer does not say, there is nothing to renew by.
    const { caller, exchange } = incoming("bob", null, "/x");
    expect(isOld(caller, exchange.request, 1)).toBe(false);
  });
});
