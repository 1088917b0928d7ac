// The API as an attacker calls it who has a valid identity: with what does not belong into a parameter,
// a path, a body or a header, and with ids of others.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROUTES } from "../../workers/console/route_table.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";
import { rawExchange, rawRequest } from "../support/raw_http.ts";

let upstream: EchoUpstream;
let gateway: TestGateway;
/** Alice's. */
let sid = "";
let command = "";
let policy = "";

const ABSENT = "01890000-0000-7000-8000-000000000000";
/** Both roles, so that nothing is refused for lack of one. */
const both = { subject: "both", groups: ["auditors", "admins"] };

beforeAll(async () => {
  upstream = await startEchoUpstream();
  const file = testPolicy({ tool: upstream.url }) as { roles: Record<string, unknown> };
  gateway = await startGateway({ policy: { ...file, roles: { ...file.roles, admin: { groups: ["admins"] } } } });
  await (await gateway.fetch("alice", "/c/tool/x")).arrayBuffer();
  const [requested] = (await gateway.records("alice", "tool")).filter((one) => one.kind === "command.requested");
  sid = requested?.sid ?? "";
  command = requested?.command ?? "";
  policy = String(requested?.classes.policy);
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
});

const LEAKS = /SQLITE|D1_|syntax error|at async|\.ts:|node:|workerd|eyJ/i;

async function harmless(answer: Response): Promise<string> {
  const text = await answer.text();
  expect(text).not.toMatch(LEAKS);
  expect([...answer.headers].join("\n")).not.toMatch(/x-injected/i);
  return text;
}

/** Problem documents differ in where their record is, and in nothing else. */
function withoutRecord(text: string): unknown {
  const { record: _, ...rest } = JSON.parse(text) as Record<string, unknown>;
  return rest;
}

const PAYLOADS: readonly string[] = [
  "' OR '1'='1",
  "'; DROP TABLE opened; --",
  "%' UNION SELECT leaf FROM record --",
  '"; SELECT 1; --',
  "x\r\nX-Injected: 1",
  "x\nX-Injected: 1",
  "\0",
  "../../etc/passwd",
  "${7*7}{{7*7}}",
  "<script>alert(1)</script>",
  "\u202e\u{1f600}",
  "__proto__",
  "9".repeat(400),
  "a".repeat(4000),
  "-1",
  "1e3",
  "NaN",
  "true",
  "[object Object]",
];

describe("whatever stands in a parameter", () => {
  const reads = ROUTES.filter(({ method, who }) => method === "GET" && who !== "public");
  const parameters = reads.flatMap(({ path, query }) =>
    Object.keys(query?.entries ?? {}).map((name): [string, string] => [path, name]),
  );

  test.each(parameters)("%s?%s= is an answer or a refusal, and tells nothing", async (path, name) => {
    const here = path.replace("{sid}", sid).replace("{id}", command).replace("{hash}", policy);
    for (const payload of PAYLOADS) {
      // Following would not end; the parameter takes nothing but two words.
      if (name === "follow" && payload === "true") continue;
      const answer = await gateway.fetch("alice", `${here}?${name}=${encodeURIComponent(payload)}`);
      expect([payload, answer.status]).toEqual([
        payload,
        expect.toSatisfy((status) => [200, 400, 403, 503].includes(status as number)),
      ]);
      const text = await harmless(answer);
      if (answer.status !== 200) expect(withoutRecord(text)).toMatchObject({ status: answer.status });
      if (answer.status === 400) expect(text).not.toContain("DROP TABLE");
    }
  });

  test.each(["subject", "connection"])("a %s is compared, not run", async (name) => {
    for (const payload of ["' OR '1'='1", "%", "_____", "alice' --"]) {
      const answer = await gateway.fetch("carol", `/api/v1/sessions?${name}=${encodeURIComponent(payload)}`);
      if (answer.status === 200) expect(await answer.json()).toEqual({ items: [], next: null });
      else expect(answer.status).toBe(400);
    }
  });

  test.each([
    "limit=1&limit=2",
    "limi%74=1&limit=2",
    "limit=1&limit=1",
    "Limit=1",
    "limit[]=1",
    "limit",
    "limit=",
    "__proto__=1",
    "constructor=x",
    "toString=x",
    "_method=DELETE",
    "subject=%ff",
    "subject=%c3%28",
    "subject=%",
    "subject=%ed%a0%80",
    "%00=1",
    `${"a=1&".repeat(100)}a=1`,
  ])("?%s is refused: it could be read in two ways", async (query) => {
    const answer = await gateway.fetch("alice", `/api/v1/sessions?${query}`);
    expect(answer.status).toBe(400);
    expect(withoutRecord(await harmless(answer))).toMatchObject({ reason: "request_invalid" });
  });

  test("a name that was made up is told back short and as data", async () => {
    const name = encodeURIComponent(`"}<b>${"x".repeat(500)}`);
    const answer = await gateway.fetch("alice", `/api/v1/sessions?${name}=1`);
    const { errors } = (await answer.json()) as { errors: { parameter: string; expected: string }[] };
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(errors).toEqual([{ parameter: `"}<b>${"x".repeat(59)}`, expected: "no such parameter" }]);
  });

  test("a secret in a parameter that does not exist comes back nowhere", async () => {
    const answer = await gateway.fetch("alice", "/api/v1/sessions?access_token=very-secret");
    expect(answer.status).toBe(400);
    expect(await answer.text()).not.toContain("very-secret");
    expect((await gateway.exports("alice", "console")).join("")).not.toContain("very-secret");
  });
});

describe("whatever stands in a path", () => {
  const paths = ROUTES.filter(({ path, method }) => path.includes("{") && method === "GET").map(({ path }) => path);

  test.each(paths)("%s finds nothing by what is no id", async (path) => {
    const heard = new Set<string>();
    for (const payload of [
      ...PAYLOADS,
      "x".repeat(36),
      ABSENT.toUpperCase(),
      `${sid}%00`,
      `${sid};x`,
      `${sid}%2f..`,
      sid.toUpperCase(),
    ]) {
      const raw = payload.includes("%") ? payload : encodeURIComponent(payload);
      const answer = await gateway.fetch(both, path.replace(/\{\w+\}/g, raw));
      const text = await harmless(answer);
      expect([payload, answer.status]).toEqual([
        payload,
        expect.toSatisfy((status) => [404, 503].includes(status as number)),
      ]);
      heard.add(JSON.stringify(withoutRecord(text)));
    }
    expect(heard.size).toBe(1);
  });
});

describe("an id of another's", () => {
  test.each<[string, (id: string) => string, () => string]>([
    ["a session", (id) => `/api/v1/sessions/${id}`, () => sid],
    ["its records", (id) => `/api/v1/sessions/${id}/records`, () => sid],
    ["its records from a place on", (id) => `/api/v1/sessions/${id}/records?from=1`, () => sid],
    ["its records as they come", (id) => `/api/v1/sessions/${id}/records?follow=true`, () => sid],
    ["what a command in it sent", (id) => `/api/v1/sessions/${id}/payload/${command}/request`, () => sid],
    ["what a command in it got", (id) => `/api/v1/sessions/${id}/payload/${command}/response`, () => sid],
    ["its records as events", (id) => `/api/v1/sessions/${id}/live`, () => sid],
    ["its records as events, from past its end", (id) => `/api/v1/sessions/${id}/live?from=4000`, () => sid],
    ["a command", (id) => `/api/v1/commands/${id}`, () => command],
  ])("of %s is told like one that does not exist", async (_, path, id) => {
    for (const person of ["mallory", "bob", "dan"]) {
      const theirs = await gateway.fetch(person, path(id()));
      const absent = await gateway.fetch(person, path(ABSENT));
      expect([person, theirs.status]).toEqual([person, 404]);
      expect([...theirs.headers.keys()].sort()).toEqual([...absent.headers.keys()].sort());
      expect(withoutRecord(await theirs.text())).toEqual(withoutRecord(await absent.text()));
    }
  });

  test("ends nothing of theirs", async () => {
    const kill = (person: string, id: string): Promise<Response> =>
      gateway.fetch(person, `/api/v1/sessions/${id}/kill`, body("POST", { reason: "mine now" }));
    const theirs = await kill("mallory", sid);
    const absent = await kill("mallory", ABSENT);
    expect([theirs.status, absent.status]).toEqual([404, 404]);
    expect(withoutRecord(await theirs.text())).toEqual(withoutRecord(await absent.text()));
    expect((await kill("carol", sid)).status).toBe(403);
    expect((await gateway.fetch("alice", "/c/tool/still-here")).status).toBe(200);
  });

  test.each(["/api/v1/registry/0/records", "/api/v1/perimeter/0", "/api/v1/revocations", "/api/v1/policy"])(
    "%s is for auditors and admins, whatever is said beside it",
    async (path) => {
      for (const headers of [
        { "x-role": "auditor" },
        { "x-forwarded-user": "carol" },
        { cookie: "role=admin" },
        { "x-original-url": "/api/v1/whoami" },
        { "x-rewrite-url": "/api/v1/whoami" },
      ])
        expect((await gateway.fetch("mallory", path, { headers })).status).toBe(403);
    },
  );
});

function body(method: string, value: unknown, headers: Readonly<Record<string, string>> = {}): RequestInit {
  return {
    method,
    headers: { "content-type": "application/json", ...headers },
    body: typeof value === "string" ? value : JSON.stringify(value),
  };
}

describe("a body", () => {
  const bodies = (): [string, string, Record<string, unknown>][] => [
    ["/api/v1/revocations", "POST", { issuer: "https://id.example", subject: "nobody", reason: "a test" }],
    [`/api/v1/sessions/${ABSENT}/kill`, "POST", { reason: "a test" }],
    ["/api/v1/policy/rollback", "POST", { hash: "0".repeat(64), comment: "a test" }],
  ];

  test.each([
    "role",
    "roles",
    "owner",
    "command",
    "no",
    "time",
    "by",
    "sid",
    "admin",
    "expected",
    "token2",
    "constructor",
    "toString",
  ])("with a member %s that is nobody's to set is refused", async (name) => {
    for (const [path, method, value] of bodies()) {
      const answer = await gateway.fetch(both, path, body(method, { ...value, [name]: "x" }, { "if-match": '"x"' }));
      expect([path, answer.status]).toEqual([path, 400]);
      expect(withoutRecord(await harmless(answer))).toMatchObject({ reason: "request_invalid" });
    }
  });

  test.each([
    ["__proto__", '{"reason":"x","__proto__":{"admin":true}}'],
    ["__proto__ in place of what is asked", '{"__proto__":{"reason":"x"}}'],
    ["an escaped __proto__", '{"reason":"x","\\u005f_proto__":1}'],
    ["a member twice", '{"reason":"x","reason":"y"}'],
    ["a member twice, once escaped", '{"reason":"x","re\\u0061son":"y"}'],
    ["a list", '["reason"]'],
    ["null", "null"],
    ["a text", '"reason"'],
    ["two values", '{"reason":"x"}{"reason":"y"}'],
    ["a comment", '{"reason":"x"/**/}'],
    ["a comma too many", '{"reason":"x",}'],
    ["a byte order mark", '\ufeff{"reason":"x"}'],
    ["a number for a text", '{"reason":1}'],
    ["an object for a text", '{"reason":{"toString":"x"}}'],
    ["a lone surrogate", '{"reason":"\\ud800"}'],
    ["a control character", '{"reason":"a\\u0000b"}'],
    ["a line break", '{"reason":"a\\r\\nX-Injected: 1"}'],
    ["an empty text", '{"reason":""}'],
    ["a text that is too long", `{"reason":"${"x".repeat(513)}"}`],
    ["depth", `{"reason":${"[".repeat(5000)}${"]".repeat(5000)}}`],
    ["depth that does not end", "[".repeat(16_000)],
  ])("with %s is refused, and nothing happens", async (_, text) => {
    const answer = await gateway.fetch(both, `/api/v1/sessions/${sid}/kill`, body("POST", text));
    expect(answer.status).toBe(400);
    expect(withoutRecord(await harmless(answer))).toMatchObject({ reason: "request_invalid" });
    const session = (await (await gateway.fetch("carol", `/api/v1/sessions/${sid}`)).json()) as {
      closed: number | null;
    };
    expect(session.closed).toBeNull();
  });

  test.each<[string, Record<string, string>]>([
    ["nothing", {}],
    ["text", { "content-type": "text/plain" }],
    ["a form", { "content-type": "application/x-www-form-urlencoded" }],
    ["parts", { "content-type": "multipart/form-data; boundary=x" }],
    ["another charset", { "content-type": "application/json; charset=utf-16" }],
    ["a parameter", { "content-type": "application/json; boundary=x" }],
    ["two types", { "content-type": "application/json, text/plain" }],
    ["a type that begins so", { "content-type": "application/jsonx" }],
    ["YAML", { "content-type": "application/yaml" }],
    ["a coding", { "content-type": "application/json", "content-encoding": "gzip" }],
    ["no coding, by name", { "content-type": "application/json", "content-encoding": "identity" }],
  ])("of a media type that is %s is refused", async (_, headers) => {
    const init = { method: "POST", headers, body: new TextEncoder().encode('{"reason":"x"}') };
    const answer = await gateway.fetch(both, `/api/v1/sessions/${ABSENT}/kill`, init);
    expect(answer.status).toBe(415);
    expect(answer.headers.get("accept")).toBe("application/json");
    await harmless(answer);
  });

  test("that is not UTF-8 is refused", async () => {
    for (const bytes of [
      [0xff, 0xfe],
      [0x22, 0xc3, 0x28, 0x22],
      [0x7b, 0x00, 0x7d, 0x00],
    ]) {
      const init = { method: "POST", headers: { "content-type": "application/json" }, body: new Uint8Array(bytes) };
      expect((await gateway.fetch(both, `/api/v1/sessions/${ABSENT}/kill`, init)).status).toBe(400);
    }
  });

  test.each([
    ["POST", "/api/v1/revocations", "application/json", 17 * 1024],
    ["PUT", "/api/v1/policy", "application/yaml", 513 * 1024],
    ["POST", "/api/v1/policy/check", "application/yaml", 600 * 1024],
  ])("of %s %s that is too large is refused by what it states and by what it has", async (method, path, type, size) => {
    const token = await gateway.token(both);
    const lines = [
      `Host: 127.0.0.1:${gateway.port}`,
      `Authorization: Bearer ${token}`,
      `Content-Type: ${type}`,
      `If-Match: "x"`,
    ];
    const stated = await rawExchange(
      gateway.port,
      rawRequest(`${method} ${path} HTTP/1.1`, [...lines, `Content-Length: ${size}`], "x"),
    );
    expect(stated.status).toBe(413);
    const headers = { "content-type": type, "if-match": '"x"' };
    const had = await gateway.fetch(both, path, { method, headers, body: " ".repeat(size) });
    expect(had.status).toBe(413);
  });

  test("is none of a read's", async () => {
    const token = await gateway.token("alice");
    const lines = [`Host: 127.0.0.1:${gateway.port}`, `Authorization: Bearer ${token}`, "Content-Length: 2"];
    const answer = await rawExchange(gateway.port, rawRequest("GET /api/v1/whoami HTTP/1.1", lines, "{}"));
    expect(answer.status).toBe(400);
  });
});

describe("a method that is not the request's own", () => {
  test.each([{ "x-http-method-override": "POST" }, { "x-http-method": "PUT" }, { "x-method-override": "DELETE" }])(
    "is not believed: %j",
    async (headers) => {
      const answer = await gateway.fetch("dan", "/api/v1/revocations", { headers: headers as Record<string, string> });
      expect(answer.status).toBe(200);
      expect(await answer.json()).toEqual({ items: [], next: null });
    },
  );
});

test("all of this is on record, each refusal with its reason", async () => {
  const own = new Set((await gateway.records(both, "console")).map((one) => one.classes.reason));
  for (const reason of ["request_invalid", "media_type_unsupported", "body_too_large", "not_found"])
    expect(own).toContain(reason);
});
