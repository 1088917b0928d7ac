// policy/policy.schema.json, for editors, against the parser: read by an independent validator.

import { Ajv } from "ajv";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Digest } from "../../core/ids.ts";
import { parsePolicy } from "../../core/policy/policy.ts";
import { METHOD_NAMES } from "../../core/protocol/http/methods.ts";
import { SCHEMA_FILE, schemaText } from "../../scripts/policy_schema.ts";
import { rule } from "../core/policy/sample_policy.ts";
import { blocksOf, textOf } from "./text.ts";

const HASH = "0".repeat(64) as Digest;
// The parser checks times; the standard leaves formats to whoever reads the schema.
const validate = new Ajv({ allErrors: true, validateFormats: false }).compile(
  JSON.parse(readFileSync(SCHEMA_FILE, "utf8")) as object,
);

function bothSay(value: unknown): readonly [parser: boolean, schema: boolean] {
  return [parsePolicy(JSON.stringify(value), HASH).ok, validate(value)];
}

const CONNECTION = { protocol: "http", upstream: "https://registry.example", region: "eu" };
const RULE = rule();
const EXAMPLE = { name: "it", as: { subject: "eve" }, on: "registry", do: "GET /", expect: "deny" };

function policy(parts: object = {}): Record<string, unknown> {
  return {
    version: 1,
    roles: { engineer: { groups: ["e"] } },
    connections: { registry: CONNECTION },
    rules: [RULE],
    ...parts,
  };
}
const withRule = (parts: object) => policy({ rules: [{ ...RULE, ...parts }] });
const SUE = { issuer: "https://i", subject: "sue" };
const HOOK = { format: "webhook", url: "https://hooks.example/a", secret: "NOTIFY_OPS" };
const withApproval = (approve: object) => withRule({ effect: "needs-approval", approve });
const withConnection = (parts: object) => policy({ connections: { registry: { ...CONNECTION, ...parts } } });
const withExample = (parts: object) => policy({ examples: [{ ...EXAMPLE, ...parts }] });

test("the file is what scripts/policy_schema.ts writes", () => {
  expect(readFileSync(SCHEMA_FILE, "utf8")).toBe(schemaText());
});

describe("the schema accepts what the parser accepts", () => {
  const texts = [textOf("local/demo_policy.yaml"), ...blocksOf(textOf("docs/policy.md"), "yaml")];

  test("the demonstration, and each policy of docs/policy.md", () => {
    expect(texts.length).toBeGreaterThan(2);
    for (const text of texts) {
      expect(parsePolicy(text, HASH).ok).toBe(true);
      const value: unknown = parse(text);
      expect([validate(value), validate.errors]).toEqual([true, null]);
    }
  });

  test.each([
    ["nothing but a version", { version: 1 }],
    ["a schema's name", policy({ $schema: "./policy.schema.json" })],
    ["every method", withRule({ methods: [...METHOD_NAMES, "*"] })],
    ["anyone", withRule({ who: "anyone" })],
    [
      "subjects and groups of one issuer",
      withRule({ who: { issuer: "https://i", groups: ["g"], subjects: [{ issuer: "https://i", subject: "s" }] } }),
    ],
    ["all connections", withRule({ connections: ["*"] })],
    ["labels", { ...withConnection({ labels: ["npm"] }), rules: [{ ...RULE, connections: { labels: ["npm"] } }] }],
    ["routes of each kind", withRule({ routes: ["/", "/a", "/*/b", "/{x}/%2F@a", "/a//b", "/**", "/a;b=1"] })],
    ["demands", withRule({ mask: ["secrets"], record: { head: 4096 } })],
    [
      "a condition, a message, a priority",
      withRule({ when: "true || false", message: "no", priority: 1000, description: "d" }),
    ],
    ["credentials", withConnection({ credential: { as: "header", name: "x-key", secret: "UPSTREAM_A" } })],
    ["a query's credential", withConnection({ credential: { as: "query", name: "key", secret: "UPSTREAM_A" } })],
    ["limits", withConnection({ timeout_seconds: 600, json_limit: 1048576 })],
    ["a session's times", withConnection({ session_seconds: 28800, idle_seconds: 900 })],
    [
      "a socket's settings",
      withConnection({
        protocol: "websocket",
        message_limit: 33554432,
        on_refused: "close",
        silence_seconds: 28800,
        unreadable: "refuse",
      }),
    ],
    ["pages' settings", withConnection({ browser: true, framing: ["https://wiki.example", "http://localhost:8080"] })],
    ["what of bodies is recorded", withConnection({ record: { head: 1048576 } })],
    [
      "masks",
      policy({ masks: { a: { pattern: "A-[0-9]+", keywords: ["A-1"], pseudonym: true }, b: { fields: ["b"] } } }),
    ],
    [
      "messages",
      {
        ...withConnection({ protocol: "websocket" }),
        rules: [{ ...RULE, effect: "deny", methods: ["SEND", "RECEIVE"], refused: "drop" }],
        examples: [
          { ...EXAMPLE, do: "SEND /a", with: { text: "hi" } },
          { ...EXAMPLE, do: "RECEIVE /", with: { binary: 0 } },
        ],
      },
    ],
    ["an approval", withApproval({ by: [{ groups: ["leads"] }] })],
    [
      "an approval with everything",
      {
        ...withApproval({
          by: [{ groups: ["leads"], issuer: "https://i", roles: ["engineer"], count: 16 }, { subjects: [SUE] }],
          expires_minutes: 480,
          use_within_minutes: 60,
          wait_seconds: 600,
          if_gone: "keep",
          body_limit: 16777216,
          grant: { minutes: 480, for: "rule" },
          comment: "required",
          reason: "optional",
          passkey: true,
          break_glass: { groups: ["oncall"] },
          masked_only_in: ["password"],
          notify: ["ops"],
        }),
        notify: {
          ops: HOOK,
          chat: { format: "slack", secret: "NOTIFY_CHAT" },
          old: { format: "slack", url: "https://a" },
        },
        persons: [[SUE, { ...SUE, issuer: "https://j" }]],
      },
    ],
    ["upstreams with paths", withConnection({ upstream: "https://registry.example:8443/base/path/" })],
    [
      "an example with everything",
      withExample({
        as: {
          subject: "s",
          issuer: "https://i",
          groups: ["g"],
          email: "e",
          email_verified: true,
          name: "n",
          actors: [{ issuer: "a", subject: "b" }],
          methods: ["pwd"],
          auth_time: "2026-11-24T10:00:00Z",
        },
        do: "TRACE /a?b=c",
        with: { headers: { "x-a": "b" }, json: [1], address: "::1", time: "2026-11-24T10:00:00Z" },
        by: "read",
      }),
    ],
  ])("%s", (_, value) => {
    expect([bothSay(value), validate.errors]).toEqual([[true, true], null]);
  });
});

describe("the schema refuses what the parser refuses for its shape", () => {
  test.each([
    ["a list", []],
    ["no version", {}],
    ["another version", policy({ version: 2 })],
    ["an unknown member", policy({ rule: [] })],
    ["a member of the wrong kind", policy({ rules: {} })],
    ["roles in a list", policy({ roles: [] })],
    ["a role's name in upper case", policy({ roles: { Engineer: {} } })],
    ["a role with an unknown member", policy({ roles: { engineer: { users: ["a"] } } })],
    ["a connection's bad name", policy({ connections: { registry: CONNECTION, "a--b": CONNECTION } })],
    ["a connection called console", policy({ connections: { registry: CONNECTION, console: CONNECTION } })],
    ["another protocol", withConnection({ protocol: "ftp" })],
    ["an upstream that is no http URL", withConnection({ upstream: "ftp://registry.example" })],
    ["an upstream with a user", withConnection({ upstream: "https://user:pass@registry.example" })],
    ["an upstream with a query", withConnection({ upstream: "https://registry.example/?a" })],
    ["a secret in place of its name", withConnection({ credential: { as: "basic", secret: "hunter2" } })],
    ["a header's credential without a name", withConnection({ credential: { as: "header", secret: "UPSTREAM_A" } })],
    ["a timeout of nothing", withConnection({ timeout_seconds: 0 })],
    ["a session of more than 8 hours", withConnection({ session_seconds: 28801 })],
    ["a session that idles for more than 15 minutes", withConnection({ idle_seconds: 901 })],
    ["half a second", withConnection({ timeout_seconds: 0.5 })],
    ["a limit beyond what is read", withConnection({ json_limit: 1048577 })],
    [
      "half a megabyte more than a message may have",
      withConnection({ protocol: "websocket", message_limit: 34078720 }),
    ],
    ["another way to refuse", withConnection({ protocol: "websocket", on_refused: "ban" })],
    ["an origin with a path", withConnection({ framing: ["https://wiki.example/a"] })],
    ["no origin", withConnection({ framing: [] })],
    ["everybody's frames", withConnection({ framing: "all" })],
    ["a browser that may be", withConnection({ browser: "maybe" })],
    ["a mask in upper case", policy({ masks: { A: { fields: ["a"] } } })],
    ["a mask with an unknown member", policy({ masks: { a: { field: "a" } } })],
    ["a short keyword", policy({ masks: { a: { pattern: "a+b", keywords: ["ab"] } } })],
    ["masks in a list", policy({ masks: [] })],
    ["no id", policy({ rules: [{ ...RULE, id: undefined }] })],
    ["an id in upper case", withRule({ id: "Read" })],
    ["an id called default", withRule({ id: "default" })],
    ["another effect", withRule({ effect: "permit" })],
    ["a priority beyond", withRule({ priority: 1001 })],
    ["a negative priority", withRule({ priority: -1 })],
    ["everyone", withRule({ who: "everyone" })],
    ["a person as text", withRule({ who: { subjects: ["alice"] } })],
    ["no connection", withRule({ connections: [] })],
    ["no label", withRule({ connections: { labels: [] } })],
    ["a method in lower case", withRule({ methods: ["get"] })],
    ["TRACE", withRule({ methods: ["TRACE"] })],
    ["no method", withRule({ methods: [] })],
    ["a route without a slash", withRule({ routes: ["a"] })],
    ["a route with ** inside", withRule({ routes: ["/**/a"] })],
    ["a route with a star in a segment", withRule({ routes: ["/a*"] })],
    ["a route that climbs", withRule({ routes: ["/a/../b"] })],
    ["a route with a query", withRule({ routes: ["/a?b"] })],
    ["a condition that is no text", withRule({ when: true })],
    ["a message of two lines", withRule({ message: "a\nb" })],
    ["another record", withRule({ record: "all" })],
    ["a head of nothing", withRule({ record: { head: 0 } })],
    ["needs-approval of nobody", withRule({ effect: "needs-approval" })],
    ["an approval of what is allowed", withRule({ approve: { by: [{ groups: ["leads"] }] } })],
    ["an approval of what is denied", withRule({ effect: "deny", approve: { by: [{ groups: ["leads"] }] } })],
    ["an approval without by", withApproval({})],
    ["an approval by none", withApproval({ by: [] })],
    ["an approval by too many", withApproval({ by: Array.from({ length: 9 }, () => ({ groups: ["leads"] })) })],
    ["an approval by anyone", withApproval({ by: ["anyone"] })],
    ["a count of none", withApproval({ by: [{ groups: ["leads"], count: 0 }] })],
    ["a count beyond", withApproval({ by: [{ groups: ["leads"], count: 17 }] })],
    ["an approval that is open too long", withApproval({ by: [{ groups: ["leads"] }], expires_minutes: 481 })],
    ["a wait that is too long", withApproval({ by: [{ groups: ["leads"] }], wait_seconds: 601 })],
    ["a body that is too large", withApproval({ by: [{ groups: ["leads"] }], body_limit: 16777217 })],
    ["a grant without its time", withApproval({ by: [{ groups: ["leads"] }], grant: { for: "rule" } })],
    ["a grant for everything", withApproval({ by: [{ groups: ["leads"] }], grant: { minutes: 5, for: "all" } })],
    ["glass that anyone breaks", withApproval({ by: [{ groups: ["leads"] }], break_glass: "anyone" })],
    ["an unknown member of approve", withApproval({ by: [{ groups: ["leads"] }], expires: 5 })],
    ["a webhook without its secret", policy({ notify: { ops: { format: "webhook", url: "https://a" } } })],
    ["a notice by mail", policy({ notify: { ops: { ...HOOK, format: "mail" } } })],
    ["a secret's value for a notice", policy({ notify: { ops: { ...HOOK, secret: "whsec_abc" } } })],
    ["a notice to an address with a query", policy({ notify: { ops: { ...HOOK, url: "https://a/?b" } } })],
    ["slack with an address and a secret", policy({ notify: { ops: { ...HOOK, format: "slack" } } })],
    ["slack with neither", policy({ notify: { ops: { format: "slack" } } })],
    ["a person of one identity", policy({ persons: [[SUE]] })],
    ["an example without a name", withExample({ name: undefined })],
    ["an example of nobody", withExample({ as: {} })],
    ["an example that does nothing", withExample({ do: "GET" })],
    ["an example whose method is in lower case", withExample({ do: "get /" })],
    ["an example that expects nothing", withExample({ expect: undefined })],
    ["an example with an unknown part", withExample({ with: { body: "x" } })],
  ])("%s", (_, value) => {
    const plain: unknown = JSON.parse(JSON.stringify(value));
    expect(bothSay(plain)).toEqual([false, false]);
  });
});

test("every member has a text that an editor shows", () => {
  interface Node {
    readonly description?: string;
    readonly properties?: Readonly<Record<string, Node>>;
  }
  const root = JSON.parse(readFileSync(SCHEMA_FILE, "utf8")) as Node & {
    readonly properties: {
      readonly rules: { readonly items: Node & { readonly properties: { readonly approve: Node } } };
    };
  };
  const { items } = root.properties.rules;
  for (const node of [root, items, items.properties.approve]) {
    const silent = Object.entries(node.properties ?? {}).filter(([, one]) => one.description === undefined);
    expect(silent.map(([name]) => name)).toEqual(node === root ? ["$schema"] : []);
  }
});
