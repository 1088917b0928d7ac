// The policy file: roles, connections and who may use which methods on which routes. Parsed once, at
// the boundary; anything it does not understand is refused, so that a typing error never allows.

import * as v from "valibot";
import type { ConnectionName, Digest } from "../ids.ts";
import { parseConnectionName } from "../ids.ts";
import type { CredentialUse } from "../protocol/http/credential.ts";
import { isReservedHeader } from "../protocol/http/reserved.ts";
import { verbClass } from "../protocol/http/methods.ts";
import { findMembersProblem } from "../protocol/json_members.ts";
import { ok, refuse, type Result } from "../result.ts";
import { type CompiledRules, compileRules } from "./compile.ts";
import { type JsonPath, lineOf } from "./json_lines.ts";
import type { PolicyExample } from "./example.ts";
import type { PolicyRefusal } from "./problem.ts";
import { parseRoute } from "./route.ts";
import type { PolicyRole, PolicyRule } from "./rule.ts";

/** Built in: the gateway's own API. */
export const CONSOLE = "console" as ConnectionName;
const TEXT_LIMIT: number = 1024 * 1024;

/** What the file may hold at most. Far above honest use, low enough that a decision stays cheap. */
const MAX_RULES = 1000;
const MAX_NAMES = 1000;
const MAX_ROUTES = 100;
/** Roles that exist without being defined: the console's rules name them, and the first admin has `admin`. */
const BUILT_IN_ROLES: readonly string[] = ["admin", "auditor"];

const Name = v.pipe(v.string("a name"), v.regex(/^[a-z][a-z0-9_-]{0,63}$/, "a name: a-z, 0-9, _ and -"));
const Text = v.pipe(
  v.string("text"),
  v.minLength(1, "text that is not empty"),
  v.maxLength(2048, "text of at most 2048 characters"),
  v.check((text) => text.isWellFormed(), "well-formed Unicode"),
);
const Subject = v.strictObject({ issuer: Text, subject: Text });
const People = {
  issuer: v.optional(Text),
  groups: v.optional(v.pipe(v.array(Text), v.maxLength(MAX_NAMES)), []),
  subjects: v.optional(v.pipe(v.array(Subject), v.maxLength(MAX_NAMES)), []),
};
/** Valibot takes a list for an object whose members are its indexes; where all members are optional that would pass. */
const NoList = v.check<unknown, string>((value) => !Array.isArray(value), "an object");
const Role = v.pipe(v.unknown(), NoList, v.strictObject(People));
const Secret = v.pipe(
  v.string("a secret's name"),
  v.regex(/^UPSTREAM_[A-Z0-9_]{1,64}$/, "the name of a secret that begins with UPSTREAM_"),
);
const HeaderName = v.pipe(
  v.string("a header name"),
  v.regex(/^[a-z0-9-]{1,64}$/, "a header name in lower case"),
  v.check((name) => !isReservedHeader(name), "a header that the gateway does not set itself"),
);
const Credential = v.variant("as", [
  v.strictObject({ as: v.literal("header"), name: HeaderName, secret: Secret }),
  v.strictObject({ as: v.literal("basic"), secret: Secret }),
  v.strictObject({
    as: v.literal("query"),
    name: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.-]{1,64}$/, "a parameter's name")),
    secret: Secret,
  }),
]);
const Upstream = v.pipe(
  v.string("a URL"),
  v.check(isUpstream, "an http(s) URL without user, query, fragment or dot segments"),
);
const Connection = v.strictObject({
  protocol: v.literal("http", "http"),
  upstream: Upstream,
  region: Name,
  credential: v.optional(Credential),
  labels: v.optional(v.pipe(v.array(Name), v.maxLength(32)), []),
  timeout_seconds: v.optional(
    v.pipe(v.number("seconds"), v.integer("whole seconds"), v.minValue(1, "1 to 600"), v.maxValue(600, "1 to 600")),
    60,
  ),
});
const Method = v.pipe(
  v.string("a method"),
  v.check(
    (name) => name === "*" || verbClass(name) !== null,
    "an HTTP method that can be forwarded, in upper case, or *",
  ),
);
const Route = v.pipe(
  v.string("a route"),
  v.check((text) => parseRoute(text) !== null, "a route: /literal/*/{name}/**"),
);
const Rule = v.strictObject({
  id: v.pipe(v.string("an id"), v.regex(/^[a-z0-9][a-z0-9_.-]{0,63}$/, "an id: a-z, 0-9, _, - and .")),
  effect: v.picklist(["allow", "deny"], "allow or deny"),
  who: v.strictObject({ roles: v.optional(v.pipe(v.array(Name), v.maxLength(MAX_NAMES)), []), ...People }),
  connections: v.pipe(v.array(v.string()), v.minLength(1, "a connection"), v.maxLength(MAX_NAMES)),
  methods: v.pipe(v.array(Method), v.minLength(1, "a method"), v.maxLength(100)),
  routes: v.pipe(v.array(Route), v.minLength(1, "a route"), v.maxLength(MAX_ROUTES)),
});
const File = v.strictObject({
  $schema: v.optional(v.string()),
  version: v.literal(1, "1"),
  roles: v.optional(v.pipe(v.unknown(), NoList, v.record(Name, Role)), {}),
  connections: v.optional(v.pipe(v.unknown(), NoList, v.record(v.string(), Connection)), {}),
  rules: v.optional(v.pipe(v.array(Rule), v.maxLength(MAX_RULES, `at most ${MAX_RULES} rules`)), []),
});

export interface ConnectionSettings {
  readonly name: ConnectionName;
  readonly protocol: "http";
  /** Without a slash at the end. */
  readonly upstream: string;
  readonly region: string;
  readonly credential: CredentialUse | null;
  readonly labels: readonly string[];
  readonly timeoutSeconds: number;
  /** Bytes of a JSON body that rules may read. */
  readonly jsonLimit: number;
}

export interface Policy {
  /** SHA-256 of the text's UTF-8 bytes. */
  readonly hash: Digest;
  readonly description: string | null;
  readonly roles: readonly PolicyRole[];
  readonly connections: ReadonlyMap<string, ConnectionSettings>;
  /** In the file's order. */
  readonly rules: readonly PolicyRule[];
  readonly examples: readonly PolicyExample[];
  /** What `decide` reads. */
  readonly compiled: CompiledRules;
}

const EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" as Digest;

/** What holds where no policy was ever applied: it allows nothing. Its hash is the empty text's. */
export const EMPTY_POLICY: Policy = {
  hash: EMPTY_HASH,
  description: null,
  roles: [],
  connections: new Map(),
  rules: [],
  examples: [],
  compiled: compileRules(EMPTY_HASH, [], []),
};

/** `hash` is the SHA-256 of the file's bytes, of which `text` is the UTF-8 text. */
export function parsePolicy(text: string, hash: Digest): Result<Policy, PolicyRefusal> {
  if (text.length > TEXT_LIMIT) return invalid(text, [], `at most ${TEXT_LIMIT} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The engine's message quotes the text and differs between engines: not passed on.
    return refuse({ reason: "policy_invalid", problems: [{ path: "", line: 1, column: 1, expected: "JSON" }] });
  }
  const problem = findMembersProblem(text);
  if (problem !== null) {
    const path = problem.problem === "duplicate" ? problem.member.slice(0, 64) : "";
    const expected = "each member once, at most 64 levels deep";
    return refuse({ reason: "policy_invalid", problems: [{ path, line: 1, column: 1, expected }] });
  }
  const inherited = findInheritedName(value, []);
  if (inherited !== null) return invalid(text, inherited, "a name that objects do not inherit");
  const parsed = v.safeParse(File, value, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const path = (issue.path ?? []).map(({ key }) => (typeof key === "number" ? key : String(key)));
    return invalid(text, path, issue.expected === "never" ? "no such member" : issue.message);
  }
  return resolve(parsed.output, text, hash);
}

export type { PolicyExample } from "./example.ts";
export type { PolicyProblem, PolicyRefusal } from "./problem.ts";

type ParsedFile = v.InferOutput<typeof File>;

function resolve(file: ParsedFile, text: string, hash: Digest): Result<Policy, PolicyRefusal> {
  const connections = new Map<string, ConnectionSettings>();
  for (const [key, settings] of Object.entries(file.connections)) {
    const name = parseConnectionName(key);
    if (name === null || name === CONSOLE)
      return invalid(text, ["connections", key], "a connection's name: a-z, 0-9, single dashes, not console");
    connections.set(name, {
      name,
      protocol: settings.protocol,
      upstream: settings.upstream.replace(/\/+$/, ""),
      region: settings.region,
      credential: settings.credential ?? null,
      labels: settings.labels,
      timeoutSeconds: settings.timeout_seconds,
      jsonLimit: 65536,
    });
  }
  const dangling = findDangling(file, connections);
  if (dangling !== null) return invalid(text, dangling.at, dangling.expected);
  const rules = file.rules.map((rule, index) => ruleOf(rule, lineOf(text, ["rules", index])));
  const roles = Object.entries(file.roles).map(([name, role]) => ({
    name,
    groups: new Set(role.groups),
    issuer: role.issuer ?? null,
    subjects: role.subjects,
  }));
  return ok({
    hash,
    description: null,
    roles,
    connections,
    rules,
    examples: [],
    compiled: compileRules(hash, connections.keys(), rules),
  });
}

/** What no single value shows: ids used twice, and names of roles and connections that are not defined. */
function findDangling(
  file: ParsedFile,
  connections: ReadonlyMap<string, unknown>,
): { readonly at: JsonPath; readonly expected: string } | null {
  const ids = new Set<string>();
  for (const [index, { id, who, connections: names }] of file.rules.entries()) {
    const at = ["rules", index];
    if (ids.has(id)) return { at: [...at, "id"], expected: "an id that no other rule has" };
    ids.add(id);
    // Such a rule would hold for nobody: certainly not what was meant.
    if (who.roles.length + who.groups.length + who.subjects.length === 0)
      return { at: [...at, "who"], expected: "a role, a group or a subject" };
    const role = who.roles.findIndex((name) => !Object.hasOwn(file.roles, name) && !BUILT_IN_ROLES.includes(name));
    if (role >= 0) return { at: [...at, "who", "roles", role], expected: "a role of this file" };
    const connection = names.findIndex((name) => name !== "*" && !connections.has(name));
    if (connection >= 0) return { at: [...at, "connections", connection], expected: "a connection of this file, or *" };
  }
  return null;
}

function ruleOf(rule: ParsedFile["rules"][number], line: number): PolicyRule {
  return {
    id: rule.id,
    line,
    column: 1,
    description: null,
    priority: 0,
    anyone: false,
    labels: null,
    when: null,
    message: null,
    obligations: [],
    effect: rule.effect,
    roles: new Set(rule.who.roles),
    groups: new Set(rule.who.groups),
    issuer: rule.who.issuer ?? null,
    subjects: rule.who.subjects,
    connections: new Set(rule.connections),
    methods: new Set(rule.methods),
    routes: rule.routes.map((route) => parseRoute(route)).filter((route) => route !== null),
  };
}

/**
 * Validators skip `__proto__` and `constructor` or take inherited members for present ones: a policy
 * that names either would be read other than it stands. Depth is bounded by then.
 */
function findInheritedName(value: unknown, at: JsonPath): JsonPath | null {
  if (typeof value !== "object" || value === null) return null;
  for (const [key, member] of Object.entries(value)) {
    const below = [...at, Array.isArray(value) ? Number(key) : key];
    if (!Array.isArray(value) && (key in Object.prototype || key === "prototype")) return below;
    const found = findInheritedName(member, below);
    if (found !== null) return found;
  }
  return null;
}

/** Connections that speak plain http to their upstream: for development configurations only. */
export function insecureConnections(policy: Policy): readonly ConnectionName[] {
  return [...policy.connections.values()]
    .filter(({ upstream }) => !upstream.startsWith("https:"))
    .map(({ name }) => name);
}

function isUpstream(text: string): boolean {
  if (text.length > 2048) return false;
  if (!/^https?:\/\/[A-Za-z0-9.\-[\]:]+(?:\/[A-Za-z0-9\-._~!$&'()*+,;=:@/]*)?$/.test(text)) return false;
  const url = URL.canParse(text) ? new URL(text) : null;
  // A text that the parser would change (`http://0x7f.1`, a default port, `/a/../b`) is not what a reviewer reads.
  return url !== null && url.username === "" && (url.href === text || url.href === `${text}/`);
}

function invalid(text: string, at: JsonPath, expected: string): { readonly ok: false } & PolicyRefusal {
  const problem = { path: pathText(at), line: lineOf(text, at), column: 1, expected };
  return refuse({ reason: "policy_invalid", problems: [problem] });
}

function pathText(at: JsonPath): string {
  let path = "";
  for (const key of at) {
    if (typeof key === "number") path += `[${key}]`;
    else path += path === "" ? key.slice(0, 64) : `.${key.slice(0, 64)}`;
  }
  return path;
}
