// Which hosts are a connection's, whose requests are its own pages', and who may frame those.

import { describe, expect, test } from "vitest";
import type { ConnectionName } from "../../../core/ids.ts";
import { framingHeaders } from "../../../core/protocol/http/framing.ts";
import { connectionAt, hostOrigin, parseHostForm } from "../../../core/protocol/http/host_form.ts";
import { isOwnRequest } from "../../../core/protocol/http/same_origin.ts";

describe("a pattern of hosts", () => {
  test.each(["https://*--eu.tools.example.com", "http://*--eu.localhost:8787", "https://*--eu.example-tools.com"])(
    "is %s",
    (text) => {
      const form = parseHostForm(text, "eu");
      expect(form).not.toBeNull();
      if (form !== null) expect(hostOrigin("wiki" as ConnectionName, form)).toBe(text.replace("*", "wiki"));
    },
  );

  test.each([
    "https://*--us.tools.example.com",
    "https://*-eu.tools.example.com",
    "https://*.eu.tools.example.com",
    "https://*--eu",
    "https://*--eu.tools.example.com/",
    "https://*--eu.tools.example.com:443",
    "https://*--EU.tools.example.com",
    "https://*--eu.tools.example.com.",
    "https://*--eu..example.com",
    "https://x*--eu.tools.example.com",
    "https://*--eu.*.example.com",
    "ftp://*--eu.tools.example.com",
    "https://a@*--eu.tools.example.com",
    "*--eu.tools.example.com",
    "",
  ])("is not %j", (text) => {
    expect(parseHostForm(text, "eu")).toBeNull();
  });

  test("does not fit a region whose name leaves no room for a connection's", () => {
    const longest = "r".repeat(29);
    expect(parseHostForm(`https://*--${longest}.example.com`, longest)).not.toBeNull();
    expect(parseHostForm(`https://*--${longest}r.example.com`, `${longest}r`)).toBeNull();
  });
});

test.each([
  ["wiki--eu.tools.example.com", "wiki"],
  ["my-wiki2--eu.tools.example.com", "my-wiki2"],
  ["WIKI--eu.tools.example.com", null],
  ["wiki--EU.tools.example.com", null],
  ["wiki--us.tools.example.com", null],
  ["my--wiki--eu.tools.example.com", null],
  ["wiki---eu.tools.example.com", null],
  ["-wiki--eu.tools.example.com", null],
  ["--eu.tools.example.com", null],
  ["a.wiki--eu.tools.example.com", null],
  ["wiki--eu.tools.example.com.", null],
  ["wiki--eu.tools.example.com:443", null],
  ["wiki--eu.tools.example.com.elsewhere.example", null],
  [`${"w".repeat(33)}--eu.tools.example.com`, null],
  ["eu.tools.example.com", null],
])("%s is the host of %j", (host, connection) => {
  const form = parseHostForm("https://*--eu.tools.example.com", "eu");
  expect(form === null ? "no form" : connectionAt(host, form)).toBe(connection);
});

describe("a request with the cookie", () => {
  const OWN = "https://wiki--eu.tools.example.com";
  const own = (
    method: string,
    headers: Readonly<Record<string, string>>,
    framing: readonly string[] | "none" = "none",
  ) =>
    isOwnRequest(
      { method, isUpgrade: headers.upgrade !== undefined, header: (name) => headers[name] ?? null },
      OWN,
      framing,
    );
  const linked = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };

  test("is the page's own, or a person's who opens an address or follows a link", () => {
    expect(own("GET", { "sec-fetch-site": "same-origin" })).toBe(true);
    expect(own("GET", { "sec-fetch-site": "none" })).toBe(true);
    expect(own("POST", { "sec-fetch-site": "same-origin", origin: OWN })).toBe(true);
    expect(own("GET", linked)).toBe(true);
    expect(own("GET", { upgrade: "websocket", origin: OWN })).toBe(true);
  });

  test.each([
    ["GET", {}],
    ["GET", { origin: OWN }],
    ["GET", { "sec-fetch-site": "same-site" }],
    ["GET", { "sec-fetch-site": "none", origin: "https://shop--eu.tools.example.com" }],
    ["GET", { ...linked, "sec-fetch-dest": "iframe" }],
    ["GET", { ...linked, "sec-fetch-dest": "embed" }],
    ["GET", { ...linked, "sec-fetch-mode": "no-cors" }],
    ["HEAD", linked],
    ["POST", linked],
    ["POST", { ...linked, origin: "null" }],
    ["POST", { "sec-fetch-site": "same-origin" }],
    ["POST", { "sec-fetch-site": "same-origin", origin: "null" }],
    ["PROPFIND", { "sec-fetch-site": "same-origin" }],
    ["OPTIONS", { "sec-fetch-site": "same-origin" }],
    ["POST", { origin: OWN }],
    ["GET", { upgrade: "websocket" }],
    ["GET", { upgrade: "websocket", origin: "https://shop--eu.tools.example.com" }],
    ["GET", { upgrade: "websocket", origin: "null" }],
    ["GET", { upgrade: "websocket", origin: OWN, "sec-fetch-site": "same-site" }],
    ["GET", { upgrade: "websocket", origin: `${OWN}.elsewhere.example` }],
  ] as const)("is nobody's whom we know: %s %j", (method, headers) => {
    expect(own(method, headers)).toBe(false);
  });

  test("may fill a frame where the connection says who may frame it", () => {
    const framed = { ...linked, "sec-fetch-dest": "iframe" };
    expect(own("GET", framed, ["https://portal.example"])).toBe(true);
    expect(own("POST", framed, ["https://portal.example"])).toBe(false);
    expect(own("GET", framed, [])).toBe(false);
  });
});

test("frames are for whom the connection names, and the upstream may be stricter", () => {
  expect(framingHeaders("none", "SAMEORIGIN")).toEqual([
    ["content-security-policy", "frame-ancestors 'none'"],
    ["x-frame-options", "DENY"],
  ]);
  const self = "frame-ancestors 'self'";
  expect(framingHeaders("self", null)).toEqual([
    ["content-security-policy", self],
    ["x-frame-options", "SAMEORIGIN"],
  ]);
  expect(framingHeaders("self", "deny")[1]).toEqual(["x-frame-options", "DENY"]);
  expect(framingHeaders("self", "SameOrigin")[1]).toEqual(["x-frame-options", "SAMEORIGIN"]);
  expect(framingHeaders("self", "SAMEORIGIN, DENY")[1]).toEqual(["x-frame-options", "DENY"]);
  expect(framingHeaders(["https://a.example", "https://b.example"], "DENY")).toEqual([
    ["content-security-policy", "frame-ancestors https://a.example https://b.example"],
  ]);
  expect(framingHeaders([], null)).toEqual([["content-security-policy", "frame-ancestors 'none'"]]);
});
