// What of a caller's headers an upstream gets.

import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { Header } from "../../../core/mask/mask_headers.ts";
import { type ForwardedFrom, requestHeaders } from "../../../core/protocol/http/request_headers.ts";

const FROM: ForwardedFrom = {
  address: "192.0.2.7",
  host: "eu.tools.example",
  scheme: "https",
  pathForm: "https://eu.tools.example/c/dav",
  upstream: "https://up.example/base",
};
const OWN: readonly Header[] = [
  ["forwarded", 'for=192.0.2.7;host="eu.tools.example";proto=https'],
  ["via", "1.1 sallyport"],
];

function sent(headers: readonly Header[], from: ForwardedFrom = FROM): readonly Header[] {
  const result = requestHeaders(headers, from);
  if (!result.ok) throw new TypeError(result.reason);
  return result.value;
}

describe("what a client needs its upstream to see is forwarded as it came", () => {
  test.each<Header>([
    ["accept", "text/html, */*;q=0.1"],
    ["accept-encoding", "gzip, br"],
    ["content-type", "application/json"],
    ["content-encoding", "gzip"],
    ["if-none-match", 'W/"a"'],
    ["if", "(<urn:uuid:1>)"],
    ["range", "bytes=0-1"],
    ["depth", "infinity"],
    ["overwrite", "F"],
    ["git-protocol", "version=2"],
    ["npm-otp", "123456"],
    ["mcp-session-id", "a"],
    ["mcp-protocol-version", "2026-07-28"],
    ["last-event-id", "7"],
    ["traceparent", "00-1-2-01"],
    ["x-api-key", "the caller's own"],
    ["user-agent", "curl/8"],
    ["origin", "https://app.example"],
  ])("%s", (name, value) => {
    expect(sent([[name, value]])).toEqual([[name, value], ...OWN]);
  });

  it("and values of one name stay apart and in order", () => {
    expect(
      sent([
        ["x-a", "1"],
        ["x-b", "2"],
        ["x-a", "3"],
      ]),
    ).toEqual([["x-a", "1"], ["x-b", "2"], ["x-a", "3"], ...OWN]);
  });
});

describe("what a caller must not say to an upstream is dropped", () => {
  test.each([
    "authorization",
    "proxy-authorization",
    "cookie",
    "cookie2",
    "cf_authorization",
    "cf-access-jwt-assertion",
    "cf-connecting-ip",
    "cf-ray",
    "sallyport-receipt",
    "sallyport-anything",
    "sallyport_anything",
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-prefix",
    "x_forwarded_for",
    "x-real-ip",
    "true-client-ip",
    "host",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "keep-alive",
    "proxy-connection",
    "connection",
    "expect",
    "http2-settings",
    "sec-websocket-key",
    "proxy",
    "x-original-url",
    "x-rewrite-url",
    "x_original_url",
    "x-original-host",
    "x-host",
    "remote-user",
    "remote_user",
    "x-remote-user",
    "x-remote-group",
    "x-auth-request-email",
    "impersonate-user",
    "impersonate-group",
    "transfer_encoding",
    "content_length",
  ])("%s", (name) => {
    expect(sent([[name, "x"]])).toEqual(OWN);
  });

  it("also what Connection lists, in any case and over several headers (RFC 9110 §7.6.1)", () => {
    const headers: Header[] = [
      ["x-hop", "1"],
      ["connection", "close, X-Hop"],
      ["x-two", "2"],
      ["connection", " x-two ,"],
      ["x-end", "3"],
    ];
    expect(sent(headers)).toEqual([["x-end", "3"], ...OWN]);
  });

  it("but the gateway's own headers stand, whatever Connection lists", () => {
    expect(sent([["connection", "forwarded, via, authorization, host"]])).toEqual(OWN);
  });

  it("and a header that would stand beside the upstream's credential", () => {
    const headers: Header[] = [
      ["x-api-key", "the caller's own"],
      ["x_api_key", "the caller's own"],
      ["x-api-keys", "1"],
    ];
    expect(sent(headers, { ...FROM, credentialHeader: "x-api-key" })).toEqual([["x-api-keys", "1"], ...OWN]);
  });
});

test.each([
  "x-http-method-override",
  "x-http-method",
  "x-method-override",
  "x_http_method_override",
  "x-http_method-override",
])("a method override is refused, not dropped: %s", (name) => {
  expect(
    requestHeaders(
      [
        ["accept", "*/*"],
        [name, "DELETE"],
      ],
      FROM,
    ),
  ).toEqual({ ok: false, reason: "method_override" });
});

describe("Forwarded says who called, in the form of RFC 7239", () => {
  test.each([
    ["192.0.2.7", "for=192.0.2.7;"],
    ["2001:db8::7", 'for="[2001:db8::7]";'],
    [null, "for=unknown;"],
    ["1.2.3.4, 5.6.7.8", "for=unknown;"],
    ['1";host=evil', "for=unknown;"],
    ["a\r\nx: y", "for=unknown;"],
  ])("%s", (address, start) => {
    expect(sent([], { ...FROM, address })[0]?.[1].startsWith(start)).toBe(true);
  });

  it("and no host breaks out of its quotes", () => {
    expect(sent([], { ...FROM, host: 'a";proto="http\r\n:1' })[0]?.[1]).toBe(
      'for=192.0.2.7;host="aprotohttp:1";proto=https',
    );
  });
});

describe("Destination", () => {
  const destination = (value: string): string | null => {
    const result = requestHeaders([["destination", value]], FROM);
    return result.ok ? (result.value[0]?.[1] ?? "") : null;
  };

  test.each([
    ["https://eu.tools.example/c/dav/a/b", "https://up.example/base/a/b"],
    ["/c/dav/a%20b", "https://up.example/base/a%20b"],
    ["/c/dav/", "https://up.example/base/"],
    ["/c/dav/@a%2fb", "https://up.example/base/@a%2fb"],
  ])("inside the connection leads to the upstream: %s", (value, expected) => {
    expect(destination(value)).toBe(expected);
  });

  test.each([
    "https://up.example/base/a",
    "https://evil.example/c/dav/a",
    "http://eu.tools.example/c/dav/a",
    "https://eu.tools.example@evil.example/c/dav/a",
    "https://eu.tools.example:444/c/dav/a",
    "https://EU.tools.example/c/dav/a",
    "//eu.tools.example/c/dav/a",
    "/c/other/a",
    "/c/davx/a",
    "/c/dav",
    "/c/dav?x",
    "/c/dav/../other/a",
    "/c/dav/%2e%2e/other",
    "/c/dav/%252e%252e/other",
    "/c/dav/a\\..\\b",
    "/c/dav/..%2fother",
    "/c/dav/a?b",
    "/c/dav/a#b",
    "/c/dav/a b",
    "/c/dav/é",
    "/c/dav/%",
    "/c/dav/%0d%0ax: y",
    "c/dav/a",
    "",
    " /c/dav/a",
    "/c/dav/a, /c/dav/b ",
    '/c/dav/"a',
  ])("elsewhere is refused: %j", (value) => {
    expect(destination(value)).toBeNull();
  });
});

it("nothing of the caller's identity or of the hop goes out, whatever is sent with it", () => {
  const names = fc.oneof(
    fc.constantFrom(
      "authorization",
      "cookie",
      "connection",
      "te",
      "x-forwarded-for",
      "sallyport-x",
      "cf-ray",
      "accept",
      "x-a",
      "host",
      "content-length",
    ),
    fc.stringMatching(/^[a-z][a-z0-9_-]{0,15}$/),
  );
  const values = fc.oneof(
    fc.constantFrom("close", "authorization", "x-a, te", "via"),
    fc.stringMatching(/^[\x21-\x7e]{0,20}$/),
  );
  const forbidden =
    /^(?:authorization|cookie|connection|te|host|content-length|transfer-encoding|sallyport-.*|cf-.*|x-forwarded-.*)$/;
  fc.assert(
    fc.property(fc.array(fc.tuple(names, values), { maxLength: 20 }), (headers) => {
      const result = requestHeaders(headers, FROM);
      if (!result.ok) return;
      expect(result.value.slice(-2)).toEqual(OWN);
      for (const [name] of result.value) expect(name.replaceAll("_", "-")).not.toMatch(forbidden);
      for (const header of result.value.slice(0, -2)) expect(headers).toContainEqual(header);
    }),
    { numRuns: 1000 },
  );
});
