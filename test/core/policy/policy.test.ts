import { describe, expect, it, test } from "vitest";
import { EVERY_SECRET } from "../../../core/mask/mask_plan.ts";
import { decide } from "../../../core/policy/decide.ts";
import { EMPTY_POLICY, parsePolicy } from "../../../core/policy/policy.ts";
import { asking, file, HASH, policyOf, rule } from "./sample_policy.ts";

const connection = { protocol: "http", upstream: "https://registry.example", region: "eu" };

function refusal(value: unknown): { path: string; expected: string } {
  const parsed = parsePolicy(typeof value === "string" ? value : JSON.stringify(value), HASH);
  if (parsed.ok) throw new TypeError("accepted");
  const [problem] = parsed.problems;
  if (problem === undefined) throw new TypeError("refused without a problem");
  return problem;
}

describe("a policy that is complete is read", () => {
  it("keeps the hash, the connection and its defaults", () => {
    const policy = policyOf(file());
    expect(policy.hash).toBe(HASH);
    expect(policy.connections.get("registry")).toEqual({
      name: "registry",
      protocol: "http",
      upstream: "https://registry.example/base",
      upstreamAt: { line: 1, column: 1 + JSON.stringify(file()).indexOf('"https://registry.example/base') },
      region: "eu",
      credential: null,
      labels: [],
      timeoutSeconds: 60,
      sessionSeconds: 28_800,
      idleSeconds: 900,
      jsonLimit: 65536,
      record: "full",
      unreadable: "commit",
      messageLimit: 1048576,
      onRefused: "drop",
      silenceSeconds: null,
      framing: "none",
      browser: false,
      masks: [],
      maskPlan: EVERY_SECRET,
    });
  });

  it("accepts an empty one, which allows nothing", () => {
    expect(policyOf({ version: 1 }).rules).toEqual([]);
  });

  it("is not needed: where none was applied, the empty one allows nothing", () => {
    const { hash, roles, connections, rules } = EMPTY_POLICY;
    expect([roles.length, connections.size, rules.length]).toEqual([0, 0, 0]);
    // SHA-256 of no bytes (FIPS 180-4).
    expect(hash).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(decide(EMPTY_POLICY, asking({}))).toMatchObject({ effect: "deny", policy: hash, rule: null });
  });

  it("takes the slash off an upstream's end", () => {
    const policy = policyOf(
      file({ connections: { registry: { ...connection, upstream: "https://registry.example/a/" } } }),
    );
    expect(policy.connections.get("registry")?.upstream).toBe("https://registry.example/a");
  });

  it("knows the built-in roles without their definition", () => {
    expect(policyOf(file({ rules: [rule({ who: { roles: ["admin", "auditor"] } })] })).rules).toHaveLength(1);
  });
});

describe("a policy is refused whole, with the place, for", () => {
  const secret = "UPSTREAM_REGISTRY";
  const withCredential = (credential: unknown): unknown =>
    file({ connections: { registry: { ...connection, credential } } });
  const withUpstream = (upstream: string): unknown => file({ connections: { registry: { ...connection, upstream } } });
  const withRule = (parts: Readonly<Record<string, unknown>>): unknown => file({ rules: [rule(parts)] });

  test.each<[string, unknown, string]>([
    ["another version", file({ version: 2 }), "version"],
    ["no version", {}, "version"],
    ["a list instead of the file", [], "version"],
    ["a list instead of roles", file({ roles: [], rules: [] }), "roles"],
    ["a list instead of a role", file({ roles: { engineer: [] }, rules: [] }), "roles.engineer"],
    ["a list instead of connections", file({ connections: [], rules: [] }), "connections"],
    [
      "a list instead of a connection",
      file({ connections: { registry: [] }, rules: [] }),
      "connections.registry.protocol",
    ],
    ["a list instead of who", withRule({ who: [] }), "rules[0].who"],
    ["a list instead of a credential", withCredential([]), "connections.registry.credential.as"],
    ["an unknown member", file({ extra: 1 }), "extra"],
    ["a misspelt member of a rule", withRule({ method: ["GET"] }), "rules[0].method"],
    [
      "an unknown member of a role",
      file({ roles: { engineer: { groups: ["a"], member: [] } } }),
      "roles.engineer.member",
    ],
    ["an unknown member of who", withRule({ who: { roles: ["engineer"], everyone: true } }), "rules[0].who.everyone"],
    [
      "an unknown member of a connection",
      file({ connections: { registry: { ...connection, tls: false } } }),
      "connections.registry.tls",
    ],
    [
      "a rule for a role that is not defined",
      withRule({ who: { roles: ["engineer", "boss"] } }),
      "rules[0].who.roles[1]",
    ],
    [
      "a rule for a connection that is not defined",
      withRule({ connections: ["registry", "other"] }),
      "rules[0].connections[1]",
    ],
    ["a rule for the console", withRule({ connections: ["console"] }), "rules[0].connections[0]"],
    ["a rule for nobody", withRule({ who: {} }), "rules[0].who"],
    ["a rule without methods", withRule({ methods: [] }), "rules[0].methods"],
    ["a rule without routes", withRule({ routes: [] }), "rules[0].routes"],
    ["a rule without connections", withRule({ connections: [] }), "rules[0].connections"],
    ["an unknown effect", withRule({ effect: "needs_approval" }), "rules[0].effect"],
    ["an unknown method", withRule({ methods: ["GET", "FETCH"] }), "rules[0].methods[1]"],
    ["a method in lower case", withRule({ methods: ["get"] }), "rules[0].methods[0]"],
    ["TRACE", withRule({ methods: ["TRACE"] }), "rules[0].methods[0]"],
    ["CONNECT", withRule({ methods: ["CONNECT"] }), "rules[0].methods[0]"],
    ["a route without its slash", withRule({ routes: ["api/**"] }), "rules[0].routes[0]"],
    ["a route with ** in its middle", withRule({ routes: ["/**/x"] }), "rules[0].routes[0]"],
    ["an id used twice", file({ rules: [rule(), rule({ effect: "deny" })] }), "rules[1].id"],
    ["an id that a record could not carry", withRule({ id: "lire été" }), "rules[0].id"],
    ["a connection named console", file({ connections: { console: connection }, rules: [] }), "connections.console"],
    ["a connection in capitals", file({ connections: { Registry: connection }, rules: [] }), "connections.Registry"],
    [
      "a connection whose name has two dashes",
      file({ connections: { "a--b": connection }, rules: [] }),
      "connections.a--b",
    ],
    [
      "another protocol",
      file({ connections: { registry: { ...connection, protocol: "ftp" } } }),
      "connections.registry.protocol",
    ],
    [
      "a timeout of no length",
      file({ connections: { registry: { ...connection, timeout_seconds: 0 } } }),
      "connections.registry.timeout_seconds",
    ],
    [
      "a timeout as text",
      file({ connections: { registry: { ...connection, timeout_seconds: "30" } } }),
      "connections.registry.timeout_seconds",
    ],
    [
      "a secret that is not the upstream's",
      withCredential({ as: "basic", secret: "PSEUDONYM_KEY" }),
      "connections.registry.credential.secret",
    ],
    [
      "a secret in lower case",
      withCredential({ as: "basic", secret: "UPSTREAM_key" }),
      "connections.registry.credential.secret",
    ],
    [
      "a secret's value in place of its name",
      withCredential({ as: "basic", secret: "user:password" }),
      "connections.registry.credential.secret",
    ],
    [
      "a secret's name with more behind it",
      withCredential({ as: "basic", secret: "UPSTREAM_A\nB" }),
      "connections.registry.credential.secret",
    ],
    [
      "a credential in Host",
      withCredential({ as: "header", name: "host", secret }),
      "connections.registry.credential.name",
    ],
    [
      "a credential in Content-Length",
      withCredential({ as: "header", name: "content-length", secret }),
      "connections.registry.credential.name",
    ],
    [
      "a credential header with a line break",
      withCredential({ as: "header", name: "x-key\r\nhost", secret }),
      "connections.registry.credential.name",
    ],
    [
      "a credential parameter with an ampersand",
      withCredential({ as: "query", name: "a&b", secret }),
      "connections.registry.credential.name",
    ],
    ["a credential of an unknown kind", withCredential({ as: "cookie", secret }), "connections.registry.credential.as"],
    ["an upstream over ftp", withUpstream("ftp://registry.example"), "connections.registry.upstream"],
    ["an upstream with a user", withUpstream("https://user@registry.example"), "connections.registry.upstream"],
    ["an upstream with a password", withUpstream("https://user:pw@registry.example"), "connections.registry.upstream"],
    ["an upstream with an empty user", withUpstream("https://@registry.example"), "connections.registry.upstream"],
    ["an upstream with a query", withUpstream("https://registry.example/?a=1"), "connections.registry.upstream"],
    ["an upstream with a fragment", withUpstream("https://registry.example/#a"), "connections.registry.upstream"],
    ["an upstream that climbs", withUpstream("https://registry.example/a/../b"), "connections.registry.upstream"],
    [
      "an upstream that climbs, encoded",
      withUpstream("https://registry.example/a/%2e%2e/b"),
      "connections.registry.upstream",
    ],
    [
      "an upstream with a backslash",
      withUpstream("https://registry.example\\@evil.example"),
      "connections.registry.upstream",
    ],
    ["an upstream whose number is an address", withUpstream("http://2130706433"), "connections.registry.upstream"],
    [
      "an upstream with its default port",
      withUpstream("https://registry.example:443"),
      "connections.registry.upstream",
    ],
    ["an upstream in capitals", withUpstream("https://Registry.example"), "connections.registry.upstream"],
    ["an upstream in other letters", withUpstream("https://ｒegistry.example"), "connections.registry.upstream"],
    ["an upstream without a host", withUpstream("https://"), "connections.registry.upstream"],
    [
      "a subject without its issuer",
      withRule({ who: { subjects: [{ subject: "dan" }] } }),
      "rules[0].who.subjects[0].issuer",
    ],
    ["a lone surrogate", withRule({ who: { groups: ["\ud800"] } }), "rules[0].who.groups[0]"],
  ])("%s", (_, value, path) => {
    expect(refusal(value).path).toBe(path);
  });

  it("the line of the value", () => {
    const text = JSON.stringify(file({ rules: [rule(), rule({ id: "write", methods: ["GET", "FETCH"] })] }), null, 2);
    const line = text.slice(0, text.indexOf('"FETCH"')).split("\n").length;
    expect(parsePolicy(text, HASH)).toMatchObject({
      ok: false,
      problems: [{ path: "rules[1].methods[1]", line }],
    });
  });

  it("the line of what is around a missing value", () => {
    const text = '{\n"version": 1,\n"roles": {},\n"rules": [\n{"id": "a"}]}';
    expect(parsePolicy(text, HASH)).toMatchObject({
      ok: false,
      problems: ["effect", "who", "connections", "methods", "routes"].map((name) => ({
        path: `rules[0].${name}`,
        line: 5,
      })),
    });
  });
});
