// Which headers, parameters and parts of URLs are taken out before a record is made, and what stays.

import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { exchangeRecord, TEXT_LIMIT } from "../../../core/mask/mask_draft.ts";
import { type Header, maskHeaders } from "../../../core/mask/mask_headers.ts";
import { isSecretParameter, maskQuery, maskUrl } from "../../../core/mask/mask_query.ts";
import { canonicalText } from "../../../core/record/canonical.ts";

const DRAFT = { kind: "command.requested", command: null, part: 0, classes: {} } as const;

const fields = (sent: Parameters<typeof exchangeRecord>[1]): Readonly<Record<string, string>> =>
  exchangeRecord(DRAFT, sent, {}).fields;

describe("a header that carries a secret is masked by its name", () => {
  test.each([
    "authorization",
    "Authorization",
    "proxy-authorization",
    "x-original-authorization",
    "cookie",
    "set-cookie",
    "set-cookie2",
    "x-api-key",
    "X_Api_Key",
    "api-key",
    "apikey",
    "x-auth-token",
    "x-auth-key",
    "x-auth",
    "x-amz-security-token",
    "x-vault-token",
    "private-token",
    "npm-otp",
    "x-github-otp",
    "x-gitlab-token",
    "x-plex-token",
    "x-client-secret",
    "x-password",
    "x-hub-signature-256",
    "signature",
    "x-goog-api-key",
    "ocp-apim-subscription-key",
    "x-functions-key",
    "x-amz-server-side-encryption-customer-key",
    "www-authenticate",
    "dpop",
    "cf-access-jwt-assertion",
    "cf_authorization",
    "mcp-session-id",
    "x-csrf-token",
    "sec-websocket-protocol",
  ])("%s", (name) => {
    expect(maskHeaders([[name, "hunter2"]])).toEqual([[name, "[masked:header]"]]);
  });

  test.each([
    "accept",
    "content-type",
    "user-agent",
    "if-none-match",
    "etag",
    "idempotency-key",
    "x-request-id",
    "keep-alive",
    "git-protocol",
    "depth",
    "x-author",
    "constructor",
    "__proto__",
  ])("and %s is not", (name) => {
    expect(maskHeaders([[name, "value"]])).toEqual([[name, "value"]]);
  });

  it("each of several, and nothing moves", () => {
    const headers: Header[] = [
      ["set-cookie", "a=1"],
      ["accept", "x"],
      ["set-cookie", "b=2"],
    ];
    expect(maskHeaders(headers)).toEqual([
      ["set-cookie", "[masked:header]"],
      ["accept", "x"],
      ["set-cookie", "[masked:header]"],
    ]);
  });

  test.each([
    [
      "location",
      "https://user:pw@host.example/x?code=abc&state=1#access_token=t&x=1",
      "https://[masked:userinfo]@host.example/x?code=[masked:query]&state=1#access_token=[masked:query]&x=1",
    ],
    ["referer", "https://host.example/?token=t", "https://host.example/?token=[masked:query]"],
    ["destination", "/c/dav/x?key=1", "/c/dav/x?key=[masked:query]"],
    [
      "link",
      '<https://u:p@host.example/a?page=2&sig=s>; rel="next"',
      "<https://[masked:userinfo]@host.example/a?page=2&sig=[masked:query]",
    ],
  ])("a URL in %s loses its secrets only", (name, value, expected) => {
    expect(maskHeaders([[name, value]])).toEqual([[name, expected]]);
  });
});

describe("a query parameter that carries a secret is masked by its name", () => {
  test.each([
    ["access_token=t&a=1", "access_token=[masked:query]&a=1"],
    ["a=1&ACCESS_TOKEN=t", "a=1&ACCESS_TOKEN=[masked:query]"],
    ["%61ccess%5Ftoken=t", "%61ccess%5Ftoken=[masked:query]"],
    ["access%zz_token=t", "access%zz_token=[masked:query]"],
    [
      "X-Amz-Signature=s&X-Amz-Credential=c&X-Amz-Date=d",
      "X-Amz-Signature=[masked:query]&X-Amz-Credential=[masked:query]&X-Amz-Date=d",
    ],
    ["code=c&state=s", "code=[masked:query]&state=s"],
    [
      "key=k&sig=s&password=p&client_secret=q",
      "key=[masked:query]&sig=[masked:query]&password=[masked:query]&client_secret=[masked:query]",
    ],
    ["user[password]=p&code[]=c", "user[password]=[masked:query]&code[]=[masked:query]"],
    ["user%5Bpassword%5D=p", "user%5Bpassword%5D=[masked:query]"],
    ["a=1;token=t;b=2", "a=1;token=[masked:query];b=2"],
    ["token=t;still", "token=[masked:query]"],
    ["token=a=b", "token=[masked:query]"],
    ["token=t&token=u", "token=[masked:query]&token=[masked:query]"],
    ["+token+=t", "+token+=[masked:query]"],
    ["apiKey=k&api-key=l", "apiKey=[masked:query]&api-key=[masked:query]"],
    ["SAMLResponse=r", "SAMLResponse=[masked:query]"],
  ])("%s", (query, expected) => {
    expect(maskQuery(query)).toBe(expected);
  });

  test.each([
    "",
    "a=1&b=2",
    "q=token",
    "a",
    "&&=&",
    "q=%zz&r=%",
    "monkey=1",
    "keyword=x",
    "encode=y",
    "token",
    "token=",
    "id=1;v=2",
    "a=b?c=d",
    "__proto__=1",
    "constructor=2",
  ])("and nothing else is touched: %j", (query) => {
    expect(maskQuery(query)).toBe(query);
  });
});

describe("user information is masked wherever a URL has it", () => {
  test.each([
    ["https://user@host/", "https://[masked:userinfo]@host/"],
    ["https://user:p@ss@host/", "https://[masked:userinfo]@host/"],
    ["//user:pw@host/x", "//[masked:userinfo]@host/x"],
    ["https:\\\\user:pw@host/x", "https:\\\\[masked:userinfo]@host/x"],
    ["/path?next=https://u:p@host/", "/path?next=https://[masked:userinfo]@host/"],
  ])("%s", (url, expected) => {
    expect(maskUrl(url)).toBe(expected);
  });

  test.each([
    "/a/@scope/name",
    "/a@b",
    "https://host/a@b",
    "https://host/?q=a@b",
    "mailto:a@b",
    "/a//b@1.0",
    "https://host#a@b",
  ])("and an @ elsewhere stays: %s", (url) => {
    expect(maskUrl(url)).toBe(url);
  });
});

describe("a record of an exchange", () => {
  it("holds the target with its secrets masked", () => {
    expect(fields({ target: { method: "GET", path: "/x", query: "a=1&token=t" } }).target).toBe(
      "GET /x?a=1&token=[masked:query]",
    );
  });

  it("masks a query that a target which could not be read still has in its path", () => {
    expect(fields({ target: { method: "GET", path: "/c/x/../?token=t#y", query: "" } }).target).toBe(
      "GET /c/x/../?token=[masked:query]#y",
    );
    expect(fields({ target: { method: "GET", path: "//user:pw@host/", query: "" } }).target).toBe(
      "GET //[masked:userinfo]@host/",
    );
  });

  it("holds the headers as RFC 8785 text", () => {
    const headers: Header[] = [
      ["x-a", 'é"\\\n'],
      ["authorization", "Bearer t"],
    ];
    expect(fields({ headers }).headers).toBe(
      canonicalText([
        ["x-a", 'é"\\\n'],
        ["authorization", "[masked:header]"],
      ]),
    );
  });

  it("is cut where a caller sends much, and says how much there was", () => {
    const path = `/${"a".repeat(TEXT_LIMIT)}`;
    const target = fields({ target: { method: "GET", path, query: "" } }).target ?? "";
    expect(target.length).toBeLessThan(TEXT_LIMIT + 32);
    expect(target.endsWith(`[cut:${"GET ".length + path.length}]`)).toBe(true);
    const long = fields({ headers: [["x-a", "b".repeat(10_000)]] }).headers ?? "";
    expect(long).toContain("[cut:10000]");
    const many =
      fields({ headers: Array.from({ length: 5000 }, (_, i): Header => [`x-${i}`, "value"]) }).headers ?? "[]";
    expect(many.length).toBeLessThan(4 * TEXT_LIMIT);
    const [last] = (JSON.parse(many) as string[][]).slice(-1);
    expect(last?.[0]).toBe("[cut]");
    expect(Number(last?.[1]) + (JSON.parse(many) as string[][]).length - 1).toBe(5000);
  });

  it("is well-formed Unicode, whatever was sent", () => {
    const sent = {
      target: { method: "GET", path: "/\ud800", query: "\udc00" },
      headers: [["x-a", "\ud800"]] as Header[],
    };
    for (const text of Object.values(fields(sent))) expect(text.isWellFormed()).toBe(true);
    const cutBetween = { target: { method: "GET", path: `/${"😀".repeat(TEXT_LIMIT)}`, query: "" } };
    expect(fields(cutBetween).target?.isWellFormed()).toBe(true);
  });

  it("keeps the gateway's own fields beside them", () => {
    expect(exchangeRecord(DRAFT, {}, { token: "{}" }).fields).toEqual({ token: "{}" });
  });
});

const SECRET = "hunter2hunter2";
const secretName = fc.constantFrom(
  "access_token",
  "Token",
  "client_secret",
  "sig",
  "X-Amz-Signature",
  "password",
  "code",
  "key",
  "user[password]",
);

it("a secret under a secret's name never shows in a query, however the name is encoded", () => {
  fc.assert(
    fc.property(
      secretName,
      fc.infiniteStream(fc.boolean()),
      fc.webQueryParameters(),
      fc.webQueryParameters(),
      fc.constantFrom("&", ";"),
      (name, choices, before, after, separator) => {
        const spelt = [...name]
          .map((c) => (choices.next().value === true ? `%${c.charCodeAt(0).toString(16)}` : c))
          .join("");
        const masked = maskUrl(`/x?${before}${separator}${spelt}=${SECRET}&${after}`);
        expect(masked).not.toContain(SECRET);
        expect(masked.startsWith("/x?")).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

it("a secret header's value never shows in a record", () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z-]{0,10}$/),
      fc.constantFrom("token", "secret", "cookie", "password", "authorization", "signature"),
      fc.stringMatching(/^[a-z-]{0,10}$/),
      (before, part, after) => {
        const name = before + part + after;
        expect(maskHeaders([[name, "x"]])).toEqual([[name, "[masked:header]"]]);
        expect(JSON.stringify(fields({ headers: [[name, SECRET]] }))).not.toContain(SECRET);
      },
    ),
  );
});

it("masking again changes nothing", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.webUrl({ withQueryParameters: true, withFragments: true }), fc.string({ unit: "binary" })),
      (url) => {
        expect(maskUrl(maskUrl(url))).toBe(maskUrl(url));
      },
    ),
    { numRuns: 1000 },
  );
});

it("a query of harmless names stays byte for byte", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.stringMatching(/^[a-z]{1,8}$/).filter((name) => !isSecretParameter(name)),
          fc.stringMatching(/^[A-Za-z0-9%+.~/?!*-]{0,12}$/),
        ),
        { maxLength: 8 },
      ),
      (pairs) => {
        const query = pairs.map(([name, value]) => `${name}=${value}`).join("&");
        expect(maskQuery(query)).toBe(query);
      },
    ),
  );
});
