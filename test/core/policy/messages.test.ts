// Messages of WebSockets in a policy: how rules speak of them, what they are decided on, and what
// becomes of a refused one.

import { describe, expect, it, test } from "vitest";
import { decide } from "../../../core/policy/decide.ts";
import type { Decision } from "../../../core/policy/decision.ts";
import { readMessage } from "../../../core/policy/message.ts";
import { howRefused } from "../../../core/policy/obligations.ts";
import { parsePolicy } from "../../../core/policy/policy.ts";
import { plainText } from "../../../core/policy/tooling/spans.ts";
import { whoMay, whoMayLines } from "../../../core/policy/tooling/who_may.ts";
import { runExamples } from "../../../core/policy/tooling/examples.ts";
import { asking, file, HASH, person, policyOf, rule, withoutBody } from "./sample_policy.ts";

const CHAT = { protocol: "websocket", upstream: "https://chat.example", region: "eu" };
const HTTP = { protocol: "http", upstream: "https://registry.example", region: "eu" };
type Parts = Readonly<Record<string, unknown>>;

function chat(rules: readonly Parts[], connection: Parts = {}): Record<string, unknown> {
  return file({ connections: { chat: { ...CHAT, ...connection }, registry: HTTP }, rules });
}
const talk = (parts: Parts = {}): Parts =>
  rule({ id: "talk", who: "anyone", connections: ["chat"], methods: ["SEND"], routes: ["/**"], ...parts });
const no = (parts: Parts = {}): Parts => talk({ id: "no", effect: "deny", ...parts });

function said(text: string | number, method = "SEND", limit = 65_536): Parameters<typeof asking>[0] {
  const message =
    typeof text === "number"
      ? ({ type: "binary", size: text } as const)
      : ({ type: "text", size: new TextEncoder().encode(text).length } as const);
  const body = readMessage(message, typeof text === "number" ? null : text, limit);
  return { principal: person("eve"), connection: "chat", method, body, message };
}

function ask(rules: readonly Parts[], asked: Parameters<typeof asking>[0], connection: Parts = {}): Decision {
  return withoutBody(decide(policyOf(chat(rules, connection)), asking(asked)));
}

function problemOf(value: unknown): string {
  const parsed = parsePolicy(JSON.stringify(value), HASH);
  return parsed.ok ? "accepted" : parsed.problems.map(({ path, expected }) => `${path}: ${expected}`).join("; ");
}

describe("a message is decided by rules for its direction", () => {
  test.each([
    ["SEND", ["SEND"], "allow"],
    ["RECEIVE", ["SEND"], "deny"],
    ["RECEIVE", ["RECEIVE"], "allow"],
    ["SEND", ["GET", "RECEIVE"], "deny"],
    ["SEND", ["*"], "allow"],
    ["RECEIVE", ["*"], "allow"],
  ])("%s by a rule for %j: %s", (method, methods, effect) => {
    expect(ask([talk({ methods })], said("hi", method)).effect).toBe(effect);
  });

  it("not by a rule for the upgrade: default deny holds for messages, too", () => {
    const upgrade = talk({ methods: ["GET"] });
    expect(ask([upgrade], { ...said("hi"), method: "GET", message: null, body: { kind: "none" } }).effect).toBe(
      "allow",
    );
    expect(ask([upgrade], said("hi"))).toMatchObject({ effect: "deny", reason: "no_rule" });
  });

  it("never as a request: one that calls itself SEND is refused whatever * says", () => {
    const every = talk({ methods: ["*"], connections: ["*"] });
    expect(ask([every], { ...said("hi"), message: null })).toMatchObject({ effect: "deny", reason: "no_rule" });
    expect(ask([every], { ...said("hi"), method: "GET" })).toMatchObject({ effect: "deny", reason: "no_rule" });
    expect(ask([every], { ...said("hi"), connection: "registry" })).toMatchObject({
      effect: "deny",
      reason: "no_rule",
    });
  });

  it("on the path of its upgrade", () => {
    const here = talk({ routes: ["/rooms/{room}"], when: 'command.route.room == "open"' });
    const at = (path: string): string => ask([here], { ...said("hi"), path }).effect;
    expect([at("/rooms/open"), at("/rooms/closed"), at("/other")]).toEqual(["allow", "deny", "deny"]);
  });
});

describe("conditions see a message", () => {
  test.each<[string, string | number, boolean]>([
    ['command.message.type == "text"', "hi", true],
    ['command.message.type == "text"', 3, false],
    ['command.message.type == "binary" && command.message.size <= 3', 3, true],
    ["command.message.size == 4", "äö", true],
    ["has(command.message)", "hi", true],
    ['command.method == "SEND"', "hi", true],
    ['has(command.json) && command.json.op == "say"', '{"op":"say"}', true],
    ['has(command.json) && command.json.op == "say"', "say", false],
    ["!has(command.json)", "say", true],
    ["!has(command.json)", 5, true],
    ["!has(command.json)", "", true],
    ["command.json == 7", "7", true],
  ])("%s of %j is %s", (when, text, holds) => {
    expect(ask([talk({ when })], said(text)).effect).toBe(holds ? "allow" : "deny");
  });

  it("and none of a request", () => {
    const of = (when: string): string =>
      ask([talk({ when, methods: ["GET"] })], { ...said("hi"), method: "GET", message: null }).effect;
    expect([of("has(command.message)"), of("!has(command.message)")]).toEqual(["deny", "allow"]);
    expect(of("command.message.size == 2")).toBe("deny");
  });

  it("whose members are known when the policy is read", () => {
    expect(problemOf(chat([talk({ when: "command.message.kind == 1" })]))).toContain("rules[0].when");
    expect(problemOf(chat([talk({ when: 'command.message.size == "1"' })]))).toContain("rules[0].when");
  });
});

describe("a text that a lenient reader could take for JSON is refused where a rule reads it", () => {
  const reads = no({ when: 'has(command.json) && command.json.op == "delete"' });

  test.each([
    '{op:"delete"}',
    '{"op":"delete",}',
    ' \n\t{"op":"delete"} trailing',
    "{'op':'delete'}",
    '\uFEFF{"op":"delete"}',
    '\u00A0[{"op":"delete"}',
    '// say\n{"op":"delete"}',
    '/* say */{"op":"delete"}',
    '{"op":"say","op":"delete"}',
    '{"op":"\\ud800"}',
    '{"op":9007199254740993}',
    "[NaN]",
  ])("%j", (text) => {
    expect(ask([reads, talk()], said(text))).toMatchObject({ effect: "deny", rule: "no", reason: "body_ambiguous" });
    expect(ask([talk()], said(text)).effect).toBe("allow");
  });

  test.each(["hello", '42["say",{"op":"delete"}]', "/me waves", "2probe", "#{}", "say {}"])(
    "but not %j, which is none to anybody",
    (text) => {
      expect(ask([reads, talk()], said(text)).effect).toBe("allow");
    },
  );

  it("nor one that is larger than rules may read", () => {
    const large = JSON.stringify({ op: "say", text: "x".repeat(50) });
    expect(ask([reads, talk()], said(large, "SEND", 50))).toMatchObject({ reason: "body_too_large_to_decide" });
    expect(ask([talk()], said(large, "SEND", 50)).effect).toBe("allow");
  });

  it("and a condition that fails decides against it", () => {
    const blunt = no({ when: 'command.json.op == "delete"' });
    expect(ask([blunt, talk()], said("hello"))).toMatchObject({ effect: "deny", reason: "condition_failed" });
    expect(ask([talk({ when: 'command.json.op == "say"' })], said("hello"))).toMatchObject({ reason: "no_rule" });
  });
});

describe("a refused message", () => {
  const how = (rules: readonly Parts[], asked: Parameters<typeof asking>[0], connection: Parts = {}): string => {
    const policy = policyOf(chat(rules, connection));
    const settings = policy.connections.get("chat");
    if (settings === undefined) throw new TypeError("no connection");
    return howRefused(withoutBody(decide(policy, asking(asked))), settings);
  };

  it("is dropped, or closes the socket, as the rule says, else as the connection does", () => {
    expect(how([no()], said("hi"))).toBe("drop");
    expect(how([no({ refused: "close" })], said("hi"))).toBe("close");
    expect(how([no()], said("hi"), { on_refused: "close" })).toBe("close");
    expect(how([no({ refused: "drop" })], said("hi"), { on_refused: "close" })).toBe("drop");
    expect(how([], said("hi"), { on_refused: "close" })).toBe("close");
    expect(how([talk({ effect: "needs-approval" })], said("hi"), { on_refused: "close" })).toBe("close");
  });

  it("also where the rule could not be asked", () => {
    const reads = no({ when: "command.json.a == 1", refused: "close" });
    expect(how([reads], said("hello"))).toBe("close");
    expect(how([reads], said("{a}"))).toBe("close");
  });
});

describe("a policy is refused that speaks of messages where there are none", () => {
  test.each<[string, unknown, string]>([
    ["SEND on http", chat([talk({ connections: ["registry"] })]), "rules[0].methods[0]: a connection with"],
    ["RECEIVE beside GET", chat([talk({ connections: ["registry"], methods: ["GET", "RECEIVE"] })]), "methods[1]"],
    ["SEND by a label", chat([talk({ connections: { labels: ["x"] } })], { labels: ["y"] }), "rules[0]"],
    ["a lower-case send", chat([talk({ methods: ["send"] })]), "rules[0].methods[0]"],
    ["refused of an allow", chat([talk({ refused: "close" })]), "rules[0].refused: effect: deny or needs-approval"],
    ["refused of requests", chat([no({ methods: ["GET"], refused: "close" })]), "rules[0].refused: SEND or RECEIVE"],
    ["refused otherwise", chat([no({ refused: "ban" })]), "rules[0].refused: drop or close"],
    [
      "a limit on http",
      file({ connections: { registry: { ...HTTP, message_limit: 5 } } }),
      "connections.registry.message_limit: protocol: websocket",
    ],
    [
      "on_refused on http",
      file({ connections: { registry: { ...HTTP, on_refused: "drop" } } }),
      "on_refused: protocol",
    ],
    [
      "a limit beyond the platform's",
      chat([], { message_limit: 33_554_433 }),
      "connections.chat.message_limit: 1 to 33554432",
    ],
    ["a protocol that is none", chat([], { protocol: "ws" }), "connections.chat.protocol: http or websocket"],
    ["a text with a GET", withExample({ do: "GET /", with: { text: "hi" } }), "examples[0].with.text: SEND or RECEIVE"],
    [
      "two contents",
      withExample({ do: "SEND /", with: { text: "hi", json: 1 } }),
      "examples[0].with: one of json, text and binary",
    ],
  ])("%s", (_, value, expected) => {
    expect(problemOf(value)).toContain(expected);
  });

  it("but one connection that has them is enough, and * never asks", () => {
    expect(problemOf(chat([talk({ connections: ["registry", "chat"] })]))).toBe("accepted");
    expect(problemOf(chat([talk({ connections: ["*"] })]))).toBe("accepted");
    expect(problemOf(chat([talk({ connections: { labels: ["y"] } })], { labels: ["y", "z"] }))).toBe("accepted");
    expect(problemOf(file({ rules: [rule({ methods: ["*"] })] }))).toBe("accepted");
  });
});

function withExample(parts: Parts): unknown {
  return {
    ...chat([talk()]),
    examples: [{ name: "it", as: { subject: "eve" }, on: "chat", expect: "deny", ...parts }],
  };
}

test("who may say something is asked as of any command, where there are messages", () => {
  const policy = policyOf(chat([talk({ who: { groups: ["leads"] } }), no({ when: "command.message.size > 5" })]));
  const told = (connection: string, method: string): string =>
    plainText(whoMayLines(whoMay(policy, connection, method, "/socket")));
  expect(told("chat", "SEND")).toContain("group leads");
  expect(told("chat", "SEND")).toContain("command.message.size > 5");
  expect(told("chat", "RECEIVE")).toContain("nobody");
  expect(told("registry", "SEND")).toBe("nobody: the connection has no messages: its protocol is http");
});

describe("an example may be a message", () => {
  const results = (examples: readonly Parts[]): readonly string[] =>
    runExamples(
      policyOf({
        ...chat([
          no({ when: 'has(command.json) && command.json.op == "delete"' }),
          talk({ when: 'command.message.type == "text"' }),
        ]),
        examples: examples.map((one) => ({ name: "it", as: { subject: "eve" }, on: "chat", expect: "allow", ...one })),
      }),
      0,
    ).map(({ decision }) => decision.why);

  it("of JSON, of text, of so many bytes, or empty", () => {
    expect(
      results([
        { do: "SEND /", with: { json: { op: "say" } } },
        { do: "SEND /", with: { json: { op: "delete" } } },
        { do: "SEND /", with: { text: "hello" } },
        { do: "SEND /", with: { text: "{op: 'delete'}" } },
        { do: "SEND /", with: { binary: 9 } },
        { do: "SEND /" },
        { do: "SEND /", on: "registry" },
      ]),
    ).toEqual([
      expect.stringContaining("allowed by rule talk"),
      expect.stringContaining("denied by rule no"),
      expect.stringContaining("allowed by rule talk"),
      expect.stringContaining("parsers may read differently"),
      "denied by default: no rule allows it",
      expect.stringContaining("allowed by rule talk"),
      "denied before any rule is asked: no_messages",
    ]);
  });
});
