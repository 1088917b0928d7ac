// What of an upstream's headers a caller gets, and where its places lead.

import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { Header } from "../../../core/mask/mask_headers.ts";
import { responseHeaders, rewriteLocation, type ReleasedTo } from "../../../core/protocol/http/response_headers.ts";

const TO: ReleasedTo = {
  pathForm: "https://eu.tools.example/c/registry",
  upstream: "https://up.example/base",
  path: "/a/b",
};
const ADDED: readonly Header[] = [
  ["content-security-policy", "sandbox"],
  ["x-content-type-options", "nosniff"],
];

describe("what an answer means is released as it came", () => {
  test.each<Header>([
    ["content-type", "text/html"],
    ["content-encoding", "br"],
    ["content-range", "bytes 0-1/2"],
    ["etag", '"a"'],
    ["last-modified", "Tue, 24 Nov 2026 00:00:00 GMT"],
    ["cache-control", "max-age=60"],
    ["vary", "accept"],
    ["dav", "1, 2"],
    ["allow", "GET"],
    ["retry-after", "5"],
    ["mcp-session-id", "a"],
    ["link", '<https://up.example/base/x>; rel="next"'],
    ["npm-notice", "hello"],
  ])("%s", (name, value) => {
    expect(responseHeaders([[name, value]], TO)).toEqual([[name, value], ...ADDED]);
  });
});

describe("what an upstream must not say in the gateway's name is dropped", () => {
  test.each([
    "set-cookie",
    "set-cookie2",
    "alt-svc",
    "clear-site-data",
    "strict-transport-security",
    "service-worker-allowed",
    "public-key-pins",
    "nel",
    "report-to",
    "reporting-endpoints",
    "refresh",
    "www-authenticate",
    "authentication-info",
    "proxy-authenticate",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "sallyport-receipt",
    "sallyport_receipt",
    "cf-ray",
    "proxy-status",
    "connection",
    "keep-alive",
    "transfer-encoding",
    "trailer",
    "upgrade",
    "te",
    "content-security-policy",
    "content-security-policy-report-only",
    "x-content-type-options",
    "sourcemap",
    "speculation-rules",
  ])("%s", (name) => {
    expect(responseHeaders([[name, "x"]], TO)).toEqual(ADDED);
  });

  it("also what Connection lists, but never what the gateway sets", () => {
    const headers: Header[] = [
      ["x-hop", "1"],
      ["connection", "X-Hop, content-security-policy"],
      ["connection", "x-two"],
      ["x-two", "2"],
      ["x-end", "3"],
    ];
    expect(responseHeaders(headers, TO)).toEqual([["x-end", "3"], ...ADDED]);
  });
});

describe("Location", () => {
  test.each([
    ["https://up.example/base", "https://eu.tools.example/c/registry"],
    ["https://up.example/base/x/y?z=1#w", "https://eu.tools.example/c/registry/x/y?z=1#w"],
    ["https://UP.example:443/base/x", "https://eu.tools.example/c/registry/x"],
    ["//up.example/base/x", "https://eu.tools.example/c/registry/x"],
    ["/base/x", "https://eu.tools.example/c/registry/x"],
    ["x", "https://eu.tools.example/c/registry/a/x"],
    ["../x", "https://eu.tools.example/c/registry/x"],
    ["?page=2", "https://eu.tools.example/c/registry/a/b?page=2"],
    ["/base/@a%2fb", "https://eu.tools.example/c/registry/@a%2fb"],
  ])("inside the upstream becomes the path form: %s", (value, expected) => {
    expect(rewriteLocation(value, TO)).toBe(expected);
  });

  test.each([
    ["https://elsewhere.example/x", "https://elsewhere.example/x"],
    ["http://up.example/base/x", "http://up.example/base/x"],
    ["https://up.example:444/base/x", "https://up.example:444/base/x"],
    ["https://up.example/other", "https://up.example/other"],
    ["https://up.example/basement", "https://up.example/basement"],
    ["/other", "https://up.example/other"],
    ["/c/other/x", "https://up.example/c/other/x"],
    ["../../x", "https://up.example/x"],
    ["/base/../x", "https://up.example/x"],
    ["//elsewhere.example/base/x", "https://elsewhere.example/base/x"],
    ["\\\\elsewhere.example/x", "https://elsewhere.example/x"],
  ])("outside the upstream stays where it is, and absolute: %s", (value, expected) => {
    expect(rewriteLocation(value, TO)).toBe(expected);
  });

  test.each([
    "https://eu.tools.example/c/other/x",
    "https://eu.tools.example/",
    "https://eu.tools.example/c/registryx",
    "https://eu.tools.example/c/registry/../other/x",
    "https://eu.tools.example/c/registry/..%2fother/x",
    "https://eu.tools.example/c/registry/%252e%252e/other",
    "//eu.tools.example/c/other/x",
    "https://x@eu.tools.example/c/other/x",
    "https://x:y@eu.tools.example/c/registry/x",
    "https://[",
    "http://",
  ])("at another place of the gateway, or nowhere, is dropped: %s", (value) => {
    expect(rewriteLocation(value, TO)).toBeNull();
    expect(responseHeaders([["location", value]], TO)).toEqual(ADDED);
  });

  it("inside the path form stays, for upstreams that know their public address", () => {
    expect(rewriteLocation("https://eu.tools.example/c/registry/x", TO)).toBe("https://eu.tools.example/c/registry/x");
  });

  test.each([
    ["https://eu.tools.example/base/v2/x?a=b#c", "https://eu.tools.example/c/registry/v2/x?a=b#c"],
    ["//eu.tools.example/base/c/other/x", "https://eu.tools.example/c/registry/c/other/x"],
  ])(
    "below the base's path on the gateway's host is the upstream's own, for one that takes it for its host: %s",
    (value, expected) => {
      expect(rewriteLocation(value, TO)).toBe(expected);
    },
  );

  it("that climbs encoded is not passed on as inside", () => {
    expect(rewriteLocation("https://up.example/base/..%2f..%2fadmin", TO)).toBe(
      "https://up.example/base/..%2f..%2fadmin",
    );
  });

  it("works for an upstream without a base path", () => {
    const to = { ...TO, upstream: "http://127.0.0.1:4873" };
    expect(rewriteLocation("/x", to)).toBe("https://eu.tools.example/c/registry/x");
    expect(rewriteLocation("http://127.0.0.1:4873/x", to)).toBe("https://eu.tools.example/c/registry/x");
    expect(rewriteLocation("http://127.0.0.1:4874/x", to)).toBe("http://127.0.0.1:4874/x");
  });

  it("never leads a client to another connection of the gateway", () => {
    const piece = fc.constantFrom(
      "https://eu.tools.example",
      "https://up.example",
      "//",
      "/",
      "\\",
      "..",
      ".",
      "%2e",
      "%2f",
      "c",
      "other",
      "registry",
      "base",
      "x",
      "?",
      "#",
      "@",
      ":",
      "\t",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), fc.constantFrom("", "/", "/a/b", "/a//b/"), (pieces, path) => {
        const place = rewriteLocation(pieces.join(""), { ...TO, path });
        if (place === null) return;
        const read = new URL(place);
        expect(read.href).toBe(place);
        if (read.origin === "https://eu.tools.example") expect(read.pathname).toMatch(/^\/c\/registry(?:\/|$)/);
      }),
      { numRuns: 3000 },
    );
  });
});
